/**
 * `min_price` and `max_price` (OCPI 2.2.1, Tariff; 2.3.0, PriceLimit): net and gross are limited each by itself. What
 * a limit changes is a line of its own, so that the lines still sum to the total.
 */
import type { CdrLine } from "../../model/cdr.ts";
import type { PriceLimit, Tariff } from "../../model/tariff.ts";
import { type Amount, priceText } from "./amount.ts";
import type { Bill } from "./bill.ts";
import type { Component } from "./compile.ts";
import { fixedOf, roundedBig, type Scaled, scaled } from "./exact.ts";

interface LimitLine {
  line: CdrLine;
  amount: Amount;
}

export function limitLines(
  bill: Bill,
  tariff: Tariff,
  total: Amount,
  fromMs: number,
  toMs: number,
): LimitLine[] {
  const found: LimitLine[] = [];
  let { net, gross } = total;
  const limit = (dimension: "MIN_PRICE" | "MAX_PRICE", price: PriceLimit | undefined): void => {
    if (!price) return;
    const bounds = boundsOf(price, tariff);
    const short = dimension === "MIN_PRICE" ? Math.max : Math.min;
    const byNet = short(0, bounds.net - net);
    const tax = oneTax(bill);
    const byGross = bounds.gross === null ? withTax(byNet, tax ?? null) : short(0, bounds.gross - gross);
    if (byNet === 0 && byGross === 0) return;
    const explained = tax !== undefined && explains(tax, byNet, byGross, bill.runs.length);
    if (!explained)
      bill.warn("TAX_UNEXPLAINED", () => `no single tax rate makes the ${dimension} line's tax`);
    const amount = { net: byNet, gross: byGross };
    found.push({ line: lineOf(dimension, amount, explained ? tax : null, fromMs, toMs), amount });
    net += byNet;
    gross += byGross;
  };
  limit("MIN_PRICE", tariff.min_price);
  limit("MAX_PRICE", tariff.max_price);
  return found;
}

function lineOf(
  dimension: "MIN_PRICE" | "MAX_PRICE",
  amount: Amount,
  tax: Component["tax"],
  fromMs: number,
  toMs: number,
): CdrLine {
  return {
    dimension,
    element: null,
    component: null,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    measured: "1",
    billed: "1",
    measured_units: "1",
    billed_units: "1",
    unit_price: fixedOf(amount.net, 4),
    vat_percent: tax?.percent ?? null,
    amount: priceText(amount),
  };
}

/** In ten-thousandths. Gross is null when the tariff does not say: then it follows net. */
function boundsOf(limit: PriceLimit, tariff: Tariff): { net: number; gross: number | null } {
  if ("excl_vat" in limit) {
    const net = tenThousandths(scaled(limit.excl_vat));
    return { net, gross: limit.incl_vat === undefined ? null : tenThousandths(scaled(limit.incl_vat)) };
  }
  const net = tenThousandths(scaled(limit.before_taxes));
  if (limit.after_taxes !== undefined) return { net, gross: tenThousandths(scaled(limit.after_taxes)) };
  if (tariff.tax_included === "N/A") return { net, gross: net };
  if (!limit.taxes) return { net, gross: null };
  return { net, gross: limit.taxes.reduce((sum, tax) => sum + tenThousandths(scaled(tax.amount)), net) };
}

function tenThousandths({ big, digits }: Scaled): number {
  return roundedBig(big * 10_000n, 10n ** BigInt(digits));
}

/** The tax that all that costs something carries; null: none; undefined: several, or nothing costs anything. */
function oneTax(bill: Bill): Component["tax"] | undefined {
  let found: Component["tax"] | undefined;
  for (const { component, price } of bill.runs) {
    if (price.big === 0n) continue;
    if (found !== undefined && found?.percent !== component.tax?.percent) return undefined;
    found = component.tax;
  }
  return found;
}

function withTax(net: number, tax: Component["tax"]): number {
  return tax ? roundedBig(BigInt(net) * BigInt(tax.over), BigInt(tax.under)) : net;
}

/** Each line's rounding may have moved the sum by half of its last digit. */
function explains(tax: Component["tax"], net: number, gross: number, lines: number): boolean {
  return Math.abs(gross - withTax(net, tax)) <= lines;
}
