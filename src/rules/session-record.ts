/**
 * The record of a session that rating needs, and why a person must look first where it is not plausible. Made when it
 * ends, and on a copy whenever somebody asks what it costs so far.
 */
import { type Hold, SESSION_FLAGS, type SessionRecord } from "../model/session.ts";
import { clockOffset, numberMissing } from "./session-clock.ts";
import { endCurve, endRegisters } from "./session-meter.ts";
import { type EvsePart, flag, type OpenSession } from "./session-part.ts";
import { sessionPrices } from "./session-prices.ts";
import { impossibleTotal, type MeterLimits } from "./session-registers.ts";
import { judgeSigned, provenEnergy, type SignedJudgement } from "./session-signed.ts";
import { durationsOf, interruptionsOf, intervalsOf } from "./session-states.ts";
import type { Step } from "./session-step.ts";
import { throttledMs } from "./session-throttle.ts";

/** V2G is not billed; this much export is beyond what a meter shows by itself. */
const EXPORT_WH = 10;

/** The EVSE of a session. */
export interface Place {
  evse: number;
  limits: MeterLimits;
}

/** What a record is made with. */
export type RecordStep = Pick<Step, "settings" | "timeZone" | "site" | "seriesNamed" | "station" | "part">;

export interface EndedRecord {
  record: SessionRecord;
  /** A key that its meter was heard with for the first time. */
  firstKey: SignedJudgement["firstKey"];
}

/**
 * Ends the session's registers and curve at `endMs` and makes its record, before rating has looked at it. Changes
 * `session`, and what `evse` learns of the meter; nothing else.
 */
export function endedRecord(
  step: RecordStep,
  place: Place,
  evse: EvsePart,
  session: OpenSession,
  endMs: number,
  reason: string,
): EndedRecord {
  const { stop } = session;
  const endedMs = Math.max(session.startedMs, stop?.ms ?? session.startedMs, endMs);
  if (!stop) {
    flag(session, "STOP_MISSING");
    endRegisters(session, evse, null, place.limits);
  }
  endCurve(session, stop?.ms ?? endedMs);
  const { signed, ...made } = recordOf(step, place, evse, session, endedMs, stop?.reason ?? reason);
  return { ...made, firstKey: signed?.firstKey ?? null };
}

function recordOf(
  step: RecordStep,
  place: Place,
  evse: EvsePart,
  session: OpenSession,
  endedMs: number,
  reason: string,
): { record: SessionRecord; signed: SignedJudgement | undefined } {
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
  return { record, signed };
}

function holdsOf(
  step: RecordStep,
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
