import fc from "fast-check";
import { expect, it } from "vitest";
import { RANK } from "../../../src/rules/allocate.ts";
import type { Limits } from "../../../src/rules/plan/joint-room.ts";
import type { Claim } from "../../../src/rules/plan/share-out.ts";
import { drawSlot } from "../../../src/rules/what-if/draw.ts";

const SLOT_MS = 300_000;
const KW_PER_A = 0.23;

const vehicles = fc.array(
  fc.record({
    target: fc.nat(32),
    cap: fc.integer({ min: 8, max: 32 }),
    step: fc.constantFrom(0, 0.1, 1, 8),
    coefficient: fc.constantFrom(-1, -0.5, 0.5, 1),
    angleDeg: fc.constantFrom(-90, 30, 150),
    leftA: fc.double({ min: 1, max: 40, noNaN: true }),
  }),
  { minLength: 2, maxLength: 7 },
);

it("the means of a slot keep sums at angles, whoever stops within it", () => {
  fc.assert(
    fc.property(vehicles, fc.integer({ min: 5, max: 30 }), (list, limitA) => {
      const limits: Limits = {
        parent: Int32Array.of(-1),
        roomA: new Float64Array(3).fill(Number.POSITIVE_INFINITY),
        roomKw: Float64Array.of(Number.POSITIVE_INFINITY),
        phasors: [{ id: "q", limitA, terms: list.map((term, vehicle) => ({ ...term, vehicle })) }],
      };
      const claims = list.map(
        ({ target, cap, step }): Claim => ({
          circuit: 0,
          lines: 1,
          ampsPerUnit: 1,
          kwPerUnit: KW_PER_A,
          target: Math.min(target, cap),
          cap,
          min: 0,
          step,
          rank: RANK.running,
          weight: 1,
        }),
      );
      const wants = list.map(({ leftA }) => ({ leftKwh: (leftA * KW_PER_A) / 12 }));
      const drawn = drawSlot(limits, claims, wants, SLOT_MS);
      let re = 0;
      let im = 0;
      drawn.forEach(({ rate }, i) => {
        const { coefficient, angleDeg, leftA, cap } = list[i] as (typeof list)[number];
        re += coefficient * rate * Math.cos((angleDeg * Math.PI) / 180);
        im += coefficient * rate * Math.sin((angleDeg * Math.PI) / 180);
        expect(rate).toBeLessThanOrEqual(Math.min(cap, leftA) + 1e-6);
      });
      expect(Math.hypot(re, im)).toBeLessThanOrEqual(limitA + 1e-3);
    }),
    { numRuns: 500, seed: 7 },
  );
});
