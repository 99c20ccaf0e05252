/**
 * The days of a weekly timetable as instants. Times are the site's own clocks, so a line leaves at 06:30 in summer and
 * winter, on days of 23 and of 25 hours. Where a time comes twice the first counts, and where clocks skip it the moment
 * they are put forward: whoever is ready then is ready for the other reading too.
 */
import { type TimetableLine, WEEKDAYS } from "../../model/departure.ts";
import { addDays, dateIn, wallClock } from "../report-calendar.ts";

export interface Occurrence {
  /** `line@2026-11-26`. */
  id: string;
  /** Local date of the site. */
  date: string;
  departMs: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Local dates of `zone` from one instant to another, both included. */
export function datesBetween(fromMs: number, toMs: number, zone: string): string[] {
  const dates: string[] = [];
  const last = dateIn(toMs, zone);
  for (let date = dateIn(fromMs, zone); date <= last; date = addDays(date, 1)) dates.push(date);
  return dates;
}

/** On these dates, in order. `instantOf` is `localInstant` of the site's zone: many lines share its answers. */
export function occurrences(
  line: Pick<TimetableLine, "id" | "days" | "depart">,
  dates: readonly string[],
  instantOf: (date: string, time: string) => number,
): Occurrence[] {
  return dates
    .filter((date) => line.days.includes(weekdayOf(date)))
    .map((date) => ({ id: `${line.id}@${date}`, date, departMs: instantOf(date, line.depart) }));
}

export function weekdayOf(date: string): (typeof WEEKDAYS)[number] {
  const day = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
  return WEEKDAYS[day] as (typeof WEEKDAYS)[number];
}

/** The instant at which the clocks of `zone` show `time` (`06:30`) on `date`, ms since the epoch. */
export function localInstant(date: string, time: string, zone: string): number {
  const wall = `${date}T${time}`;
  const asUtc = Date.parse(`${wall}:00Z`);
  const offsets = [asUtc - DAY_MS, asUtc + DAY_MS].map((ms) => offsetAt(ms, zone));
  const possible = offsets.map((offset) => asUtc - offset).sort((a, b) => a - b);
  const exact = possible.find((ms) => wallClock(ms, zone) === wall);
  if (exact !== undefined) return exact;
  // Skipped: between the two readings lies the change, and up to it clocks only rise.
  let [before = asUtc, after = asUtc] = [possible[0], possible.at(-1)];
  while (after - before > MINUTE_MS) {
    const middle = before + Math.floor((after - before) / (2 * MINUTE_MS)) * MINUTE_MS;
    if (wallClock(middle, zone) < wall) before = middle;
    else after = middle;
  }
  return after;
}

/** `2026-11-26T06:30+01:00`. */
export function localText(ms: number, zone: string): string {
  const minutes = offsetAt(ms, zone) / MINUTE_MS;
  const two = (n: number) => String(n).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${wallClock(ms, zone)}${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function offsetAt(ms: number, zone: string): number {
  const minute = Math.floor(ms / MINUTE_MS) * MINUTE_MS;
  return Date.parse(`${wallClock(minute, zone)}:00Z`) - minute;
}
