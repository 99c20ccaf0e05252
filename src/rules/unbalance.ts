/**
 * Keeps the lines of a circuit within so many amperes of each other. That is not monotone: a car that takes less can
 * put the lines further apart, so each cut is followed by a new look at all circuits, and only cuts are made until
 * everything holds. Without charging it always holds: what other load does by itself is nobody's fault here, charging
 * only may not add to it.
 *
 * For a pair of lines (high, low), cars on both or neither change nothing. A car on the high line counts with all it may
 * draw; one on the low line only with what it surely draws, where that is known (`drawnA`).
 */
import { DUST, type Rates, type Room, tenthsDown } from "./allocate-room.ts";
import { boundKey } from "./allocate-tree.ts";
import type { AllocationInput } from "./allocation.ts";

/** Pairs of lines, as `3 * high + low`; nine slots a circuit, the diagonal unused. */
const SLOTS = 9;
const PAIRS: readonly (readonly [number, number])[] = [0, 1, 2].flatMap((high) =>
  [0, 1, 2].filter((low) => low !== high).map((low) => [high, low] as const),
);

export interface Balance {
  /** Gives `tenths` more to EVSE `i`; negative takes. */
  give(i: number, tenths: number): void;
  /** Key of the line that would get too far above another if `i` had `tenths` more; -1 for none. */
  blocks(i: number, tenths: number): number;
  /** After `room` was cleared and filled anew. */
  recount(): void;
  /** Takes from the last of `order` first until everything holds; returns who got less. */
  lower(order: Int32Array): number[];
}

/** Null where no circuit has such a limit. `room` holds what was handed out so far. */
export function createBalance(
  input: AllocationInput,
  room: Room,
  rates: Rates,
  sameGroup: (a: number, b: number) => boolean,
): Balance | null {
  const { parent, circuit, lines, unbalanceA, otherA, drawnA, weight } = input;
  const limited = [...parent.keys()].filter(
    (c) => (unbalanceA?.[c] ?? Number.POSITIVE_INFINITY) !== Number.POSITIVE_INFINITY,
  );
  if (limited.length === 0) return null;
  const slotOf = new Map(limited.map((c, s) => [c, s]));
  const { got } = room;
  const { min, step } = rates;

  /** Tenths by which charging on the high line may exceed charging on the low one. */
  const most = new Float64Array(limited.length * SLOTS);
  limited.forEach((c, s) => {
    for (const [high, low] of PAIRS) {
      const apart = (otherA?.[c * 3 + high] ?? 0) - (otherA?.[c * 3 + low] ?? 0);
      most[s * SLOTS + high * 3 + low] = Math.max(0, tenthsDown((unbalanceA?.[c] as number) - apart));
    }
  });
  const circuitsOver = Array.from(circuit, (own) => {
    const slots: number[] = [];
    for (let c = own; c >= 0; c = parent[c] as number) {
      const s = slotOf.get(c);
      if (s !== undefined) slots.push(s);
    }
    return slots;
  });
  const sure = (i: number, tenths: number) =>
    drawnA === undefined ? tenths : Math.min(tenths, Math.max(0, tenthsDown(drawnA[i] as number)));
  const on = (i: number, line: number) => ((lines[i] as number) >> line) & 1;

  /** By pair: what cars on the first line and not the second may draw, and what they surely draw. */
  const may = new Float64Array(limited.length * SLOTS);
  const does = new Float64Array(limited.length * SLOTS);
  const count = (i: number, mayDelta: number, doesDelta: number): void => {
    for (const s of circuitsOver[i] as number[])
      for (const [a, b] of PAIRS) {
        if (!on(i, a) || on(i, b)) continue;
        const k = s * SLOTS + a * 3 + b;
        may[k] = (may[k] as number) + mayDelta;
        does[k] = (does[k] as number) + doesDelta;
      }
  };
  const excess = (s: number, high: number, low: number): number =>
    (may[s * SLOTS + high * 3 + low] as number) -
    (does[s * SLOTS + low * 3 + high] as number) -
    (most[s * SLOTS + high * 3 + low] as number);

  const recount = (): void => {
    may.fill(0);
    does.fill(0);
    for (let i = 0; i < got.length; i++) {
      const held = got[i] as number;
      if (held > 0) count(i, held, sure(i, held));
    }
  };
  recount();

  const give = (i: number, tenths: number): void => {
    const before = got[i] as number;
    room.give(i, tenths);
    count(i, tenths, sure(i, before + tenths) - sure(i, before));
  };

  const blocks = (i: number, tenths: number): number => {
    for (const s of circuitsOver[i] as number[])
      for (const [high, low] of PAIRS)
        if (on(i, high) && !on(i, low) && excess(s, high, low) + tenths > 0)
          return boundKey(limited[s] as number, high);
    return -1;
  };

  /** The widest gap of the first circuit that has one. */
  const worst = (): { s: number; high: number; low: number; by: number } | null => {
    for (let s = 0; s < limited.length; s++) {
      let found: { s: number; high: number; low: number; by: number } | null = null;
      for (const [high, low] of PAIRS) {
        const by = excess(s, high, low);
        if (by > 0 && by > (found?.by ?? 0)) found = { s, high, low, by };
      }
      if (found !== null) return found;
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
    const freed = (l: number) => group.reduce((sum, i) => sum + (got[i] as number) - at(i, l), 0);
    let low = 0;
    let high = Math.max(...group.map((i) => (got[i] as number) / w(i)));
    if (freed(low) > tenths)
      for (let round = 0; round < 50; round++) {
        const middle = (low + high) / 2;
        if (freed(middle) >= tenths) low = middle;
        else high = middle;
      }
    for (const i of group) {
      const less = (got[i] as number) - at(i, low);
      if (less > 0) give(i, -less);
    }
  };

  return {
    give,
    blocks,
    recount,
    lower(order) {
      const cut = new Set<number>();
      const below: number[][] = limited.map(() => []);
      for (const i of order) for (const s of circuitsOver[i] as number[]) below[s]?.push(i);
      for (let gap = worst(); gap !== null; gap = worst()) {
        const { s, high, low, by } = gap;
        const candidates = (below[s] as number[]).filter(
          (i) => (got[i] as number) > 0 && on(i, high) && !on(i, low),
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
