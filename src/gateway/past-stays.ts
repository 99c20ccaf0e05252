/** Stays of the past, as planning learns from them: the newest ended sessions of the log. */
import type { LogReader } from "../log/log-store.ts";
import type { EventOf } from "../model/event.ts";
import type { PastStay } from "../rules/plan/known-stays.ts";
import { NOTHING_SAID, pastStay } from "../rules/plan/past-stays.ts";
import { wallClock } from "../rules/report-calendar.ts";
import { recentFacts } from "../web/log-history.ts";

/** Which hour of the day a time is on the clocks of a zone, 0 to 24. */
export function hourIn(zone: string): (ms: number) => number {
  return (ms) => {
    const wall = wallClock(ms, zone);
    return Number(wall.slice(11, 13)) + Number(wall.slice(14, 16)) / 60;
  };
}

/** The newest `limit` that ended at or after `sinceMs`, the oldest first. */
export async function pastStays(
  reader: LogReader,
  { sinceMs, limit, zone }: { sinceMs: number; limit: number; zone: string },
): Promise<PastStay[]> {
  const hourOf = hourIn(zone);
  const ended = (await recentFacts(reader, ["session.ended"], limit)) as EventOf<"session.ended">[];
  return ended
    .reverse()
    .map(({ body }) => pastStay(body, NOTHING_SAID, hourOf))
    .filter((stay) => stay !== null)
    .filter(({ leftMs }) => leftMs >= sinceMs);
}
