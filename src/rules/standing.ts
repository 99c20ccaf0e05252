/** Where a session stands after all that was decided and learnt about it since its end, read from its facts in order. */
import type { Event, EventOf } from "../model/event.ts";
import type { Hold, SessionRecord } from "../model/session.ts";

/** Facts that follow `session.ended`, one a number, under one key: the first that is appended holds. */
export const REVISION_TYPES = ["session.revised", "hold.released", "session.voided", "cdr.credited"] as const;
export type RevisionEvent = EventOf<(typeof REVISION_TYPES)[number]>;

/** Whatever follows a session's revision n-1 claims this key, so that two decisions can never both stand. */
export function revisionKey(sessionId: string, revision: number): string {
  return `session.revision:${sessionId}:${revision}`;
}

export function isRevision(event: Event): event is RevisionEvent {
  return (REVISION_TYPES as readonly string[]).includes(event.type);
}

export interface Standing {
  /** Newest known, with the holds that it has or had. */
  record: SessionRecord;
  /** Of the newest fact; the next one counts on from it. */
  revision: number;
  /** `billed`: no holds, or released (also when nothing is due). */
  state: "billed" | "held" | "voided" | "credited";
  /** What it waits for; empty when it does not. */
  held: Hold[];
  /** When it came to stand so, depot ms. */
  sinceMs: number;
  /** Revision that its bill is named by; null when it was never billed. */
  billRevision: number | null;
}

/** Of a session that has just ended. */
export function endedStanding(event: EventOf<"session.ended">): Standing {
  const record = event.body;
  const isHeld = record.held.length > 0;
  return {
    record,
    revision: 1,
    state: isHeld ? "held" : "billed",
    held: record.held,
    sinceMs: event.atMs,
    billRevision: isHeld ? null : 1,
  };
}

/** After the next fact about it. */
export function nextStanding(before: Standing, event: RevisionEvent): Standing {
  const { revision } = event.body;
  const since = { revision, sinceMs: event.atMs };
  switch (event.type) {
    case "session.revised": {
      const { record } = event.body;
      const isHeld = record.held.length > 0;
      return {
        record,
        revision,
        state: isHeld ? "held" : "billed",
        held: record.held,
        sinceMs: isHeld && before.state === "held" ? before.sinceMs : event.atMs,
        billRevision: isHeld ? null : revision,
      };
    }
    case "hold.released":
      return { ...before, ...since, state: "billed", held: [], billRevision: 1 };
    case "session.voided":
      return { ...before, ...since, state: "voided", held: [] };
    case "cdr.credited":
      return { ...before, ...since, state: "credited", held: [] };
  }
}
