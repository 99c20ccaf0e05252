import { describe, expect, it } from "vitest";
import { purchaseSteps } from "../../../src/rules/grid/purchase-prices.ts";
import type { Priced } from "../../../src/rules/price-series.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONE = "Europe/Stockholm";

/** Hours from local midnight of a day, each with its local hour as the price. */
function day(startMs: number, hours = 24, price = (hour: number) => String(hour)): Priced[] {
  return Array.from({ length: hours }, (_, h) => [startMs + h * HOUR, startMs + (h + 1) * HOUR, price(h)]);
}

describe("purchase prices", () => {
  const midnight = Date.UTC(2026, 1, 10, 23);

  it("are as published, from the time asked for", () => {
    const steps = purchaseSteps(day(midnight), midnight + HOUR / 2, midnight + 2 * HOUR, ZONE);
    expect(steps).toEqual([
      { fromMs: midnight + HOUR / 2, perKwh: 0, isEstimate: false },
      { fromMs: midnight + HOUR, perKwh: 1, isEstimate: false },
    ]);
  });

  it("repeat the last known day beyond it, and say so", () => {
    const steps = purchaseSteps(day(midnight), midnight + 23 * HOUR, midnight + 26 * HOUR, ZONE);
    expect(steps).toEqual([
      { fromMs: midnight + 23 * HOUR, perKwh: 23, isEstimate: false },
      { fromMs: midnight + 24 * HOUR, perKwh: 0, isEstimate: true },
      { fromMs: midnight + 25 * HOUR, perKwh: 1, isEstimate: true },
    ]);
  });

  it("repeat it for a week, and then end", () => {
    const at = (days: number) =>
      purchaseSteps(day(midnight), midnight + days * DAY, midnight + days * DAY + 1, ZONE);
    expect(at(7)).toMatchObject([{ perKwh: 0, isEstimate: true }]);
    expect(at(8)).toEqual([]);
  });

  it("fill a hole between published days by the day before", () => {
    const points = [...day(midnight), ...day(midnight + 2 * DAY, 24, () => "99")];
    const steps = purchaseSteps(points, midnight + DAY + 12 * HOUR, midnight + DAY + 13 * HOUR, ZONE);
    expect(steps).toEqual([{ fromMs: midnight + DAY + 12 * HOUR, perKwh: 12, isEstimate: true }]);
  });

  it.each([
    ["2026-03-29", Date.UTC(2026, 2, 27, 23), Date.UTC(2026, 2, 29, 4), 6],
    ["2026-10-25", Date.UTC(2026, 9, 23, 22), Date.UTC(2026, 9, 25, 5), 6],
  ])("keep to the local hour across the change of clocks on %s", (_, known, sixLocal, price) => {
    expect(purchaseSteps(day(known), sixLocal, sixLocal + 1, ZONE)).toMatchObject([
      { perKwh: price, isEstimate: true },
    ]);
  });

  it("are none without any price", () => {
    expect(purchaseSteps([], midnight, midnight + DAY, ZONE)).toEqual([]);
  });
});
