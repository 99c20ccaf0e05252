import { describe, expect, it } from "vitest";
import { readPriceFile } from "../../src/cli/price-file.ts";
import { readPrices } from "../../src/rules/price-points.ts";

function pointsOf(text: string, file = "prices.csv", currency = "SEK") {
  const read = readPrices(readPriceFile(text, file, currency), currency);
  return "points" in read ? read.points : read.faults.map(({ at, message }) => `${at} ${message}`);
}

const HOURS = [
  { from: "2026-11-30T23:00:00Z", to: "2026-12-01T00:00:00Z", price: "0.5" },
  { from: "2026-12-01T00:00:00Z", to: "2026-12-01T01:00:00Z", price: "0.25" },
];

describe("a price file", () => {
  it.each<[string, string, string]>([
    [
      "CSV from,to,price",
      "p.csv",
      "from,to,price\n2026-12-01T00:00:00+01:00,2026-12-01T01:00:00+01:00,0.5\n2026-12-01T01:00:00+01:00,2026-12-01T02:00:00+01:00,0.25\n",
    ],
    ["CSV start,price", "p.csv", "start,price\n2026-12-01T00:00+01:00,0.5\n\n2026-12-01T01:00+01:00,0.25\n"],
    [
      "semicolons and decimal commas, with a byte order mark and CRLF",
      "p.csv",
      "\uFEFFStart;End;Price\r\n2026-12-01 00:00+01:00;2026-12-01 01:00+01:00;0,5\r\n2026-12-01 01:00+01:00;2026-12-01 02:00+01:00;0,25\r\n",
    ],
    [
      "JSON with the price in several currencies",
      "p.json",
      '[{"SEK_per_kWh":0.5,"EUR_per_kWh":0.04,"EXR":11.1,"time_start":"2026-12-01T00:00:00+01:00","time_end":"2026-12-01T01:00:00+01:00"},\n{"SEK_per_kWh":0.25,"EUR_per_kWh":0.02,"EXR":11.1,"time_start":"2026-12-01T01:00:00+01:00","time_end":"2026-12-01T02:00:00+01:00"}]',
    ],
    [
      "JSON of starts, prices as text",
      "p.txt",
      ' [\n\t{"start":"2026-11-30T23:00:00Z","price":"0.5"},\n\t{"start":"2026-12-01T00:00:00Z","price":"0.25"}]',
    ],
  ])("may be %s", (_, file, text) => {
    expect(pointsOf(text, file)).toEqual(HOURS);
  });
  it("keeps the digits of JSON numbers that a binary float would not hold", () => {
    const text = '[{"from":"2026-12-01T00:00Z","to":"2026-12-01T01:00Z","price":123456789012.12345678}]';
    expect(readPriceFile(text, "p.json", "SEK")[0]?.price).toBe("123456789012.12345678");
  });
  it("is refused by file and line: times without an offset, overlaps, absurd prices", () => {
    const csv =
      "from,to,price\n2026-12-01T00:00,2026-12-01T01:00Z,0.5\n2026-12-01T01:00Z,2026-12-01T02:00Z,812\n";
    expect(pointsOf(csv, "spot.csv")).toEqual([
      expect.stringMatching(/^spot\.csv:2 "2026-12-01T00:00" has no UTC offset/),
      expect.stringMatching(/^spot\.csv:3 812 SEK is no price of a kWh/),
    ]);
    const json =
      '[\n{"start":"2026-12-01T00:00Z","price":1},\n{"start":"2026-12-01T00:00Z","price":2},\n{"start":"2026-12-01T01:00Z","price":1}\n]';
    expect(pointsOf(json, "spot.json")).toEqual([
      expect.stringMatching(/^spot\.json:3 .* overlaps .*spot\.json:2/),
    ]);
  });
  it.each<[string, string, RegExp]>([
    ["p.csv", "time,cost\n1,2\n", /^p\.csv:1 has the columns time, cost; write from,to,price/],
    ["p.csv", "", /^p\.csv:1 has the columns \(none\)/],
    ["p.json", "{}", /^p\.json:1 is not a list/],
    ["p.json", "[1]", /^p\.json:1 item 1 is not an object/],
    ["p.json", "[", /^p\.json is not JSON/],
    ["p.csv", 'from,price\n"a,1\n', /^p\.csv: /],
  ])("of another kind is refused: %s %j", (file, text, expected) => {
    expect(() => readPriceFile(text, file, "SEK")).toThrow(expected);
  });
});
