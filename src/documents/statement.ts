/**
 * All bills and credits of a month, of one token group, one token or the whole site. A CDR belongs to the month in
 * which its session ended, local time of the site. Sums are exact: gross + rounding = payable, in each currency.
 */
import type { Cdr, Price } from "../model/cdr.ts";
import { exact, fixed, minorDigits } from "../model/money.ts";
import { amountOf, type ExplainedAmount, sumOf } from "../rules/explain.ts";
import { localTime } from "../rules/explain-time.ts";
import { completeCdr } from "../rules/older-cdr.ts";
import { cdrHash } from "./cdr-hash.ts";
import { type VatRate, vatByRate } from "./vat.ts";

export interface StatementScope {
  /** `2026-11`. */
  month: string;
  /** At most one of the two; neither: the whole site. */
  group?: string;
  tokenRef?: string;
}

export interface StatementBill {
  /** With every field, also when an older release issued it. */
  cdr: Cdr;
  /** Of the CDR as it is stored. */
  sha256: string;
}

export interface StatementSums {
  currency: string;
  /** By end, then id. */
  bills: StatementBill[];
  /** Wh; credits count against it. */
  energy_wh: number;
  vat: VatRate[];
  /** Four decimals. */
  total: ExplainedAmount;
  /** What rounding to the minor unit added, over all bills; four decimals. */
  rounding: string;
  /** Sum of what each bill asks for, in the currency's minor unit. */
  payable: string;
}

export interface Statement {
  scope: StatementScope;
  /** By ISO 4217 code. Empty when nothing was billed. */
  currencies: StatementSums[];
}

/** @param cdrs as the log has them. */
export function statementOf(cdrs: readonly Cdr[], scope: StatementScope): Statement {
  const chosen = cdrs
    .filter((cdr) => scope.group === undefined || cdr.token_group === scope.group)
    .filter((cdr) => scope.tokenRef === undefined || cdr.cdr_token === scope.tokenRef)
    .map((stored): StatementBill => ({ cdr: completeCdr(stored), sha256: cdrHash(stored) }))
    .filter(({ cdr }) => localTime(cdr.time_zone, cdr.end_date_time).startsWith(`${scope.month}-`))
    .sort(({ cdr: a }, { cdr: b }) => compare(a.end_date_time, b.end_date_time) || compare(a.id, b.id));
  const currencies = [...new Set(chosen.map(({ cdr }) => cdr.currency))].sort();
  return {
    scope,
    currencies: currencies.map((currency) =>
      sumsOf(
        currency,
        chosen.filter(({ cdr }) => cdr.currency === currency),
      ),
    ),
  };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** @throws BillFault when a bill's lines do not sum to its total, or its total with the rounding to what it asks for. */
function sumsOf(currency: string, bills: StatementBill[]): StatementSums {
  const cdrs = bills.map(({ cdr }) => cdr);
  for (const cdr of cdrs) proveSums(cdr);
  const lines = cdrs.flatMap((cdr) => cdr.lines);
  const add = (amounts: string[], digits: number) =>
    fixed(
      amounts.reduce((sum, amount) => sum.add(exact(amount)), exact("0")),
      digits,
    );
  return {
    currency,
    bills,
    energy_wh: cdrs.reduce((sum, cdr) => sum + (cdr.credit ? -1 : 1) * Math.abs(cdr.energy_wh), 0),
    vat: vatByRate(lines),
    total: amountOf(sumOf(lines)),
    rounding: add(
      cdrs.map((cdr) => cdr.payable.rounding),
      4,
    ),
    payable: add(
      cdrs.map((cdr) => cdr.payable.amount),
      minorDigits(currency),
    ),
  };
}

/** A bill that does not add up: `path` in its CDR says `stored`, where `computed` follows from its lines. */
export class BillFault extends RangeError {
  readonly id: string;
  readonly path: string;
  readonly stored: string;
  readonly computed: string;

  constructor(id: string, path: string, stored: string, computed: string) {
    super(`${id} does not add up: ${path} is ${stored}, ${computed}`);
    this.id = id;
    this.path = path;
    this.stored = stored;
    this.computed = computed;
  }
}

/** A statement of bills that do not add up would only hide that. */
function proveSums(cdr: Cdr): void {
  const { id, lines, total_cost, payable } = cdr;
  let sum: Price;
  try {
    sum = sumOf(lines);
  } catch (error) {
    throw new BillFault(id, "lines", "not to be summed", (error as Error).message);
  }
  const prove = (path: string, stored: string, added: readonly string[], what: string) => {
    let agrees = false;
    const total = () => added.reduce((all, amount) => all.add(exact(amount)), exact("0"));
    try {
      agrees = exact(stored).equals(total());
    } catch {
      // No decimal, and so not the sum.
    }
    if (!agrees) throw new BillFault(id, path, `"${stored}"`, `${what} ${added.join(" + ")}`);
  };
  prove("total_cost.excl_vat", total_cost.excl_vat, [sum.excl_vat], "its lines sum to");
  prove("total_cost.incl_vat", total_cost.incl_vat, [sum.incl_vat], "its lines sum to");
  const asked = [total_cost.incl_vat, payable.rounding];
  prove("payable.amount", payable.amount, asked, "its total with the rounding is");
}
