import { describe, expect, it } from "vitest";
import { ENERGY_FIRST } from "../../../src/rules/plan/problem.ts";
import { HOUR_MS, planned, problem, vehicle } from "./plan-cases.ts";

describe("alike shares", () => {
  const goals = { ...ENERGY_FIRST, fill: 0, soon: 0, share: 0.1 };

  it("of what is too little for all, no share of a class lags behind by more than a quarter", async () => {
    const cars = [20, 20, 40].map((needKwh, i) => vehicle({ id: `car ${i}`, needKwh, departH: 2 }));
    const plan = await planned(problem(cars, 64, { goals }));
    // 64 A for two hours are 29.4 kWh of the 80 that are asked for.
    const shares = plan.vehicles.map((v, i) => v.forecastKwh / (cars[i]?.askedKwh as number));
    expect(Math.max(...shares)).toBeLessThanOrEqual(0.5 + 1e-6);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.25 - 1e-6);
  });

  it("who has much already waits for who has little", async () => {
    const rich = vehicle({ id: "rich", needKwh: 10, askedKwh: 20, gotKwh: 10, departH: 1 });
    const poor = vehicle({ id: "poor", needKwh: 20, departH: 1 });
    const plan = await planned(problem([rich, poor], 32, { goals }));
    expect(plan.vehicles[1]?.forecastKwh).toBeGreaterThan(4.9);
  });

  it("never cost energy, and a class that counts more comes first all the same", async () => {
    const bus = vehicle({ id: "bus", needKwh: 14, departH: 2, weight: 10, gotKwh: 10, askedKwh: 24 });
    const pool = vehicle({ id: "pool", needKwh: 14, departH: 2 });
    const plan = await planned(problem([bus, pool], 32, { goals }));
    expect(plan.vehicles[0]?.missingKwh).toBeCloseTo(0, 4);
    expect(plan.vehicles.reduce((sum, v) => sum + v.forecastKwh, 0)).toBeCloseTo(32 * 0.23 * 2, 4);
  });
});

describe("smoothness", () => {
  it("a rate that does as well as others stays as it is", async () => {
    const goals = { ...ENERGY_FIRST, early: 0, soon: 0, smooth: 0.001 };
    const stay = vehicle({ needKwh: 10, departH: 8, rate: 12 });
    const room = [0, 2].map((h) => ({ fromMs: h * HOUR_MS, lineA: [100 - h, 100, 100] as const, kw: null }));
    const circuits = [{ id: "site", parent: -1, room }];
    const plan = await planned(problem([stay], 100, { goals, circuits }));
    expect([...(plan.vehicles[0]?.rates.slice(0, 2) ?? [])]).toEqual([
      expect.closeTo(12, 4),
      expect.closeTo(12, 4),
    ]);
    expect(plan.vehicles[0]?.missingKwh).toBeCloseTo(0, 4);
  });

  it("gives way when energy would be missing", async () => {
    const goals = { ...ENERGY_FIRST, smooth: 0.001 };
    const plan = await planned(problem([vehicle({ needKwh: 14, departH: 2, rate: 6 })], 100, { goals }));
    expect(plan.vehicles[0]?.missingKwh).toBeCloseTo(0, 4);
  });
});
