import type { Period } from "./periods.ts";
import { exact, fraction, less, type Rational } from "./rational.ts";
import type { ComponentType, PriceComponent, Restrictions, Tariff, Written } from "./shapes.ts";

/** `low` is inclusive, `high` is exclusive; a value nobody knows satisfies neither. */
function within(value: Rational | undefined, low: Written | undefined, high: Written | undefined): boolean {
  if (low === undefined && high === undefined) return true;
  if (value === undefined) return false;
  if (low !== undefined && less(value, exact(low))) return false;
  return high === undefined || less(value, exact(high));
}

const milliseconds = (time: string) => {
  const [hours, minutes] = time.split(":");
  return (Number(hours) * 60 + Number(minutes)) * 60_000;
};

/** Time of day, `end` exclusive; "00:00" as end is the day's end, and equal times are the whole day. */
function inWindow(clock: number, start: string | undefined, end: string | undefined): boolean {
  const from = start === undefined ? 0 : milliseconds(start);
  const to = end === undefined || end === "00:00" ? 24 * 3_600_000 : milliseconds(end);
  if (start !== undefined && start === end) return true;
  if (from < to) return clock >= from && clock < to;
  return clock >= from || clock < to;
}

/** Whether all restrictions hold at the period's start (mod_tariffs, TariffRestrictions). */
function holds(restrictions: Restrictions, period: Period): boolean {
  const { date, weekday, milliseconds: clock } = period.clock;
  const { start_date, end_date, day_of_week = [] } = restrictions;
  return (
    inWindow(clock, restrictions.start_time, restrictions.end_time) &&
    (start_date === undefined || date >= start_date) &&
    (end_date === undefined || date < end_date) &&
    (day_of_week.length === 0 || day_of_week.includes(weekday)) &&
    within(period.kwhBefore, restrictions.min_kwh, restrictions.max_kwh) &&
    within(period.secondsBefore, restrictions.min_duration, restrictions.max_duration) &&
    within(period.lowestPower, restrictions.min_power, undefined) &&
    within(period.highestPower, undefined, restrictions.max_power) &&
    within(period.lowestCurrent, restrictions.min_current, undefined) &&
    within(period.highestCurrent, undefined, restrictions.max_current)
  );
}

/**
 * The component that prices `type` in this period: the one of the first element in the list that has such a
 * component, serves the same purpose (charging, reservation, expired reservation) and whose restrictions hold.
 */
export function componentFor(
  tariff: Tariff,
  type: ComponentType,
  purpose: Restrictions["reservation"],
  period: Period,
): PriceComponent | undefined {
  for (const { price_components, restrictions = {} } of tariff.elements) {
    const component = price_components.find((each) => each.type === type);
    if (component === undefined || restrictions.reservation !== purpose) continue;
    if (holds(restrictions, period)) return component;
  }
  return undefined;
}

/** One step of a component: Wh as kWh for ENERGY, seconds for the times. */
export function stepOf({ type, step_size }: PriceComponent): Rational {
  return type === "ENERGY" ? fraction(BigInt(step_size), 1000n) : fraction(BigInt(step_size));
}
