/**
 * Which tariffs need a clock that is right: those whose price depends on how long something lasted, or on when it was.
 */
import type { Tariff } from "../model/tariff.ts";

/** What of a clock a tariff relies on. */
export interface ClockNeed {
  /** How long something lasted: a time component with a price, or a limit on duration. */
  durations: boolean;
  /** When something was: a limit on the time of day, the date or the weekday, or prices from a series. */
  instants: boolean;
}

/** OCPI 2.2.1, TariffRestrictions: those that speak of an instant, and those that speak of a duration. */
const OF_INSTANTS = ["start_time", "end_time", "start_date", "end_date", "day_of_week"];
const OF_DURATIONS = ["min_duration", "max_duration"];

/** What `tariff` needs; both false when its bills are the same whatever the clock says. */
export function timePriced(tariff: Tariff): ClockNeed {
  const need: ClockNeed = { durations: false, instants: "price_source" in tariff };
  for (const element of tariff.elements) {
    const restrictions = "restrictions" in element ? (element.restrictions as object | undefined) : undefined;
    const named = Object.entries(restrictions ?? {}).filter(([, value]) => value !== undefined);
    if (named.some(([name]) => OF_DURATIONS.includes(name))) need.durations = true;
    if (named.some(([name]) => OF_INSTANTS.includes(name))) need.instants = true;
    for (const component of element.price_components) {
      const isTime = component.type === "TIME" || component.type === "PARKING_TIME";
      if ("price_source" in component && component.price_source !== undefined) need.instants = true;
      if (isTime && !/^-?0+(\.0+)?$/.test(component.price ?? "0")) need.durations = true;
    }
  }
  return need;
}
