import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overlapping, type PriceSeries, published } from "../../src/rules/price-series.ts";

const T0 = Date.UTC(2026, 11, 1);
const QUARTER_MS = 900_000;
const at = (quarter: number) => T0 + quarter * QUARTER_MS;
const iso = (quarter: number) => new Date(at(quarter)).toISOString();

/** Consecutive prices of `length` quarters each, from `start`; "" leaves a hole. */
function publication(start: number, length: number, prices: string[], currency = "SEK") {
  const points = prices.flatMap((price, i) =>
    price === "" ? [] : [{ from: iso(start + i * length), to: iso(start + (i + 1) * length), price }],
  );
  return { currency, points };
}

const series = (...publications: ReturnType<typeof publication>[]) =>
  publications.reduce<PriceSeries | undefined>((known, next) => published(known, next), undefined)?.points;

describe("a series", () => {
  it("has the newer price where a publication corrects an hour", () => {
    expect(series(publication(0, 4, ["1", "2", "3"]), publication(4, 4, ["9"]))).toEqual([
      [at(0), at(4), "1"],
      [at(4), at(8), "9"],
      [at(8), at(12), "3"],
    ]);
  });
  it("keeps the rest of an hour of which one quarter is corrected", () => {
    expect(series(publication(0, 4, ["1"]), publication(1, 1, ["9"]))).toEqual([
      [at(0), at(1), "1"],
      [at(1), at(2), "9"],
      [at(2), at(4), "1"],
    ]);
  });
  it("begins anew in another currency", () => {
    expect(series(publication(0, 4, ["1"]), publication(8, 4, ["2"], "EUR"))).toEqual([[at(8), at(12), "2"]]);
  });
});

it("every quarter has the price that was published last for it, and nothing overlaps", () => {
  const part = fc
    .record({
      start: fc.integer({ min: 0, max: 40 }),
      length: fc.constantFrom(1, 4),
      prices: fc.array(fc.constantFrom("", "1", "2", "3", "-4.5"), { minLength: 1, maxLength: 12 }),
    })
    .map(({ start, length, prices }) => publication(start, length, prices));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.integer({ min: 0, max: 90 }), (parts, from) => {
      const points = series(...parts) ?? [];
      for (let quarter = 0; quarter < 100; quarter += 1) {
        const [ms, end] = [at(quarter), at(quarter + 1)];
        const last = parts
          .flatMap((p) => p.points)
          .findLast((p) => Date.parse(p.from) <= ms && Date.parse(p.to) >= end);
        const found = points.filter(([a, b]) => a < end && b > ms);
        expect(found.map(([, , price]) => price)).toEqual(last ? [last.price] : []);
      }
      const window: [number, number] = [at(from) + 1, at(from + 5) - 1];
      expect(overlapping(points, ...window)).toEqual(
        points.filter(([a, b]) => a < window[1] && b > window[0]),
      );
    }),
    { numRuns: process.env.DEEP ? 5_000 : 200 },
  );
});
