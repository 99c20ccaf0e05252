/** Ends a session: the record that rating needs, and why a person must look first where it is not plausible. */
import { type Hold, SESSION_FLAGS, type SessionRecord } from "../model/session.ts";
import { ratingHolds } from "./rate.ts";
import { endInterruption, raiseHeld } from "./session-alerts.ts";
import { clockOffset, numberMissing } from "./session-clock.ts";
import { clockDoubt } from "./session-host-clock.ts";
import { keep } from "./session-kept.ts";
import { endCurve, endRegisters } from "./session-meter.ts";
import {
  type ClosedSession,
  type EvsePart,
  flag,
  type OpenSession,
  type ParkedStop,
} from "./session-part.ts";
import { sessionPrices } from "./session-prices.ts";
import { impossibleTotal, type MeterLimits } from "./session-registers.ts";
import {
  acceptFirstKey,
  judgeSigned,
  lacksSignedEnd,
  provenEnergy,
  type SignedJudgement,
} from "./session-signed.ts";
import { durationsOf, finishStates, interruptionsOf, intervalsOf } from "./session-states.ts";
import { countSession, type Step } from "./session-step.ts";
import { chosen } from "./session-tariff.ts";
import { forgetThrottle, throttledMs } from "./session-throttle.ts";

const REMEMBERED = 16;
/** V2G is not billed; this much export is beyond what a meter shows by itself. */
const EXPORT_WH = 10;

/** Where a close happens. */
export interface Place {
  evse: number;
  limits: MeterLimits;
}

/**
 * Closes with a stop (the station closed it, `endMs` is when the car left or the wait for that ended) or without one
 * (the gateway closes it at the last register).
 */
export function closeSession(step: Step, place: Place, evse: EvsePart, endMs: number, reason: string): void {
  const { session } = evse;
  if (!session) return;
  evse.session = null;
  countSession(step, "open", -1);
  const { stop } = session;
  const lastState = session.changes.at(-1)?.state ?? "charging";
  const endedMs = Math.max(session.startedMs, stop?.ms ?? session.startedMs, endMs);
  if (!stop) {
    flag(session, "STOP_MISSING");
    endRegisters(session, evse, null, place.limits);
  }
  endCurve(session, stop?.ms ?? endedMs);
  const record = recordOf(step, place, evse, session, endedMs, stop?.reason ?? reason);
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
    endedMs,
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

function recordOf(
  step: Step,
  place: Place,
  evse: EvsePart,
  session: OpenSession,
  endedMs: number,
  reason: string,
): SessionRecord {
  const { settings, part } = step;
  const intervals = intervalsOf(session.changes, session.gaps, session.startedMs, endedMs);
  const offsetMs =
    session.clock === "station" ? (clockOffset(part.clock) ?? session.clockOffsetMs) : session.clockOffsetMs;
  if (session.clock === "station" && Math.abs(offsetMs) > settings.clockSkewMs) flag(session, "CLOCK_SKEW");
  if (intervals.some((interval) => interval.state === "gap")) flag(session, "UNOBSERVED_TIME");
  if (numberMissing(part.numbers, session.openedSeq)) flag(session, "SEQ_GAP");
  if (session.residueWh > 0) flag(session, "REGISTER_AFTER_STOP");
  const throttled = throttledMs(evse, intervals, session.clock === "station" ? offsetMs : 0);
  const signed = judgeSigned(session, step.site.meterKeys);
  if (signed?.firstKey) acceptFirstKey(step, signed.firstKey);
  const energyWh = signed?.energyWh ?? session.main.energyWh;
  const { segments, readings } = provenEnergy(session, signed, endedMs);
  const tariff = session.tariff?.body;
  const prices = tariff ? sessionPrices(tariff, step.seriesNamed, session.startedMs, endedMs) : [];
  const record: SessionRecord = {
    session_id: session.id,
    station: step.station,
    evse: place.evse,
    token_ref: session.tokenRef,
    token_group: session.tokenGroup,
    vehicle: session.vehicle,
    tx_refs: session.txRefs,
    time_zone: step.timeZone,
    started_ms: session.startedMs,
    ended_ms: endedMs,
    clock: session.clock,
    clock_offset_ms: offsetMs,
    closed_by: session.stop ? "station" : "gateway",
    stop_reason: reason,
    energy_wh: energyWh,
    ...(signed
      ? { energy_source: signed.energyWh === null ? "registers" : "signed", signed: signed.evidence }
      : {}),
    ...(prices.length > 0 ? { prices } : {}),
    ...(session.residueWh > 0 ? { residue_wh: session.residueWh } : {}),
    segments,
    readings,
    intervals,
    durations_s: durationsOf(intervals),
    ...(throttled === undefined ? {} : { throttled_s: Math.round(throttled / 1000) }),
    interruptions: interruptionsOf(intervals),
    flags: SESSION_FLAGS.filter((name) => session.flags.includes(name)),
    held: holdsOf(step, place, session, { endedMs, signed }),
    tariff: session.tariff,
  };
  record.held.push(...ratingHolds(record));
  return record;
}

function holdsOf(
  step: Step,
  place: Place,
  session: OpenSession,
  { endedMs, signed }: { endedMs: number; signed: SignedJudgement | undefined },
): Hold[] {
  const { main, exported } = session;
  const held: Hold[] = [...(signed?.holds ?? [])];
  const isSigned = typeof signed?.energyWh === "number";
  const energyWh = signed?.energyWh ?? main.energyWh;
  if (main.count < 2 && !isSigned) {
    const seen = main.count === 0 ? "no register was" : "a single register was";
    held.push({ code: "NO_REGISTER", detail: `${seen} reported, so no energy is proven; read the meter` });
  }
  const durationMs = (session.stop?.ms ?? endedMs) - session.startedMs;
  const impossible =
    (isSigned ? undefined : main.jump) ?? impossibleTotal(energyWh, durationMs, place.limits.maxW);
  if (impossible !== undefined) held.push({ code: "IMPLAUSIBLE_ENERGY", detail: impossible });
  if (exported && exported.toWh - exported.fromWh > EXPORT_WH) {
    const wh = exported.toWh - exported.fromWh;
    held.push({ code: "NEGATIVE_ENERGY", detail: `the car gave back ${wh} Wh; export is not billed` });
  }
  if (session.modeUnclear !== null && !isSigned)
    held.push({ code: "REGISTER_MODE_UNCLEAR", detail: session.modeUnclear });
  if (!session.tariff && step.site.books.length > 0) {
    const why =
      session.book === null
        ? "the session began before the site's first tariff"
        : `no tariff that it may have was valid at ${new Date(session.startedMs).toISOString()}`;
    held.push({ code: "NO_TARIFF", detail: `${why}; choose one` });
  }
  return held;
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
