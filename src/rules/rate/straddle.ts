/** Whether what applies changes within an imported period, which then is billed at the price of its start. */
import { type CompiledTariff, SLOT, type Slot } from "./compile.ts";
import { compare, mulDivFloor, type Quantity, type Scaled } from "./exact.ts";
import { type Matcher, nextAbove, nextOnClock } from "./match.ts";
import type { Period } from "./ocpi-input.ts";
import type { Series } from "./series.ts";
import type { ZoneClock } from "./zone.ts";

export interface Boundaries {
  compiled: CompiledTariff;
  zone: ZoneClock;
  series: Series;
  /** Start of what `elapsedMs` counts from. */
  originMs: number;
}

/** The first instant after `ms` at which the clock, the length of the session or a series may change a price. */
export function nextBoundary({ compiled, zone, series, originMs }: Boundaries, ms: number): number {
  const { times, durations, usesSeries } = compiled;
  let next = times.length > 0 ? nextOnClock(times, zone, ms) : Infinity;
  if (durations.length > 0) next = Math.min(next, originMs + nextAbove(durations, ms - originMs));
  return usesSeries ? Math.min(next, series.nextAfter(ms)) : next;
}

/** Leaves the matcher's moment at some point within the period. */
export function straddles(
  boundaries: Boundaries,
  matcher: Matcher,
  { fromMs, toMs, energy }: Period,
  chosen: readonly { slot: Slot; price: Scaled | null; element: number; component: number }[],
): boolean {
  const { compiled, series, originMs } = boundaries;
  const { moment } = matcher;
  const before: Quantity = { ...moment.energy };
  const lengthMs = toMs - fromMs;
  const differsAt = (ms: number, units: number): boolean => {
    moment.ms = ms;
    moment.elapsedMs = ms - originMs;
    moment.energy.units = units;
    moment.energy.parts = before.parts;
    matcher.moved();
    return chosen.some(({ slot, price, element, component }) => {
      const found = slot === SLOT.EXPIRY_TIME ? matcher.findReservation(true) : matcher.find(slot);
      if (found?.element !== element || found.component !== component)
        return found !== null || element !== -1;
      return series.price(found, ms) !== price;
    });
  };
  for (let ms = nextBoundary(boundaries, fromMs); ms < toMs; ms = nextBoundary(boundaries, ms))
    if (differsAt(ms, before.units + mulDivFloor(energy.units, ms - fromMs, lengthMs))) return true;
  for (const threshold of compiled.energies) {
    const grown = threshold.units - before.units;
    if (compare(before.units, before.parts, threshold) >= 0) continue;
    if (compare(before.units + energy.units, before.parts + energy.parts, threshold) <= 0) break;
    const ms = fromMs + (energy.units > 0 ? mulDivFloor(grown, lengthMs, energy.units) : 0);
    if (differsAt(ms, threshold.units + (threshold.parts > before.parts ? 1 : 0))) return true;
  }
  return false;
}
