import fc from "fast-check";
import { expect, it } from "vitest";
import { evenOut } from "../../../src/rules/plan/even-out.ts";
import { HOUR_MS, problem, vehicle } from "./plan-cases.ts";

const marks = [0, HOUR_MS, 3 * HOUR_MS];
const evened = (vehicles: ReturnType<typeof vehicle>[], rates: number[][]) => {
  const own = rates.map((r) => Float64Array.from(r));
  evenOut(problem(vehicles, 100), own, marks);
  return own.map((r) => [...r]);
};
const close = (rates: number[]) => rates.map((rate) => expect.closeTo(rate, 6));

it("equal vehicles get alike in every interval", () => {
  const cars = [1, 2].map((n) => vehicle({ id: `car ${n}`, needKwh: 30, departH: 3 }));
  const rates = evened(cars, [
    [32, 0],
    [0, 12],
  ]);
  expect(rates).toEqual([close([16, 6]), close([16, 6])]);
});

it("who has less of what it asked for gets more of what is shared out", () => {
  const cars = [2.3, 0].map((gotKwh) => vehicle({ needKwh: 30 - gotKwh, askedKwh: 30, gotKwh, departH: 3 }));
  const [had = [], had0 = []] = evened(cars, [
    [20, 0],
    [0, 0],
  ]);
  expect((had0[0] as number) - (had[0] as number)).toBeCloseTo(10, 6);
});

it("less than a minimum for each: one after the other, as it was", () => {
  const cars = [1, 2].map(() => vehicle({ needKwh: 30, departH: 3, keep: 6 }));
  const before = [
    [10, 0],
    [0, 10],
  ];
  expect(evened(cars, before)).toEqual(before);
});

it("whoever differs in class, need, line or departure, or may leave early, keeps what it has", () => {
  const car = { needKwh: 20, departH: 3 };
  const stays = [
    { untilMs: HOUR_MS, likely: 1 },
    { untilMs: 3 * HOUR_MS, likely: 0.5 },
  ];
  const others = [{ weight: 2 }, { askedKwh: 25 }, { lines: 2 }, { departH: 2 }, { stays }];
  for (const other of others) {
    const before = [
      [30, 0],
      [0, 0],
    ];
    expect(evened([vehicle(car), vehicle({ ...car, ...other })], before), JSON.stringify(other)).toEqual(
      before,
    );
  }
});

it("sums of an interval stay, and nobody gets more than its maximum or its need", () => {
  const cars = fc.array(
    fc.record({ gotKwh: fc.double({ min: 0, max: 19, noNaN: true }), part: fc.nat(32) }),
    {
      minLength: 2,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(cars, (list) => {
      const vehicles = list.map(({ gotKwh }) =>
        vehicle({ needKwh: 20 - gotKwh, askedKwh: 20, gotKwh, departH: 3 }),
      );
      const needs = (i: number) => vehicles[i]?.needs[0]?.upToKwh ?? 0;
      const before = list.map(({ part }, i) => [Math.min(part, needs(i) / 0.23), 0]);
      const after = evened(vehicles, before);
      const sum = (rates: number[][]) => rates.reduce((all, [rate = 0]) => all + rate, 0);
      expect(sum(after)).toBeCloseTo(sum(before), 6);
      after.forEach(([rate = 0], i) => {
        expect(rate).toBeLessThanOrEqual(32 + 1e-6);
        expect(rate * 0.23).toBeLessThanOrEqual(needs(i) + 1e-6);
      });
    }),
  );
});
