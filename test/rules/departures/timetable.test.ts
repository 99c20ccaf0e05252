import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WEEKDAYS } from "../../../src/model/departure.ts";
import {
  datesBetween,
  localInstant,
  localInstants,
  localText,
  occurrences,
  weekdayOf,
} from "../../../src/rules/departures/timetable.ts";
import { wallClock } from "../../../src/rules/report-calendar.ts";

const ZONE = "Europe/Stockholm";
const DAY_MS = 86_400_000;
const utc = (text: string) => Date.parse(text);
const instantOf = localInstants(ZONE);

describe("a time of day at a place", () => {
  it("is the same on the clocks in winter and summer, on days of 23 and of 25 hours", () => {
    expect(localInstant("2026-03-28", "06:30", ZONE)).toBe(utc("2026-03-28T05:30:00Z"));
    expect(localInstant("2026-03-29", "06:30", ZONE)).toBe(utc("2026-03-29T04:30:00Z"));
    expect(localInstant("2026-10-25", "06:30", ZONE)).toBe(utc("2026-10-25T05:30:00Z"));
    const apart = (a: string, b: string) => (instantOf(b, "06:30") - instantOf(a, "06:30")) / 3_600_000;
    expect(apart("2026-03-28", "2026-03-29")).toBe(23);
    expect(apart("2026-10-24", "2026-10-25")).toBe(25);
  });

  it("that the clocks skip is the moment they are put forward; one that comes twice is the first", () => {
    expect(localInstant("2026-03-29", "02:30", ZONE)).toBe(utc("2026-03-29T01:00:00Z"));
    expect(localInstant("2026-03-29", "02:00", ZONE)).toBe(utc("2026-03-29T01:00:00Z"));
    expect(localInstant("2026-10-25", "02:30", ZONE)).toBe(utc("2026-10-25T00:30:00Z"));
    // Half an hour forward, at Lord Howe Island.
    expect(localInstant("2026-10-04", "02:15", "Australia/Lord_Howe")).toBe(utc("2026-10-03T15:30:00Z"));
  });

  it("is what the clocks show, wherever they show it at all", () => {
    const zones = [
      "Europe/Stockholm",
      "America/New_York",
      "Asia/Kathmandu",
      "Australia/Lord_Howe",
      "Africa/Casablanca",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: utc("2024-01-01T00:00:00Z") / 60_000, max: utc("2030-01-01T00:00:00Z") / 60_000 }),
        (zone, minute) => {
          const ms = minute * 60_000;
          const [date = "", time = ""] = wallClock(ms, zone).split("T");
          const found = localInstant(date, time, zone);
          expect(wallClock(found, zone)).toBe(`${date}T${time}`);
          expect(localInstants(zone)(date, time)).toBe(found);
          expect(found).toBeLessThanOrEqual(ms);
          expect(utc(localText(ms, zone))).toBe(ms);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe("a line of the timetable", () => {
  const line = { id: "bus-14", days: ["mo" as const, "fr" as const], depart: "06:30" };

  it("leaves on its weekdays, each day with a name of its own", () => {
    const dates = datesBetween(utc("2026-03-26T12:00:00Z"), utc("2026-04-03T12:00:00Z"), ZONE);
    expect(dates).toHaveLength(9);
    expect(occurrences(line, dates, instantOf)).toEqual([
      { id: "bus-14@2026-03-27", date: "2026-03-27", departMs: utc("2026-03-27T05:30:00Z") },
      { id: "bus-14@2026-03-30", date: "2026-03-30", departMs: utc("2026-03-30T04:30:00Z") },
      { id: "bus-14@2026-04-03", date: "2026-04-03", departMs: utc("2026-04-03T04:30:00Z") },
    ]);
  });

  it("leaves exactly once on every date that it names, in order, across the year", () => {
    fc.assert(
      fc.property(
        fc.subarray([...WEEKDAYS], { minLength: 1 }),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 0, max: 340 }),
        (days, hour, minute, start) => {
          const two = (n: number) => String(n).padStart(2, "0");
          const depart = `${two(hour)}:${two(minute)}`;
          const fromMs = utc("2026-01-01T12:00:00Z") + start * DAY_MS;
          const dates = datesBetween(fromMs, fromMs + 30 * DAY_MS, ZONE);
          const found = occurrences({ id: "x", days, depart }, dates, instantOf);
          for (const { date, departMs } of found) expect(departMs).toBe(localInstant(date, depart, ZONE));
          expect(found.map(({ date }) => date)).toEqual(
            dates.map(({ date }) => date).filter((date) => days.includes(weekdayOf(date))),
          );
          found.forEach(({ departMs }, i) => {
            if (i > 0) expect(departMs).toBeGreaterThan(found[i - 1]?.departMs ?? 0);
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});
