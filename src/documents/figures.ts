/** Decimal text and amounts the way a reader of a language writes them. No number becomes a binary float. */
import { exact, fixed, minorDigits } from "../model/money.ts";
import { billTexts, decimalIn, type Language } from "../rules/explain-texts.ts";

/** Keeps a number and its unit on one line. */
export const NBSP = "\u00a0";

/** `"1234.50"` as `1 234,50` (sv) or `1,234.50` (en), with a real minus sign. */
export function figure(language: Language, decimal: string): string {
  const group = billTexts(language).decimalPoint === "," ? NBSP : ",";
  return decimalIn(language, decimal).replace(
    /^(−?)(\d+)/,
    (_, sign: string, whole: string) => sign + whole.replace(/\B(?=(\d{3})+$)/g, group),
  );
}

/** Decimals that show each of `amounts` exactly, so that a column lines up; at least those of the minor unit. */
export function decimalsFor(currency: string, amounts: readonly string[]): number {
  const needed = amounts.map((amount) => (amount.split(".")[1] ?? "").replace(/0+$/, "").length);
  return Math.max(minorDigits(currency), ...needed);
}

/** An amount with `digits` decimals; exact when `digits` comes from `decimalsFor`. */
export function amountText(language: Language, amount: string, digits: number): string {
  return figure(language, fixed(exact(amount), digits));
}

/** An amount in its currency: `1 234,50 SEK`. */
export function moneyText(language: Language, amount: string, currency: string): string {
  return `${figure(language, amount)}${NBSP}${currency}`;
}
