import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exact, fixed, minorDigits, ratio } from "../../src/model/money.ts";

describe("exact decimals", () => {
  it("rounds half away from zero", () => {
    const round = (text: string, digits: number) => fixed(exact(text), digits);
    expect(round("2.5", 0)).toBe("3");
    expect(round("-2.5", 0)).toBe("-3");
    expect(round("1.005", 2)).toBe("1.01");
    expect(round("0.00004999", 4)).toBe("0.0000");
    expect(round("-0.00004", 4)).toBe("0.0000");
    expect(round("0.07", 4)).toBe("0.0700");
    expect(fixed(ratio(1, 3), 4)).toBe("0.3333");
  });
  it("0.1 + 0.2 is 0.3", () => {
    expect(fixed(exact("0.1").add(exact("0.2")), 20)).toBe(`0.3${"0".repeat(19)}`);
  });
  it.each(["", "1/3", "0.(3)", "1e3", " 1", "NaN", "1,5", ".5"])("%j is refused with the fix", (text) => {
    expect(() => exact(text)).toThrow(/write digits with a point/);
  });
  it("refuses numbers that are not whole", () => {
    expect(() => ratio(0.5, 1)).toThrow(RangeError);
    expect(() => ratio(2 ** 53, 1)).toThrow(RangeError);
  });
  it("knows the minor units of ISO 4217", () => {
    expect(["SEK", "EUR", "JPY", "ISK", "KWD", "CLF"].map(minorDigits)).toEqual([2, 2, 0, 0, 3, 4]);
  });
  it("is within half a unit of the true value and exact when it can be", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 1, max: 1e6 }), (n, d) => {
        const value = ratio(n, d);
        const error = exact(fixed(value, 4)).sub(value).abs();
        expect(error.lte(ratio(1, 20_000))).toBe(true);
        expect(fixed(exact(fixed(value, 4)), 4)).toBe(fixed(value, 4));
      }),
      { numRuns: process.env.DEEP ? 10_000 : 200 },
    );
  });
});
