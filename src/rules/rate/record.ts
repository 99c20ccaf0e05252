/**
 * Rates a session of our own: cut at every moment that matters for the price, the energy at each cut taken from the
 * register readings on both sides.
 */
import type { ChargingPeriod, UnbilledTime } from "../../model/cdr.ts";
import type { SessionRecord, SessionState, StateInterval } from "../../model/session.ts";
import { Bill, type MissingPrice, type Run } from "./bill.ts";
import { type CompiledTariff, SLOT } from "./compile.ts";
import { type CurvePoint, curveOf, energyAt, reachedAt } from "./curve.ts";
import { mulDivFloor, UNITS_PER_MS, UNITS_PER_WH } from "./exact.ts";
import { type Charges, chargesOf } from "./lines.ts";
import { Matcher } from "./match.ts";
import { type Applied, Periods } from "./periods.ts";
import { Series } from "./series.ts";
import { type Boundaries, nextBoundary } from "./straddle.ts";
import { zoneClock } from "./zone.ts";

export type CountedAs = "TIME" | "PARKING_TIME" | null;

/**
 * What a state is billed as. Time the station or the gateway holds the car back (`suspended_evse`), or is broken, is
 * ours: it is neither charging nor parking.
 */
const COUNTED_AS: Readonly<Record<Exclude<SessionState, "gap">, CountedAs>> = {
  charging: "TIME",
  suspended_ev: "PARKING_TIME",
  finishing: "PARKING_TIME",
  suspended_evse: null,
  faulted: null,
};

export interface RecordRating {
  bill: Bill;
  charges: Charges;
  periods: ChargingPeriod[];
  unbilled: UnbilledTime[];
  missing: readonly MissingPrice[];
  chargingMs: number;
  parkingMs: number;
  /** Something was used, and nothing of it has a price. */
  unpriced: boolean;
}

export function rateRecord(session: SessionRecord, compiled: CompiledTariff): RecordRating {
  const cut = new Cutter(session, compiled);
  cut.run();
  return cut.result();
}

/** A stretch between two readings, and the power it means in 10^-8 kW. */
interface Stretch {
  from: CurvePoint;
  to: CurvePoint;
  power: number;
}

class Cutter {
  readonly #session: SessionRecord;
  readonly #compiled: CompiledTariff;
  readonly #matcher: Matcher;
  readonly #series: Series;
  readonly #boundaries: Boundaries;
  readonly #bill = new Bill();
  readonly #periods = new Periods();
  readonly #thresholds: number[];
  readonly #unbilledMs = { suspended_evse: 0, faulted: 0, gap: 0 };
  readonly #countedMs = { TIME: 0, PARKING_TIME: 0 };
  #flat = false;
  #used = false;
  #interval = 0;
  #atMs: number;
  /** Thousandths of a Wh. */
  #units = 0;
  #threshold = 0;

  constructor(session: SessionRecord, compiled: CompiledTariff) {
    const zone = zoneClock(session.time_zone);
    this.#session = session;
    this.#compiled = compiled;
    this.#matcher = new Matcher(compiled, zone);
    this.#series = new Series(session.prices);
    this.#atMs = session.started_ms;
    this.#boundaries = { compiled, zone, series: this.#series, originMs: session.started_ms };
    // Energy comes in whole thousandths of a Wh: a limit between two is reached at the upper one.
    this.#thresholds = compiled.energies
      .map(({ units, parts }) => units + (parts > 0 ? 1 : 0))
      .filter((units) => units > 0);
  }

  run(): void {
    const curve = curveOf(this.#session);
    if (this.#compiled.usesPower && this.#session.energy_wh > 0)
      this.#bill.warn("POWER_DERIVED", () => "power is the average between two register readings");
    for (let i = 1; i < curve.length; i++) {
      const [from, to] = [curve[i - 1] as CurvePoint, curve[i] as CurvePoint];
      const lengthMs = to.atMs - from.atMs;
      const power = this.#compiled.usesPower
        ? lengthMs > 0
          ? mulDivFloor(to.wh - from.wh, 360_000_000_000, lengthMs)
          : Number.NaN
        : Number.NaN;
      this.#stretch({ from, to, power });
    }
  }

  #stretch(stretch: Stretch): void {
    const { to } = stretch;
    while (this.#atMs < to.atMs) {
      const { interval, edgeMs } = this.#intervalAt(this.#atMs);
      this.#cutUntil(Math.min(edgeMs, to.atMs), stretch, interval);
    }
    // What no millisecond is left for: a jump of the register, or limits reached in the last one.
    while (this.#units < to.wh * UNITS_PER_WH) {
      const limit = this.#nextThreshold();
      this.#emit(
        to.atMs,
        Math.min(limit, to.wh * UNITS_PER_WH),
        stretch,
        this.#intervalAt(to.atMs - 1).interval,
      );
    }
  }

  #cutUntil(endMs: number, stretch: Stretch, interval: StateInterval | null): void {
    const { from, to } = stretch;
    while (this.#atMs < endMs) {
      const limit = this.#nextThreshold();
      const limitMs = limit <= to.wh * UNITS_PER_WH ? reachedAt(from, to, limit) : Infinity;
      const nextMs = Math.min(endMs, nextBoundary(this.#boundaries, this.#atMs));
      if (limitMs <= nextMs) this.#emit(limitMs, limit, stretch, interval);
      else
        this.#emit(
          nextMs,
          Math.max(this.#units, energyAt(from, to, nextMs) * UNITS_PER_WH),
          stretch,
          interval,
        );
    }
  }

  #nextThreshold(): number {
    while ((this.#thresholds[this.#threshold] ?? Infinity) <= this.#units) this.#threshold += 1;
    return this.#thresholds[this.#threshold] ?? Infinity;
  }

  /** The interval at `ms`, and until when it or the time without one lasts. */
  #intervalAt(ms: number): { interval: StateInterval | null; edgeMs: number } {
    const { intervals } = this.#session;
    while ((intervals[this.#interval]?.to_ms ?? Infinity) <= ms) this.#interval += 1;
    const interval = intervals[this.#interval];
    if (!interval) return { interval: null, edgeMs: Infinity };
    return interval.from_ms > ms
      ? { interval: null, edgeMs: interval.from_ms }
      : { interval, edgeMs: interval.to_ms };
  }

  /** From where we stand to `toMs` and `toUnits`. */
  #emit(toMs: number, toUnits: number, stretch: Stretch, interval: StateInterval | null): void {
    const [fromMs, fromUnits] = [this.#atMs, this.#units];
    const counted = this.#count(interval, toMs - fromMs);
    const { moment } = this.#matcher;
    moment.ms = fromMs;
    moment.elapsedMs = fromMs - this.#session.started_ms;
    moment.energy.units = fromUnits;
    moment.leastPower = moment.mostPower = stretch.power;
    const idle = counted !== "TIME" && toUnits === fromUnits;
    moment.leastCurrent = moment.mostCurrent = idle ? 0 : Number.NaN;
    this.#matcher.moved();
    const fresh = this.#flatFee(fromMs);
    const energy = this.#applied(SLOT.ENERGY, fromMs);
    if (toUnits > fromUnits) this.#energy(energy, toMs, toUnits, stretch);
    const time = counted && this.#applied(SLOT[counted], fromMs);
    if (time && toMs > fromMs) this.#enter(SLOT[counted], time, toMs, (toMs - fromMs) * UNITS_PER_MS);
    this.#periods.add(
      {
        fromMs,
        toMs,
        counted,
        time,
        energy,
        units: toUnits - fromUnits,
        leastPower: stretch.power,
        mostPower: stretch.power,
      },
      fresh,
    );
    this.#warnOfCurrent(fromMs);
    this.#atMs = toMs;
    this.#units = toUnits;
  }

  #count(interval: StateInterval | null, lengthMs: number): CountedAs {
    const state = interval?.state === "gap" ? (interval.under ?? "gap") : (interval?.state ?? "gap");
    const counted = state === "gap" ? null : COUNTED_AS[state];
    if (counted) this.#countedMs[counted] += lengthMs;
    else this.#unbilledMs[state as UnbilledTime["state"]] += lengthMs;
    return counted;
  }

  #flatFee(ms: number): boolean {
    if (this.#flat) return false;
    const component = this.#matcher.find(SLOT.FLAT);
    if (!component) return false;
    this.#flat = true;
    this.#bill.flat(component, this.#series.price(component, ms), ms);
    return true;
  }

  #energy(applied: Applied, toMs: number, toUnits: number, { from, to }: Stretch): void {
    const [fromMs, fromUnits] = [this.#atMs, this.#units];
    const run = this.#enter(SLOT.ENERGY, applied, toMs, toUnits - fromUnits);
    if (!run) return;
    const atReading = (ms: number, units: number): boolean =>
      (ms === from.atMs && units === from.wh * UNITS_PER_WH) ||
      (ms === to.atMs && units === to.wh * UNITS_PER_WH);
    run.energy ??= {
      from: { units: fromUnits, parts: 0 },
      to: { units: toUnits, parts: 0 },
      fromInterpolated: !atReading(fromMs, fromUnits),
      toInterpolated: false,
    };
    run.energy.to.units = toUnits;
    run.energy.toInterpolated = !atReading(toMs, toUnits);
  }

  #enter(slot: 1 | 2 | 3, { component, price }: Applied, toMs: number, units: number): Run | null {
    this.#used = true;
    if (!component && (this.#compiled.components[slot]?.length ?? 0) > 0)
      this.#bill.warn(
        "NO_COMPONENT",
        () => `no element applies to ${Object.keys(SLOT)[slot]} at ${iso(this.#atMs)}: it costs nothing`,
      );
    return this.#bill.add(slot, component, price, this.#atMs, toMs, units, 0);
  }

  #applied(slot: 1 | 2 | 3, ms: number): Applied {
    const component = this.#matcher.find(slot);
    return { component, price: component && this.#series.price(component, ms) };
  }

  #warnOfCurrent(ms: number): void {
    if (!this.#matcher.missedCurrent) return;
    this.#matcher.missedCurrent = false;
    this.#bill.warn(
      "CURRENT_UNKNOWN",
      () => `no current known at ${iso(ms)}: elements with a limit on it do not apply`,
    );
  }

  result(): RecordRating {
    const bill = this.#bill;
    const { started_ms, ended_ms } = this.#session;
    const unpriced = this.#used && bill.runs.length === 0 && bill.missing.length === 0;
    if (unpriced)
      bill.warn("NO_COMPONENT", () => "no element of the tariff applies: the session costs nothing");
    const charges = chargesOf(bill, this.#compiled, started_ms, ended_ms);
    return {
      bill,
      charges,
      periods: this.#periods.result(this.#compiled.tariff.id, this.#compiled.usesPower),
      unbilled: unbilledOf(this.#unbilledMs),
      missing: bill.missing,
      chargingMs: this.#countedMs.TIME,
      parkingMs: this.#countedMs.PARKING_TIME,
      unpriced,
    };
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

function unbilledOf(ms: Record<UnbilledTime["state"], number>): UnbilledTime[] {
  const states = ["suspended_evse", "faulted", "gap"] as const;
  return states
    .filter((state) => ms[state] > 0)
    .map((state) => ({ state, seconds: Math.round(ms[state] / 1000) }));
}
