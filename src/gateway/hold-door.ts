/**
 * Takes a person's decision about a held session, or about a bill, to the log. It is judged against what the log says,
 * and the log judges again: two decisions claim one key, and the first that is durable stands.
 */
import type { NewEvent } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { billId } from "../rules/credit.ts";
import { ratingHolds } from "../rules/rate.ts";
import { filled } from "../rules/session-prices.ts";
import { revisionKey, type Standing } from "../rules/standing.ts";
import type { Decision, HoldDoor, Reasoned, Verdict } from "../web/holds.ts";
import type { ApiError } from "../web/sources.ts";
import type { AppendFact } from "./operator-facts.ts";
import type { Outbox } from "./outbox.ts";
import type { BilledStanding } from "./session-standing.ts";

/** What the door needs of the gateway. */
export interface HoldGround {
  outbox: Pick<Outbox, "ask">;
  appendFact: AppendFact;
  /** Depot time, ms. */
  nowMs(): number;
}

export function holdDoor({ outbox, appendFact, nowMs }: HoldGround): HoldDoor {
  return {
    list: () => outbox.ask("holds", {}),
    async decide(decision, id, why) {
      const sessionId = decision === "credit" ? sessionOfCdr(id) : id;
      if (decision === "credit" && /^cdr-.*-C$/.test(id)) return ofCredit(id);
      const standing = sessionId === undefined ? null : await outbox.ask("standing", { id: sessionId });
      if (!standing || (decision === "credit" && standing.state === "billed" && !standing.bill))
        return unknown(decision, id);
      const refusal = refusalOf(decision, id, standing);
      if (refusal) return { refused: 409, answer: refusal };
      const priced = decision === "release" ? await withLatePrices(outbox, standing) : standing;
      const unpriced = decision === "release" ? stillUnpriced(priced.record) : undefined;
      if (unpriced) return { refused: 409, answer: unpriced };
      const event = factOf(decision, id, priced, why, nowMs());
      const placed = await appendFact(event);
      if (placed.duplicate) return { refused: 409, answer: overtaken(standing) };
      return { decided: { decision, offset: placed.offset, ...summary(event) } };
    },
  };
}

/** Prices that came after the end of a session that waits for them. */
async function withLatePrices(
  outbox: HoldGround["outbox"],
  standing: BilledStanding,
): Promise<BilledStanding> {
  const { record } = standing;
  const names = record.prices?.map(({ series }) => series) ?? [];
  if (names.length === 0) return standing;
  const known = await outbox.ask("series", { names });
  return { ...standing, record: filled(record, (series) => known.get(series)) };
}

/** Without its prices a released session would have no bill, and nobody would know. */
function stillUnpriced(record: SessionRecord): ApiError | undefined {
  const missing = ratingHolds(record).find(({ code }) => code === "NO_PRICE");
  if (!missing) return undefined;
  const message = `Session ${record.session_id} still waits for a price: ${missing.detail}.`;
  return { code: "STILL_UNPRICED", message, fix: "Import the prices, then release it; or void the session." };
}

/** Ids are `cdr-{session}` or `cdr-{session}-{revision}`. */
function sessionOfCdr(id: string): string | undefined {
  return /^cdr-(s\d+-\d+)(?:-\d+)?$/.exec(id)?.[1];
}

function ofCredit(id: string): Verdict {
  const answer = {
    code: "CDR_NOT_STANDING",
    message: `CDR ${id.slice(0, 64)} is a credit itself.`,
    fix: "Credits stand; what should be billed again needs a session that is billed.",
  };
  return { refused: 409, answer };
}

function unknown(decision: Decision, id: string): Verdict {
  const what = decision === "credit" ? "CDR" : "ended session";
  const answer = {
    code: decision === "credit" ? "CDR_NOT_FOUND" : "SESSION_NOT_FOUND",
    message: `There is no ${what} "${id.slice(0, 64)}".`,
    fix:
      decision === "credit"
        ? "List them: laddport cdr list."
        : "List those that wait: laddport cdr hold list, or GET /api/v1/holds.",
  };
  return { refused: 404, answer };
}

function refusalOf(
  decision: Decision,
  id: string,
  { state, billRevision, record }: Standing,
): ApiError | undefined {
  const what = decision === "credit" ? `CDR ${id}` : `session ${record.session_id}`;
  if (decision === "credit") {
    const standing = billRevision === null ? undefined : billId(record.session_id, billRevision);
    if (state === "billed" && standing === id) return undefined;
    if (state === "billed" && standing !== undefined) {
      const message = `${what} is credited; ${standing} replaces it.`;
      return { code: "CDR_REPLACED", message, fix: `Credit ${standing} if nothing is due.` };
    }
    return {
      code: "CDR_NOT_STANDING",
      message: `${what} does not stand: its session is ${state}.`,
      fix: NOTHING,
    };
  }
  if (state === "held") return undefined;
  const fix =
    state === "billed"
      ? "Take a bill back with laddport cdr credit."
      : "The first decision stands. What was decided: laddport cdr hold list --all.";
  return { code: "NOT_HELD", message: `The ${what} is not held: it is ${state}.`, fix };
}

const NOTHING = "There is nothing to take back.";

function overtaken({ record }: Standing): ApiError {
  return {
    code: "OVERTAKEN",
    message: `Something else was decided or learnt about session ${record.session_id} at the same time.`,
    fix: "Look at it again: GET /api/v1/holds.",
  };
}

function factOf(
  decision: Decision,
  id: string,
  standing: BilledStanding,
  { by, reason }: Reasoned,
  atMs: number,
): NewEvent {
  const { record, held, sinceMs, billRevision, bill } = standing;
  const revision = standing.revision + 1;
  const named = { session_id: record.session_id, revision };
  const head = { atMs, station: record.station, key: revisionKey(record.session_id, revision) };
  const decided = { by, reason };
  switch (decision) {
    case "release":
      return { type: "hold.released", ...head, body: { ...named, record, since_ms: sinceMs, ...decided } };
    case "void":
      return { type: "session.voided", ...head, body: { ...named, held, since_ms: sinceMs, ...decided } };
    case "credit": {
      // Rated again it might come out otherwise, when the rules changed since.
      const issued = bill ? { bill } : {};
      const body = { ...named, cdr: id, record, bill_revision: billRevision ?? 1, ...issued, ...decided };
      return { type: "cdr.credited", ...head, body };
    }
  }
}

function summary({ body, atMs }: NewEvent): object {
  const { session_id, revision, by, reason } = body as { session_id: string; revision: number } & Reasoned;
  return { session_id, revision, at: new Date(atMs).toISOString(), by, reason };
}
