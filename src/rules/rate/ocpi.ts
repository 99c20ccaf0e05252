/**
 * Rates a session that comes as OCPI charging periods. Each period is priced by what holds at its start; where a price
 * changes within one, a warning says so, because nobody knows how much was before.
 */
import type { CdrLine, RatingWarning, TariffDimension } from "../../model/cdr.ts";
import type { Tariff } from "../../model/tariff.ts";
import { priceText } from "./amount.ts";
import { Bill } from "./bill.ts";
import { type CompiledTariff, type Component, compile, SLOT, type Slot } from "./compile.ts";
import { addTo, mulDivFloor, type Quantity, type Scaled, UNITS_PER_MS } from "./exact.ts";
import { chargesOf, hoursText, quantityText } from "./lines.ts";
import { Matcher } from "./match.ts";
import {
  type InputNote,
  type OcpiSession,
  type Period,
  readSession,
  type SessionInput,
} from "./ocpi-input.ts";
import { Series } from "./series.ts";
import { type Boundaries, nextBoundary, straddles } from "./straddle.ts";

export type { OcpiSession } from "./ocpi-input.ts";

/** Amounts with four decimals, energy in kWh, time in hours. `billed` of FLAT is how many. */
export interface OcpiRating {
  currency: string;
  total_excl_tax: string;
  total_incl_tax: string;
  total_energy: string;
  /** Length of the charging session, parking included, the reservation before it not. */
  total_time: string;
  total_parking_time: string;
  /** Reservation included; `min_price` and `max_price` are lines only. */
  by_dimension: Record<TariffDimension, { excl_tax: string; incl_tax: string; billed: string }>;
  lines: CdrLine[];
  warnings: (RatingWarning | InputNote)[];
}

/** Throws `RatingInputError` naming the field of the session or of the tariff that is wrong. */
export function rateOcpi(session: OcpiSession, tariff: Tariff): OcpiRating {
  const compiled = compile(tariff);
  const input = readSession(session);
  const rating = new PeriodRating(input, compiled);
  for (const period of input.periods) rating.take(period);
  return rating.result();
}

class PeriodRating {
  readonly #input: SessionInput;
  readonly #compiled: CompiledTariff;
  readonly #matcher: Matcher;
  readonly #series: Series;
  readonly #bill = new Bill();
  readonly #energy: Quantity = { units: 0, parts: 0 };
  readonly #parking: Quantity = { units: 0, parts: 0 };
  readonly #flat = new Set<Slot>();
  #chargingFromMs: number | undefined;
  #unpriced = new Set<Slot>();

  constructor(input: SessionInput, compiled: CompiledTariff) {
    this.#input = input;
    this.#compiled = compiled;
    this.#matcher = new Matcher(compiled, input.zone);
    this.#series = new Series(input.prices);
  }

  take(period: Period): void {
    const { expired, startMs } = this.#input;
    if (period.reserved || expired) this.#reserve(period, startMs, expired);
    const { energy, time, parking } = period;
    const charged = !period.reserved || any(energy) || any(time) || any(parking);
    if (!charged || expired) return;
    this.#chargingFromMs ??= period.fromMs;
    this.#stand(period, this.#chargingFromMs);
    this.#flatFee(SLOT.FLAT, period.fromMs);
    const boundaries = this.#boundaries(this.#chargingFromMs);
    const chosen: Chosen[] = [];
    if (any(energy)) this.#charge(SLOT.ENERGY, period, energy, chosen);
    if (any(time)) this.#charge(SLOT.TIME, period, time, chosen);
    if (any(parking)) this.#charge(SLOT.PARKING_TIME, period, parking, chosen);
    addTo(this.#parking, parking.units, parking.parts);
    this.#warnOfChange(period, boundaries, chosen);
    addTo(this.#energy, energy.units, energy.parts);
  }

  #reserve(period: Period, startMs: number, expired: boolean): void {
    const { moment } = this.#matcher;
    this.#place(period.fromMs, startMs);
    moment.leastPower = moment.mostPower = moment.leastCurrent = moment.mostCurrent = 0;
    this.#matcher.moved();
    this.#flatFee(SLOT.RESERVATION_FLAT, period.fromMs);
    if (expired) this.#flatFee(SLOT.EXPIRY_FLAT, period.fromMs);
    if (!any(period.reservation)) return;
    const component = this.#matcher.findReservation(expired);
    const chosen: Chosen[] = [];
    const slot = expired ? SLOT.EXPIRY_TIME : SLOT.RESERVATION_TIME;
    this.#enter(slot, component, period, period.reservation, chosen);
    this.#warnOfChange(period, this.#boundaries(startMs), chosen);
  }

  #place(ms: number, originMs: number): void {
    const { moment } = this.#matcher;
    moment.ms = ms;
    moment.elapsedMs = ms - originMs;
    moment.energy.units = this.#energy.units;
    moment.energy.parts = this.#energy.parts;
  }

  #stand(period: Period, originMs: number): void {
    const { moment } = this.#matcher;
    const { usesPower, usesCurrent } = this.#compiled;
    this.#place(period.fromMs, originMs);
    if (usesPower) {
      const { power, minPower, maxPower } = period;
      const derived = known(power, minPower, maxPower) ? Number.NaN : this.#powerOf(period);
      moment.leastPower = first(power, minPower, maxPower, derived);
      moment.mostPower = first(power, maxPower, minPower, derived);
    }
    if (usesCurrent) {
      const { current, minCurrent, maxCurrent } = period;
      const idle = any(period.energy) || any(period.time) ? Number.NaN : 0;
      moment.leastCurrent = first(current, minCurrent, maxCurrent, idle);
      moment.mostCurrent = first(current, maxCurrent, minCurrent, idle);
    }
    this.#matcher.moved();
  }

  /** Energy over length, in 10^-8 kW. */
  #powerOf({ energy, fromMs, toMs }: Period): number {
    if (!any(energy)) return 0;
    this.#bill.warn(
      "POWER_DERIVED",
      () => `no power given from ${iso(fromMs)}: taken from energy and length of the period`,
    );
    return toMs > fromMs ? mulDivFloor(energy.units, 360_000_000, toMs - fromMs) : Number.NaN;
  }

  #flatFee(slot: Slot, ms: number): void {
    if (this.#flat.has(slot)) return;
    const component = this.#matcher.find(slot);
    if (!component) return;
    this.#flat.add(slot);
    this.#bill.flat(component, this.#series.price(component, ms), ms);
  }

  #charge(slot: Slot, period: Period, quantity: Quantity, chosen: Chosen[]): void {
    this.#enter(slot, this.#matcher.find(slot), period, quantity, chosen);
    if (this.#matcher.missedCurrent) {
      this.#matcher.missedCurrent = false;
      this.#bill.warn(
        "CURRENT_UNKNOWN",
        () => `no current given from ${iso(period.fromMs)}: elements with a limit on it do not apply`,
      );
    }
  }

  #enter(
    slot: Slot,
    component: Component | null,
    period: Period,
    quantity: Quantity,
    chosen: Chosen[],
  ): void {
    const { fromMs, toMs } = period;
    const price = component && this.#series.price(component, fromMs);
    const run = this.#bill.add(slot, component, price, fromMs, toMs, quantity.units, quantity.parts);
    if (run && slot === SLOT.ENERGY) {
      run.energy ??= {
        from: { ...this.#energy },
        to: { units: 0, parts: 0 },
        fromInterpolated: false,
        toInterpolated: false,
      };
      const { to } = run.energy;
      to.units = this.#energy.units;
      to.parts = this.#energy.parts;
      addTo(to, quantity.units, quantity.parts);
    }
    if (!component && (this.#compiled.components[slot]?.length ?? 0) > 0)
      this.#bill.warn(
        "NO_COMPONENT",
        () => `no element applies to ${nameOf(slot)} at ${iso(fromMs)}: it costs nothing`,
      );
    if (!component) this.#unpriced.add(slot);
    chosen.push({ slot, price, element: component?.element ?? -1, component: component?.component ?? -1 });
  }

  #boundaries(originMs: number): Boundaries {
    return { compiled: this.#compiled, zone: this.#input.zone, series: this.#series, originMs };
  }

  #warnOfChange(period: Period, boundaries: Boundaries, chosen: readonly Chosen[]): void {
    if (chosen.length === 0) return;
    const within =
      nextBoundary(boundaries, period.fromMs) < period.toMs ||
      (any(period.energy) && this.#compiled.energies.length > 0);
    if (within && straddles(boundaries, this.#matcher, period, chosen))
      this.#bill.warn(
        "STRADDLES_PRICE_CHANGE",
        () =>
          `the period from ${iso(period.fromMs)} goes over a change of price: billed at the price of its start`,
      );
  }

  result(): OcpiRating {
    const { startMs, endMs } = this.#input;
    const bill = this.#bill;
    if (bill.runs.length === 0 && bill.missing.length === 0 && this.#unpriced.size > 0)
      bill.warn("NO_COMPONENT", () => "no element of the tariff applies: the session costs nothing");
    const charges = chargesOf(bill, this.#compiled, startMs, endMs);
    const lengthMs = endMs - (this.#chargingFromMs ?? endMs);
    const total = priceText(charges.total);
    const by = (dimension: TariffDimension) => {
      const { excl_vat, incl_vat } = priceText(charges.byDimension[dimension]);
      const billed = quantityText(dimension, charges.byDimension[dimension].billed);
      return { excl_tax: excl_vat, incl_tax: incl_vat, billed };
    };
    return {
      currency: this.#compiled.tariff.currency,
      total_excl_tax: total.excl_vat,
      total_incl_tax: total.incl_vat,
      total_energy: quantityText("ENERGY", this.#energy),
      total_time: hoursText({ units: lengthMs * UNITS_PER_MS, parts: 0 }),
      total_parking_time: hoursText(this.#parking),
      by_dimension: {
        FLAT: by("FLAT"),
        ENERGY: by("ENERGY"),
        TIME: by("TIME"),
        PARKING_TIME: by("PARKING_TIME"),
      },
      lines: charges.lines,
      warnings: [...this.#input.notes, ...bill.warnings()],
    };
  }
}

interface Chosen {
  slot: Slot;
  price: Scaled | null;
  element: number;
  component: number;
}

const any = ({ units, parts }: Quantity): boolean => units > 0 || parts > 0;
const iso = (ms: number): string => new Date(ms).toISOString();

function known(a: number, b: number, c: number): boolean {
  return !(Number.isNaN(a) && Number.isNaN(b) && Number.isNaN(c));
}

function first(a: number, b: number, c: number, d: number): number {
  if (!Number.isNaN(a)) return a;
  if (!Number.isNaN(b)) return b;
  return Number.isNaN(c) ? d : c;
}

function nameOf(slot: Slot): string {
  return Object.keys(SLOT)[slot] ?? "";
}
