import { describe, expect, it } from "vitest";
import { instantOf } from "../../src/cli/why.ts";

const ZONE = "Europe/Stockholm";
const iso = (text: string, nowMs = Date.UTC(2026, 10, 25, 23, 30)) =>
  new Date(instantOf("--at", text, ZONE, nowMs)).toISOString();

describe("a time on the command line", () => {
  it.each([
    ["2026-11-25T14:05:10Z", "2026-11-25T14:05:10.000Z"],
    ["2026-11-25T14:05:10.250+01:00", "2026-11-25T13:05:10.250Z"],
    ["2026-11-25 14:05", "2026-11-25T13:05:00.000Z"],
    ["2026-07-01T14:05:30", "2026-07-01T12:05:30.000Z"],
  ])("%s is %s", (text, expected) => {
    expect(iso(text)).toBe(expected);
  });

  it("without a date is of today on the site's clocks, where it may be tomorrow already", () => {
    expect(iso("00:10")).toBe("2026-11-25T23:10:00.000Z");
  });

  it("that comes twice in autumn is the earlier one", () => {
    expect(iso("2026-10-25 02:30")).toBe("2026-10-25T00:30:00.000Z");
  });

  it.each(["noon", "25:00", "2026-13-01 10:00", "2026-11-25", "2026-03-29 02:30"])(
    "%s is none, and said so",
    (text) => {
      expect(() => iso(text)).toThrow(/is no time/);
    },
  );
});
