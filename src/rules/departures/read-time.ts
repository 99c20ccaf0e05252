/** Times and weekdays as people write them. */
import { WEEKDAYS, type Weekday } from "../../model/departure.ts";
import { addDays, dateIn } from "../report-calendar.ts";
import { localInstant } from "./timetable.ts";

type Refuse = (message: string, fix: string) => void;

const TIME = /^([01]?\d|2[0-3])[:.]([0-5]\d)$/;
const LOCAL = /^(\d{4}-\d\d-\d\d)[T ](\d{1,2}[:.]\d\d)(?::\d\d)?$/;
const OFFSET = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** `06:30` of a line of the timetable. */
export function timeIn(written: string, refuse: Refuse): string | undefined {
  const time = timeOf(written);
  if (time !== undefined) return time;
  return void refuse(`depart is "${written}"`, "Write a time of day such as 06:30; days says the days.");
}

/** A moment, ms: with its offset, on the site's clocks, or the next time they show this time of day. */
export function momentIn(
  written: string,
  { zone, nowMs }: { zone: string; nowMs: number },
  refuse: Refuse,
): number | undefined {
  const time = timeOf(written);
  if (time !== undefined) {
    const today = dateIn(nowMs, zone);
    const atMs = localInstant(today, time, zone);
    return atMs > nowMs ? atMs : localInstant(addDays(today, 1), time, zone);
  }
  const [, date, hour = ""] = LOCAL.exec(written) ?? [];
  const clock = timeOf(hour);
  if (date !== undefined && clock !== undefined && isDate(date)) return localInstant(date, clock, zone);
  const ms =
    OFFSET.test(written) && isDate(written.slice(0, 10)) ? Date.parse(written.replace(" ", "T")) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  return void refuse(
    written === "" ? "depart is missing" : `depart is "${written}"`,
    "Write a time such as 2026-11-26T06:30:00+01:00, or 2026-11-26 06:30 or 06:30 in the site's time.",
  );
}

function timeOf(written: string): string | undefined {
  const [, hour, minute] = TIME.exec(written) ?? [];
  return hour === undefined ? undefined : `${hour.padStart(2, "0")}:${minute}`;
}

/** 2026-02-30 is none. */
function isDate(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** `mo-fr`, `mo,we,fr`, `sa su`, `daily`, or a list. In the order of the week. */
export function daysIn(written: unknown, refuse: Refuse): Weekday[] | undefined {
  const text = (Array.isArray(written) ? written.join(" ") : String(written)).trim().toLowerCase();
  const found = new Set<Weekday>();
  for (const part of text === "daily" ? ["mo-su"] : text.split(/[\s,+]+/)) {
    const ends = part.split("-");
    const [first, last = first] = ends.map((name) => WEEKDAYS.findIndex((day) => isDay(name, day)));
    if (ends.length > 2 || first === undefined || last === undefined || first < 0 || last < 0)
      return void refuse(
        `days is "${String(written)}"`,
        "Write mo-fr, or mo,we,fr, or daily; the days are mo, tu, we, th, fr, sa, su.",
      );
    // fr-mo goes over the end of the week.
    for (let i = first; ; i = (i + 1) % 7) {
      found.add(WEEKDAYS[i] as Weekday);
      if (i === last) break;
    }
  }
  return WEEKDAYS.filter((day) => found.has(day));
}

const NAMES: Readonly<Record<Weekday, string>> = {
  mo: "monday",
  tu: "tuesday",
  we: "wednesday",
  th: "thursday",
  fr: "friday",
  sa: "saturday",
  su: "sunday",
};
const isDay = (name: string, day: Weekday) => name.length >= 2 && NAMES[day].startsWith(name);
