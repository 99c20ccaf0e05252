/** Times as people and data sets write them, read without guessing. */

export interface Instant {
  ms: number;
  /** Minutes east of UTC as written or as the zone had it; what the local date is counted in. */
  offsetMin: number;
  /** The offset stood in the text, rather than coming from a zone or from UTC for want of both. */
  explicit: boolean;
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;
const HTTP_DATE = /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Reads ISO 8601 (`2019-06-12 07:08:09-07:00`, `T` or a blank, fraction and offset optional) and RFC 9110 dates
 * (`Wed, 12 Jun 2019 14:08:09 GMT`). Without an offset the time is local to `zone`, or UTC when there is none.
 */
export function readInstant(text: string, zone: string | null): Instant | undefined {
  const trimmed = text.trim();
  if (HTTP_DATE.test(trimmed)) {
    const ms = Date.parse(trimmed);
    return Number.isNaN(ms) ? undefined : { ms, offsetMin: 0, explicit: true };
  }
  const match = ISO.exec(trimmed);
  if (!match) return undefined;
  const [, y, mo, d, h, mi, s = "0", fraction = "", offset] = match;
  const wall = wallMs(Number(y), Number(mo), Number(d), Number(h), Number(mi), Number(s));
  if (wall === undefined) return undefined;
  const ms = wall + Math.round(Number(`0.${fraction || "0"}`) * 1000);
  if (offset) {
    const offsetMin = readOffset(offset);
    return offsetMin === undefined ? undefined : { ms: ms - offsetMin * 60_000, offsetMin, explicit: true };
  }
  if (!zone) return { ms, offsetMin: 0, explicit: false };
  const instantMs = fromWall(ms, zone);
  return { ms: instantMs, offsetMin: offsetMinutes(instantMs, zone), explicit: false };
}

/** Wall clock as if in UTC; undefined for a date or time that does not exist. */
function wallMs(y: number, mo: number, d: number, h: number, mi: number, s: number): number | undefined {
  if (h > 23 || mi > 59 || s > 59) return undefined;
  const ms = Date.UTC(y, mo - 1, d, h, mi, s);
  const date = new Date(ms);
  return date.getUTCMonth() === mo - 1 && date.getUTCDate() === d ? ms : undefined;
}

function readOffset(text: string): number | undefined {
  if (/^z$/i.test(text)) return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(":", "") || "0");
  if (hours > 14 || minutes > 59) return undefined;
  return (text.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Minutes east of UTC that `zone` has at `ms`. */
export function offsetMinutes(ms: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - ms) / 60_000);
}

/**
 * The instant at which clocks in `zone` show `wall`: in the hour that a change repeats the first of the two, in the
 * hour that it skips as if the clock had been changed late.
 */
export function fromWall(wall: number, zone: string): number {
  const shows = (ms: number) => ms + offsetMinutes(ms, zone) * 60_000 === wall;
  const before = wall - offsetMinutes(wall - 86_400_000, zone) * 60_000;
  const after = wall - offsetMinutes(wall + 86_400_000, zone) * 60_000;
  return !shows(before) && shows(after) ? after : before;
}

/** `2019-06-12`, the date at `ms` where clocks stand `offsetMin` east of UTC. */
export function dateAt(ms: number, offsetMin: number): string {
  return new Date(ms + offsetMin * 60_000).toISOString().slice(0, 10);
}

/** An IANA name for a fixed offset where there is one (`Etc/GMT+7` is 7 h *west*), else `+05:30`. */
export function fixedZone(offsetMin: number): string {
  if (offsetMin === 0) return "Etc/UTC";
  const sign = offsetMin < 0 ? "-" : "+";
  const size = Math.abs(offsetMin);
  if (size % 60 === 0) return `Etc/GMT${offsetMin < 0 ? "+" : "-"}${size / 60}`;
  const two = (n: number) => String(n).padStart(2, "0");
  return `${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
