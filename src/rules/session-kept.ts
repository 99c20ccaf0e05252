/**
 * Ended sessions whose bill may still change: the whole record of those that the gateway closed, whose start is missing,
 * or that wait for the clock; at most two an EVSE, for 35 days. Late data is gathered and told as one `session.revised`.
 */
import type { Cdr } from "../model/cdr.ts";
import type { SessionRecord } from "../model/session.ts";
import { billId, changesBill, isDue } from "./credit.ts";
import { RELEASE_REASON, vouchedFor } from "./session-host-clock.ts";
import type { ClosedSession, EvsePart, KeptSession } from "./session-part.ts";
import type { Step } from "./session-step.ts";
import { revisionKey } from "./standing.ts";

const KEPT_PER_EVSE = 2;
const KEPT_MS = 35 * 86_400_000;

/** Keeps the record of a session that has just ended. */
export function keep(
  evse: EvsePart,
  closed: ClosedSession,
  kept: Pick<
    KeptSession,
    "record" | "seenAtMs" | "jump" | "lastState" | "sampled" | "unplugged" | "book" | "doubt"
  >,
  atMs: number,
): void {
  const isHeld = kept.record.held.length > 0;
  closed.kept = {
    ...kept,
    revision: 1,
    state: isHeld ? "held" : "billed",
    billRevision: isHeld ? null : 1,
    bill: null,
    setAside: [],
    keptAtMs: atMs,
    late: null,
    sent: null,
  };
  const all = evse.closed.filter((session) => session.kept);
  for (const session of all.slice(0, -KEPT_PER_EVSE)) delete session.kept;
}

/** The record as late data found it so far. */
export function newest(kept: KeptSession): SessionRecord {
  return kept.late?.record ?? kept.sent?.late?.record ?? kept.record;
}

/** On a tick: tells what was gathered, releases what only waited for the clock, forgets what is old. */
export function checkKept(step: Step, evse: EvsePart): void {
  for (const closed of evse.closed) {
    const { kept } = closed;
    if (!kept) continue;
    if (step.atMs - kept.keptAtMs > KEPT_MS) delete closed.kept;
    else if (kept.late) settle(step, kept);
    else if (kept.doubt && kept.state === "held" && !kept.sent && vouchedFor(kept.doubt, step.site.clock))
      release(step, kept);
    else continue;
    step.out.touched(step.station);
  }
}

/**
 * Tells the late data that was gathered, if it changes what is billed or decided on. What cannot be believed never
 * touches a bill that stands: it has been reported, and stays that.
 */
export function settle(step: Step, kept: KeptSession): void {
  const { late } = kept;
  if (!late || kept.sent) return;
  const bill = standingBill(kept);
  // Still on its way to the log: it is told then.
  if (bill === "awaited") return;
  kept.late = null;
  if (kept.state === "closed") return;
  const record = {
    ...late.record,
    held: late.record.held.filter(({ code }) => !kept.setAside.includes(code)),
  };
  const wasBilled = kept.state === "billed";
  if (wasBilled && (record.held.length > 0 || !changesBill(kept.record, record))) return;
  if (JSON.stringify(record) === JSON.stringify(kept.record)) return;
  const revision = kept.revision + 1;
  kept.sent = { revision, late };
  step.out.emit({
    type: "session.revised",
    atMs: step.atMs,
    station: step.station,
    key: revisionKey(record.session_id, revision),
    body: {
      session_id: record.session_id,
      revision,
      what: late.what,
      detail: late.detail,
      previous: kept.record,
      record,
      was_billed: wasBilled,
      bill_revision: kept.billRevision,
      bill,
    },
  });
}

/** A CDR came to the log: what takes it back will need it as it is. */
export function billIssued(step: Step, cdr: Cdr): void {
  if (cdr.credit) return;
  for (const { closed } of Object.values(step.part.evses)) {
    const kept = closed.find(({ id }) => id === cdr.session_id)?.kept;
    if (!kept) continue;
    kept.bill = cdr;
    settle(step, kept);
    step.out.touched(step.station);
  }
}

/** The bill that stands as it was issued; null when there is none, because nothing was due or it waits for a person. */
function standingBill({ state, record, billRevision, bill }: KeptSession): Cdr | null | "awaited" {
  if (state !== "billed" || billRevision === null) return null;
  if (bill?.id === billId(record.session_id, billRevision)) return bill;
  return isDue(record) ? "awaited" : null;
}

function release(step: Step, kept: KeptSession): void {
  const { record } = kept;
  const revision = kept.revision + 1;
  kept.sent = { revision, late: null };
  step.out.emit({
    type: "hold.released",
    atMs: step.atMs,
    station: step.station,
    key: revisionKey(record.session_id, revision),
    body: {
      session_id: record.session_id,
      revision,
      record,
      since_ms: kept.keptAtMs,
      by: "gateway",
      reason: RELEASE_REASON,
    },
  });
}
