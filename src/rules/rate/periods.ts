/** The ChargingPeriods of a CDR: one starts at every moment that matters for the price (OCPI 2.2.1, mod_cdrs). */
import type { ChargingPeriod } from "../../model/cdr.ts";
import type { Component } from "./compile.ts";
import { exactText, fixedOf, mulDivFloor, type Scaled, UNITS_PER_MS } from "./exact.ts";
import { hoursText } from "./lines.ts";

/** A price that applied: which component, and what it asked for. */
export interface Applied {
  component: Component | null;
  price: Scaled | null;
}

interface Open {
  fromMs: number;
  toMs: number;
  counted: "TIME" | "PARKING_TIME" | null;
  time: Applied | null;
  energy: Applied;
  units: number;
  leastPower: number;
  mostPower: number;
}

const same = (a: Applied | null, b: Applied | null): boolean =>
  a?.component === b?.component && a?.price === b?.price;

export class Periods {
  readonly #done: Open[] = [];

  /** A span in the order of time; `units` of energy in thousandths of a Wh; `fresh` when a flat fee began. */
  add(span: Open, fresh: boolean): void {
    const last = this.#done.at(-1);
    const joins =
      last &&
      !fresh &&
      last.counted === span.counted &&
      same(last.time, span.time) &&
      same(last.energy, span.energy);
    if (!joins) {
      this.#done.push({ ...span });
      return;
    }
    last.toMs = span.toMs;
    last.units += span.units;
    last.leastPower = Math.min(last.leastPower, span.leastPower);
    last.mostPower = Math.max(last.mostPower, span.mostPower);
  }

  /** With the power that restrictions were judged by, when `withPower`. */
  result(tariffId: string, withPower: boolean): ChargingPeriod[] {
    return this.#done.map((period) => {
      const { fromMs, toMs, counted, units, leastPower, mostPower } = period;
      const dimensions: ChargingPeriod["dimensions"] = [];
      if (units > 0 || !counted)
        dimensions.push({ type: "ENERGY", volume: exactText({ units, parts: 0 }, 6, 3) });
      if (counted) {
        dimensions.push({ type: counted, volume: lengthText(toMs - fromMs) });
      }
      // Cut, not rounded: on the same side of every limit that has as many digits.
      if (withPower && !Number.isNaN(leastPower) && !Number.isNaN(mostPower)) {
        dimensions.push({ type: "MIN_POWER", volume: fixedOf(leastPower, 8) });
        dimensions.push({ type: "MAX_POWER", volume: fixedOf(mostPower, 8) });
      }
      return { start_date_time: new Date(fromMs).toISOString(), dimensions, tariff_id: tariffId };
    });
  }
}

/** Hours with four decimals; with seven where those would say 0, which is no time at all. */
function lengthText(ms: number): string {
  if (ms === 0 || ms >= 180) return hoursText({ units: ms * UNITS_PER_MS, parts: 0 });
  return fixedOf(Math.max(1, mulDivFloor(ms, 10_000_000, 3_600_000)), 7);
}
