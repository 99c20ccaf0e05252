/**
 * The fold that bills. Each ended session that is not held and has a tariff becomes one `cdr.issued`; a held one when it
 * is released; a revised or credited one gives the credit of what was billed and, if anything is due, the new bill.
 * Keys follow from the session and the revision, so folding again appends nothing. It keeps no state: what it needs
 * stands in the event. A credit negates the CDR that was issued, whatever rules that was rated by.
 */
import type { Cdr } from "../model/cdr.ts";
import type { Event } from "../model/event.ts";
import type { Fold } from "../model/fold.ts";
import type { SessionRecord } from "../model/session.ts";
import { type CdrContext, cdrOf } from "./cdr.ts";
import { billKey, billOf, creditOf, differs } from "./credit.ts";

export function billingFold(context: CdrContext): Fold<never> {
  return {
    name: "billing",
    version: 2,
    apply(_parts, event, out) {
      for (const { key, cdr } of billsOf(event, context))
        out.emit({ type: "cdr.issued", atMs: event.atMs, station: event.station, key, body: cdr });
    },
  };
}

interface Bill {
  key: string;
  cdr: Cdr;
}

function billsOf(event: Event, context: CdrContext): Bill[] {
  switch (event.type) {
    case "session.ended": {
      const cdr = cdrOf(event.body, context);
      return cdr ? [{ key: billKey(cdr.session_id, 1), cdr }] : [];
    }
    case "hold.released": {
      const { record } = event.body;
      const cdr = billOf(record, 1, context);
      const codes = record.held.map((hold) => hold.code).join(", ");
      // Who released it stands in the log; a bill names no person.
      return cdr
        ? [{ key: billKey(cdr.session_id, 1), cdr: { ...cdr, remark: `released after hold: ${codes}` } }]
        : [];
    }
    case "session.revised":
      return revised(event.body, context);
    case "cdr.credited": {
      const { session_id, revision, record, bill_revision, bill } = event.body;
      const cdr = bill ?? billOf(record, bill_revision, context);
      return cdr ? [credit(session_id, revision, cdr, "credited by the operator")] : [];
    }
    default:
      return [];
  }
}

function revised(
  { session_id, revision, what, previous, record, bill_revision, bill }: Revised,
  context: CdrContext,
): Bill[] {
  // Without the bill itself, all that is left of it is the record that it was made from.
  const issued =
    bill === undefined && bill_revision !== null ? billOf(previous, bill_revision, context) : bill;
  const before = issued ?? undefined;
  const after = dueOf(record, revision, context);
  if (!differs(before, after)) return [];
  const reason = what.replaceAll("_", " ");
  const bills: Bill[] = before ? [credit(session_id, revision, before, reason)] : [];
  const remark = before ? `replaces ${before.id}: ${reason}` : reason;
  if (after) bills.push({ key: billKey(session_id, revision), cdr: { ...after, remark } });
  return bills;
}

type Revised = Extract<Event, { type: "session.revised" }>["body"];

const dueOf = (record: SessionRecord, revision: number, context: CdrContext): Cdr | undefined =>
  record.held.length > 0 ? undefined : billOf(record, revision, context);

function credit(sessionId: string, revision: number, cdr: Cdr, remark: string): Bill {
  return { key: `${billKey(sessionId, revision)}:credit`, cdr: creditOf(cdr, remark) };
}
