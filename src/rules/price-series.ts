/**
 * Prices of a series laid over each other: what is published later holds where it overlaps. Times in ms since the epoch,
 * prices as decimal text.
 */
import type { PricePublication } from "../model/prices.ts";
import { instantMs } from "./instant.ts";

/** `[from, to)` and its price. */
export type Priced = [fromMs: number, toMs: number, price: string];

export interface PriceSeries {
  currency: string;
  /** In order, without overlap. */
  points: Priced[];
}

/** A publication in another currency begins the series anew: amounts of two currencies never meet in a bill. */
export function published(
  known: PriceSeries | undefined,
  { currency, points }: Pick<PricePublication, "currency" | "points">,
): PriceSeries {
  const fresh = points.map(({ from, to, price }): Priced => [instantMs(from), instantMs(to), price]);
  const older = known?.currency === currency ? known.points : [];
  return { currency, points: laidOver(older, fresh) };
}

/** The points of `over`, and those of `under` where there are none. */
export function laidOver(under: readonly Priced[], over: readonly Priced[]): Priced[] {
  return [...under.flatMap((point) => uncovered(point, over)), ...over].sort((a, b) => a[0] - b[0]);
}

/** The points without what lies in `[from, to)`. */
export function beside(points: readonly Priced[], [from, to]: readonly [number, number]): Priced[] {
  return from < to ? points.flatMap((point) => uncovered(point, [[from, to, ""]])) : [...points];
}

/** What of a point is left beside the ordered `covers`. */
function uncovered([from, to, price]: Priced, covers: readonly Priced[]): Priced[] {
  const left: Priced[] = [];
  let at = from;
  for (let i = firstEndingAfter(covers, from); at < to; i += 1) {
    const cover = covers[i];
    if (!cover || cover[0] >= to) break;
    if (cover[0] > at) left.push([at, cover[0], price]);
    at = Math.max(at, cover[1]);
  }
  if (at < to) left.push([at, to, price]);
  return left;
}

function firstEndingAfter(points: readonly Priced[], ms: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[1] ?? 0) > ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The points that overlap `[fromMs, toMs)`, whole. */
export function overlapping(points: readonly Priced[], fromMs: number, toMs: number): Priced[] {
  const found: Priced[] = [];
  for (let i = firstEndingAfter(points, fromMs); i < points.length; i += 1) {
    const point = points[i] as Priced;
    if (point[0] >= toMs) break;
    found.push(point);
  }
  return found;
}
