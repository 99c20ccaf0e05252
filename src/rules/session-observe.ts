/** Hearing of a session: how often its station samples, what silence counts, and the alert while it lasts. */
import { endInterruption, interrupt } from "./session-alerts.ts";
import type { EvsePart, OpenSession } from "./session-part.ts";
import { addGap, fillGap, isGap, stateAt } from "./session-states.ts";
import type { Message, Step } from "./session-step.ts";

const LONGEST_INTERVAL_MS = 3_600_000;

/**
 * Learns the sample interval from periodic samples: once two steps in a row agree, then smoothed, and anew when three in
 * a row are much longer.
 */
export function learnInterval(evse: EvsePart, ms: number): void {
  const betweenMs = ms - evse.lastSampleMs;
  if (betweenMs < 0) return;
  const first = evse.lastSampleMs === 0;
  evse.lastSampleMs = ms;
  if (first || betweenMs < 500 || betweenMs > LONGEST_INTERVAL_MS) return;
  if (evse.intervalMs === 0) {
    const agree = betweenMs <= evse.candidateMs * 2 && evse.candidateMs <= betweenMs * 2;
    evse.candidateMs = betweenMs;
    if (agree) evse.intervalMs = betweenMs;
  } else if (betweenMs <= evse.intervalMs * 3) {
    evse.intervalMs += Math.round((betweenMs - evse.intervalMs) / 8);
    evse.longIntervals = 0;
  } else if (++evse.longIntervals >= 3) {
    evse.intervalMs = betweenMs;
    evse.longIntervals = 0;
  }
}

/** A message about the session, stamped `ms` on its clock: silence before it ends, or a gap around it shrinks. */
export function hear(m: Message, evse: EvsePart, session: OpenSession, ms: number): void {
  if (session.interrupted === "silence") {
    endInterruption(m, m.evse, session);
  } else if (session.interrupted === null && silent(m, evse, session)) {
    interrupt(m, m.evse, session, "silence", silenceCause(session), session.seenAtMs);
    endInterruption(m, m.evse, session);
  }
  session.seenAtMs = m.atMs;
  if (ms > session.lastMs) {
    if (leavesGap(m, evse, session, ms))
      addGap(session.gaps, { fromMs: session.lastMs, toMs: ms, lost: session.linkLost });
    session.lastMs = ms;
  } else if (session.gaps.length > 0) {
    fillGap(session.gaps, ms, intervalMs(m, evse));
  }
  session.linkLost = m.part.link !== null && !m.part.link.up;
}

/** Whether the silence since the session was last heard of counts as a gap at `ms` of its clock. */
export function leavesGap(
  step: Pick<Step, "settings">,
  evse: EvsePart,
  session: OpenSession,
  ms: number,
): boolean {
  if (session.stop || !expected(evse, session)) return false;
  return isGap(ms - session.lastMs, intervalMs(step, evse), session.linkLost);
}

/** On a tick: the station is silent in the middle of charging. */
export function checkSilence(step: Step, evse: number, part: EvsePart): void {
  const { session } = part;
  if (!session || session.interrupted || !silent(step, part, session)) return;
  interrupt(step, evse, session, "silence", silenceCause(session), session.seenAtMs);
}

function silent(step: Step, evse: EvsePart, session: OpenSession): boolean {
  if (session.stop || !expected(evse, session)) return false;
  if (!isGap(step.atMs - session.seenAtMs, intervalMs(step, evse), session.linkLost)) return false;
  return stateAt(session.changes, session.lastMs) === "charging";
}

/** A station that never samples cannot be missed, unless its link is lost. */
function expected(evse: EvsePart, session: OpenSession): boolean {
  return evse.intervalMs > 0 || session.sampled || session.linkLost;
}

function intervalMs(step: Pick<Step, "settings">, evse: EvsePart): number {
  return evse.intervalMs || step.settings.sampleIntervalMs;
}

function silenceCause(session: OpenSession): string {
  return session.linkLost ? "link lost" : "no message from the station";
}
