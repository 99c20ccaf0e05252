/**
 * Keeps count of what every limit over a set of rates still allows while rates are handed out one by one: lines of
 * circuits, kW of circuits, and sums of currents at angles.
 */
import { factorOf } from "./phasors.ts";
import type { Phasor } from "./problem.ts";

export interface Draws {
  circuit: number;
  /** Bits, as in `PlanVehicle`. */
  lines: number;
  ampsPerUnit: number;
  kwPerUnit: number;
  gridKwPerUnit?: number;
}

/** What one unit of rate takes of a limit in kW. */
export const gridKw = ({ kwPerUnit, gridKwPerUnit }: Pick<Draws, "kwPerUnit" | "gridKwPerUnit">): number =>
  gridKwPerUnit ?? kwPerUnit;

export interface Limits {
  parent: Int32Array;
  /** A, three per circuit; infinite where there is no limit. */
  roomA: Float64Array;
  /** kW per circuit; infinite where there is no limit. */
  roomKw: Float64Array;
  phasors: readonly Phasor[];
}

interface Cone {
  re: number;
  im: number;
  readonly limit: number;
  /** What one unit of a rate adds; by index of the rate. */
  readonly factors: ReadonlyMap<number, { re: number; im: number }>;
}

export function createJointRoom(limits: Limits, draws: readonly Draws[]) {
  const { parent } = limits;
  const lineA = limits.roomA.slice();
  const kw = limits.roomKw.slice();
  const cones = limits.phasors.map((phasor): Cone => {
    const factors = new Map<number, { re: number; im: number }>();
    for (const term of phasor.terms) {
      const { re, im } = factorOf(term);
      const amps = draws[term.vehicle]?.ampsPerUnit ?? 1;
      factors.set(term.vehicle, { re: re * amps, im: im * amps });
    }
    return { re: 0, im: 0, limit: phasor.limitA, factors };
  });

  const add = (i: number, rate: number): void => {
    const draw = draws[i] as Draws;
    const { circuit, lines, ampsPerUnit } = draw;
    for (let c = circuit; c >= 0; c = parent[c] as number) {
      for (let p = 0; p < 3; p++)
        if (lines & (1 << p)) lineA[c * 3 + p] = (lineA[c * 3 + p] as number) - rate * ampsPerUnit;
      kw[c] = (kw[c] as number) - rate * gridKw(draw);
    }
    for (const cone of cones) {
      const f = cone.factors.get(i);
      if (f === undefined) continue;
      cone.re += rate * f.re;
      cone.im += rate * f.im;
    }
  };

  /** The largest rate up to `wanted` that may be added for `i`; 0 when none. */
  const most = (i: number, wanted: number): number => {
    const draw = draws[i] as Draws;
    const { circuit, lines, ampsPerUnit } = draw;
    let rate = wanted;
    for (let c = circuit; c >= 0; c = parent[c] as number) {
      for (let p = 0; p < 3; p++)
        if (lines & (1 << p)) rate = Math.min(rate, (lineA[c * 3 + p] as number) / ampsPerUnit);
      rate = Math.min(rate, (kw[c] as number) / gridKw(draw));
    }
    for (const cone of cones) rate = Math.min(rate, withinCone(cone, i));
    return Math.max(0, rate);
  };

  /** Where a limit is exceeded by more than `dust`: which rates to lower, strongest first. Null when none is. */
  const exceeded = (dust: number): ((i: number) => number) | null => {
    for (let c = 0; c < kw.length; c++)
      if ((kw[c] as number) < -dust)
        return (i) => (isBelow(parent, (draws[i] as Draws).circuit, c) ? gridKw(draws[i] as Draws) : 0);
    for (const cone of cones) {
      const size = Math.hypot(cone.re, cone.im);
      if (size <= cone.limit + dust) continue;
      return (i) => {
        const f = cone.factors.get(i);
        return f === undefined ? 0 : (f.re * cone.re + f.im * cone.im) / size;
      };
    }
    return null;
  };

  return { add, most, exceeded };
}

/** Largest d with |sum + d * f| <= limit. */
function withinCone(cone: Cone, i: number): number {
  const f = cone.factors.get(i);
  if (f === undefined) return Number.POSITIVE_INFINITY;
  const ff = f.re * f.re + f.im * f.im;
  if (ff === 0) return Number.POSITIVE_INFINITY;
  const along = cone.re * f.re + cone.im * f.im;
  const free = cone.limit * cone.limit - cone.re * cone.re - cone.im * cone.im;
  const root = along * along + ff * free;
  return root < 0 ? 0 : (Math.sqrt(root) - along) / ff;
}

function isBelow(parent: Int32Array, circuit: number, ancestor: number): boolean {
  for (let c = circuit; c >= 0; c = parent[c] as number) if (c === ancestor) return true;
  return false;
}
