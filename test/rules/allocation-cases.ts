/** Builds allocation inputs for tests and benchmarks, and checks answers against the limits independently. */
import type { Circuit, EvseSpec, PerLine } from "../../src/model/circuit.ts";
import { PHASE_ORDERS } from "../../src/model/circuit.ts";
import type { LimitReason } from "../../src/model/messages.ts";
import {
  type Allocation,
  type AllocationInput,
  allocate,
  RANK,
  reasonCode,
  reasonOf,
} from "../../src/rules/allocate.ts";
import { boundName, buildTree, type CircuitTree, lineMask } from "../../src/rules/allocate-tree.ts";

export interface Car {
  circuit?: string;
  /** Grid lines as `lineMask` gives them; all three when absent. */
  lines?: number;
  minA?: number;
  capA?: number;
  capReason?: LimitReason;
  weight?: number;
  rank?: number;
  stepA?: number;
  targetA?: number;
  classWeight?: number;
  order?: number;
  resting?: boolean;
  drawnA?: number;
}

/** What a case may hold besides currents per line, by circuit id. */
export interface Limits {
  roomW?: Record<string, number>;
  powerReason?: LimitReason;
  unbalanceA?: Record<string, number>;
  otherA?: Record<string, PerLine>;
}

export function circuit(id: string, parent: string | null, limit: number | PerLine): Circuit {
  const limitA: PerLine = typeof limit === "number" ? [limit, limit, limit] : limit;
  return { id, parent, limitA, meter: null };
}

export function evseSpec(station: string, of: Partial<EvseSpec> = {}): EvseSpec {
  return {
    station,
    evse: 1,
    circuit: "site",
    kind: "ac",
    minA: 6,
    maxA: 32,
    phases: 3,
    phaseOrder: "L1L2L3",
    fallbackA: 6,
    weight: 1,
    efficiency: 1,
    ...of,
  };
}

export function inputOf(
  circuits: Circuit[],
  cars: Car[],
  limits: Limits = {},
): { tree: CircuitTree; input: AllocationInput } {
  const tree = buildTree(circuits);
  const root = circuits[0]?.id ?? "";
  const column = (of: (c: Car) => number) => Float64Array.from(cars, of);
  const any = (field: keyof Car) => cars.some((c) => c[field] !== undefined);
  const perCircuit = (of: Record<string, number>) =>
    Float64Array.from(tree.circuits, (c) => of[c.id] ?? Number.POSITIVE_INFINITY);
  return {
    tree,
    input: {
      parent: tree.parent,
      roomA: tree.limitA.slice(),
      circuit: Int32Array.from(cars, (c) => tree.indexOf.get(c.circuit ?? root) ?? -1),
      lines: Uint8Array.from(cars, (c) => c.lines ?? 7),
      minA: column((c) => c.minA ?? 6),
      capA: column((c) => c.capA ?? 32),
      capReason: Uint8Array.from(cars, (c) => reasonCode(c.capReason ?? "station_max")),
      weight: column((c) => c.weight ?? 1),
      rank: Uint8Array.from(cars, (c) => c.rank ?? RANK.running),
      stepA: column((c) => c.stepA ?? 0.1),
      targetA: column((c) => c.targetA ?? 0),
      ...(any("classWeight") ? { classWeight: column((c) => c.classWeight ?? 1) } : {}),
      ...(any("order") ? { order: column((c) => c.order ?? 0) } : {}),
      ...(any("resting") ? { resting: Uint8Array.from(cars, (c) => (c.resting ? 1 : 0)) } : {}),
      ...(any("drawnA") ? { drawnA: column((c) => c.drawnA ?? 0) } : {}),
      ...(limits.roomW ? { roomW: perCircuit(limits.roomW) } : {}),
      ...(limits.powerReason
        ? {
            powerReason: Uint8Array.from(tree.circuits, () =>
              reasonCode(limits.powerReason ?? "power_limit"),
            ),
          }
        : {}),
      ...(limits.unbalanceA ? { unbalanceA: perCircuit(limits.unbalanceA) } : {}),
      ...(limits.otherA
        ? {
            otherA: Float64Array.from(
              tree.circuits.flatMap((c) => [...(limits.otherA?.[c.id] ?? [0, 0, 0])]),
            ),
          }
        : {}),
    },
  };
}

/** Allocates and spells the answer out, for reading in a test. */
export function share(circuits: Circuit[], cars: Car[], limits: Limits = {}) {
  const { tree, input } = inputOf(circuits, cars, limits);
  const answer = allocate(input);
  return {
    limitA: [...answer.limitA],
    reason: [...answer.reason].map(reasonOf),
    boundBy: [...answer.boundBy].map((k) => boundName(tree, k) ?? ""),
  };
}

/** Everything that is wrong with an answer, in words; counts in hundredths so that it shares no code with the rule. */
export function violations(input: AllocationInput, answer: Allocation): string[] {
  const wrong: string[] = [];
  const n = input.circuit.length;
  const used = new Map<number, number>();
  const path = (i: number): number[] => {
    const keys: number[] = [];
    for (let c = input.circuit[i] ?? -1; c >= 0; c = input.parent[c] ?? -1)
      for (let p = 0; p < 3; p++) if ((input.lines[i] ?? 0) & (1 << p)) keys.push(c * 3 + p);
    return keys;
  };
  for (let i = 0; i < n; i++) {
    const a = answer.limitA[i] ?? Number.NaN;
    if (!Number.isFinite(a) || a < 0) wrong.push(`EVSE ${i}: ${a} A`);
    if (a > 0 && a < (input.minA[i] ?? 0) - 1e-9) wrong.push(`EVSE ${i}: ${a} A is below its minimum`);
    if (a > (input.capA[i] ?? 0) + 1e-9) wrong.push(`EVSE ${i}: ${a} A is above its cap`);
    const steps = a / (input.stepA[i] ?? 0.1);
    if (Math.abs(steps - Math.round(steps)) > 1e-6) wrong.push(`EVSE ${i}: ${a} A is between steps`);
    for (const k of path(i)) used.set(k, (used.get(k) ?? 0) + Math.round(a * 100));
  }
  const roomOf = (k: number) => Math.max(0, (input.roomA[k] || 0) * 100);
  for (const [k, sum] of used)
    if (sum > roomOf(k) + 1e-4) wrong.push(`constraint ${k}: ${sum / 100} A of ${input.roomA[k] ?? 0} A`);
  const given = [...answer.limitA];
  for (const fault of circuitFaults(input, given)) wrong.push(fault);
  // Pareto: nobody could get one step (or its minimum) more and leave the others what they have.
  for (let i = 0; i < n; i++) {
    const a = answer.limitA[i] ?? 0;
    const step = input.stepA[i] ?? 0.1;
    const first = Math.ceil((input.minA[i] ?? 0) / step - 1e-9) * step;
    const standby = (input.rank[i] ?? 0) >= RANK.standby;
    if (standby && a > 0) continue;
    const next = a > 0 ? a + step : Math.max(first, standby ? 0 : step);
    if (next === 0 || next > (input.capA[i] ?? 0) + 1e-9) continue;
    const delta = Math.round((next - a) * 100);
    const other = given.with(i, next);
    if (
      path(i).every((k) => (used.get(k) ?? 0) + delta <= roomOf(k) + 1e-4) &&
      circuitFaults(input, other, i).length === 0
    )
      wrong.push(`EVSE ${i}: could have ${next} A instead of ${a} A`);
  }
  return wrong;
}

/** Limits in W and of unbalance that `limitA` does not keep; of the circuits over EVSE `only`, or of all. */
function circuitFaults(input: AllocationInput, limitA: readonly number[], only?: number): string[] {
  const wrong: string[] = [];
  if (input.roomW === undefined && input.unbalanceA === undefined) return wrong;
  const above = (i: number) => {
    const path: number[] = [];
    for (let c = input.circuit[i] ?? -1; c >= 0; c = input.parent[c] ?? -1) path.push(c);
    return path;
  };
  const on = (i: number, line: number) => (((input.lines[i] ?? 0) >> line) & 1) === 1;
  for (const c of only === undefined ? input.parent.keys() : above(only)) {
    const members = limitA.map((_, i) => i).filter((i) => above(i).includes(c));
    const watts = input.roomW?.[c] ?? Number.POSITIVE_INFINITY;
    const drawn = members.reduce(
      (sum, i) => sum + [0, 1, 2].filter((p) => on(i, p)).length * (limitA[i] ?? 0) * (input.voltageV ?? 230),
      0,
    );
    if (drawn > Math.max(0, watts || 0) + 1e-3) wrong.push(`circuit ${c}: ${drawn} W of ${watts} W`);
    const apart = input.unbalanceA?.[c] ?? Number.POSITIVE_INFINITY;
    for (const high of [0, 1, 2])
      for (const low of [0, 1, 2]) {
        const other = (input.otherA?.[c * 3 + high] ?? 0) - (input.otherA?.[c * 3 + low] ?? 0);
        let gap = 0;
        for (const i of members) {
          const a = limitA[i] ?? 0;
          if (on(i, high) && !on(i, low)) gap += a;
          if (on(i, low) && !on(i, high)) gap -= Math.min(a, input.drawnA?.[i] ?? a);
        }
        // A gap that other load makes alone only must not grow.
        if (gap > Math.max(0, Math.floor((apart - other) * 10 + 1e-6) / 10) + 1e-6)
          wrong.push(`circuit ${c}: L${high + 1} ${gap + other} A above L${low + 1}, allowed are ${apart} A`);
      }
  }
  return wrong;
}

/** A seeded source of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Any tree in any state, also absurd ones: no room, negative room, caps below minima. */
export function randomCase(random: () => number, maxEvses: number) {
  const int = (n: number) => Math.floor(random() * n);
  const circuits: Circuit[] = [];
  const count = 1 + int(12);
  for (let c = 0; c < count; c++) {
    const parent = c === 0 || random() < 0.05 ? null : `c${int(c)}`;
    const scale = random() < 0.1 ? 0 : parent === null ? 40 + 400 * random() : 200 * random();
    const limitA: PerLine = [0, 0, 0].map(() => Math.round(scale * (0.5 + random()) * 100) / 100) as never;
    circuits.push({ id: `c${c}`, parent, limitA, meter: null });
  }
  const cars: Car[] = [];
  for (let i = int(maxEvses + 1); i > 0; i--) {
    const order = PHASE_ORDERS[int(PHASE_ORDERS.length)] ?? "L1L2L3";
    const minA = random() < 0.15 ? 0 : 6 + int(8);
    cars.push({
      circuit: `c${int(count)}`,
      lines: lineMask(order, 1 + int(3)),
      minA,
      capA: random() < 0.1 ? 0 : Math.round((4 + 60 * random()) * 100) / 100,
      weight: random() < 0.6 ? 1 : 0.25 + 4 * random(),
      rank: int(5),
      stepA: [0.1, 0.1, 0.1, 0.6, 1][int(5)] ?? 0.1,
      targetA: random() < 0.2 ? 40 * random() : 0,
    });
  }
  const made = inputOf(circuits, cars);
  for (let k = 0; k < made.input.roomA.length; k++)
    if (random() < 0.03) made.input.roomA[k] = random() < 0.5 ? -20 * random() : Number.NaN;
  return made;
}

/** The same with limits in W and of unbalance, other load, classes and turns. */
export function randomCaseWithAll(random: () => number, maxEvses: number) {
  const made = randomCase(random, maxEvses);
  const { input } = made;
  const n = input.circuit.length;
  const circuits = input.parent.length;
  const sometimes = (likely: number, value: () => number) => (random() < likely ? value() : Infinity);
  input.voltageV = random() < 0.5 ? 230 : 220 + 20 * random();
  input.roomW = Float64Array.from({ length: circuits }, () =>
    sometimes(0.5, () => 60_000 * random() - 2_000),
  );
  input.unbalanceA = Float64Array.from({ length: circuits }, () => sometimes(0.5, () => 30 * random()));
  input.otherA = Float64Array.from({ length: circuits * 3 }, () => 25 * random() - 5);
  if (random() < 0.5)
    input.drawnA = Float64Array.from({ length: n }, () =>
      random() < 0.3 ? 0 : Math.round(320 * random()) / 10,
    );
  input.classWeight = Float64Array.from({ length: n }, () => [1, 1, 3, 10][Math.floor(4 * random())] ?? 1);
  input.order = Float64Array.from({ length: n }, () => Math.floor(5 * random()));
  input.resting = Uint8Array.from({ length: n }, () => (random() < 0.2 ? 1 : 0));
  return made;
}
