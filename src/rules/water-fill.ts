/**
 * Weighted max-min fairness over a tree with three lines and power limits: one level rises, EVSE `i` follows
 * `weight[i] * level` from its base to its cap, and stops where a line or power limit over it is full. Event-driven: the level jumps to the next base, cap or
 * full line, so the work grows with the number of EVSEs and not with the size of the currents.
 */
import { BOUNDS, POWER, subtreeEnds } from "./allocate-tree.ts";

export interface FillInput {
  parent: Int32Array;
  circuit: Int32Array;
  lines: Uint8Array;
  /** Per EVSE the constraints over it: `keys[at[i] .. at[i + 1]]`. */
  at: Int32Array;
  keys: Int32Array;
  /** Beside `keys`: how often a tenth of the EVSE counts there. */
  per: Uint8Array;
  /** Tenths of A left per constraint, with every base already taken off. */
  left: Int32Array;
  /** Tenths of A each EVSE holds already. */
  base: Int32Array;
  cap: Int32Array;
  weight: Float64Array;
  /** 1: takes part. */
  admitted: Uint8Array;
}

/** More EVSEs than this would overlap in `byLevel`: 2^20 of them, times 2^33 levels, fill the 53 bits of a number. */
const INDICES = 2 ** 20;
const HIGHEST = 2 ** 33 - 1;

const WAITING = 1;
const RISING = 2;
const DONE = 3;

/** Rate of each EVSE in tenths of A, not rounded: at least its base, at most its cap. */
export function waterFill(input: FillInput): Float64Array {
  const { parent, circuit, lines, at, keys, per, left, base, cap, weight, admitted } = input;
  const n = circuit.length;
  const constraints = left.length;
  const rate = new Float64Array(n);
  const state = new Uint8Array(n);

  // A constraint with risers of total weight W is full at level avail / W, where avail is what is left plus the
  // risers' bases: kept as two sums, so a level change touches nothing.
  const avail = new Float64Array(left);
  const slope = new Float64Array(constraints);
  const risers = new Int32Array(constraints);
  const fullAt = new Float64Array(constraints).fill(Number.POSITIVE_INFINITY);
  // No line fills below this level. Joining risers lower it; stopping ones raise lines' levels and leave it, so it is
  // only searched for anew when an event has reached it.
  let none = Number.POSITIVE_INFINITY;

  const update = (i: number, availDelta: number, weightDelta: number, riserDelta: number): void => {
    const to = at[i + 1] as number;
    for (let x = at[i] as number; x < to; x++) {
      const k = keys[x] as number;
      const times = per[x] as number;
      const a = (avail[k] as number) + times * availDelta;
      const r = (risers[k] as number) + riserDelta;
      const s = r === 0 ? 0 : (slope[k] as number) + times * weightDelta;
      const full = r === 0 ? Number.POSITIVE_INFINITY : a / s;
      avail[k] = a;
      risers[k] = r;
      slope[k] = s;
      fullAt[k] = full;
      if (full < none) none = full;
    }
  };

  const w = new Float64Array(n);
  const joinAt = new Float64Array(n);
  const capAt = new Float64Array(n);
  const members: number[] = [];
  for (let i = 0; i < n; i++) {
    rate[i] = base[i] as number;
    if (!admitted[i] || (cap[i] as number) <= (base[i] as number)) continue;
    const x = weight[i] as number;
    w[i] = x > 0 && Number.isFinite(x) ? x : 1;
    joinAt[i] = (base[i] as number) / (w[i] as number);
    capAt[i] = (cap[i] as number) / (w[i] as number);
    members.push(i);
    state[i] = WAITING;
  }
  const joins = byLevel(members, joinAt);
  const caps = byLevel(members, capAt);
  const { end, begin, byCircuit } = membersByCircuit(parent, circuit, members);

  const join = (i: number): void => {
    state[i] = RISING;
    update(i, base[i] as number, w[i] as number, 1);
  };
  const stop = (i: number, at: number): void => {
    const r = Math.max(base[i] as number, Math.min(cap[i] as number, at));
    rate[i] = r;
    if (state[i] === RISING) update(i, -r, -(w[i] as number), -1);
    state[i] = DONE;
  };

  let j = 0;
  let c = 0;
  while (j < joins.length || c < caps.length) {
    const nextJoin = j < joins.length ? (joinAt[joins[j] as number] as number) : Number.POSITIVE_INFINITY;
    const nextCap = c < caps.length ? (capAt[caps[c] as number] as number) : Number.POSITIVE_INFINITY;
    const next = Math.min(nextJoin, nextCap);
    let first = -1;
    if (none <= next) {
      none = Number.POSITIVE_INFINITY;
      for (let k = 0; k < constraints; k++)
        if ((fullAt[k] as number) < none) {
          none = fullAt[k] as number;
          first = k;
        }
    }
    if (first >= 0 && none <= next) {
      const level = none;
      const bound = first % BOUNDS;
      const line = bound === POWER ? 7 : 1 << bound;
      const node = Math.floor(first / BOUNDS);
      const to = begin[end[node] as number] as number;
      for (let m = begin[node] as number; m < to; m++) {
        const i = byCircuit[m] as number;
        if (!((lines[i] as number) & line)) continue;
        if (state[i] === RISING) stop(i, level * (w[i] as number));
        else if (state[i] === WAITING) stop(i, base[i] as number);
      }
    } else if (nextJoin <= nextCap) {
      const i = joins[j++] as number;
      if (state[i] === WAITING) join(i);
    } else {
      const i = caps[c++] as number;
      if (state[i] === RISING) stop(i, cap[i] as number);
    }
  }
  return rate;
}

/**
 * Indices by level, then index. Level (to a thousandth) and index are packed into one number, because a numeric sort
 * without a comparator is several times faster.
 */
function byLevel(members: readonly number[], level: Float64Array): Int32Array {
  const packed = new Float64Array(members.length);
  members.forEach((i, m) => {
    packed[m] = Math.min(HIGHEST, Math.floor((level[i] as number) * 1000)) * INDICES + i;
  });
  packed.sort();
  const sorted = new Int32Array(members.length);
  for (let m = 0; m < sorted.length; m++) sorted[m] = (packed[m] as number) % INDICES;
  return sorted;
}

/** Members sorted by circuit, so that a subtree (contiguous in preorder) is one slice of `byCircuit`. */
function membersByCircuit(parent: Int32Array, circuit: Int32Array, members: readonly number[]) {
  const begin = new Int32Array(parent.length + 1);
  for (const i of members) {
    const at = (circuit[i] as number) + 1;
    begin[at] = (begin[at] as number) + 1;
  }
  for (let k = 0; k < parent.length; k++) begin[k + 1] = (begin[k + 1] as number) + (begin[k] as number);
  const next = begin.slice();
  const byCircuit = new Int32Array(members.length);
  for (const i of members) {
    const k = circuit[i] as number;
    const at = next[k] as number;
    byCircuit[at] = i;
    next[k] = at + 1;
  }
  return { begin, byCircuit, end: subtreeEnds(parent) };
}
