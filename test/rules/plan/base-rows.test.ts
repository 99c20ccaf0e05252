import { expect, it } from "vitest";
import { ENERGY_FIRST } from "../../../src/rules/plan/problem.ts";
import { HOUR_MS, kwhBetween, planned, problem, vehicle } from "./plan-cases.ts";

const goals = { ...ENERGY_FIRST, fill: 0, early: 0, soon: 0, base: 3, basePart: 0.4 };
/** It leaves after 8 h, or once in five times after 1 h. */
const uncertain = [
  { untilMs: HOUR_MS, likely: 1 },
  { untilMs: 8 * HOUR_MS, likely: 0.8 },
];

it("a vehicle that may leave early has its first part by then, one that is certain to stay waits", async () => {
  const may = vehicle({ id: "may", needKwh: 15, stays: uncertain });
  const stays = vehicle({ id: "stays", needKwh: 15, departH: 8 });
  const p = problem([may, stays], 32, { goals });
  const plan = await planned(p);
  expect(kwhBetween(p, plan, 0, 0, HOUR_MS)).toBeGreaterThanOrEqual(6 - 1e-6);
  expect(kwhBetween(p, plan, 1, 0, HOUR_MS)).toBeLessThan(1.4);
});

it("what it has got already counts", async () => {
  const had = vehicle({ id: "had", needKwh: 9, askedKwh: 15, gotKwh: 6, stays: uncertain });
  const fresh = vehicle({ id: "new", needKwh: 15, stays: uncertain });
  const p = problem([had, fresh], 16, { goals });
  const plan = await planned(p);
  expect(kwhBetween(p, plan, 1, 0, HOUR_MS)).toBeCloseTo(16 * 0.23, 3);
});
