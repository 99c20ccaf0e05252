/**
 * From targets to rates that may be commanded now: the fast layer's `allocate`, which knows lines, minima and steps,
 * and around it the limits that it does not know: kW of a circuit, and sums of currents at angles. Those are handed out
 * beforehand in rank order, and checked again after rounding, because lowering a rate can raise such a sum.
 */
import { allocate, RANK, reasonCode } from "../allocate.ts";
import { createJointRoom, type Draws, type Limits } from "./joint-room.ts";

export interface Claim extends Draws {
  /** Rates in the unit of the connector, see `PlanVehicle`. */
  target: number;
  cap: number;
  /** It gets 0 or at least this. */
  min: number;
  /** Whole multiples of this; 0 for any rate. */
  step: number;
  /** One of `RANK`. */
  rank: number;
  weight: number;
}

/** No fuse is this large: stands for no limit. */
const NO_LIMIT_A = 1e7;
const DUST = 1e-6;
const PARTS = 32;
const STATION_MAX = reasonCode("station_max");

/** Rate per claim, within every limit. */
export function shareOut(limits: Limits, claims: readonly Claim[]): Float64Array {
  const joint = limits.phasors.length > 0 || limits.roomKw.some((kw) => Number.isFinite(kw));
  const granted = joint ? grant(limits, claims) : null;
  const n = claims.length;
  const min = claims.map((c) => wholeUp(c.min, c.step));
  const amps = (pick: (c: Claim, i: number) => number) => Float64Array.from(claims, pick);
  const cap = claims.map((c, i) => Math.min(c.cap, granted?.[i] ?? Number.POSITIVE_INFINITY));
  const { limitA } = allocate({
    parent: limits.parent,
    roomA: limits.roomA.map((a) => Math.min(a, NO_LIMIT_A)),
    circuit: Int32Array.from(claims, (c) => c.circuit),
    lines: Uint8Array.from(claims, (c) => c.lines),
    minA: amps((c, i) => (min[i] as number) * c.ampsPerUnit),
    capA: amps((c, i) => (cap[i] as number) * c.ampsPerUnit),
    capReason: new Uint8Array(n).fill(STATION_MAX),
    weight: amps((c) => c.weight),
    rank: Uint8Array.from(claims, (c) => c.rank),
    stepA: amps((c) => (c.ampsPerUnit === 1 && c.step > 0 ? c.step : 0.1)),
    targetA: amps((c, i) => Math.min(c.target, cap[i] as number) * c.ampsPerUnit),
  });
  const rates = claims.map((c, i) => {
    const rate = wholeDown((limitA[i] as number) / c.ampsPerUnit, c.step);
    return rate < (min[i] as number) - DUST ? 0 : Math.min(rate, Math.max(c.cap, min[i] as number));
  });
  if (joint) settle(limits, claims, min, rates);
  return Float64Array.from(rates);
}

/** Rates that were lowered from what may be commanded, lowered further where sums of currents at angles need it. */
export function settled(limits: Limits, claims: readonly Claim[], rates: readonly number[]): number[] {
  const low = rates.slice();
  if (limits.phasors.length > 0)
    settle(
      limits,
      claims,
      claims.map((c) => wholeUp(c.min, c.step)),
      low,
    );
  return low;
}

const wholeDown = (rate: number, step: number) => (step > 0 ? Math.floor(rate / step + DUST) * step : rate);
const wholeUp = (rate: number, step: number) => (step > 0 ? Math.ceil(rate / step - DUST) * step : rate);

/** Caps that keep kW and phasors if all are used: minima and targets in rank order, the rest evenly. */
function grant(limits: Limits, claims: readonly Claim[]): number[] {
  const room = createJointRoom(limits, claims);
  const granted = claims.map(() => 0);
  const order = claims.map((_, i) => i);
  // Of one rank whom the plan wants to charge comes before whom it would stop.
  const stops = (i: number) => ((claims[i] as Claim).target > 0 ? 0 : 1);
  order.sort((a, b) => (claims[a] as Claim).rank - (claims[b] as Claim).rank || stops(a) - stops(b) || a - b);
  const give = (i: number, upTo: number): void => {
    const more = room.most(i, upTo - (granted[i] as number));
    if (more <= 0) return;
    room.add(i, more);
    granted[i] = (granted[i] as number) + more;
  };
  for (const i of order) {
    const { min, cap, target, rank } = claims[i] as Claim;
    if (rank >= RANK.standby) continue;
    if (room.most(i, Math.min(min, cap)) >= min - DUST) give(i, Math.min(cap, Math.max(min, target)));
  }
  const upTo = order.flatMap((i) => {
    const { min, cap, rank } = claims[i] as Claim;
    const on = (granted[i] as number) > 0;
    if (!on && room.most(i, Math.min(min, cap)) < min - DUST) return [];
    const from = on ? (granted[i] as number) : min;
    if (!on) give(i, Math.min(min, cap));
    return [{ i, from, cap: rank >= RANK.standby && min > 0 ? Math.min(cap, min) : cap }];
  });
  // By small equal parts of what each may still get: near to max-min, whatever the shape of the limits.
  for (let part = 1; part <= PARTS; part++)
    for (const { i, from, cap } of upTo) give(i, from + ((cap - from) * part) / PARTS);
  return granted;
}

/** Lowers rates until kW and phasors hold; ends because every turn lowers one. */
function settle(limits: Limits, claims: readonly Claim[], min: readonly number[], rates: number[]): void {
  const room = createJointRoom(limits, claims);
  rates.forEach((rate, i) => {
    room.add(i, rate);
  });
  for (let weigh = room.exceeded(DUST); weigh !== null; weigh = room.exceeded(DUST)) {
    let worst = -1;
    let most = 0;
    rates.forEach((rate, i) => {
      const weight = rate > 0 ? (weigh?.(i) ?? 0) : 0;
      // Equal weights: the one with the higher rank number gives way.
      if (weight > most + DUST || (weight > most - DUST && weight > 0 && lower(i, worst))) {
        worst = i;
        most = weight;
      }
    });
    if (worst < 0) return;
    const step = (claims[worst] as Claim).step || 0.1 / (claims[worst] as Claim).ampsPerUnit;
    const before = rates[worst] as number;
    const after = before - step < Math.max(min[worst] as number, DUST) - DUST ? 0 : before - step;
    room.add(worst, after - before);
    rates[worst] = after;
  }

  function lower(i: number, than: number): boolean {
    return than < 0 || (claims[i] as Claim).rank > (claims[than] as Claim).rank;
  }
}
