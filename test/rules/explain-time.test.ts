import { describe, expect, it } from "vitest";
import { durationText, localTime } from "../../src/rules/explain-time.ts";

describe("times of a bill", () => {
  it.each([
    ["Europe/Stockholm", "2026-03-29T00:59:59Z", "2026-03-29 01:59:59 +01:00"],
    ["Europe/Stockholm", "2026-03-29T01:00:00Z", "2026-03-29 03:00:00 +02:00"],
    ["UTC", "2026-03-29T00:00:00Z", "2026-03-29 00:00:00 +00:00"],
    ["Asia/Kolkata", "2026-12-31T18:30:00Z", "2027-01-01 00:00:00 +05:30"],
    ["America/St_Johns", "2026-01-01T03:29:00Z", "2025-12-31 23:59:00 -03:30"],
  ])("in %s %s is %s", (zone, utc, local) => {
    expect(localTime(zone, utc)).toBe(local);
  });

  it("an unknown zone is refused", () => {
    expect(() => localTime("Europe/Nowhere", "2026-03-29T00:00:00Z")).toThrow(RangeError);
  });

  it.each([
    ["0", "0 s"],
    ["59", "59 s"],
    ["60", "1 min"],
    ["3600", "1 h"],
    ["90061", "25 h 1 min 1 s"],
    ["0.5", "0.5 s"],
    ["3600.25", "1 h 0.25 s"],
    ["-61", "−1 min 1 s"],
  ])("%s s is %s", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});
