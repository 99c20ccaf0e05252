/**
 * Hands out room: minima in the order of admission; what plans want; then weighted max-min fairness by water filling
 * (Radunovic and Le Boudec, "A unified framework for max-min and min-max fairness"); then rounded down to each station's
 * step and the left-over steps in the order of admission.
 *
 * Who is urgent gets what its plan wants before anybody else's minimum; of the others, plans come after all minima, higher
 * classes first. Where the wishes of a class do not fit together, each gets the same part of its own: the plan that made
 * them held all limits a moment ago, so what is missing is small and nobody's in particular.
 */
import { DUST, type Rates, type Room } from "./allocate-room.ts";
import { type AllocationInput, RANK } from "./allocation.ts";
import { waterFill } from "./water-fill.ts";

export interface Sharing {
  room: Room;
  rates: Rates;
  /** The order of admission. */
  order: Int32Array;
  /** Per EVSE: weight of its class; null where classes decide nothing. */
  classes: Float64Array | null;
  shares: Shares;
  give(i: number, tenths: number): void;
}

export interface Shares {
  /** 1: holds at least its minimum. */
  admitted: Uint8Array;
  /** 1: holds more than its minimum because a plan wants it. */
  wanted: Uint8Array;
}

/**
 * Fills what is left of `room` up to `cap` through `give`; nobody loses anything. Who is on standby is left out. `shares`
 * says who holds what for which reason, and is kept up to date.
 */
export function shareOut(
  input: AllocationInput,
  { room, rates, order, classes, shares, give }: Sharing,
  cap: Int32Array,
): void {
  const { parent, circuit, lines, rank, weight } = input;
  const { admitted, wanted } = shares;
  const { min, step, target } = rates;
  const { at, keys, per, left, got } = room;
  const n = circuit.length;
  /** Filled on: few can still rise. In an empty room nearly all can, and a look at each costs more than it saves. */
  const again = got.some((held) => held > 0);
  const canRise = (i: number): boolean => {
    const s = step[i] as number;
    return (got[i] as number) + s <= (cap[i] as number) && room.most(i) >= s;
  };
  const admit = (i: number): void => {
    const lo = min[i] as number;
    const hi = cap[i] as number;
    if (admitted[i] || hi <= 0 || hi < lo || (lo > 0 && room.most(i) < lo)) return;
    admitted[i] = 1;
    if (lo > 0) give(i, lo);
  };

  const fill = (members: Uint8Array, to: Int32Array, weights: Float64Array, hopeful: readonly number[]) => {
    const level = waterFill({
      parent,
      circuit,
      lines,
      at,
      keys,
      per,
      left,
      base: got,
      cap: to,
      weight: weights,
      admitted: members,
    });
    for (const i of hopeful) {
      const s = step[i] as number;
      const whole = Math.floor((level[i] as number) / s + DUST) * s;
      // Rounding may lift a rate by a hair over its line's room; what fits is the last word.
      const more = Math.min(whole - (got[i] as number), Math.floor(room.most(i) / s) * s);
      if (more > 0) give(i, more);
    }
    // Room only shrinks, so whoever cannot rise once never can again.
    let rising = hopeful;
    while (rising.length > 0)
      rising = rising.filter((i) => {
        const s = step[i] as number;
        if ((got[i] as number) + s > (to[i] as number) || room.most(i) < s) return false;
        give(i, s);
        return true;
      });
  };

  const serve = (group: readonly number[]): void => {
    const to = new Int32Array(n);
    const before = group.map((i) => got[i] as number);
    let fits = true;
    for (const i of group) {
      const want = Math.min(cap[i] as number, target[i] as number);
      to[i] = want;
      const more = want - (got[i] as number);
      if (more <= 0) continue;
      if (room.most(i) >= more) give(i, more);
      else fits = false;
    }
    if (!fits) {
      group.forEach((i, m) => {
        give(i, (before[m] as number) - (got[i] as number));
      });
      const members = new Uint8Array(n);
      for (const i of group) members[i] = 1;
      fill(members, to, Float64Array.from(to), group);
    }
    group.forEach((i, m) => {
      if ((got[i] as number) > (before[m] as number)) wanted[i] = 1;
    });
  };

  const wishing = (i: number) => admitted[i] === 1 && (target[i] as number) > (got[i] as number);
  const sameClass = (a: number, b: number) => classes === null || classes[a] === classes[b];
  let next = 0;
  while (next < n && rank[order[next] as number] === RANK.urgent) next++;
  for (const group of runs(Array.from(order.subarray(0, next)), sameClass)) {
    for (const i of group) admit(i);
    serve(group.filter(wishing));
  }
  for (; next < n && (rank[order[next] as number] as number) < RANK.standby; next++)
    admit(order[next] as number);
  if (input.targetA !== undefined) {
    const planned = Array.from(order).filter((i) => rank[i] !== RANK.urgent && wishing(i));
    if (classes !== null) planned.sort((a, b) => (classes[b] as number) - (classes[a] as number));
    for (const group of runs(planned, sameClass)) serve(group);
  }

  const hopeful: number[] = [];
  for (const i of order) if (admitted[i] && (!again || canRise(i))) hopeful.push(i);
  const members = again ? new Uint8Array(n) : admitted;
  for (const i of hopeful) members[i] = 1;
  if (hopeful.length > 0) fill(members, cap, weight, hopeful);
}

/** Cuts a list where neighbours differ. */
function runs(list: readonly number[], same: (a: number, b: number) => boolean): number[][] {
  const cut: number[][] = [];
  for (const i of list) {
    const last = cut.at(-1);
    if (last !== undefined && same(last[0] as number, i)) last.push(i);
    else cut.push([i]);
  }
  return cut;
}
