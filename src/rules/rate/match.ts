/** Which component applies at a moment (OCPI 2.2.1, Tariff: the first element in the list whose restrictions all hold). */
import { type CompiledTariff, type Component, type Restrictions, SLOT, type Slot } from "./compile.ts";
import { compare, type Quantity } from "./exact.ts";
import { DAY_MS, type ZoneClock } from "./zone.ts";

/** What restrictions look at. Power and current in 10^-8 kW and A; NaN when nobody knows. */
export interface Moment {
  ms: number;
  /** Energy of the session so far. */
  energy: Quantity;
  /** Length of the charging session so far; of the reservation while it lasts. */
  elapsedMs: number;
  leastPower: number;
  mostPower: number;
  leastCurrent: number;
  mostCurrent: number;
}

const UNKNOWN = 0;
const HOLDS = 1;
const FAILS = 2;

export class Matcher {
  readonly #compiled: CompiledTariff;
  readonly #zone: ZoneClock;
  readonly #verdicts: Uint8Array;
  readonly moment: Moment = {
    ms: Number.NaN,
    energy: { units: 0, parts: 0 },
    elapsedMs: 0,
    leastPower: Number.NaN,
    mostPower: Number.NaN,
    leastCurrent: Number.NaN,
    mostCurrent: Number.NaN,
  };
  #localMs = Number.NaN;
  /** Whether a restriction on current was asked about without one. */
  missedCurrent = false;

  constructor(compiled: CompiledTariff, zone: ZoneClock) {
    this.#compiled = compiled;
    this.#zone = zone;
    this.#verdicts = new Uint8Array(compiled.restrictions.length);
  }

  /** Call after every change of `moment`. */
  moved(): void {
    this.#verdicts.fill(UNKNOWN);
    this.#localMs = Number.NaN;
  }

  /** The component for the slot, or null where the tariff has none. */
  find(slot: Slot): Component | null {
    const components = this.#compiled.components[slot];
    if (!components) return null;
    for (let i = 0; i < components.length; i++) {
      const component = components[i] as Component;
      if (this.#holds(component.element)) return component;
    }
    return null;
  }

  /** Every component for the slot that would apply if it stood alone, in the order of the tariff. */
  all(slot: Slot): Component[] {
    return (this.#compiled.components[slot] ?? []).filter(({ element }) => this.#holds(element));
  }

  /** While a reservation runs out unused, its time is priced by the elements for that, where one of them applies. */
  findReservation(expired: boolean): Component | null {
    return (expired ? this.find(SLOT.EXPIRY_TIME) : null) ?? this.find(SLOT.RESERVATION_TIME);
  }

  #holds(element: number): boolean {
    const known = this.#verdicts[element];
    if (known !== UNKNOWN) return known === HOLDS;
    const restrictions = this.#compiled.restrictions[element];
    const holds = !restrictions || this.#judge(restrictions);
    this.#verdicts[element] = holds ? HOLDS : FAILS;
    return holds;
  }

  #judge(r: Restrictions): boolean {
    const { energy, elapsedMs, leastPower, mostPower } = this.moment;
    if (elapsedMs < r.minMs || elapsedMs >= r.maxMs) return false;
    if (r.minWh && compare(energy.units, energy.parts, r.minWh) < 0) return false;
    if (r.maxWh && compare(energy.units, energy.parts, r.maxWh) >= 0) return false;
    // A comparison with NaN is false: what nobody measured does not hold.
    if (r.minPower !== null && !(leastPower >= r.minPower)) return false;
    if (r.maxPower !== null && !(mostPower < r.maxPower)) return false;
    if (r.minCurrent !== null && !this.#above(r.minCurrent)) return false;
    if (r.maxCurrent !== null && !this.#below(r.maxCurrent)) return false;
    return this.#onCalendar(r);
  }

  #above(limit: number): boolean {
    const { leastCurrent } = this.moment;
    if (Number.isNaN(leastCurrent)) this.missedCurrent = true;
    return leastCurrent >= limit;
  }

  #below(limit: number): boolean {
    const { mostCurrent } = this.moment;
    if (Number.isNaN(mostCurrent)) this.missedCurrent = true;
    return mostCurrent < limit;
  }

  #onCalendar({ window, fromDay, untilDay, weekdays }: Restrictions): boolean {
    if (!window && weekdays === 127 && fromDay === -Infinity && untilDay === Infinity) return true;
    if (Number.isNaN(this.#localMs)) this.#localMs = this.moment.ms + this.#zone.at(this.moment.ms).offsetMs;
    const day = Math.floor(this.#localMs / DAY_MS);
    if (day < fromDay || day >= untilDay) return false;
    // 1970-01-01 was a Thursday.
    const weekday = (((day + 3) % 7) + 7) % 7;
    if ((weekdays & (1 << weekday)) === 0) return false;
    if (!window) return true;
    const time = this.#localMs - day * DAY_MS;
    return window.fromMs < window.toMs
      ? time >= window.fromMs && time < window.toMs
      : time >= window.fromMs || time < window.toMs;
  }
}

/** The next instant after `ms` at which a wall clock may change what applies; Infinity without such restrictions. */
export function nextOnClock(times: readonly number[], zone: ZoneClock, ms: number): number {
  const first = times[0];
  if (first === undefined) return Infinity;
  const { offsetMs, toMs } = zone.at(ms);
  const local = ms + offsetMs;
  const time = local - Math.floor(local / DAY_MS) * DAY_MS;
  let next = first + DAY_MS;
  for (const candidate of times) {
    if (candidate > time) {
      next = candidate;
      break;
    }
  }
  // Where clocks change, the time of day jumps: another moment to look.
  return Math.min(ms + next - time, toMs);
}

/** The first of ascending `values` above `value`; Infinity when there is none. */
export function nextAbove(values: readonly number[], value: number): number {
  for (const candidate of values) if (candidate > value) return candidate;
  return Infinity;
}
