/** Why a tariff element applied: its restrictions in words (OCPI 2.2.1, mod_tariffs, TariffRestrictions). */
import type { TariffDimension } from "../model/cdr.ts";
import { DAYS_OF_WEEK, type Tariff, type TariffRestrictions } from "../model/tariff.ts";
import { billTexts, decimalIn, type Language } from "./explain-texts.ts";
import { durationText } from "./explain-time.ts";
import type { BillTexts } from "./explain-words.ts";

interface Place {
  element: number;
  dimension: TariffDimension;
  reservation: boolean;
}

/** `element 2 of 4: between 17:00 and 20:00, Monday to Friday`. */
export function reasonOf(tariff: Tariff, { element, dimension }: Place, language: Language): string {
  const texts = billTexts(language);
  const found = tariff.elements[element];
  if (!found) return texts.elementGone(element + 1);
  const conditions = conditionsOf(found.restrictions ?? {}, language);
  const always = dimension === "FLAT" ? texts.oncePerSession : texts.noRestriction;
  return texts.element(element + 1, tariff.elements.length, conditions ?? always);
}

/** Why each element before it did not apply: `element 1 not: only below 16 kW`. */
export function notApplied(tariff: Tariff, place: Place, language: Language): string[] {
  const texts = billTexts(language);
  return tariff.elements
    .slice(0, place.element)
    .map((earlier, index) => texts.elementNot(index + 1, whyNot(earlier, place, language)));
}

function whyNot(
  earlier: Tariff["elements"][number],
  { dimension, reservation }: Place,
  language: Language,
): string {
  const texts = billTexts(language);
  if (!earlier.price_components.some(({ type }) => type === dimension))
    return texts.noPriceFor(texts.dimensions[dimension].toLowerCase());
  const restrictions = earlier.restrictions ?? {};
  if (reservation && restrictions.reservation === undefined) return texts.notReserved;
  return texts.only(conditionsOf(restrictions, language) ?? texts.noRestriction);
}

/** Undefined when there is no condition. A restriction that has no words here does not compile. */
function conditionsOf(restrictions: TariffRestrictions, language: Language): string | undefined {
  const texts = billTexts(language);
  const words = <Value>(value: Value | undefined, say: (value: Value) => string): string[] =>
    value === undefined ? [] : [say(value)];
  const number = (value: string | undefined, say: (value: string) => string) =>
    words(value, (decimal) => say(decimalIn(language, decimal)));
  const duration = (seconds: number | undefined, say: (value: string) => string) =>
    words(seconds, (s) => say(durationText(String(s))));
  const { start_time, end_time, day_of_week, start_date, end_date, reservation, ...measured } = restrictions;
  const { min_kwh, max_kwh, min_current, max_current, min_power, max_power, ...lasting } = measured;
  const { min_duration, max_duration, ...unknown } = lasting;
  unknown satisfies Record<string, never>;
  const parts = [
    ...timesOfDay(start_time, end_time, texts),
    ...words(day_of_week, (days) => daysText(days, texts)),
    ...words(start_date, texts.fromDate),
    ...words(end_date, texts.beforeDate),
    ...number(min_kwh, texts.fromKwh),
    ...number(max_kwh, texts.belowKwh),
    ...number(min_current, texts.fromCurrent),
    ...number(max_current, texts.belowCurrent),
    ...number(min_power, texts.fromPower),
    ...number(max_power, texts.belowPower),
    ...duration(min_duration, texts.afterDuration),
    ...duration(max_duration, texts.withinDuration),
    ...words(reservation, (kind) =>
      kind === "RESERVATION_EXPIRES" ? texts.reservationExpired : texts.reserved,
    ),
  ];
  return parts.length > 0 ? parts.join(", ") : undefined;
}

/** Equal ends are the whole day, as the rating has it. */
function timesOfDay(from: string | undefined, to: string | undefined, texts: BillTexts): string[] {
  if (from !== undefined && to !== undefined) {
    return [from === to ? texts.allDay : texts.between(from, to === "00:00" ? "24:00" : to)];
  }
  if (from !== undefined) return [texts.fromTime(from)];
  return to === undefined ? [] : [texts.untilTime(to === "00:00" ? "24:00" : to)];
}

/** Three days in a row or more are a range; others are listed. */
function daysText(days: readonly string[], texts: BillTexts): string {
  const indices = DAYS_OF_WEEK.map((day, index) =>
    (days as readonly string[]).includes(day) ? index : -1,
  ).filter((index) => index >= 0);
  const names = indices.map((index) => texts.days[DAYS_OF_WEEK[index] as (typeof DAYS_OF_WEEK)[number]]);
  const [first, last] = [names[0] ?? "", names.at(-1) ?? ""];
  const inRow = (indices.at(-1) ?? 0) - (indices[0] ?? 0) === indices.length - 1;
  if (inRow && names.length > 2) return texts.dayRange(first, last);
  return names.length < 2 ? first : `${names.slice(0, -1).join(", ")} ${texts.and} ${last}`;
}
