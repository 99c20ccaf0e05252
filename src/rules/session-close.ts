/** Ends a session: its record, what else the gateway then says of it, and what it remembers. */
import type { SessionRecord } from "../model/session.ts";
import { ratingHolds } from "./rate.ts";
import { endInterruption, raiseHeld } from "./session-alerts.ts";
import { clockDoubt } from "./session-host-clock.ts";
import { keep } from "./session-kept.ts";
import { endRegisters } from "./session-meter.ts";
import type { ClosedSession, EvsePart, OpenSession, ParkedStop } from "./session-part.ts";
import { endedRecord, type Place } from "./session-record.ts";
import type { MeterLimits } from "./session-registers.ts";
import { acceptFirstKey, lacksSignedEnd } from "./session-signed.ts";
import { durationsOf, finishStates } from "./session-states.ts";
import { countSession, type Step } from "./session-step.ts";
import { chosen } from "./session-tariff.ts";
import { forgetThrottle } from "./session-throttle.ts";

const REMEMBERED = 16;

/**
 * Closes with a stop (the station closed it, `endMs` is when the car left or the wait for that ended) or without one
 * (the gateway closes it at the last register).
 */
export function closeSession(step: Step, place: Place, evse: EvsePart, endMs: number, reason: string): void {
  const { session } = evse;
  if (!session) return;
  evse.session = null;
  countSession(step, "open", -1);
  const lastState = session.changes.at(-1)?.state ?? "charging";
  const { record, firstKey } = endedRecord(step, place, evse, session, endMs, reason);
  if (firstKey) acceptFirstKey(step, firstKey);
  record.held.push(...ratingHolds(record));
  forgetThrottle(evse);
  const doubt = clockDoubt(record, session.openedOn, step.site.clock, step.settings.clockSkewMs);
  if (doubt) record.held.push(doubt.hold);
  if (session.interrupted) endInterruption(step, place.evse, session);
  emitEnded(step, record);
  const closed: ClosedSession = {
    id: session.id,
    txRefs: session.txRefs,
    openedTsMs: session.openedTsMs,
    startedMs: session.startedMs,
    endedMs: record.ended_ms,
    stopWh: session.main.segments.at(-1)?.to_wh ?? null,
    closedBy: record.closed_by,
    relative: session.flags.includes("REGISTER_SESSION_RELATIVE"),
    corrected: [],
  };
  remember(evse, closed);
  // Only the gateway's own doubt can be lifted by the gateway.
  const lifts = record.held.length === 1 ? (doubt?.since ?? null) : null;
  if (!lifts && record.closed_by === "station" && !session.flags.includes("START_MISSING")) return;
  const kept = {
    record,
    seenAtMs: session.seenAtMs,
    jump: record.energy_source === "signed" ? null : session.main.jump,
    lastState,
    sampled: session.sampled || evse.intervalMs > 0,
    unplugged: session.unplugged !== null,
    book: session.book,
    doubt: lifts,
  };
  keep(evse, closed, kept, step.atMs);
}

/** Ends a session that stopped and was unplugged, and only waited for its signed end. */
export function endAtLast(step: Step, place: Place, evse: EvsePart, session: OpenSession): void {
  const { stop, unplugged } = session;
  if (stop) closeSession(step, place, evse, Math.max(stop.ms, unplugged?.ms ?? stop.ms), stop.reason);
}

/** The same, as soon as the signed end is there. */
export function endWhenSigned(step: Step, place: Place, evse: EvsePart, session: OpenSession): void {
  if (session.unplugged && !lacksSignedEnd(session)) endAtLast(step, place, evse, session);
}

/** Takes a stop on an open session: energy ends here, parking goes on until the unplug. */
export function stopSession(
  session: OpenSession,
  evse: EvsePart,
  limits: MeterLimits,
  stop: { ms: number; atMs: number; wh: number | null; serial: string | null; reason: string },
): void {
  const ms = Math.max(session.startedMs, stop.ms);
  session.stop = { ms, atMs: stop.atMs, wh: stop.wh, reason: stop.reason };
  session.rebooted = null;
  evse.chargingState = null;
  const { wh, atMs, serial } = stop;
  endRegisters(session, evse, wh === null ? null : { wh, ms, atMs, serial }, limits);
  finishStates(session.changes, ms);
  session.gaps = session.gaps.filter((gap) => gap.fromMs < ms);
  const last = session.gaps.at(-1);
  if (last && last.toMs > ms) last.toMs = ms;
}

/** A stop whose start never came: recorded for a person, nothing billable. */
export function closeOrphan(step: Step, place: Place, evse: EvsePart, parked: ParkedStop): void {
  const ms = parked.unset ? parked.atMs : parked.tsMs;
  const register = parked.wh === null ? "no register" : `register ${parked.wh} Wh`;
  const choice = chosen(step, place.evse, parked, ms);
  const record: SessionRecord = {
    session_id: `s${step.site.epoch}-${parked.offset}`,
    station: step.station,
    evse: place.evse,
    token_ref: parked.tokenRef,
    token_group: parked.tokenGroup,
    vehicle: parked.vehicle,
    tx_refs: [parked.txRef],
    time_zone: step.timeZone,
    started_ms: ms,
    ended_ms: ms,
    clock: parked.unset ? "gateway" : "station",
    clock_offset_ms: parked.tsMs - parked.atMs || 0,
    closed_by: "gateway",
    stop_reason: parked.reason,
    energy_wh: 0,
    segments:
      parked.wh === null
        ? []
        : [{ meter_serial: parked.serial, from_wh: parked.wh, to_wh: parked.wh, from_ms: ms, to_ms: ms }],
    readings: [],
    intervals: [],
    durations_s: durationsOf([]),
    interruptions: 0,
    flags: parked.unset ? ["CLOCK_UNSET", "START_MISSING"] : ["START_MISSING"],
    held: [
      {
        code: "START_UNKNOWN",
        detail: `transaction ${parked.txRef} stopped (${register}) and its start never came; find the start register at the station`,
      },
    ],
    tariff: choice.tariff,
  };
  emitEnded(step, record);
  const closed: ClosedSession = {
    id: record.session_id,
    txRefs: record.tx_refs,
    openedTsMs: parked.tsMs,
    startedMs: ms,
    endedMs: ms,
    stopWh: parked.wh,
    closedBy: "gateway",
    relative: false,
    corrected: ["late_stop"],
  };
  remember(evse, closed);
  const unseen = { seenAtMs: parked.atMs, jump: null, lastState: "finishing", sampled: false } as const;
  keep(evse, closed, { record, ...unseen, unplugged: true, book: choice.book, doubt: null }, step.atMs);
}

function emitEnded(step: Step, record: SessionRecord): void {
  step.out.emit({
    type: "session.ended",
    atMs: step.atMs,
    station: step.station,
    key: `session.ended:${record.session_id}`,
    body: record,
  });
  if (record.held.length > 0) {
    raiseHeld(step, record.session_id, record.held);
    countSession(step, "held", 1);
  }
  step.out.touched(step.station);
}

function remember(evse: EvsePart, closed: ClosedSession): void {
  evse.closed.push(closed);
  if (evse.closed.length > REMEMBERED) evse.closed.shift();
}
