/**
 * Keeps the lines of a circuit within so many amperes of each other. That is not monotone: a car that takes less can
 * put the lines further apart, so each cut is followed by a new look at all circuits, and only cuts are made until
 * everything holds. Without charging it always holds: what other load does by itself is nobody's fault here, charging
 * only may not add to it.
 *
 * For a pair of lines (high, low), cars on both or neither change nothing. A car on the high line counts with all it may
 * draw; one on the low line only with what it surely draws, where that is known (`drawnA`).
 */
import { DUST, type Rates, type Room, tenthsDown, UNLIMITED } from "./allocate-room.ts";
import { boundKey } from "./allocate-tree.ts";
import type { AllocationInput } from "./allocation.ts";

/** Pairs of lines, as `3 * high + low`; nine slots a circuit, the diagonal unused. */
const SLOTS = 9;
const PAIRS: readonly (readonly [number, number])[] = [0, 1, 2].flatMap((high) =>
  [0, 1, 2].filter((low) => low !== high).map((low) => [high, low] as const),
);
const apart = (mask: number, high: number, low: number) => ((mask >> high) & 1) > ((mask >> low) & 1);
/** By mask of lines: the pairs that a car on them puts apart, and beside each the same pair the other way. */
const WIDENED = [0, 1, 2, 3, 4, 5, 6, 7].map((mask) => {
  const pairs = PAIRS.filter(([high, low]) => apart(mask, high, low));
  return {
    there: Int32Array.from(pairs, ([high, low]) => high * 3 + low),
    back: Int32Array.from(pairs, ([high, low]) => low * 3 + high),
  };
});
type Widened = (typeof WIDENED)[number];
const NOWHERE = new Int32Array(0);
/** Tenths, or tenths by weight: closer than this two levels are one. */
const SAME_LEVEL = 1e-3;

export interface Balance {
  /** Gives `tenths` more to EVSE `i`; negative takes. */
  give(i: number, tenths: number): void;
  /** Key of the line that would get too far above another if `i` had `tenths` more; -1 for none. */
  blocks(i: number, tenths: number): number;
  /** Per circuit: how often two of its lines have come closer; who it held is held until then. */
  eased: Int32Array;
  /** Takes from the last in the order of admission first until everything holds; returns who got less. */
  lower(): number[];
}

/**
 * Null where no circuit has such a limit. `room` holds what was handed out so far; what is handed out later goes through
 * `give`. `order`: the order of admission.
 */
export function createBalance(
  input: AllocationInput,
  room: Room,
  rates: Rates,
  order: Int32Array,
  sameGroup: (a: number, b: number) => boolean,
): Balance | null {
  const { parent, circuit, lines, unbalanceA, otherA, drawnA, weight } = input;
  const limited = [...parent.keys()].filter(
    (c) => (unbalanceA?.[c] ?? Number.POSITIVE_INFINITY) !== Number.POSITIVE_INFINITY,
  );
  if (limited.length === 0) return null;
  const { got } = room;
  const { min, step } = rates;
  const n = circuit.length;

  /** Per circuit: the limited ones from it up. */
  const up: Int32Array[] = [];
  for (let c = 0, s = 0; c < parent.length; c++) {
    const above = up[parent[c] as number] ?? NOWHERE;
    up[c] = limited[s] === c ? Int32Array.of(s++, ...above) : above;
  }
  const isEven = (i: number) => (WIDENED[(lines[i] as number) & 7] as Widened).there.length === 0;
  /** Per EVSE: the limited circuits whose lines it can put apart. */
  const over = Array.from(circuit, (c, i) => (isEven(i) ? NOWHERE : (up[c] as Int32Array)));
  const below: number[][] = limited.map(() => []);
  for (const i of order) for (const s of over[i] as Int32Array) below[s]?.push(i);

  /** Tenths by which charging is too far apart, by circuit and pair: up to 0 all is well. */
  const excess = new Float64Array(limited.length * SLOTS);
  limited.forEach((c, s) => {
    for (const [high, low] of PAIRS) {
      const other = (otherA?.[c * 3 + high] ?? 0) - (otherA?.[c * 3 + low] ?? 0);
      excess[s * SLOTS + high * 3 + low] = -Math.max(0, tenthsDown((unbalanceA?.[c] as number) - other));
    }
  });
  /** 1: changed since its lines were seen to hold. */
  const changed = new Uint8Array(limited.length).fill(1);
  const drawn = new Int32Array(n).fill(UNLIMITED);
  if (drawnA !== undefined)
    for (let i = 0; i < n; i++) drawn[i] = Math.max(0, tenthsDown(drawnA[i] as number));
  const eased = new Int32Array(parent.length);
  const move = (i: number, from: number, to: number): void => {
    const { there, back } = WIDENED[(lines[i] as number) & 7] as Widened;
    const may = to - from;
    const surely = Math.min(to, drawn[i] as number) - Math.min(from, drawn[i] as number);
    for (const s of over[i] as Int32Array) {
      changed[s] = 1;
      if (surely !== 0) eased[limited[s] as number] = (eased[limited[s] as number] as number) + 1;
      for (let x = 0; x < there.length; x++) {
        const wider = s * SLOTS + (there[x] as number);
        const closer = s * SLOTS + (back[x] as number);
        excess[wider] = (excess[wider] as number) + may;
        excess[closer] = (excess[closer] as number) - surely;
      }
    }
  };
  for (let i = 0; i < n; i++) if (got[i]) move(i, 0, got[i] as number);

  const give = (i: number, tenths: number): void => {
    const before = got[i] as number;
    room.give(i, tenths);
    move(i, before, before + tenths);
  };

  const blocks = (i: number, tenths: number): number => {
    const { there } = WIDENED[(lines[i] as number) & 7] as Widened;
    for (const s of over[i] as Int32Array)
      for (const pair of there)
        if ((excess[s * SLOTS + pair] as number) + tenths > 0)
          return boundKey(limited[s] as number, Math.floor(pair / 3));
    return -1;
  };

  /** The widest gap of the first circuit that has one. */
  const worst = (): { s: number; high: number; low: number; by: number } | null => {
    for (let s = 0; s < limited.length; s++) {
      if (changed[s] === 0) continue;
      let by = 0;
      let widest = 0;
      for (let pair = 0; pair < SLOTS; pair++) {
        const here = excess[s * SLOTS + pair] as number;
        if (here <= by) continue;
        by = here;
        widest = pair;
      }
      if (by > 0) return { s, high: Math.floor(widest / 3), low: widest % 3, by };
      changed[s] = 0;
    }
    return null;
  };

  /** Takes `tenths` or all above the minima from the highest of a group, so that they end at one level. */
  const level = (group: readonly number[], tenths: number): void => {
    const w = (i: number) => {
      const x = weight[i] as number;
      return x > 0 && Number.isFinite(x) ? x : 1;
    };
    const at = (i: number, l: number) =>
      Math.max(
        min[i] as number,
        Math.min(got[i] as number, Math.floor((l * w(i)) / (step[i] as number) + DUST) * (step[i] as number)),
      );
    const freed = (l: number) => {
      let sum = 0;
      for (const i of group) sum += (got[i] as number) - at(i, l);
      return sum;
    };
    let low = 0;
    let high = 0;
    for (const i of group) high = Math.max(high, (got[i] as number) / w(i));
    if (freed(low) > tenths)
      while (high - low > SAME_LEVEL) {
        const middle = (low + high) / 2;
        const here = freed(middle);
        if (here >= tenths) low = middle;
        else high = middle;
        if (here === tenths) break;
      }
    for (const i of group) {
      const less = (got[i] as number) - at(i, low);
      if (less > 0) give(i, -less);
    }
  };

  return {
    give,
    blocks,
    eased,
    lower() {
      const cut = new Set<number>();
      for (let gap = worst(); gap !== null; gap = worst()) {
        const { s, high, low, by } = gap;
        const candidates = (below[s] as number[]).filter(
          (i) => (got[i] as number) > 0 && apart(lines[i] as number, high, low),
        );
        const above = candidates.reduce((sum, i) => sum + (got[i] as number) - (min[i] as number), 0);
        if (above < by) {
          const last = candidates.at(-1) as number;
          give(last, -(got[last] as number));
          cut.add(last);
          continue;
        }
        let left = by;
        for (let from = candidates.length; from > 0 && left > 0; ) {
          const to = from;
          while (from > 0 && sameGroup(candidates[from - 1] as number, candidates[to - 1] as number)) from--;
          const group = candidates.slice(from, to);
          const before = group.reduce((sum, i) => sum + (got[i] as number), 0);
          level(group, left);
          const after = group.reduce((sum, i) => sum + (got[i] as number), 0);
          if (after < before) for (const i of group) cut.add(i);
          left -= before - after;
        }
      }
      return [...cut];
    },
  };
}
