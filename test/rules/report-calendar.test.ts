import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDays, bucketsOf, dateIn, dayStartMs, monthEnd } from "../../src/rules/report-calendar.ts";

const HOUR = 3_600_000;
const hoursOf = (date: string, zone: string) =>
  bucketsOf("day", date, date, zone).map((day) => (day.to_ms - day.from_ms) / HOUR);

describe("days of a place", () => {
  it("last 23 and 25 hours where clocks change", () => {
    expect(hoursOf("2026-03-28", "Europe/Stockholm")).toEqual([24]);
    expect(hoursOf("2026-03-29", "Europe/Stockholm")).toEqual([23]);
    expect(hoursOf("2026-10-25", "Europe/Stockholm")).toEqual([25]);
  });

  it("begin where midnight is skipped with the first instant there is", () => {
    // Beirut goes from 00:00 straight to 01:00.
    expect(new Date(dayStartMs("2026-03-29", "Asia/Beirut")).toISOString()).toBe("2026-03-28T22:00:00.000Z");
    expect(hoursOf("2026-03-29", "Asia/Beirut")).toEqual([23]);
  });

  it("do not exist where a zone skipped a date", () => {
    expect(bucketsOf("day", "2011-12-29", "2011-12-31", "Pacific/Apia").map((day) => day.key)).toEqual([
      "2011-12-29",
      "2011-12-31",
    ]);
  });
});

describe("hours of a day", () => {
  it("tell the repeated hour apart by its offset", () => {
    const hours = bucketsOf("hour", "2026-10-25", "2026-10-25", "Europe/Stockholm");
    expect(hours).toHaveLength(25);
    expect(hours.slice(2, 4).map((hour) => hour.key)).toEqual([
      "2026-10-25T02:00+02:00",
      "2026-10-25T02:00+01:00",
    ]);
    expect(bucketsOf("hour", "2026-03-29", "2026-03-29", "Europe/Stockholm")).toHaveLength(23);
  });

  it("begin at half past in UTC where the zone is half an hour off", () => {
    const [first] = bucketsOf("hour", "2026-03-01", "2026-03-01", "Asia/Kolkata");
    expect(first?.key).toBe("2026-03-01T00:00+05:30");
    expect(new Date(first?.from_ms ?? 0).toISOString()).toBe("2026-02-28T18:30:00.000Z");
  });
});

describe("weeks and months", () => {
  it("are ISO weeks, which belong to the year of their Thursday", () => {
    const weeks = bucketsOf("week", "2026-12-28", "2027-01-04", "Europe/Stockholm");
    expect(weeks.map((week) => week.key)).toEqual(["2026-W53", "2027-W01"]);
  });

  it("are cut where the report begins and ends", () => {
    const months = bucketsOf("month", "2026-01-31", "2026-02-02", "UTC");
    expect(months.map((month) => [month.key, (month.to_ms - month.from_ms) / HOUR])).toEqual([
      ["2026-01", 24],
      ["2026-02", 48],
    ]);
    expect(monthEnd("2028-02")).toBe("2028-02-29");
  });
});

it("leaves no hole and no overlap between buckets, and each instant in its own date", () => {
  const zones = ["Europe/Stockholm", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Beirut", "UTC"];
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3650 }),
      fc.integer({ min: 0, max: 40 }),
      fc.constantFrom(...zones),
      fc.constantFrom("hour", "day", "week", "month"),
      (from, days, zone, size) => {
        const first = addDays("2020-01-01", from);
        const last = addDays(first, days);
        const buckets = bucketsOf(size, first, last, zone);
        expect(buckets[0]?.from_ms).toBe(dayStartMs(first, zone));
        expect(buckets.at(-1)?.to_ms).toBe(dayStartMs(addDays(last, 1), zone));
        buckets.forEach((bucket, i) => {
          expect(bucket.to_ms).toBeGreaterThan(bucket.from_ms);
          if (i > 0) expect(bucket.from_ms).toBe(buckets[i - 1]?.to_ms);
        });
        if (size !== "day") return;
        for (const { key, from_ms, to_ms } of buckets)
          expect([dateIn(from_ms, zone), dateIn(to_ms - 1, zone)]).toEqual([key, key]);
      },
    ),
    { numRuns: process.env.DEEP ? 1_000 : 40 },
  );
});
