/** Stays of the past, as planning learns from them: the newest ended sessions of the log. */
import type { LogReader } from "../log/log-store.ts";
import type { PastStay } from "../rules/plan/known-stays.ts";
import { pastStays as readingOf, TOLD_TYPES } from "../rules/plan/past-stays.ts";
import { wallClock } from "../rules/report-calendar.ts";
import { recentFacts } from "../web/log-history.ts";

/** Facts read without a pause. */
const AT_ONCE = 50;

/** Which hour of the day a time is on the clocks of a zone, 0 to 24. */
export function hourIn(zone: string): (ms: number) => number {
  return (ms) => {
    const wall = wallClock(ms, zone);
    return Number(wall.slice(11, 13)) + Number(wall.slice(14, 16)) / 60;
  };
}

/** Among the newest `limit` facts those that ended at or after `sinceMs`, the oldest first. */
export async function pastStays(
  reader: LogReader,
  { sinceMs, limit, zone }: { sinceMs: number; limit: number; zone: string },
): Promise<PastStay[]> {
  const stayOf = readingOf(zone, hourIn(zone));
  const facts = (await recentFacts(reader, TOLD_TYPES, limit)).reverse();
  const stays: PastStay[] = [];
  for (let k = 0; k < facts.length; k += AT_ONCE) {
    for (const fact of facts.slice(k, k + AT_ONCE)) {
      const stay = stayOf(fact);
      if (stay !== null && stay.leftMs >= sinceMs) stays.push(stay);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return stays;
}
