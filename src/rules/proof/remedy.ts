/** The smallest changes that make a circuit fit when all its stations are at their fallbacks. */
import { type Circuit, type EvseSpec, linesOf, type PhaseOrder } from "../../model/circuit.ts";
import { buildTree, type CircuitTree } from "../allocate-tree.ts";
import { type LineMargin, type PowerMargin, proveFallbacks } from "./fallbacks.ts";

export interface Remedy {
  circuit: string;
  /** Limit that would do on each line, A, reserve taken off; lines that fit keep theirs. */
  limitA: [number, number, number];
  /** Stations to lower and to what, the highest first; null where other load alone is too much. */
  fallback: Lowered[] | null;
  /** Stations with one line that would have to be rewired, and how, if that alone is enough; null if not. */
  turns: Turn[] | null;
}

/** Stations that a change gives the same fallback. */
export interface Lowered {
  /** A per line, on the steps of each; 0 where its minimum is higher. */
  fallbackA: number;
  stations: string[];
}

export interface Turn {
  station: string;
  order: PhaseOrder;
}

const ORDER_OF_LINE = ["L1L2L3", "L2L3L1", "L3L1L2"] as const satisfies PhaseOrder[];
const DUST_A = 1e-6;

/** For a circuit whose proof fails. Circuits must be a tree. */
export function remedyOf(circuits: readonly Circuit[], evses: readonly EvseSpec[], circuit: string): Remedy {
  const tree = buildTree(circuits);
  const { lines } = proveFallbacks(circuits, evses, 1);
  const mine = lines.filter((l) => l.circuit === circuit);
  const needed = mine.map((l) => Math.max(l.limitA, Math.round((l.fallbackA + l.otherA) * 1000) / 1000));
  const loads = loadsOf(below(tree, evses, circuit));
  const fits = (amps: readonly number[]) =>
    mine.every((l) => {
      const sum = loads.reduce((a, load, i) => a + (load.on[l.line] ?? 0) * (amps[i] ?? 0), 0);
      return sum + l.otherA <= l.limitA + DUST_A;
    });
  return {
    circuit,
    limitA: [needed[0] ?? 0, needed[1] ?? 0, needed[2] ?? 0],
    fallback: lowered(loads, fits),
    turns: turns(tree, lines, evses, circuit),
  };
}

/** The stations to lower for a limit in W, or the limit that would do: as `remedyOf`. `voltageV`: line to neutral. */
export function powerRemedyOf(
  circuits: readonly Circuit[],
  evses: readonly EvseSpec[],
  { circuit, limitW, fallbackW, otherW }: PowerMargin,
  voltageV: number,
): { fallback: Lowered[] | null; limitW: number } {
  const loads = loadsOf(below(buildTree(circuits), evses, circuit));
  const fits = (amps: readonly number[]) =>
    loads.reduce((sum, { on }, i) => sum + total(on) * (amps[i] ?? 0), 0) * voltageV + otherW <=
    limitW + DUST_A;
  return { fallback: lowered(loads, fits), limitW: fallbackW + otherW };
}

function below(tree: CircuitTree, evses: readonly EvseSpec[], circuit: string): EvseSpec[] {
  const from = tree.indexOf.get(circuit) ?? -1;
  const end = tree.end[from] ?? -1;
  return evses.filter((e) => {
    const c = tree.indexOf.get(e.circuit) ?? -1;
    return c >= from && c < end;
  });
}

/** On the station's steps, 0 or at least its minimum. */
function lawful(e: EvseSpec, a: number): number {
  const step = e.stepA ?? 0.1;
  const down = Math.floor(Math.round((Math.min(a, e.fallbackA) / step) * 1e6) / 1e6) * step;
  return a >= e.fallbackA ? e.fallbackA : down >= e.minA - 1e-9 ? Math.round(down * 1000) / 1000 : 0;
}

/** The EVSEs of a station, which have their fallback in common. */
interface Load {
  station: string;
  spec: EvseSpec;
  /** EVSEs on each line. */
  on: readonly number[];
}

/**
 * One fallback for all that have a higher one, given back to whom it need not be taken from. Where minima would have it
 * switch stations off, one station alone instead if that takes less off, over all lines.
 */
function lowered(loads: readonly Load[], fits: (amps: readonly number[]) => boolean): Lowered[] | null {
  const own = loads.map(({ spec }) => spec.fallbackA);
  if (!fits(own.map(() => 0))) return null;
  const highest = (at: (level: number) => number[]) =>
    at(highestTenths(Math.max(...own), (t) => fits(at(t / 10))) / 10);
  const all = highest((a) => loads.map(({ spec }) => lawful(spec, a)));
  loads
    .map((_, i) => i)
    .sort((a, b) => (own[a] as number) - (own[b] as number))
    .forEach((i) => {
      const before = all[i] as number;
      all[i] = own[i] as number;
      if (!fits(all)) all[i] = before;
    });
  if (all.every((a, i) => a > 0 || own[i] === 0)) return grouped(loads, own, all);
  let best = all;
  const lost = (amps: readonly number[]) =>
    loads.reduce((sum, { on }, i) => sum + total(on) * ((own[i] as number) - (amps[i] as number)), 0);
  loads.forEach(({ spec }, i) => {
    const alone = (a: number) => own.map((amps, k) => (k === i ? lawful(spec, a) : amps));
    if (!fits(alone(0))) return;
    const one = highest(alone);
    if (lost(one) < lost(best) - DUST_A) best = one;
  });
  return grouped(loads, own, best);
}

function loadsOf(evses: readonly EvseSpec[]): Load[] {
  const loads = new Map<string, Load & { on: number[] }>();
  for (const spec of evses) {
    const load = loads.get(spec.station) ?? { station: spec.station, spec, on: [0, 0, 0] };
    for (const p of linesOf(spec.phaseOrder, spec.phases)) load.on[p] = (load.on[p] ?? 0) + 1;
    loads.set(spec.station, load);
  }
  return [...loads.values()];
}

/** Sums never fall as the level rises, so bisecting finds the highest that fits, in tenths of an ampere; 0 fits. */
function highestTenths(mostA: number, fits: (tenths: number) => boolean): number {
  let low = 0;
  let high = Math.ceil(mostA * 10) + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function grouped(loads: readonly Load[], own: readonly number[], amps: readonly number[]): Lowered[] {
  const groups = new Map<number, string[]>();
  loads.forEach(({ station }, i) => {
    const a = amps[i] as number;
    if (a < (own[i] as number)) groups.set(a, [...(groups.get(a) ?? []), station]);
  });
  return [...groups]
    .map(([fallbackA, stations]) => ({ fallbackA, stations }))
    .sort((a, b) => b.fallbackA - a.fallbackA);
}

const total = (on: readonly number[]) => on.reduce((sum, n) => sum + n, 0);

interface Movable {
  station: string;
  circuit: number;
  line: number;
  amps: number;
}

/**
 * Greedy: from the fullest line of the circuit, the station that frees just enough (or the largest) moves to the line
 * that has the most room all the way up. Null when it finds nothing: there may still be a way.
 */
function turns(
  tree: CircuitTree,
  lines: readonly LineMargin[],
  evses: readonly EvseSpec[],
  circuit: string,
): Turn[] | null {
  const slack = new Float64Array(tree.parent.length * 3);
  for (const l of lines) slack[(tree.indexOf.get(l.circuit) ?? 0) * 3 + l.line] = l.marginA;
  const at = tree.indexOf.get(circuit) ?? 0;
  const movable = new Map<string, Movable>();
  for (const e of below(tree, evses, circuit).filter((one) => one.phases === 1 && one.fallbackA > 0)) {
    const m = movable.get(e.station) ?? {
      station: e.station,
      circuit: tree.indexOf.get(e.circuit) ?? 0,
      line: linesOf(e.phaseOrder, 1)[0] ?? 0,
      amps: 0,
    };
    movable.set(e.station, { ...m, amps: m.amps + e.fallbackA });
  }
  const roomUp = (m: Movable, line: number) => {
    let least = Number.POSITIVE_INFINITY;
    for (let c = m.circuit; c >= 0; c = tree.parent[c] as number)
      least = Math.min(least, slack[c * 3 + line] as number);
    return least;
  };
  const made: Turn[] = [];
  for (;;) {
    const slackAt = (line: number) => slack[at * 3 + line] as number;
    const fullest = [0, 1, 2].reduce((worst, line) => (slackAt(line) < slackAt(worst) ? line : worst), 0);
    const lackA = -slackAt(fullest);
    if (lackA <= DUST_A) return made;
    let best: { m: Movable; to: number; room: number } | null = null;
    for (const m of movable.values()) {
      if (m.line !== fullest) continue;
      for (const to of [0, 1, 2].filter((line) => line !== fullest)) {
        const room = roomUp(m, to);
        if (m.amps > room + DUST_A) continue;
        if (best === null || better(m, room, best, lackA)) best = { m, to, room };
      }
    }
    if (best === null) return null;
    const { m, to } = best;
    for (let c = m.circuit; c >= 0; c = tree.parent[c] as number) {
      slack[c * 3 + fullest] = (slack[c * 3 + fullest] as number) + m.amps;
      slack[c * 3 + to] = (slack[c * 3 + to] as number) - m.amps;
    }
    movable.delete(m.station);
    made.push({ station: m.station, order: ORDER_OF_LINE[to] ?? "L1L2L3" });
  }
}

function better(m: Movable, room: number, than: { m: Movable; room: number }, lackA: number): boolean {
  const enough = (one: Movable) => one.amps >= lackA - DUST_A;
  if (enough(m) !== enough(than.m)) return enough(m);
  if (m.amps !== than.m.amps) return enough(m) ? m.amps < than.m.amps : m.amps > than.m.amps;
  return room > than.room;
}
