import { describe, expect, test } from "vitest";
import { dateAt, fixedZone, fromWall, isTimeZone, readInstant } from "../../src/simulator/time-text.ts";

const at = (iso: string) => Date.parse(iso);

describe("readInstant", () => {
  test.each([
    ["2019-05-01 05:04:06-07:00", "2019-05-01T12:04:06Z", -420, true],
    ["2019-05-01T05:04:06Z", "2019-05-01T05:04:06Z", 0, true],
    ["2019-05-01T05:04:06.595638+05:30", "2019-04-30T23:34:06.596Z", 330, true],
    ["2019-05-01 05:04+0200", "2019-05-01T03:04:00Z", 120, true],
    ["Wed, 25 Apr 2018 11:08:04 GMT", "2018-04-25T11:08:04Z", 0, true],
    ["2019-05-01 05:04:06", "2019-05-01T05:04:06Z", 0, false],
  ])("%s", (text, iso, offsetMin, explicit) => {
    expect(readInstant(text, null)).toEqual({ ms: at(iso), offsetMin, explicit });
  });

  test.each([
    "",
    "yesterday",
    "2019-02-30 10:00:00Z",
    "2019-05-01",
    "2019-05-01 24:00:00Z",
    "2019-05-01 10:00:00+25:00",
  ])("refuses %j", (text) => {
    expect(readInstant(text, null)).toBeUndefined();
  });

  test("a time without an offset is local to the zone", () => {
    expect(readInstant("2019-07-01 12:00:00", "Europe/Stockholm")).toEqual({
      ms: at("2019-07-01T10:00:00Z"),
      offsetMin: 120,
      explicit: false,
    });
  });
});

test("a wall clock of the repeated hour is taken the first time, of the missing hour after the change", () => {
  const wall = (iso: string) => fromWall(Date.parse(iso), "Europe/Stockholm");
  expect(wall("2026-10-25T02:30:00Z")).toBe(at("2026-10-25T00:30:00Z"));
  expect(wall("2026-10-25T03:30:00Z")).toBe(at("2026-10-25T02:30:00Z"));
  expect(wall("2026-03-29T01:30:00Z")).toBe(at("2026-03-29T00:30:00Z"));
  expect(wall("2026-03-29T03:30:00Z")).toBe(at("2026-03-29T01:30:00Z"));
  expect(wall("2026-03-29T02:30:00Z")).toBe(at("2026-03-29T01:30:00Z"));
});

test("an offset becomes a zone that Intl knows and that agrees", () => {
  for (const offsetMin of [-420, 0, 60, 330, -210]) {
    const zone = fixedZone(offsetMin);
    expect(isTimeZone(zone)).toBe(true);
    expect(readInstant("2019-05-01 00:00:00", zone)?.offsetMin).toBe(offsetMin);
  }
  expect(isTimeZone("Europe/Goteborg")).toBe(false);
});

test("the local date is counted in the offset", () => {
  expect(dateAt(at("2019-06-13T05:00:00Z"), -420)).toBe("2019-06-12");
  expect(dateAt(at("2019-06-13T05:00:00Z"), 0)).toBe("2019-06-13");
});
