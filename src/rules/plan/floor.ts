/**
 * What a vehicle whose departure is uncertain keeps whatever a plan wants: a part of its max-min fair rate. Where energy
 * is short it is large, and a vehicle with a small share has more of it; where there is enough it is next to nothing,
 * because a floor keeps a plan from serving first who leaves first. The figures behind it are in docs/decisions/0025.
 */

/** Of what it asks for: below that a vehicle lacks its first part. */
export const FIRST_PART = 0.4;
/** Extra worth of a kWh of the first part at departure, on average, where shortage is this or more; in proportion below. */
const FIRST_WORTH = { most: 3, full: 0.2 };
/** So far below it lacks all of it. */
const LACKS_ALL = 0.2;
/** Shortage is the mean part that was missing at departure: from the first on floors grow, at the second they are full. */
const LACKING = { from: 0.125, full: 0.2, most: 0.9 };
const SERVED = { from: 0.135, full: 0.2, most: 0.75 };
/** Keeps vehicles from starting and stopping. */
const LEAST = 0.02;

/** Stays over which shortage is a running mean, and what it is taken for before there was any. */
const MEMORY = 150;
export const SHORTAGE_AT_FIRST = 0.17;

/** See `base` of a plan's goals. */
export function firstWorth(shortage: number): number {
  return FIRST_WORTH.most * Math.min(1, shortage / FIRST_WORTH.full);
}

/** Part of its fair rate, 0 to 1, for a vehicle that has got `share` of what it asks for. */
export function floorPart(shortage: number, share: number): number {
  const grown = ({ from, full, most }: typeof LACKING) =>
    Math.max(LEAST, Math.min(1, (shortage - from) / (full - from)) * most);
  const lacks = Math.max(0, Math.min(1, (FIRST_PART - share) / LACKS_ALL));
  return grown(SERVED) + (grown(LACKING) - grown(SERVED)) * lacks;
}

/** Its weight where fair rates are shared out: who lacks more kWh of its first part gets more at a time. */
export function floorWeight(askedKwh: number, gotKwh: number): number {
  return 1 + Math.max(0, FIRST_PART * askedKwh - gotKwh);
}

/** The running mean after a vehicle left with `gotKwh` of what it was believed to ask for. */
export function shortageAfter(shortage: number, askedKwh: number, gotKwh: number, full: boolean): number {
  const lacks = full || askedKwh <= 0 ? 0 : Math.max(0, 1 - gotKwh / askedKwh);
  return shortage + (lacks - shortage) / MEMORY;
}
