/**
 * Days, weeks, months and hours of a place as stretches of time. A day lasts from its first instant to the next day's:
 * 23 or 25 hours where clocks change. Weeks are ISO 8601 weeks.
 */

/** `from_ms` inclusive, `to_ms` exclusive. */
export interface Bucket {
  /** `2026-03-29`, `2026-W13`, `2026-03`; an hour as `2026-03-29T03:00+02:00`. */
  key: string;
  from_ms: number;
  to_ms: number;
}

export type BucketSize = "hour" | "day" | "week" | "month";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** `2026-03-29T03:30` on the clocks of `zone` (IANA name) at `ms`. Throws `RangeError` for an unknown zone. */
export function wallClock(ms: number, zone: string): string {
  let format = formats.get(zone);
  if (!format) {
    // Swedish writes dates as ISO 8601 does.
    format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    });
    formats.set(zone, format);
  }
  return format.format(ms).replace(" ", "T");
}

export function dateIn(ms: number, zone: string): string {
  return wallClock(ms, zone).slice(0, 10);
}

/** The first instant of a date in `zone`, also where its clocks skip midnight. */
export function dayStartMs(date: string, zone: string): number {
  const utcMs = Date.parse(`${date}T00:00:00Z`);
  let [before, from] = [utcMs - DAY_MS, utcMs + DAY_MS];
  while (from - before > MINUTE_MS) {
    const middle = before + Math.floor((from - before) / (2 * MINUTE_MS)) * MINUTE_MS;
    if (dateIn(middle, zone) < date) before = middle;
    else from = middle;
  }
  return from;
}

/** A date some days on: `addDays("2026-02-28", 1)` is `2026-03-01`. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The last date of a month `2026-02`. */
export function monthEnd(month: string): string {
  const [year = 0, of = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, of, 0)).toISOString().slice(0, 10);
}

/** Both dates inclusive, in order, without holes. */
export function bucketsOf(size: BucketSize, first: string, last: string, zone: string): Bucket[] {
  const days = daysOf(first, last, zone);
  if (size === "day") return days;
  if (size === "hour") return days.flatMap((day) => hoursOf(day, zone));
  const keyOf = size === "week" ? isoWeek : (date: string) => date.slice(0, 7);
  const buckets: Bucket[] = [];
  for (const { key: date, from_ms, to_ms } of days) {
    const key = keyOf(date);
    const bucket = buckets.at(-1);
    if (bucket?.key === key) bucket.to_ms = to_ms;
    else buckets.push({ key, from_ms, to_ms });
  }
  return buckets;
}

function daysOf(first: string, last: string, zone: string): Bucket[] {
  const days: Bucket[] = [];
  let from_ms = dayStartMs(first, zone);
  for (let date = first; date <= last; date = addDays(date, 1)) {
    const to_ms = dayStartMs(addDays(date, 1), zone);
    // A date that a zone skipped (Samoa, 30 December 2011) has no instant.
    if (to_ms > from_ms) days.push({ key: date, from_ms, to_ms });
    from_ms = to_ms;
  }
  return days;
}

function hoursOf(day: Bucket, zone: string): Bucket[] {
  const hours: Bucket[] = [];
  for (let from_ms = day.from_ms; from_ms < day.to_ms; ) {
    const wall = wallClock(from_ms, zone);
    const to_ms = Math.min(day.to_ms, from_ms + (60 - Number(wall.slice(14, 16))) * MINUTE_MS);
    hours.push({ key: `${wall}${offsetText(from_ms, wall)}`, from_ms, to_ms });
    from_ms = to_ms;
  }
  return hours;
}

function offsetText(ms: number, wall: string): string {
  const minutes = Math.round((Date.parse(`${wall}:00Z`) - ms) / MINUTE_MS);
  const two = (n: number) => String(n).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** ISO 8601: the week belongs to the year of its Thursday. */
function isoWeek(date: string): string {
  const ms = Date.parse(`${date}T00:00:00Z`);
  const thursdayMs = ms + (3 - ((new Date(ms).getUTCDay() + 6) % 7)) * DAY_MS;
  const year = new Date(thursdayMs).getUTCFullYear();
  const week = 1 + Math.floor((thursdayMs - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, "0")}`;
}
