/** A tariff that has everything at once, and its prices of the evening. */
import type { NewEvent } from "../../src/model/event.ts";
import { Tariff } from "../../src/model/tariff.ts";

const HOUR = 3_600_000;
const WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"];

/** Local evenings take their price from the series `evening`; parking is free for four hours, then costs. */
export const EVERYTHING = Tariff.parse({
  id: "everything",
  currency: "USD",
  min_price: { excl_vat: "0.80", incl_vat: "0.95" },
  max_price: { excl_vat: "9.00", incl_vat: "10.40" },
  elements: [
    { price_components: [{ type: "FLAT", price: "0.35", vat: "20", step_size: 1 }] },
    {
      price_components: [
        {
          type: "ENERGY",
          price: "0.19",
          vat: "10",
          step_size: 100,
          price_source: { series: "evening", on_missing: "hold" },
        },
      ],
      restrictions: { start_time: "17:00", end_time: "21:00" },
    },
    {
      price_components: [{ type: "ENERGY", price: "0.3137", vat: "10", step_size: 100 }],
      restrictions: { start_time: "09:00", end_time: "17:00", day_of_week: WORKDAYS },
    },
    { price_components: [{ type: "ENERGY", price: "0.2213", vat: "10", step_size: 1 }] },
    {
      price_components: [{ type: "PARKING_TIME", price: "1.80", vat: "20", step_size: 300 }],
      restrictions: { min_duration: 4 * 3600 },
    },
    { price_components: [{ type: "PARKING_TIME", price: "0", step_size: 1 }] },
  ],
});

/** Hourly prices, a publication a day. */
export function eveningPrices(fromMs: number, toMs: number): NewEvent[] {
  const events: NewEvent[] = [];
  const day = (ms: number) => Math.floor(ms / (24 * HOUR)) * 24 * HOUR;
  for (let dayMs = day(fromMs); dayMs < toMs + 24 * HOUR; dayMs += 24 * HOUR) {
    const points = Array.from({ length: 24 }, (_, hour) => {
      const startMs = dayMs + hour * HOUR;
      return {
        from: new Date(startMs).toISOString(),
        to: new Date(startMs + HOUR).toISOString(),
        price: `0.${String(1500 + ((startMs / HOUR) % 97) * 31).padStart(4, "0")}`,
      };
    });
    const body = { series: "evening", currency: "USD", step_s: 3600, points, source: "test" };
    const key = `prices.published:evening:${dayMs}`;
    events.push({ type: "prices.published", atMs: dayMs - 10 * HOUR, station: null, key, body });
  }
  return events;
}
