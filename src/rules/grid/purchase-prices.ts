/** What energy from the grid costs over time, for planning; never for a bill. */
import type { PurchasePrice } from "../../model/grid-side.ts";
import { overlapping, type Priced } from "../price-series.ts";
import { wallClock } from "../report-calendar.ts";

const DAY_MS = 86_400_000;
/** Estimates are made for so long a piece: no series has shorter ones. */
const PIECE_MS = 900_000;
/** The last known day is looked for within a week. */
const DAYS_BACK = 7;

/**
 * Steps over `[fromMs, toMs)`: as published, and where nothing is, as on the last day before that has a price for the
 * same hour of the clock of `zone` (IANA name). Time without such a day within a week is left out.
 */
export function purchaseSteps(
  points: readonly Priced[],
  fromMs: number,
  toMs: number,
  zone: string,
): PurchasePrice[] {
  const steps: PurchasePrice[] = [];
  const add = (step: PurchasePrice) => {
    const last = steps.at(-1);
    if (last?.perKwh !== step.perKwh || last.isEstimate !== step.isEstimate) steps.push(step);
  };
  const guess = (from: number, to: number) => {
    for (let ms = from; ms < to; ms = Math.min(to, (Math.floor(ms / PIECE_MS) + 1) * PIECE_MS)) {
      const perKwh = lastDays(points, ms, zone);
      if (perKwh !== null) add({ fromMs: ms, perKwh, isEstimate: true });
    }
  };
  let atMs = fromMs;
  for (const [from, to, price] of overlapping(points, fromMs, toMs)) {
    guess(atMs, from);
    add({ fromMs: Math.max(from, fromMs), perKwh: Number(price), isEstimate: false });
    atMs = to;
  }
  guess(atMs, toMs);
  return steps;
}

function lastDays(points: readonly Priced[], ms: number, zone: string): number | null {
  const offset = offsetMs(ms, zone);
  for (let back = 1; back <= DAYS_BACK; back += 1) {
    const atMs = ms - back * DAY_MS;
    const sameHourMs = atMs + offset - offsetMs(atMs, zone);
    const [point] = overlapping(points, sameHourMs, sameHourMs + 1);
    if (point) return Number(point[2]);
  }
  return null;
}

/** Local time less UTC, ms. */
function offsetMs(ms: number, zone: string): number {
  return Date.parse(`${wallClock(ms, zone)}:00Z`) - Math.floor(ms / 60_000) * 60_000;
}
