/** A statement as a table for bookkeeping: one row for each bill or credit. Amounts are decimal text with a point. */
import type { Cdr } from "../model/cdr.ts";
import { amountOf } from "../rules/explain.ts";
import { localTime } from "../rules/explain-time.ts";
import type { Statement, StatementBill } from "./statement.ts";
import { vatByRate } from "./vat.ts";

/** The columns in order: what each holds. Documented in docs/documents.md. */
export const STATEMENT_COLUMNS: Readonly<Record<string, (bill: StatementBill) => string>> = {
  cdr_id: ({ cdr }) => cdr.id,
  credit_of: ({ cdr }) => cdr.credit_reference_id ?? "",
  session_id: ({ cdr }) => cdr.session_id,
  site: ({ cdr }) => cdr.cdr_location.id,
  evse: ({ cdr }) => cdr.cdr_location.evse_uid,
  token_ref: ({ cdr }) => cdr.cdr_token ?? "",
  token_group: ({ cdr }) => cdr.token_group ?? "",
  started_utc: ({ cdr }) => cdr.start_date_time,
  ended_utc: ({ cdr }) => cdr.end_date_time,
  ended_local: ({ cdr }) => localTime(cdr.time_zone, cdr.end_date_time),
  energy_kwh: ({ cdr }) => signedEnergy(cdr),
  currency: ({ cdr }) => cdr.currency,
  net: ({ cdr }) => amountOf(cdr.total_cost).net,
  vat: ({ cdr }) => amountOf(cdr.total_cost).tax,
  gross: ({ cdr }) => amountOf(cdr.total_cost).gross,
  vat_by_rate: ({ cdr }) =>
    vatByRate(cdr.lines)
      .map(({ percent, net, tax }) => `${percent ?? "none"}%: ${tax} of ${net}`)
      .join(" | "),
  rounding: ({ cdr }) => cdr.payable.rounding,
  payable: ({ cdr }) => cdr.payable.amount,
  tariff_id: ({ cdr }) => cdr.tariff.body.id,
  tariff_sha256: ({ cdr }) => cdr.tariff.hash,
  cdr_sha256: ({ sha256 }) => sha256,
};

/** What a credit takes back counts against the sum. */
function signedEnergy({ credit, total_energy }: Cdr): string {
  return credit && !/^-|^[0.]+$/.test(total_energy) ? `-${total_energy}` : total_energy;
}

/** The head and a row for each bill, for `csvOf`. */
export function statementRows({ currencies }: Statement): string[][] {
  const columns = Object.values(STATEMENT_COLUMNS);
  const bills = currencies.flatMap((sums) => sums.bills);
  return [Object.keys(STATEMENT_COLUMNS), ...bills.map((bill) => columns.map((column) => column(bill)))];
}
