/**
 * What late data makes of an ended session's record: energy by the same rules as of an open one, time that nobody
 * observed as a gap. Each gives a new record, or null when the data proves nothing.
 */
import { type Hold, SESSION_FLAGS, type SessionRecord, type StateInterval } from "../model/session.ts";
import type { KeptSession } from "./session-part.ts";
import { endReadings, raiseReadings } from "./session-readings.ts";
import {
  addRegister,
  endTrack,
  impossibleTotal,
  type MeterLimits,
  type RegisterReading,
  type Track,
} from "./session-registers.ts";
import { durationsOf, interruptionsOf, isGap, type ReportedState } from "./session-states.ts";

/** What the record's EVSE is known by. */
export interface Ground {
  limits: MeterLimits;
  /** Between its samples, ms. */
  intervalMs: number;
  /** Longest time after the stop that is billed. */
  finishingLimitMs: number;
}

/** The stop of a session that the gateway had closed. `ms` on the session's clock, null when that clock cannot tell. */
export interface LateStop extends Omit<RegisterReading, "wh" | "ms"> {
  wh: number | null;
  ms: number | null;
  reason: string;
}

export function withLateStop(
  kept: KeptSession,
  before: SessionRecord,
  stop: LateStop,
  ground: Ground,
): SessionRecord {
  const record = structuredClone(before);
  const stopMs = Math.max(record.started_ms, stop.ms ?? record.ended_ms);
  const finishMs = Math.min(record.ended_ms, stopMs + ground.finishingLimitMs);
  record.ended_ms = kept.unplugged ? Math.max(stopMs, finishMs) : stopMs;
  endIntervals(record, stopMs, kept, ground.intervalMs);
  const track = trackOf(record, kept);
  if (stop.wh !== null && record.energy_source !== "signed") {
    const reading = { wh: stop.wh, ms: stopMs, atMs: stop.atMs, serial: stop.serial };
    const { residueWh, outcome } = endTrack(track, reading, ground.limits);
    if (residueWh > 0) {
      record.residue_wh = residueWh;
      addFlag(record, "REGISTER_AFTER_STOP");
    }
    if (outcome === "reset") addFlag(record, "METER_RESET");
    else if (outcome === "rollover") addFlag(record, "METER_ROLLOVER");
    else if (outcome === "replaced") addFlag(record, "METER_REPLACED");
  }
  record.energy_wh = track.energyWh;
  endReadings(record.readings, stopMs, track.energyWh);
  record.closed_by = "station";
  record.stop_reason = stop.reason;
  dropFlag(record, "STOP_MISSING");
  return finished(record, track, stopMs, ground.limits);
}

/** A register from within a session that the gateway had closed, above the last one it had. */
export function withLateRegister(
  kept: KeptSession,
  before: SessionRecord,
  reading: RegisterReading,
  ground: Ground,
): SessionRecord | null {
  const record = structuredClone(before);
  if (reading.ms < record.started_ms || reading.ms > record.ended_ms || record.energy_source === "signed")
    return null;
  const track = trackOf(record, kept);
  if (addRegister(track, reading, ground.limits) !== "grew") return null;
  while ((record.readings.at(-1)?.at_ms ?? 0) >= reading.ms) record.readings.pop();
  record.readings.push({ at_ms: reading.ms, energy_wh: track.energyWh });
  record.energy_wh = track.energyWh;
  endReadings(record.readings, record.ended_ms, track.energyWh);
  return finished(record, track, record.ended_ms, ground.limits);
}

/** The start of a session that was seen only from its middle on, or from its stop alone. */
export function withLateStart(
  kept: KeptSession,
  before: SessionRecord,
  start: RegisterReading & { state: ReportedState },
  ground: Ground,
): SessionRecord | null {
  const record = structuredClone(before);
  if (start.ms >= record.started_ms || record.energy_source === "signed") return null;
  const track = trackOf(record, kept);
  const beforeWh = track.energyWh;
  const outcome = addRegister(track, start, ground.limits);
  if (outcome !== "late" && outcome !== "first") return null;
  raiseReadings(record.readings, start.ms, track.energyWh - beforeWh);
  beginIntervals(record, start, kept, ground.intervalMs);
  record.started_ms = start.ms;
  record.energy_wh = track.energyWh;
  const stopMs = record.intervals.findLast(({ state }) => state !== "finishing")?.to_ms ?? record.ended_ms;
  if (record.readings.length === 0) record.readings.push({ at_ms: start.ms, energy_wh: 0 });
  endReadings(record.readings, stopMs, track.energyWh);
  dropFlag(record, "START_MISSING");
  // Of an orphan the stop was all there was, so it is complete with its start.
  if (record.held.some(({ code }) => code === "START_UNKNOWN")) record.closed_by = "station";
  return finished(record, track, stopMs, ground.limits);
}

/** Holds that registers decide are decided anew; the others stand. */
function finished(record: SessionRecord, track: Track, stopMs: number, limits: MeterLimits): SessionRecord {
  const held: Hold[] = [];
  if (track.count < 2) {
    const seen = track.count === 0 ? "no register was" : "a single register was";
    held.push({ code: "NO_REGISTER", detail: `${seen} reported, so no energy is proven; read the meter` });
  }
  const impossible = track.jump ?? impossibleTotal(track.energyWh, stopMs - record.started_ms, limits.maxW);
  if (impossible !== undefined) held.push({ code: "IMPLAUSIBLE_ENERGY", detail: impossible });
  const others = record.held.filter(({ code }) => !REGISTER_HOLDS.has(code));
  record.held = [...held, ...others];
  record.durations_s = durationsOf(record.intervals);
  record.interruptions = interruptionsOf(record.intervals);
  if (record.intervals.some(({ state }) => state === "gap")) addFlag(record, "UNOBSERVED_TIME");
  return record;
}

const REGISTER_HOLDS: ReadonlySet<Hold["code"]> = new Set<Hold["code"]>([
  "NO_REGISTER",
  "IMPLAUSIBLE_ENERGY",
  "START_UNKNOWN",
]);

/** The registers of a record as the track that gave them. */
function trackOf(record: SessionRecord, kept: KeptSession): Track {
  const unproven = record.held.some(({ code }) => code === "NO_REGISTER" || code === "START_UNKNOWN");
  return {
    segments: record.segments,
    energyWh: record.energy_wh,
    count: unproven ? record.segments.length : 2,
    below: 0,
    atMs: kept.seenAtMs,
    jump: kept.jump,
  };
}

/** Ends the intervals at the stop; what lies between the last observation and it was seen by nobody. */
function endIntervals(record: SessionRecord, stopMs: number, kept: KeptSession, intervalMs: number): void {
  const intervals = record.intervals
    .filter(({ from_ms }) => from_ms < stopMs)
    .map((interval) => ({ ...interval, to_ms: Math.min(interval.to_ms, stopMs) }));
  const from_ms = intervals.at(-1)?.to_ms ?? record.started_ms;
  if (stopMs > from_ms) {
    const state = kept.lastState;
    if (kept.sampled && isGap(stopMs - from_ms, intervalMs, true))
      intervals.push({ state: "gap", from_ms, to_ms: stopMs, under: state });
    else extend(intervals, { state, from_ms, to_ms: stopMs });
  }
  if (record.ended_ms > stopMs)
    intervals.push({ state: "finishing", from_ms: stopMs, to_ms: record.ended_ms });
  record.intervals = intervals;
}

function extend(intervals: StateInterval[], more: StateInterval): void {
  const last = intervals.at(-1);
  if (last?.state === more.state) last.to_ms = more.to_ms;
  else intervals.push(more);
}

/** Begins the intervals at the start; both sides of a gap agree when nothing but the stop follows it. */
function beginIntervals(
  record: SessionRecord,
  start: { ms: number; state: ReportedState },
  kept: KeptSession,
  intervalMs: number,
): void {
  const first = record.intervals[0];
  const after = first && (first.state === "gap" ? first.under : first.state);
  const ms = { from_ms: start.ms, to_ms: record.started_ms };
  const unseen = !first || (kept.sampled && isGap(ms.to_ms - ms.from_ms, intervalMs, true));
  const agreed = !first || after === start.state || after === "finishing";
  if (unseen) record.intervals.unshift({ state: "gap", ...ms, ...(agreed ? { under: start.state } : {}) });
  else if (first.state === start.state) first.from_ms = start.ms;
  else record.intervals.unshift({ state: start.state, ...ms });
}

function addFlag(record: SessionRecord, name: SessionRecord["flags"][number]): void {
  record.flags = SESSION_FLAGS.filter((known) => known === name || record.flags.includes(known));
}

function dropFlag(record: SessionRecord, name: SessionRecord["flags"][number]): void {
  record.flags = record.flags.filter((known) => known !== name);
}
