import fc from "fast-check";
import { expect, test } from "vitest";
import { implausibleMeter, type OtherLoadInput, otherLoad } from "../../src/rules/other-load.ts";

const quiet: OtherLoadInput = {
  meterA: 50,
  chargingA: 30,
  unseenRampA: 0,
  limitA: 63,
  recentLeastA: 20,
  recentMostA: 20,
  exportIsRoom: false,
};

test("is the meter less the charging of the same moment", () => {
  expect(otherLoad(quiet)).toEqual({ nowA: 20, forCutsA: 20, forRaisesA: 20 });
});

test("a jump that no ramp can explain counts at once", () => {
  expect(otherLoad({ ...quiet, meterA: 60 }).forCutsA).toBe(30);
});

test("a jump that cars may have caused waits for their readings, but not beyond the limit", () => {
  expect(otherLoad({ ...quiet, meterA: 60, unseenRampA: 16 }).forCutsA).toBe(20);
  expect(otherLoad({ ...quiet, meterA: 60, unseenRampA: 4 }).forCutsA).toBe(26);
  expect(otherLoad({ ...quiet, meterA: 64, unseenRampA: 16 }).forCutsA).toBe(34);
});

test("raises leave room for the highest of late", () => {
  expect(otherLoad({ ...quiet, recentMostA: 41 }).forRaisesA).toBe(41);
});

test("own production counts as room only where the settings say so", () => {
  const sunny = { ...quiet, meterA: 10, recentLeastA: -20, recentMostA: -20 };
  expect(otherLoad(sunny)).toEqual({ nowA: -20, forCutsA: 0, forRaisesA: 0 });
  expect(otherLoad({ ...sunny, exportIsRoom: true })).toEqual({ nowA: -20, forCutsA: -20, forRaisesA: -20 });
});

test("raises never see less other load than there is, and cuts see all of it in an overload", () => {
  const amps = fc.double({ min: -200, max: 200, noNaN: true });
  fc.assert(
    fc.property(
      fc.record({
        meterA: amps,
        chargingA: fc.double({ min: 0, max: 200, noNaN: true }),
        unseenRampA: fc.double({ min: 0, max: 200, noNaN: true }),
        limitA: fc.double({ min: 0, max: 200, noNaN: true }),
        recentLeastA: amps,
        recentMostA: amps,
        exportIsRoom: fc.boolean(),
      }),
      (input) => {
        const { nowA, forCutsA, forRaisesA } = otherLoad(input);
        expect(forRaisesA).toBeGreaterThanOrEqual(nowA);
        if (input.meterA > input.limitA) expect(forCutsA).toBeGreaterThanOrEqual(nowA);
        expect(forCutsA).toBeGreaterThanOrEqual(nowA - input.unseenRampA);
      },
    ),
    { numRuns: process.env.DEEP ? 10_000 : 300 },
  );
});

test("a meter's reading is not believed when it is impossible or the mirror image of the last", () => {
  const limit = [63, 63, 63];
  expect(implausibleMeter([10, 10, 10], limit, null)).toBeNull();
  expect(implausibleMeter([Number.NaN, 1, 1], limit, null)).toContain("NaN A on L1");
  expect(implausibleMeter([1, 1e9, 1], limit, null)).toContain("L2");
  expect(implausibleMeter([10], limit, null)).toContain("reports three");
  expect(implausibleMeter([-40, -31, -20], limit, [41, 30, 20])).toContain("sign has flipped");
  // Production that grows does not mirror what flowed in.
  expect(implausibleMeter([-5, 2, -1], limit, [8, 15, 12])).toBeNull();
  expect(implausibleMeter([-2, -2, -2], limit, [2, 2, 2])).toBeNull();
});
