import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { floorPart, floorWeight, SHORTAGE_AT_FIRST, shortageAfter } from "../../../src/rules/plan/floor.ts";

const part = fc.double({ min: 0, max: 1, noNaN: true });

describe("floors under uncertain departures", () => {
  it("grow with shortage and fall with the share that a vehicle has, always within its fair rate", () => {
    fc.assert(
      fc.property(part, part, part, part, (s1, s2, a1, a2) => {
        const [little, much] = [Math.min(s1, s2), Math.max(s1, s2)];
        const [less, more] = [Math.min(a1, a2), Math.max(a1, a2)];
        expect(floorPart(much, less)).toBeGreaterThanOrEqual(floorPart(little, less) - 1e-12);
        expect(floorPart(much, less)).toBeGreaterThanOrEqual(floorPart(much, more) - 1e-12);
        expect(floorPart(little, more)).toBeGreaterThan(0);
        expect(floorPart(much, less)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("where everybody is served they are next to nothing, and large where a third is missing", () => {
    expect(floorPart(0, 0)).toBeLessThan(0.05);
    expect(floorPart(0.33, 0)).toBeGreaterThan(0.7);
  });

  it("who lacks more of its first part weighs more, and nobody who has it", () => {
    expect(floorWeight(50, 0)).toBeGreaterThan(floorWeight(10, 0));
    expect(floorWeight(50, 30)).toBe(1);
  });

  it("shortage comes to what is missing again and again, and falls to nothing when all leave full", () => {
    const after = (n: number, from: number, gotKwh: number, full: boolean) =>
      Array.from({ length: n }).reduce((s: number) => shortageAfter(s, 20, gotKwh, full), from);
    expect(after(2000, SHORTAGE_AT_FIRST, 15, false)).toBeCloseTo(0.25, 3);
    expect(after(2000, 0.5, 20, true)).toBeCloseTo(0, 3);
    expect(shortageAfter(0.2, 0, 0, false)).toBeLessThan(0.2);
  });
});
