/** Makes the lines of a bill and their sums. Amounts are whole ten-thousandths inside, text with four decimals outside. */
import type { CdrLine, TariffDimension } from "../../model/cdr.ts";
import { type Amount, priceText } from "./amount.ts";
import type { Bill, Run } from "./bill.ts";
import { type CompiledTariff, SLOT } from "./compile.ts";
import {
  addTo,
  exactText,
  fixedOf,
  PARTS,
  type Quantity,
  roundedBig,
  roundedRatio,
  type Scaled,
} from "./exact.ts";
import { limitLines } from "./limits.ts";

/** What a bill comes to. */
export interface Charges {
  lines: CdrLine[];
  total: Amount;
  /** Reservation included. */
  byDimension: Record<TariffDimension, Amount & { billed: Quantity }>;
}

/** Base units of one priced unit, in ten-thousandths. */
const PER_KWH = 100;
const PER_HOUR = 360_000;

/** Rounds steps, prices every run, applies the limits. `from` and `to` are the session's, for the limits' lines. */
export function chargesOf(bill: Bill, compiled: CompiledTariff, fromMs: number, toMs: number): Charges {
  bill.roundSteps();
  const { tariff } = compiled;
  const included = tariff.tax_included === "YES";
  const zero = (): Amount & { billed: Quantity } => ({ net: 0, gross: 0, billed: { units: 0, parts: 0 } });
  const byDimension = { FLAT: zero(), ENERGY: zero(), TIME: zero(), PARKING_TIME: zero() };
  const total = { net: 0, gross: 0 };
  const lines: CdrLine[] = [];
  for (const run of bill.runs) {
    const amount = amountOf(run, included);
    const sum = byDimension[run.component.dimension];
    addTo(sum.billed, run.billed.units, run.billed.parts);
    credit(sum, amount);
    credit(total, amount);
    lines.push(lineOf(run, amount, included));
    if (included && !run.component.tax && amount.gross !== 0)
      bill.warn("TAX_UNEXPLAINED", () => "prices contain a tax whose rate the tariff does not name");
  }
  if (tariff.min_price || tariff.max_price)
    for (const { line, amount } of limitLines(bill, tariff, total, fromMs, toMs)) {
      lines.push(line);
      credit(total, amount);
    }
  return { lines, total, byDimension };
}

function credit(sum: Amount, { net, gross }: Amount): void {
  sum.net += net;
  sum.gross += gross;
  if (!Number.isSafeInteger(sum.net) || !Number.isSafeInteger(sum.gross))
    throw new RangeError("a total has more than 11 digits before the point");
}

function amountOf({ component, price, billed }: Run, included: boolean): Amount {
  const { tax, dimension } = component;
  const per = dimension === "TIME" || dimension === "PARKING_TIME" ? PER_HOUR : PER_KWH;
  const plain = product(billed, price, per, 1, 1);
  if (!tax) return { net: plain, gross: plain };
  if (included) return { net: product(billed, price, per, tax.under, tax.over), gross: plain };
  return { net: plain, gross: product(billed, price, per, tax.over, tax.under) };
}

/** `quantity * price * over / under` in ten-thousandths, half away from zero. */
function product(
  { units, parts }: Quantity,
  price: Scaled,
  per: number,
  over: number,
  under: number,
): number {
  if (parts === 0 && price.digits <= 8) {
    const rounded = roundedRatio(units * over, price.n, per * 10 ** price.digits * under);
    if (rounded !== undefined) return rounded;
  }
  const quantity = BigInt(units) * BigInt(PARTS) + BigInt(parts);
  const divisor = BigInt(per) * 10n ** BigInt(price.digits) * BigInt(under) * BigInt(PARTS);
  return roundedBig(quantity * BigInt(over) * price.big, divisor);
}

function lineOf(run: Run, amount: Amount, included: boolean): CdrLine {
  const { component, price, measured, billed, energy } = run;
  const { dimension, slot } = component;
  const interpolated = energy && {
    from_wh: exactText(energy.from, 3, 0),
    to_wh: exactText(energy.to, 3, 0),
    ...(energy.fromInterpolated ? { from_interpolated: true as const } : {}),
    ...(energy.toInterpolated ? { to_interpolated: true as const } : {}),
  };
  return {
    dimension,
    ...(slot >= SLOT.RESERVATION_FLAT ? { reservation: true as const } : {}),
    element: component.element,
    component: component.component,
    from: new Date(run.fromMs).toISOString(),
    to: new Date(run.toMs).toISOString(),
    ...(interpolated ? { energy: interpolated } : {}),
    measured: quantityText(dimension, measured),
    billed: quantityText(dimension, billed),
    measured_units: unitsText(dimension, measured),
    billed_units: unitsText(dimension, billed),
    unit_price: price.text,
    ...(included ? { tax_included: true as const } : {}),
    vat_percent: component.tax?.percent ?? null,
    amount: priceText(amount),
  };
}

/** kWh exactly, with three decimals or more; hours with four; how often. */
export function quantityText(dimension: TariffDimension, quantity: Quantity): string {
  if (dimension === "FLAT") return exactText(quantity, 6, 0);
  if (dimension === "ENERGY") return exactText(quantity, 6, 3);
  return hoursText(quantity);
}

/** Half of the last digit is a whole number of microseconds, so parts of one never decide. */
export function hoursText({ units }: Quantity): string {
  const over = units % PER_HOUR;
  return fixedOf((units - over) / PER_HOUR + (2 * over >= PER_HOUR ? 1 : 0), 4);
}

function unitsText(dimension: TariffDimension, quantity: Quantity): string {
  if (dimension === "FLAT") return exactText(quantity, 6, 0);
  return exactText(quantity, dimension === "ENERGY" ? 3 : 6, 0);
}
