/**
 * Gathers what is to be paid, span by span in the order of time. Consecutive spans with one component at one price are
 * one run, so that a session of any length is as long as its price changes.
 */
import type { RatingWarning } from "../../model/cdr.ts";
import { type Component, SLOT, type Slot } from "./compile.ts";
import {
  addTo,
  PARTS,
  type Quantity,
  type Scaled,
  UNITS_PER_KWH,
  UNITS_PER_S,
  UNITS_PER_WH,
} from "./exact.ts";

export interface Run {
  component: Component;
  price: Scaled;
  fromMs: number;
  toMs: number;
  measured: Quantity;
  /** Measured, and what the step adds. */
  billed: Quantity;
  /** Of ENERGY: the session's energy at both ends. */
  energy: { from: Quantity; to: Quantity; fromInterpolated: boolean; toInterpolated: boolean } | null;
}

/** Time or energy that waits for the price of a series. */
export interface MissingPrice {
  series: string;
  from_ms: number;
  to_ms: number;
}

const NOTHING: Quantity = { units: 0, parts: 0 };

export class Bill {
  readonly runs: Run[] = [];
  readonly missing: MissingPrice[] = [];
  readonly #open: (Run | null)[] = Object.values(SLOT).map(() => null);
  readonly #warned = new Map<RatingWarning["code"], { detail: string; count: number }>();

  /** A flat fee, at its first moment. */
  flat(component: Component, price: Scaled | null, ms: number): void {
    if (!price) {
      this.#miss(component, ms, ms);
      return;
    }
    const once = { units: UNITS_PER_KWH, parts: 0 };
    this.runs.push({
      component,
      price,
      fromMs: ms,
      toMs: ms,
      measured: once,
      billed: { ...once },
      energy: null,
    });
  }

  /**
   * What was measured from `fromMs` to `toMs`, more than nothing. Null for what no component prices: that costs
   * nothing. Answers the run it went to.
   */
  add(
    slot: Slot,
    component: Component | null,
    price: Scaled | null,
    fromMs: number,
    toMs: number,
    units: number,
    parts: number,
  ): Run | null {
    const open = this.#open[slot];
    if (!component || !price) {
      this.#open[slot] = null;
      if (component) this.#miss(component, fromMs, toMs);
      return null;
    }
    if (open && open.component === component && open.price === price) {
      open.toMs = toMs;
      addTo(open.measured, units, parts);
      return open;
    }
    const run: Run = {
      component,
      price,
      fromMs,
      toMs,
      measured: { units, parts },
      billed: NOTHING,
      energy: null,
    };
    this.runs.push(run);
    this.#open[slot] = run;
    return run;
  }

  /** Told once a code, with the first place and how many there were. */
  warn(code: RatingWarning["code"], detail: () => string): void {
    const known = this.#warned.get(code);
    if (known) known.count += 1;
    else this.#warned.set(code, { detail: detail(), count: 1 });
  }

  warnings(): RatingWarning[] {
    return [...this.#warned].map(([code, { detail, count }]) => ({
      code,
      detail: count > 1 ? `${detail} (${count} times)` : detail,
    }));
  }

  /**
   * Rounds up to steps (OCPI 2.2.1, PriceComponent.step_size): the total of a dimension once, with the step of its last
   * component, the extra on its last run. Where parking is paid for, time is not rounded. Reservation by itself.
   */
  roundSteps(): void {
    const parking = this.runs.some((run) => run.component.slot === SLOT.PARKING_TIME);
    for (const run of this.runs) if (run.billed === NOTHING) run.billed = { ...run.measured };
    this.#roundStep([SLOT.ENERGY], UNITS_PER_WH);
    if (parking) this.#roundStep([SLOT.PARKING_TIME], UNITS_PER_S);
    else this.#roundStep([SLOT.TIME], UNITS_PER_S);
    this.#roundStep([SLOT.RESERVATION_TIME, SLOT.EXPIRY_TIME], UNITS_PER_S);
  }

  #roundStep(slots: readonly Slot[], unitsPerStep: number): void {
    const total: Quantity = { units: 0, parts: 0 };
    let last: Run | undefined;
    for (const run of this.runs) {
      if (!slots.includes(run.component.slot)) continue;
      addTo(total, run.measured.units, run.measured.parts);
      last = run;
    }
    const step = (last?.component.step ?? 0) * unitsPerStep;
    if (!last || step === 0) return;
    const over = total.units % step;
    if (over === 0 && total.parts === 0) return;
    const units = step - over - (total.parts > 0 ? 1 : 0);
    addTo(last.billed, units, total.parts > 0 ? PARTS - total.parts : 0);
  }

  #miss({ source }: Component, fromMs: number, toMs: number): void {
    const series = source?.series ?? "";
    const last = this.missing.at(-1);
    if (last && last.series === series && last.to_ms === fromMs) last.to_ms = toMs;
    else this.missing.push({ series, from_ms: fromMs, to_ms: toMs });
    this.warn("PRICE_MISSING", () => `series "${series}" has no price at ${new Date(fromMs).toISOString()}`);
  }
}
