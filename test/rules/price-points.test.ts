import { describe, expect, it } from "vitest";
import { type GivenPrice, readPrices } from "../../src/rules/price-points.ts";

const QUARTER_MS = 900_000;

/** Rows `start,price` of a local day in Stockholm, with the offset that the wall clock has then. */
function localDay(
  startUtc: string,
  hours: number,
  stepMs: number,
  summerUntil: (ms: number) => boolean,
): GivenPrice[] {
  const startMs = Date.parse(startUtc);
  return Array.from({ length: (hours * 3_600_000) / stepMs }, (_, i) => {
    const ms = startMs + i * stepMs;
    const offset = summerUntil(ms) ? 2 : 1;
    const wall = new Date(ms + offset * 3_600_000).toISOString().slice(0, 16);
    return { at: `day.csv:${i + 2}`, from: `${wall}+0${offset}:00`, price: `0.${100 + i}` };
  });
}

const faultsOf = (given: GivenPrice[], currency = "SEK") =>
  readPrices(given, currency).faults.map(({ at, message, fix }) => `${at} ${message}. ${fix}`);
const one = (over: Partial<GivenPrice>): GivenPrice => ({
  at: "p.csv:2",
  from: "2026-12-01T00:00:00+01:00",
  to: "2026-12-01T01:00:00+01:00",
  price: "0.5",
  ...over,
});

describe("days on which the clock is put", () => {
  it("the day of autumn has 25 hours: 100 quarters, each of its own, though two of each wall time", () => {
    const change = Date.parse("2026-10-25T01:00:00Z");
    const day = localDay("2026-10-24T22:00:00Z", 25, QUARTER_MS, (ms) => ms < change);
    expect(day.filter(({ from }) => from.startsWith("2026-10-25T02:15"))).toHaveLength(2);
    const read = readPrices(day, "SEK");
    if (!("points" in read)) throw new Error(JSON.stringify(read.faults));
    expect(read.stepS).toBe(900);
    expect(read.points).toHaveLength(100);
    expect(read.points.at(-1)).toEqual({
      from: "2026-10-25T22:45:00Z",
      to: "2026-10-25T23:00:00Z",
      price: "0.199",
    });
    read.points.slice(1).forEach((point, i) => {
      expect(point.from).toBe(read.points[i]?.to);
    });
  });
  it.each([
    [QUARTER_MS, 92],
    [3_600_000, 23],
  ])("the day of spring has 23 hours without a hole, in steps of %d ms", (stepMs, count) => {
    const change = Date.parse("2026-03-29T01:00:00Z");
    const day = localDay("2026-03-28T23:00:00Z", 23, stepMs, (ms) => ms >= change);
    expect(day.map(({ from }) => from.slice(11, 16))).not.toContain("02:00");
    const read = readPrices(day, "SEK");
    if (!("points" in read)) throw new Error(JSON.stringify(read.faults));
    expect([read.stepS, read.points.length]).toEqual([stepMs / 1000, count]);
    read.points.slice(1).forEach((point, i) => {
      expect(point.from).toBe(read.points[i]?.to);
    });
  });
  it("text without an offset is refused, for the hour that comes twice", () => {
    expect(faultsOf([one({ from: "2026-10-25T02:00:00" })])).toEqual([
      'p.csv:2 "2026-10-25T02:00:00" has no UTC offset, and an hour of autumn has two meanings without one. Write 2026-10-25T02:00:00+01:00, or the UTC time with Z.',
    ]);
  });
});

describe("prices as given", () => {
  it("may come in any order, with a space for T, without seconds, and keep their digits", () => {
    const read = readPrices(
      [
        one({
          from: "2026-12-01 02:00+01:00",
          to: "2026-12-01T01:00:00Z".replace("01:", "02:"),
          price: "-0.10",
        }),
        one({ from: "2026-12-01T00:00:00.000+0100", to: "2026-12-01T01:00+01:00", price: "1.23456789" }),
      ],
      "SEK",
    );
    expect(read).toEqual({
      faults: [],
      stepS: 3600,
      points: [
        { from: "2026-11-30T23:00:00Z", to: "2026-12-01T00:00:00Z", price: "1.23456789" },
        { from: "2026-12-01T01:00:00Z", to: "2026-12-01T02:00:00Z", price: "-0.10" },
      ],
    });
  });
  it("that are starts alone last until the next one; where one is missing there is a hole", () => {
    const starts = ["00:00", "00:15", "00:45"].map((time, i) => ({
      at: `${i}`,
      from: `2026-12-01T${time}Z`,
      price: "1",
    }));
    expect(readPrices(starts, "SEK")).toMatchObject({
      stepS: 900,
      points: [
        { to: "2026-12-01T00:15:00Z" },
        { to: "2026-12-01T00:30:00Z" },
        { to: "2026-12-01T01:00:00Z" },
      ],
    });
  });
  it.each<[string, GivenPrice[], RegExp]>([
    ["a price per MWh", [one({ price: "512.30" })], /512\.30 SEK is no price of a kWh.*per MWh by 1000/],
    ["a price per MWh below zero", [one({ price: "-499" })], /is no price of a kWh/],
    ["a comma", [one({ price: "0,5" })], /"0,5" is not a price/],
    ["an exponent", [one({ price: "1e-3" })], /"1e-3" is not a price/],
    ["nothing", [one({ price: "" })], /"" is not a price/],
    [
      "a day that no calendar has",
      [one({ from: "2026-02-30T00:00:00Z" })],
      /"2026-02-30T00:00:00Z" is not a time/,
    ],
    ["an hour that no clock has", [one({ from: "2026-12-01T25:00:00Z" })], /is not a time/],
    ["a time off the quarters", [one({ from: "2026-12-01T00:07:00Z" })], /is not on a quarter of an hour/],
    ["half hours", [one({ to: "2026-12-01T00:30:00+01:00" })], /a price holds for 30 minutes/],
    ["an end before the start", [one({ to: "2026-11-30T23:00:00+01:00" })], /a price holds for -60 minutes/],
    ["one start alone", [{ at: "p.csv:2", from: "2026-12-01T00:00Z", price: "1" }], /one start alone/],
    ["no row", [], /there is no price/],
  ])("that are %s are refused", (_, given, expected) => {
    expect(faultsOf(given)).toEqual([expect.stringMatching(expected)]);
  });
  it("that overlap are refused, with both places", () => {
    const twice = [one({}), one({ at: "p.csv:3", price: "0.6" })];
    expect(faultsOf(twice)).toEqual([
      "p.csv:3 2026-11-30T23:00:00Z overlaps the price of 2026-11-30T23:00:00Z (p.csv:2). Give each time one price.",
    ]);
  });
  it("of quarters and hours in one are refused", () => {
    const mixed = [one({}), one({ at: "p.csv:3", from: "2026-12-01T00:00:00Z", to: "2026-12-01T00:15:00Z" })];
    expect(faultsOf(mixed)[0]).toMatch(/^p\.csv:2 lasts 60 minutes, others 15/);
  });
  it("are all named at once, up to twenty", () => {
    const bad = Array.from({ length: 30 }, (_, i) => one({ at: `p.csv:${i + 2}`, price: "much" }));
    expect(faultsOf(bad)).toHaveLength(20);
  });
  it("in euro are refused from 10 on, since 45 EUR is a price per MWh", () => {
    expect(faultsOf([one({ price: "45" })], "EUR")).toHaveLength(1);
    expect(faultsOf([one({ price: "4.5" })], "EUR")).toEqual([]);
  });
});
