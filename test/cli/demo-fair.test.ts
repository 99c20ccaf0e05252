import { expect, test } from "vitest";
import { fairShares, instanceOf } from "../../src/cli/demo-fair.ts";
import { demoGrid } from "../../src/cli/demo-grid.ts";
import { drawEvening } from "../../src/simulator/visits.ts";

const scenario = drawEvening({
  stations: 24,
  seed: 1,
  midnightMs: Date.UTC(2026, 10, 21, 23),
  timeZone: "Europe/Stockholm",
  voltageV: 230,
});
const drawn = demoGrid(scenario, undefined, 230);
const grid = demoGrid(scenario, Math.round(drawn.siteLimitA * 0.9), 230);

test("equal shares leave somebody short on a connection that is a tenth smaller than a demo's, and give nobody too much", async () => {
  const got = await fairShares(scenario, grid, 230);
  const short = scenario.visits.filter((v) => (got.get(v.id) ?? 0) < 0.99 * v.car.energyWh);
  expect(short.length).toBeGreaterThan(0);
  expect(short.length).toBeLessThan(scenario.visits.length / 3);
  for (const v of scenario.visits) expect(got.get(v.id)).toBeLessThanOrEqual(v.car.energyWh + 1);
});

test("with room for all and no order nobody is short", async () => {
  const got = await fairShares(scenario, { siteLimitA: 5000, building: null, order: null }, 230);
  expect(scenario.visits.every((v) => (got.get(v.id) ?? 0) >= 0.99 * v.car.energyWh)).toBe(true);
});

test("the order lowers the site in the night, and gives it back after 90 minutes", () => {
  const [site] = instanceOf(scenario, grid, 230).circuits;
  const [order, after] = site?.steps ?? [];
  expect(order?.limitKw).toBe(grid.order?.kw);
  expect((after?.from ?? 0) - (order?.from ?? 0)).toBe(18);
  expect(after?.limitKw).toBeCloseTo((3 * grid.siteLimitA * 230) / 1000, 6);
});
