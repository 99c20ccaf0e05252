/** Why a tariff element applied: its restrictions in words (OCPI 2.2.1, mod_tariffs, TariffRestrictions). */
import type { TariffDimension } from "../model/cdr.ts";
import type { Tariff } from "../model/tariff.ts";
import { billTexts, decimalIn, type Language } from "./explain-texts.ts";
import { durationText } from "./explain-time.ts";
import { type BillTexts, DAYS } from "./explain-words.ts";

/** Restrictions by their OCPI names; those that are not known are named as they stand. */
type Restrictions = Readonly<Record<string, unknown>>;

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
  const conditions = conditionsOf(restrictionsOf(found), language);
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
  const restrictions = restrictionsOf(earlier);
  if (reservation && restrictions.reservation === undefined) return texts.notReserved;
  return texts.only(conditionsOf(restrictions, language) ?? texts.noRestriction);
}

function restrictionsOf(element: Tariff["elements"][number]): Restrictions {
  return (element as { restrictions?: Restrictions }).restrictions ?? {};
}

/** Undefined when there is no condition. */
function conditionsOf(restrictions: Restrictions, language: Language): string | undefined {
  const texts = billTexts(language);
  const left = new Map(
    Object.entries(restrictions).filter(([, value]) => value !== undefined && value !== null),
  );
  const take = (name: string): string | undefined => {
    const value = left.get(name);
    left.delete(name);
    return value === undefined ? undefined : String(value);
  };
  const number = (name: string, words: (value: string) => string): string[] => {
    const value = take(name);
    return value === undefined ? [] : [words(decimalIn(language, value))];
  };
  const plain = (name: string, words: (value: string) => string): string[] => {
    const value = take(name);
    return value === undefined ? [] : [words(value)];
  };
  const duration = (name: string, words: (value: string) => string) =>
    plain(name, (seconds) => words(durationText(seconds)));
  const days = left.get("day_of_week");
  left.delete("day_of_week");
  const parts = [
    ...timesOfDay(take("start_time"), take("end_time"), texts),
    ...(Array.isArray(days) && days.length > 0 ? [daysText(days.map(String), texts)] : []),
    ...plain("start_date", texts.fromDate),
    ...plain("end_date", texts.beforeDate),
    ...number("min_kwh", texts.fromKwh),
    ...number("max_kwh", texts.belowKwh),
    ...number("min_current", texts.fromCurrent),
    ...number("max_current", texts.belowCurrent),
    ...number("min_power", texts.fromPower),
    ...number("max_power", texts.belowPower),
    ...duration("min_duration", texts.afterDuration),
    ...duration("max_duration", texts.withinDuration),
    ...plain("reservation", (kind) =>
      kind === "RESERVATION_EXPIRES" ? texts.reservationExpired : texts.reserved,
    ),
    ...[...left].map(([name, value]) => texts.otherCondition(name, String(value))),
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
  const indices = DAYS.map((day, index) => (days.includes(day) ? index : -1)).filter((index) => index >= 0);
  const names = indices.map((index) => texts.days[DAYS[index] as (typeof DAYS)[number]]);
  const [first, last] = [names[0] ?? "", names.at(-1) ?? ""];
  const inRow = (indices.at(-1) ?? 0) - (indices[0] ?? 0) === indices.length - 1;
  if (inRow && names.length > 2) return texts.dayRange(first, last);
  return names.length < 2 ? first : `${names.slice(0, -1).join(", ")} ${texts.and} ${last}`;
}
