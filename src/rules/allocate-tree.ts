/**
 * The circuit tree as the allocation and the gate walk it: circuits in preorder (a parent before its children, a
 * subtree contiguous), room as three lines a circuit, constraints by `boundKey`.
 */
import { type Circuit, type EvseSpec, linesOf, type PhaseOrder } from "../model/circuit.ts";
import { evseId } from "../model/ids.ts";

export interface CircuitTree {
  /** In preorder. */
  circuits: readonly Circuit[];
  indexOf: ReadonlyMap<string, number>;
  /** Index of the parent, -1 for a root. */
  parent: Int32Array;
  /** One past the last circuit of the subtree. */
  end: Int32Array;
  /** A, three per circuit. */
  limitA: Float64Array;
}

/** What is wrong with the circuits or EVSEs, and where: `path` is a JSON-style path into the two lists. */
export interface TreeFault {
  path: string;
  message: string;
}

/** Thrown by `buildTree`; lists every fault. */
export class TreeError extends Error {
  readonly faults: readonly TreeFault[];

  constructor(faults: readonly TreeFault[]) {
    super(faults.map((f) => `${f.path}: ${f.message}`).join("\n"));
    this.name = "TreeError";
    this.faults = faults;
  }
}

/** Grid lines as bits: 1 for L1, 2 for L2, 4 for L3. */
export function lineMask(order: PhaseOrder, phases: number): number {
  return linesOf(order, phases).reduce((mask, line) => mask | (1 << line), 0);
}

export function lineName(line: number): string {
  return `L${line + 1}`;
}

/** What can bind on a circuit: 0, 1, 2 its lines, `POWER` its power. */
export const BOUNDS = 4;
export const POWER = 3;

/** One number for a circuit's line or power, as `Allocation.boundBy` holds it. */
export function boundKey(circuit: number, bound: number): number {
  return circuit * BOUNDS + bound;
}

/** Index of the circuit of a key; -1 for none. */
export function boundCircuit(key: number): number {
  return Math.floor(key / BOUNDS);
}

/** For people: `row-a L2`, `site power`; null for none. */
export function boundName(tree: CircuitTree, key: number): string | null {
  if (key < 0) return null;
  const bound = key % BOUNDS;
  return `${tree.circuits[boundCircuit(key)]?.id} ${bound === POWER ? "power" : lineName(bound)}`;
}

/** Every fault of the tree: unknown parents, cycles, missing limits, duplicate ids, EVSEs on unknown circuits. */
export function treeFaults(circuits: readonly Circuit[], evses: readonly EvseSpec[]): TreeFault[] {
  const faults: TreeFault[] = [];
  const byId = new Map<string, Circuit>();
  circuits.forEach((c, i) => {
    if (byId.has(c.id)) faults.push({ path: `circuits[${i}].id`, message: `"${c.id}" is used twice` });
    else byId.set(c.id, c);
  });
  circuits.forEach((c, i) => {
    const path = `circuits[${i}]`;
    if (c.parent !== null && !byId.has(c.parent))
      faults.push({
        path: `${path}.parent`,
        message: `no circuit "${c.parent}"; name one of the list or null`,
      });
    else if (inCycle(c, byId))
      faults.push({ path: `${path}.parent`, message: `"${c.id}" is its own ancestor: ${cycleOf(c, byId)}` });
    c.limitA.forEach((a, line) => {
      if (!(Number.isFinite(a) && a >= 0))
        faults.push({
          path: `${path}.limitA[${line}]`,
          message: `${a} is no limit; give amperes of 0 or more for ${lineName(line)}`,
        });
    });
  });
  const seen = new Set<string>();
  evses.forEach((e, i) => {
    const path = `evses[${i}]`;
    const id = evseId(e.station, e.evse);
    if (seen.has(id)) faults.push({ path, message: `${id} is listed twice` });
    seen.add(id);
    if (!byId.has(e.circuit))
      faults.push({ path: `${path}.circuit`, message: `${id} is on "${e.circuit}", which is no circuit` });
    if (!(e.minA >= 0 && e.minA <= e.maxA && Number.isFinite(e.maxA)))
      faults.push({
        path: `${path}.minA`,
        message: `${id} has min ${e.minA} A, max ${e.maxA} A; need 0 <= min <= max`,
      });
    if (!(e.fallbackA >= 0 && e.fallbackA <= e.maxA))
      faults.push({
        path: `${path}.fallbackA`,
        message: `${id} falls back to ${e.fallbackA} A; need 0 to its maximum, ${e.maxA} A`,
      });
    if (!(e.weight > 0 && Number.isFinite(e.weight)))
      faults.push({ path: `${path}.weight`, message: `${id} has weight ${e.weight}; need a number above 0` });
  });
  return faults;
}

function inCycle(start: Circuit, byId: ReadonlyMap<string, Circuit>): boolean {
  let c: Circuit | undefined = start;
  for (let steps = 0; steps <= byId.size; steps++) {
    if (c === undefined || c.parent === null) return false;
    c = byId.get(c.parent);
    if (c === start) return true;
  }
  return false;
}

function cycleOf(start: Circuit, byId: ReadonlyMap<string, Circuit>): string {
  const names = [start.id];
  for (let c = byId.get(start.parent ?? ""); c && c !== start; c = byId.get(c.parent ?? "")) names.push(c.id);
  return [...names, start.id].join(" -> ");
}

/** Throws a `TreeError` that lists what is wrong. Children keep the order of the list. */
export function buildTree(circuits: readonly Circuit[]): CircuitTree {
  const faults = treeFaults(circuits, []);
  if (faults.length > 0) throw new TreeError(faults);
  const children = new Map<string | null, Circuit[]>();
  for (const c of circuits) {
    const siblings = children.get(c.parent);
    if (siblings) siblings.push(c);
    else children.set(c.parent, [c]);
  }
  const ordered: Circuit[] = [];
  const stack = [...(children.get(null) ?? [])].reverse();
  for (let c = stack.pop(); c !== undefined; c = stack.pop()) {
    ordered.push(c);
    stack.push(...[...(children.get(c.id) ?? [])].reverse());
  }
  const indexOf = new Map(ordered.map((c, i) => [c.id, i]));
  const parent = Int32Array.from(ordered, (c) => (c.parent === null ? -1 : (indexOf.get(c.parent) ?? -1)));
  return {
    circuits: ordered,
    indexOf,
    parent,
    end: subtreeEnds(parent),
    limitA: Float64Array.from(ordered.flatMap((c) => [...c.limitA])),
  };
}

/** One past the last circuit of each subtree, for parents in preorder. */
export function subtreeEnds(parent: Int32Array): Int32Array {
  const end = Int32Array.from(parent, (_, i) => i + 1);
  for (let i = parent.length - 1; i >= 0; i--) {
    const p = parent[i] as number;
    if (p >= 0) end[p] = Math.max(end[p] as number, end[i] as number);
  }
  return end;
}

/** A of all fallbacks below each circuit, three per circuit. */
export function fallbackSums(tree: CircuitTree, evses: readonly EvseSpec[]): Float64Array {
  const sums = new Float64Array(tree.parent.length * 3);
  for (const e of evses) {
    const lines = linesOf(e.phaseOrder, e.phases);
    for (let c = tree.indexOf.get(e.circuit) ?? -1; c >= 0; c = tree.parent[c] as number)
      for (const line of lines) sums[c * 3 + line] = (sums[c * 3 + line] as number) + e.fallbackA;
  }
  // Sums of tenths of an ampere pick up binary dust that a person would not understand.
  return sums.map((a) => Math.round(a * 1e6) / 1e6);
}
