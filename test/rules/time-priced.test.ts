import { describe, expect, it } from "vitest";
import type { Tariff } from "../../src/model/tariff.ts";
import { timePriced } from "../../src/rules/time-priced.ts";

type Component = Tariff["elements"][0]["price_components"][0];

const component = (type: Component["type"], price = "1", more: object = {}): Component => ({
  type,
  price,
  step_size: 1,
  ...more,
});
const tariff = (price_components: Component[], restrictions?: object): Tariff =>
  ({
    id: "t",
    currency: "SEK",
    elements: [{ price_components, ...(restrictions ? { restrictions } : {}) }],
  }) as Tariff;

describe("which tariffs need a right clock", () => {
  it.each<[string, Tariff, boolean, boolean]>([
    ["energy and a flat fee need none", tariff([component("ENERGY"), component("FLAT")]), false, false],
    ["time has a price", tariff([component("TIME", "0.5")]), true, false],
    ["parking has a price", tariff([component("PARKING_TIME", "12.00")]), true, false],
    [
      "time that costs nothing needs none",
      tariff([component("TIME", "0.00"), component("PARKING_TIME", "0")]),
      false,
      false,
    ],
    ["a negative price of time is one", tariff([component("TIME", "-1")]), true, false],
    ["a limit on duration", tariff([component("ENERGY")], { min_duration: 600 }), true, false],
    [
      "a limit on energy needs none",
      tariff([component("ENERGY")], { min_kwh: 5, max_power: 32 }),
      false,
      false,
    ],
    [
      "a limit that is absent is none",
      tariff([component("ENERGY")], { start_time: undefined }),
      false,
      false,
    ],
    ["a time of day", tariff([component("ENERGY")], { start_time: "07:00" }), false, true],
    ["a date", tariff([component("ENERGY")], { end_date: "2026-12-24" }), false, true],
    ["a weekday", tariff([component("FLAT")], { day_of_week: ["SUNDAY"] }), false, true],
    ["a price series", tariff([component("ENERGY", "0", { price_source: "spot" })]), false, true],
  ])("%s", (_, given, durations, instants) => {
    expect(timePriced(given)).toEqual({ durations, instants });
  });
});
