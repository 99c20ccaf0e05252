import fc from "fast-check";
import { expect, it } from "vitest";
import { RANK } from "../../../src/rules/allocate.ts";
import { byLaxity } from "../../../src/rules/plan/by-laxity.ts";
import type { Limits } from "../../../src/rules/plan/joint-room.ts";
import { factorOf } from "../../../src/rules/plan/phasors.ts";
import { type Claim, shareOut } from "../../../src/rules/plan/share-out.ts";

const claim = (part: Partial<Claim> = {}): Claim => ({
  circuit: 0,
  lines: 1,
  ampsPerUnit: 1,
  kwPerUnit: 0.23,
  target: 0,
  cap: 32,
  min: 0,
  step: 0,
  rank: RANK.running,
  weight: 1,
  ...part,
});
const limits = (part: Partial<Limits> = {}): Limits => ({
  parent: Int32Array.of(-1),
  roomA: Float64Array.of(40, 40, 40),
  roomKw: Float64Array.of(Number.POSITIVE_INFINITY),
  phasors: [],
  ...part,
});

it("follows targets before it shares out the rest", () => {
  expect([...shareOut(limits(), [claim({ target: 30 }), claim()])]).toEqual([30, 10]);
});

it("shares kW evenly when nobody has a target", () => {
  const rates = shareOut(limits({ roomKw: Float64Array.of(4.6) }), [claim(), claim()]);
  expect(Math.abs((rates[0] as number) - (rates[1] as number))).toBeLessThanOrEqual(1);
  expect((rates[0] as number) + (rates[1] as number)).toBeGreaterThan(19.5);
});

it("a DC connector keeps its minimum in kW or gets nothing", () => {
  const dc = claim({ lines: 7, ampsPerUnit: 1000 / 690, kwPerUnit: 1, cap: 50, min: 5 });
  expect(shareOut(limits({ roomA: Float64Array.of(7, 40, 40) }), [dc])[0]).toBe(0);
  expect(shareOut(limits(), [dc])[0]).toBeGreaterThan(27);
});

it("one 0.1 A and one 1 A step under a limit in kW: whole steps, within it", () => {
  const rates = shareOut(limits({ roomKw: Float64Array.of(5) }), [claim({ step: 1 }), claim({ step: 0.1 })]);
  expect(rates[0]).toBe(Math.round(rates[0] as number));
  expect(((rates[0] as number) + (rates[1] as number)) * 0.23).toBeLessThanOrEqual(5);
});

it("who has less time left gets more, and all of them keep their floor", () => {
  const rates = byLaxity(
    limits(),
    [
      { ...claim(), max: 32, needKwh: 10, hours: 2, floor: 4 },
      { ...claim(), max: 32, needKwh: 10, hours: 8, floor: 4 },
    ],
    1 / 12,
  );
  expect(rates[0]).toBeCloseTo(32, 3);
  expect(rates[1]).toBeGreaterThanOrEqual(4);
  expect((rates[0] as number) + (rates[1] as number)).toBeLessThanOrEqual(40);
});

it("keeps lines, kW, angles, minima and steps, whatever is wanted", () => {
  const claims = fc.array(
    fc.record({
      lines: fc.constantFrom(1, 2, 4, 7),
      target: fc.double({ min: 0, max: 40, noNaN: true }),
      cap: fc.double({ min: 0, max: 32, noNaN: true }),
      min: fc.constantFrom(0, 6),
      step: fc.constantFrom(0, 0.1, 1),
      rank: fc.constantFrom(RANK.urgent, RANK.running, RANK.waiting, RANK.standby),
    }),
    { minLength: 1, maxLength: 9 },
  );
  const amps = fc.integer({ min: 0, max: 80 });
  fc.assert(
    fc.property(claims, amps, amps, fc.integer({ min: 1, max: 40 }), amps, (list, a, b, kw, angle) => {
      const all = list.map((c) => claim({ ...c, kwPerUnit: c.lines === 7 ? 0.69 : 0.23 }));
      const phasor = {
        id: "primary",
        limitA: angle,
        terms: all.map((_, i) => ({
          vehicle: i,
          coefficient: i % 2 === 0 ? 1 : -1,
          angleDeg: 120 * (i % 3),
        })),
      };
      const over = limits({
        roomA: Float64Array.of(a, b, a),
        roomKw: Float64Array.of(kw),
        phasors: [phasor],
      });
      const rates = shareOut(over, all);
      const sum = (line: number) =>
        all.reduce((s, c, i) => s + (c.lines & (1 << line) ? (rates[i] as number) : 0), 0);
      expect(sum(0)).toBeLessThanOrEqual(a + 1e-6);
      expect(sum(1)).toBeLessThanOrEqual(b + 1e-6);
      expect(all.reduce((s, c, i) => s + (rates[i] as number) * c.kwPerUnit, 0)).toBeLessThanOrEqual(
        kw + 1e-5,
      );
      let [re, im] = [0, 0];
      for (const term of phasor.terms) {
        re += factorOf(term).re * (rates[term.vehicle] as number);
        im += factorOf(term).im * (rates[term.vehicle] as number);
      }
      expect(Math.hypot(re, im)).toBeLessThanOrEqual(angle + 1e-5);
      all.forEach((c, i) => {
        const rate = rates[i] as number;
        expect(rate).toBeLessThanOrEqual(c.cap + 1e-6);
        if (rate > 0) expect(rate).toBeGreaterThanOrEqual(c.min - 1e-6);
        if (c.step > 0) expect(Math.abs(rate / c.step - Math.round(rate / c.step))).toBeLessThan(1e-4);
      });
    }),
    { numRuns: process.env.DEEP ? 5000 : 500 },
  );
});
