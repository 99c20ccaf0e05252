import fc from "fast-check";
import { expect, test } from "vitest";
import {
  efficiencyOf,
  type LearntEfficiency,
  learnEfficiency,
  unlearntEfficiency,
} from "../../src/rules/learn-efficiency.ts";

const RATED_W = 50_000;

/** Readings of one ratio, ten seconds apart. */
function learnt(readings: number, ratio: number, takenW = 40_000, from = unlearntEfficiency()) {
  let state: LearntEfficiency = from;
  for (let i = 1; i <= readings; i++)
    state = learnEfficiency(state, takenW, takenW * ratio, RATED_W, i * 10_000);
  return state;
}

test("a lower efficiency than configured counts at once, a higher one only when it is proven", () => {
  expect(efficiencyOf(learnt(3, 0.91), 0.94, 30_000)).toBeCloseTo(0.91, 6);
  expect(efficiencyOf(learnt(15, 0.96), 0.94, 150_000)).toBe(0.94);
  expect(efficiencyOf(learnt(70, 0.96), 0.94, 700_000)).toBeCloseTo(0.96, 6);
  // Many readings in a short time prove nothing.
  expect(efficiencyOf(learnt(70, 0.96), 0.94, 300_000)).toBe(0.94);
});

test("nothing is learnt from light load, from ramps, or from a meter that reads the same on both sides", () => {
  expect(learnt(100, 0.9, 10_000).estimate).toBeNull();
  expect(learnt(100, 1).estimate).toBeNull();
  expect(learnt(100, 0.6).estimate).toBeNull();
  let state = unlearntEfficiency();
  for (let i = 1; i < 30; i++)
    state = learnEfficiency(state, 16_000 * 1.05 ** i, 15_000 * 1.05 ** i, RATED_W, i);
  expect(state.estimate).toBeNull();
});

test("one odd reading moves it by a twentieth of the way", () => {
  const state = learnEfficiency(learnt(100, 0.95), 40_000, 40_000 * 0.9, RATED_W, 1_010_000);
  expect(state.estimate).toBeCloseTo(0.9475, 6);
});

test("whatever is read, what is counted with stays within bounds and is never above the configured one unproven", () => {
  const reading = fc.tuple(fc.double({ noNaN: false }), fc.double({ noNaN: false }));
  fc.assert(
    fc.property(
      fc.array(reading, { maxLength: 40 }),
      fc.double({ min: 0.85, max: 1, noNaN: true }),
      (all, set) => {
        let state = unlearntEfficiency();
        all.forEach(([taken, delivered], i) => {
          state = learnEfficiency(state, taken, delivered, RATED_W, i * 1000);
          const used = efficiencyOf(state, set, i * 1000);
          expect(used).toBeLessThanOrEqual(set);
          expect(used).toBeGreaterThanOrEqual(0.85 - 1e-9);
        });
      },
    ),
  );
});
