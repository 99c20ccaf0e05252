import fc from "fast-check";
import { expect, it } from "vitest";
import { dimmingW, isControllable } from "../../../src/rules/grid/dimming.ts";

it("leaves what BK6-22-300, Anlage 1, 4.5.2 promises for one to nine devices", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map(dimmingW)).toEqual([
    4_200, 7_560, 10_500, 13_020, 15_120, 16_800, 18_060, 18_900, 19_320,
  ]);
});

it("leaves 40.11 kW to 20 charging points, and nothing where there is none", () => {
  expect(dimmingW(20)).toBe(40_110);
  expect(dimmingW(0)).toBe(0);
});

it("is whole watts, rises with every device, and never promises more than 4.2 kW for each", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), (n) => {
      expect(Number.isInteger(dimmingW(n))).toBe(true);
      expect(dimmingW(n + 1)).toBeGreaterThan(dimmingW(n));
      expect(dimmingW(n)).toBeLessThanOrEqual(n * 4_200);
    }),
  );
});

it.each([-1, 1.5, Number.NaN])("refuses %d devices", (n) => {
  expect(() => dimmingW(n)).toThrow("no number of devices");
});

it("counts charging points above 4.2 kW alone", () => {
  expect(isControllable(16, 1, 230)).toBe(false);
  expect(isControllable(20, 1, 230)).toBe(true);
  expect(isControllable(16, 3, 230)).toBe(true);
});
