/**
 * The days of a weekly timetable as instants. Times are the site's own clocks, so a line leaves at 06:30 in summer and
 * winter, on days of 23 and of 25 hours. Where a time comes twice the first counts, and where clocks skip it the moment
 * they are put forward: whoever is ready then is ready for the other reading too.
 */
import { type TimetableLine, WEEKDAYS, type Weekday } from "../../model/departure.ts";
import { addDays, dateIn, wallClock } from "../report-calendar.ts";

export interface LocalDate {
  /** `2026-11-26` */
  date: string;
  weekday: Weekday;
}

export interface Occurrence {
  /** `line@2026-11-26`. */
  id: string;
  /** Local date of the site. */
  date: string;
  departMs: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * `localInstant` of one zone for many questions: on dates without a change of clocks anywhere near, which are nearly
 * all, it is asked of the time-zone data once.
 */
export function localInstants(zone: string): (date: string, time: string) => number {
  const days = new Map<string, { utcMs: number; offsetMs: number | null }>();
  const dayOf = (date: string) => {
    const known = days.get(date);
    if (known) return known;
    const utcMs = Date.parse(`${date}T00:00:00Z`);
    const [before, after] = [offsetAt(utcMs - DAY_MS, zone), offsetAt(utcMs + 2 * DAY_MS, zone)];
    const day = { utcMs, offsetMs: before === after ? before : null };
    days.set(date, day);
    return day;
  };
  return (date, time) => {
    const { utcMs, offsetMs } = dayOf(date);
    if (offsetMs === null) return localInstant(date, time, zone);
    const minutes = Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
    return utcMs + minutes * MINUTE_MS - offsetMs;
  };
}

/** Local dates of `zone` from one instant to another, both included. */
export function datesBetween(fromMs: number, toMs: number, zone: string): LocalDate[] {
  const dates: LocalDate[] = [];
  const last = dateIn(toMs, zone);
  for (let date = dateIn(fromMs, zone); date <= last; date = addDays(date, 1))
    dates.push({ date, weekday: weekdayOf(date) });
  return dates;
}

/** On these dates, in order. `instantOf`: `localInstants` of the site's zone. */
export function occurrences(
  line: Pick<TimetableLine, "id" | "days" | "depart">,
  dates: readonly LocalDate[],
  instantOf: (date: string, time: string) => number,
): Occurrence[] {
  return dates
    .filter(({ weekday }) => line.days.includes(weekday))
    .map(({ date }) => ({ id: `${line.id}@${date}`, date, departMs: instantOf(date, line.depart) }));
}

export function weekdayOf(date: string): Weekday {
  const day = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
  return WEEKDAYS[day] as Weekday;
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
