/**
 * Corrections of bills. A CDR is immutable: what was billed is taken back by a Credit CDR, and what is right is billed
 * by a new one (OCPI 2.2.1, mod_cdrs 10.1, "Credit CDRs"). The event that orders a credit carries the CDR it takes back:
 * rated again it might come out otherwise, when the rules changed since.
 */
import type { Cdr, Price } from "../model/cdr.ts";
import type { SessionRecord } from "../model/session.ts";
import { type CdrContext, cdrOf } from "./cdr.ts";
import { completeCdr } from "./older-cdr.ts";

/** Of the bill named by `revision`: 1 is the session's first. At most 39 characters with `-C` (OCPI 2.2.1, CDR.id). */
export function billId(sessionId: string, revision: number): string {
  return revision === 1 ? `cdr-${sessionId}` : `cdr-${sessionId}-${revision}`;
}

/** Key of the fact that issues it. */
export function billKey(sessionId: string, revision: number): string {
  return revision === 1 ? `cdr.issued:${sessionId}` : `cdr.issued:${sessionId}:${revision}`;
}

/** The bill of a session whatever it is held for; undefined when nothing is due. */
export function billOf(record: SessionRecord, revision: number, context: CdrContext): Cdr | undefined {
  const cdr = cdrOf(record, context, true);
  return cdr && { ...cdr, id: billId(record.session_id, revision) };
}

/** Takes back `issued`: the same data under an id of its own, every amount negated so that its lines still sum. */
export function creditOf(issued: Cdr, remark: string): Cdr {
  const cdr = issued.payable ? issued : completeCdr(issued);
  return {
    ...cdr,
    id: `${cdr.id}-C`,
    credit: true,
    credit_reference_id: cdr.id,
    remark,
    lines: cdr.lines.map((line) => ({ ...line, amount: negatedPrice(line.amount) })),
    total_cost: negatedPrice(cdr.total_cost),
    total_fixed_cost: negatedPrice(cdr.total_fixed_cost),
    total_energy_cost: negatedPrice(cdr.total_energy_cost),
    total_time_cost: negatedPrice(cdr.total_time_cost),
    total_parking_cost: negatedPrice(cdr.total_parking_cost),
    total_reservation_cost: negatedPrice(cdr.total_reservation_cost),
    payable: { amount: negated(cdr.payable.amount), rounding: negated(cdr.payable.rounding) },
  };
}

/** Whether two bills of one session differ in what is paid, what was delivered or how long it took. */
export function differs(before: Cdr | undefined, after: Cdr | undefined): boolean {
  return JSON.stringify(essence(before)) !== JSON.stringify(essence(after));
}

/** Names of the site and the time zone data, where no bill leaves the comparison. */
const ANYWHERE: CdrContext = { site: "", tzdata: "" };

/** Whether late data would change the bill. */
export function changesBill(previous: SessionRecord, record: SessionRecord): boolean {
  return differs(billOf(previous, 1, ANYWHERE), billOf(record, 1, ANYWHERE));
}

/** Whether there is anything to bill, whatever it is held for. */
export function isDue(record: SessionRecord): boolean {
  return billOf(record, 1, ANYWHERE) !== undefined;
}

function essence(cdr: Cdr | undefined) {
  if (!cdr) return null;
  const { start_date_time, end_date_time, lines, total_cost, payable } = cdr;
  const { energy_wh, total_time, total_parking_time } = cdr;
  return {
    start_date_time,
    end_date_time,
    lines,
    total_cost,
    payable,
    energy_wh,
    total_time,
    total_parking_time,
  };
}

function negatedPrice({ excl_vat, incl_vat }: Price): Price {
  return { excl_vat: negated(excl_vat), incl_vat: negated(incl_vat) };
}

/** Zero has no sign. */
function negated(amount: string): string {
  if (/^-?[0.]+$/.test(amount)) return amount.replace("-", "");
  return amount.startsWith("-") ? amount.slice(1) : `-${amount}`;
}
