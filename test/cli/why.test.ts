import { describe, expect, it } from "vitest";
import { instantOf, why } from "../../src/cli/why.ts";

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

  it("without a date that has not come yet today is of yesterday, but for the end of a stretch", () => {
    const noon = Date.UTC(2026, 10, 25, 11, 0);
    expect(iso("21:00", noon)).toBe("2026-11-24T20:00:00.000Z");
    expect(new Date(instantOf("--to", "21:00", ZONE, noon)).toISOString()).toBe("2026-11-25T20:00:00.000Z");
  });

  it("that comes twice in autumn is the earlier one", () => {
    expect(iso("2026-10-25 02:30")).toBe("2026-10-25T00:30:00.000Z");
  });

  it.each([
    "noon",
    "25:00",
    "2026-13-01 10:00",
    "2026-02-30 10:00",
    "2026-02-30T10:00:00Z",
    "2026-11-25",
    "2026-03-29 02:30",
  ])("%s is none, and said so", (text) => {
    expect(() => iso(text)).toThrow(/is no time/);
  });
});

describe("laddport why", () => {
  const io = { stdout: { write: () => true }, stderr: { write: () => true } };

  it("asks for one instant or a stretch of time, not for both", async () => {
    const both = why({ what: "cp-01", data: "nowhere", at: "10:00", from: "09:00" }, io);
    await expect(both).rejects.toThrow(/--at beside --from/);
  });

  it("asks for no end without a beginning", async () => {
    await expect(why({ what: "cp-01", data: "nowhere", to: "09:00" }, io)).rejects.toThrow(
      /--to without --from/,
    );
  });

  it("does not tell the future", async () => {
    const later = why({ what: "cp-01", data: "nowhere", at: "2999-01-01T00:00:00Z" }, io);
    await expect(later).rejects.toThrow(/is still to come/);
  });
});
