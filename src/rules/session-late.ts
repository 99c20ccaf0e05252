/** What still comes for a session that is closed: recognised, reported once as a correction, never a second bill. */
import type { ClosedSession, EvsePart } from "./session-part.ts";
import type { Message, Step } from "./session-step.ts";

/** The newest closed session that this transaction belonged to. */
export function closedWith(evse: EvsePart, txRef: string): ClosedSession | undefined {
  return evse.closed.findLast((closed) => closed.txRefs.includes(txRef));
}

/** True when a start repeats one that already led to a closed session, instead of reusing its transaction id. */
export function repeatsStart(closed: ClosedSession, tsMs: number): boolean {
  return tsMs === closed.openedTsMs || (tsMs >= closed.startedMs && tsMs < closed.endedMs);
}

/** True when the transaction goes on although the gateway had closed its session. */
export function resumesClosed(m: Message, evse: EvsePart, closed: ClosedSession): boolean {
  const newestMs = evse.closed.at(-1)?.endedMs ?? 0;
  return closed.closedBy === "gateway" && !m.unset && m.tsMs > newestMs;
}

/** True when a stop is too far past the end of a session that the station stopped itself to be its repetition. */
export function reusesRef(m: Message, closed: ClosedSession): boolean {
  return closed.closedBy === "station" && !m.unset && m.tsMs > closed.endedMs + m.settings.graceMs;
}

export function lateStop(m: Message, closed: ClosedSession, wh: number | null, reason: string): void {
  const register = wh === null ? "without a register" : `at ${wh} Wh`;
  const billed = closed.stopWh === null ? "no register" : `${closed.stopWh} Wh`;
  if (closed.closedBy === "gateway") {
    correct(m, closed, "late_stop", `the stop came (${reason}) ${register}; closed at ${billed}`);
  } else if (wh !== null && wh !== closed.stopWh) {
    correct(m, closed, "duplicate_stop_differs", `another stop came ${register}; closed at ${billed}`);
  }
}

export function lateRegister(m: Message, closed: ClosedSession, wh: number): void {
  if (closed.relative || closed.stopWh === null || wh <= closed.stopWh) return;
  const residueWh = wh - closed.stopWh;
  correct(
    m,
    closed,
    "register_after_stop",
    `a sample shows ${wh} Wh, ${residueWh} Wh past the end; not billed`,
  );
}

function correct(step: Step, closed: ClosedSession, what: string, detail: string): void {
  if (closed.corrected.includes(what)) return;
  closed.corrected.push(what);
  step.out.emit({
    type: "session.corrected",
    atMs: step.atMs,
    station: step.station,
    key: `session.corrected:${closed.id}:${what}`,
    body: { session_id: closed.id, what, detail },
  });
}
