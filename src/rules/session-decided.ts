/**
 * What was decided or learnt about an ended session comes back through the log, the fold's own revisions too: only there
 * is known which of two that claimed one number stands.
 */
import { clearHeld } from "./session-alerts.ts";
import { newest } from "./session-kept.ts";
import type { KeptSession } from "./session-part.ts";
import { countSession, type Step } from "./session-step.ts";
import { nextStanding, type RevisionEvent } from "./standing.ts";

export function sessionDecided(step: Step, event: RevisionEvent): void {
  endHold(step, event);
  const { session_id, revision } = event.body;
  for (const evse of Object.values(step.part.evses)) {
    const closed = evse.closed.find(({ id }) => id === session_id);
    const { kept } = closed ?? {};
    if (!closed || !kept) continue;
    const { sent } = kept;
    const isOwn =
      sent?.revision === revision && event.type === (sent.late ? "session.revised" : "hold.released");
    // A decision took the number: what was learnt is told again on what was decided.
    if (sent?.late && !isOwn) kept.late ??= { ...sent.late, record: newest(kept) };
    kept.sent = null;
    follow(kept, event);
    closed.stopWh = kept.record.segments.at(-1)?.to_wh ?? null;
    closed.startedMs = kept.record.started_ms;
    closed.endedMs = kept.record.ended_ms;
    step.out.touched(step.station);
  }
}

/** A hold ends with the decision, or when late data cures what it was for. */
function endHold(step: Step, event: RevisionEvent): void {
  const { body } = event;
  if (event.type === "cdr.credited") return;
  if (event.type === "session.revised") {
    const { previous, record } = event.body;
    if (previous.held.length === 0 || record.held.length > 0) return;
    const kept = keptOf(step, body.session_id);
    clearHeld(step, body.session_id, previous.held, kept?.keptAtMs ?? record.ended_ms);
  } else {
    const held = event.type === "hold.released" ? event.body.record.held : event.body.held;
    clearHeld(step, body.session_id, held, event.body.since_ms);
  }
  countSession(step, "held", -1);
}

function follow(kept: KeptSession, event: RevisionEvent): void {
  const { state, billRevision, revision } = nextStanding(
    {
      record: kept.record,
      revision: kept.revision,
      state: kept.state === "closed" ? "voided" : kept.state,
      held: kept.record.held,
      sinceMs: kept.keptAtMs,
      billRevision: kept.billRevision,
    },
    event,
  );
  kept.revision = revision;
  kept.state = state === "billed" || state === "held" ? state : "closed";
  kept.billRevision = billRevision;
  if (event.type === "hold.released") {
    kept.setAside = event.body.record.held.map(({ code }) => code);
    kept.record = { ...event.body.record, held: [] };
  } else if (event.type === "session.revised") kept.record = event.body.record;
  if (kept.state === "closed") kept.late = null;
}

function keptOf({ part }: Step, sessionId: string): KeptSession | undefined {
  for (const { closed } of Object.values(part.evses)) {
    const found = closed.find(({ id }) => id === sessionId);
    if (found?.kept) return found.kept;
  }
  return undefined;
}
