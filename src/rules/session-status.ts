/** Status reports: faults, the states of an open session, and the unplug that ends it. */
import type { EventBodies } from "../model/event.ts";
import { evseId } from "../model/ids.ts";
import { clear, endInterruption, interrupt, raise } from "./session-alerts.ts";
import { sessionMs } from "./session-clock.ts";
import { closeSession } from "./session-close.ts";
import { hear } from "./session-observe.ts";
import type { EvsePart, OpenSession } from "./session-part.ts";
import { lacksSignedEnd } from "./session-signed.ts";
import { enterState, type ReportedState, stateAt, stateOf } from "./session-states.ts";
import type { Message, Step } from "./session-step.ts";

type Status = EventBodies["status.reported"];

export function statusReported(m: Message, evse: EvsePart, body: Status): void {
  const fresh = m.unset ? !m.late : m.tsMs >= evse.statusTsMs || (m.seq !== null && !m.late);
  const free = body.connector_state === "available" || body.connector_state === "reserved";
  if (fresh) {
    if (!m.unset) evse.statusTsMs = m.tsMs;
    evse.connectorState = body.connector_state;
    if (free) evse.chargingState = "idle";
    else if (body.charging_state) evse.chargingState = body.charging_state;
    noteFault(m, m.evse, body);
  }
  const { session } = evse;
  if (!session) return;
  const ms = sessionMs(session, m.atMs, m.tsMs);
  if (ms < session.startedMs) return;
  hear(m, evse, session, ms);
  if (m.late && session.clock === "gateway") return;
  if (free || body.charging_state === "idle") {
    if (fresh) unplugged(m, evse, session, ms);
    return;
  }
  if (fresh && body.connector_state === "occupied" && !session.stop) session.unplugged = null;
  if (!session.stop) takeState(m, session, body, ms);
}

/** A fault of an EVSE or, with EVSE 0, of the whole station. */
export function noteFault(step: Step, evse: number, body: Status): void {
  const subject = evse === 0 ? step.station : evseId(step.station, evse);
  if (body.connector_state === "faulted") {
    raise(step, "station_faulted", subject, faultCause(body), step.atMs);
  } else {
    clear(step, "station_faulted", subject, step.atMs);
  }
}

function unplugged(m: Message, evse: EvsePart, session: OpenSession, ms: number): void {
  const { stop } = session;
  if (stop) {
    const longestMs = stop.ms + m.settings.finishingLimitMs;
    if (lacksSignedEnd(session)) session.unplugged ??= { ms: Math.min(ms, longestMs), atMs: m.atMs };
    else closeSession(m, m, evse, Math.min(ms, longestMs), stop.reason);
    return;
  }
  session.unplugged ??= { ms, atMs: m.atMs };
  enterState(session.changes, "suspended_evse", ms);
  session.changed = true;
}

function takeState(m: Message, session: OpenSession, body: Status, ms: number): void {
  const before = stateAt(session.changes, ms);
  const state = reportedState(session, body, before);
  if (state === null) return;
  if (state === "faulted" && before !== "faulted") session.beforeFault = before;
  enterState(session.changes, state, ms);
  session.changed = true;
  if (state === "charging" || state === "suspended_ev") session.rebooted = null;
  if (state === "faulted") {
    if (before === "charging" && !session.interrupted) {
      interrupt(m, m.evse, session, "fault", `fault: ${faultCause(body)}`, m.atMs);
    }
  } else if (session.interrupted === "fault") {
    endInterruption(m, m.evse, session);
  }
}

function reportedState(session: OpenSession, body: Status, before: ReportedState): ReportedState | null {
  if (body.connector_state === "faulted") return "faulted";
  if (body.charging_state) return stateOf(body.charging_state);
  if (before === "faulted" && body.connector_state === "occupied") return session.beforeFault ?? "charging";
  return null;
}

function faultCause(body: Status): string {
  return body.fault_code ?? "the station reports a fault without a code";
}
