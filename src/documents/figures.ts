/** Decimal text, instants and durations the way a reader of a language writes them. No number becomes a binary float. */
import type { Price } from "../model/cdr.ts";
import { exact, fixed, minorDigits, ratio } from "../model/money.ts";
import { billTexts, decimalIn, type Language } from "../rules/explain-texts.ts";

/** Keeps a number and its sign or unit on one line. */
export const NBSP = "\u00a0";

/** `"1234.50"` as `1 234,50` (sv) or `1,234.50` (en), with a real minus sign. */
export function figure(language: Language, decimal: string): string {
  const written = decimalIn(language, decimal);
  const group = billTexts(language).decimalPoint === "," ? NBSP : ",";
  return written.replace(/^(−?)(\d+)/, (_, sign: string, whole: string) => {
    return sign + whole.replace(/\B(?=(\d{3})+$)/g, group);
  });
}

/**
 * Decimals that show every one of `amounts` exactly, so that a column lines up: at least those of the currency's minor
 * unit.
 */
export function decimalsFor(currency: string, amounts: readonly string[]): number {
  const needed = amounts.map((amount) => (amount.split(".")[1] ?? "").replace(/0+$/, "").length);
  return Math.max(minorDigits(currency), ...needed);
}

/** The same amount with `digits` decimals; exact when `digits` comes from `decimalsFor`. */
export function amountText(language: Language, amount: string, digits: number): string {
  return figure(language, fixed(exact(amount), digits));
}

/** Tax of a price: what is with it less what is without. Four decimals. */
export function taxOf(price: Price): string {
  return fixed(exact(price.incl_vat).sub(exact(price.excl_vat)), 4);
}

export function sumOf(prices: readonly Price[]): Price {
  const sum = (pick: (price: Price) => string) =>
    fixed(
      prices.reduce((total, price) => total.add(exact(pick(price))), ratio(0, 1)),
      4,
    );
  return { excl_vat: sum((price) => price.excl_vat), incl_vat: sum((price) => price.incl_vat) };
}

/** `2026-11-22 18:00:10 +01:00`: local time of `zone` with its offset from UTC. */
export function localTime(instant: string | number, zone: string): string {
  const { date, time, offset } = localParts(instant, zone);
  return `${date} ${time} ${offset}`;
}

/** `2026-11-22`. */
export function localDate(instant: string | number, zone: string): string {
  return localParts(instant, zone).date;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function localParts(instant: string | number, zone: string): { date: string; time: string; offset: string } {
  let format = formats.get(zone);
  if (!format) {
    const two = "2-digit";
    format = new Intl.DateTimeFormat("en-GB-u-ca-iso8601", {
      timeZone: zone,
      timeZoneName: "longOffset",
      year: "numeric",
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
      hourCycle: "h23",
    });
    formats.set(zone, format);
  }
  const parts = new Map(format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
  const get = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
  const name = get("timeZoneName").replace("GMT", "");
  return {
    date: `${get("year")}-${get("month")}-${get("day")}`,
    time: `${get("hour")}:${get("minute")}:${get("second")}`,
    offset: name === "" ? "+00:00" : name,
  };
}

/** Whole seconds as `2 h 05 min`, with seconds where there are any: `12 min 30 s`. */
export function durationText(seconds: number): string {
  const h = Math.floor(seconds / 3600);
  const min = Math.floor((seconds % 3600) / 60);
  const s = seconds % 60;
  const parts = [
    ...(h > 0 ? [`${h}${NBSP}h`] : []),
    ...(min > 0 || (h > 0 && s > 0) ? [`${h > 0 ? String(min).padStart(2, "0") : min}${NBSP}min`] : []),
    ...(s > 0 || (h === 0 && min === 0) ? [`${s}${NBSP}s`] : []),
  ];
  return parts.join(NBSP);
}
