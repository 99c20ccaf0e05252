/** Alerts of stations and sessions: raised once, cleared once with cause and duration, on the gateway's clock. */
import type { Alert, AlertKind } from "../model/alert.ts";
import { evseId } from "../model/ids.ts";
import type { Hold } from "../model/session.ts";
import { clockOffset } from "./session-clock.ts";
import type { OpenSession } from "./session-part.ts";
import type { Step } from "./session-step.ts";

const SEVERITY: Partial<Record<AlertKind, Alert["severity"]>> = {
  station_offline: "critical",
  station_faulted: "critical",
};

/** `tag` tells apart two raises of one id by one event: a silence that ends in a fault. */
export function raise(
  step: Step,
  kind: AlertKind,
  subject: string,
  cause: string,
  sinceMs: number,
  tag = "",
): void {
  const id = `${kind}:${subject}`;
  if (step.part.alerts[id]) return;
  const alert: Alert = { id, kind, severity: SEVERITY[kind] ?? "warning", subject, cause, since_ms: sinceMs };
  step.part.alerts[id] = alert;
  emitRaised(step, alert, tag);
  step.out.touched(step.station);
}

export function clear(step: Step, kind: AlertKind, subject: string, untilMs: number): void {
  const id = `${kind}:${subject}`;
  const alert = step.part.alerts[id];
  if (!alert) return;
  delete step.part.alerts[id];
  emitCleared(step, alert, untilMs);
  step.out.touched(step.station);
}

/** A held session waits for a decision, which brings what the alert was: it is not remembered as open. */
export function raiseHeld(step: Step, sessionId: string, held: readonly Hold[]): void {
  emitRaised(step, heldAlert(sessionId, held, step.atMs));
}

/** `sinceMs`: when it came to be held. */
export function clearHeld(step: Step, sessionId: string, held: readonly Hold[], sinceMs: number): void {
  emitCleared(step, heldAlert(sessionId, held, sinceMs), step.atMs);
}

function heldAlert(sessionId: string, held: readonly Hold[], sinceMs: number): Alert {
  return {
    id: `session_held:${sessionId}`,
    kind: "session_held",
    severity: "warning",
    subject: sessionId,
    cause: held.map((hold) => `${hold.code}: ${hold.detail}`).join("; "),
    since_ms: sinceMs,
  };
}

export function linkLost(step: Step, cause: string): void {
  const { part, atMs } = step;
  if (part.link && !part.link.up) return;
  part.link = { up: false, sinceMs: atMs, cause };
  for (const evse of Object.values(part.evses)) if (evse.session) evse.session.linkLost = true;
  step.out.touched(step.station);
}

export function linkFound(step: Step): void {
  const { part, atMs } = step;
  if (part.link?.up) return;
  part.link = { up: true, sinceMs: atMs, cause: "" };
  clear(step, "station_offline", step.station, atMs);
  step.out.touched(step.station);
}

/** What only the passing of time shows about a station. */
export function checkStation(step: Step): void {
  const { part, station, atMs, settings } = step;
  if (part.link && !part.link.up && atMs - part.link.sinceMs >= settings.offlineAfterMs) {
    raise(step, "station_offline", station, part.link.cause, part.link.sinceMs);
  }
  const offsetMs = clockOffset(part.clock);
  if (offsetMs === null) return;
  if (Math.abs(offsetMs) <= settings.clockSkewMs) clear(step, "clock_skew", station, atMs);
  else {
    const side = offsetMs > 0 ? "ahead of" : "behind";
    raise(
      step,
      "clock_skew",
      station,
      `the station's clock is ${Math.abs(offsetMs)} ms ${side} the gateway's`,
      atMs,
    );
  }
}

/** An interruption of charging begins. */
export function interrupt(
  step: Step,
  evse: number,
  session: OpenSession,
  why: "fault" | "silence",
  cause: string,
  sinceMs: number,
): void {
  session.interrupted = why;
  raise(step, "session_interrupted", evseId(step.station, evse), cause, sinceMs, `:${why}`);
}

export function endInterruption(step: Step, evse: number, session: OpenSession): void {
  session.interrupted = null;
  clear(step, "session_interrupted", evseId(step.station, evse), step.atMs);
}

function emitRaised(step: Step, alert: Alert, tag = ""): void {
  step.out.emit({
    type: "alert.raised",
    atMs: step.atMs,
    station: step.station,
    key: `alert.raised:${alert.id}:${step.offset}${tag}`,
    body: alert,
  });
}

function emitCleared(step: Step, alert: Alert, untilMs: number): void {
  step.out.emit({
    type: "alert.cleared",
    atMs: step.atMs,
    station: step.station,
    key: `alert.cleared:${alert.id}:${step.offset}`,
    body: { ...alert, duration_s: Math.max(0, Math.round((untilMs - alert.since_ms) / 1000)) },
  });
}
