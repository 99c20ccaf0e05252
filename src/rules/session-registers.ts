/**
 * Energy from register readings, and from nothing else. A track is the readings of one basis (one meter, one zero
 * point) as segments; the energy is the sum of `to_wh - from_wh`, so it is never negative and never invented: what a
 * meter counted while it could not be read, before a reset or between two meters, is not billed.
 */
import type { RegisterSegment } from "../model/session.ts";

export interface Track {
  segments: RegisterSegment[];
  energyWh: number;
  /** Different readings taken; energy needs two. */
  count: number;
  /** Readings in a row that stood below what was already proven without being a restart. */
  below: number;
  /** When the gateway got the newest reading. */
  atMs: number;
  /** The first step that the connector could not have delivered, in words. */
  jump: string | null;
}

/** What the EVSE can physically deliver, and where its register wraps (null: it does not). */
export interface MeterLimits {
  maxW: number;
  modulusWh: number | null;
}

export interface RegisterReading {
  wh: number;
  /** On the session's clock. */
  ms: number;
  /** When the gateway got it. */
  atMs: number;
  serial: string | null;
}

export type RegisterOutcome = "first" | "grew" | "late" | "ignored" | "rollover" | "reset" | "replaced";

/** A register may step back this far by rounding (kWh with two decimals) without that being a restart. */
const JITTER_WH = 10;
/** Registers count in steps of up to 0.1 kWh; one may be shown early at the end, and several late ones at once. */
const COARSE_TOTAL_WH = 100;
const COARSE_STEP_WH = 1000;
/** Readings below the proven value, not near zero, after which the meter is taken to have been exchanged. */
const BELOW_LIMIT = 3;
/** A terawatt-hour: no register of a charging station gets there, and sums below stay exact. */
const MAX_REGISTER_WH = 1e12;
/** A meter that restarts more often than this in one session proves nothing. */
const MAX_SEGMENTS = 100;

export function emptyTrack(): Track {
  return { segments: [], energyWh: 0, count: 0, below: 0, atMs: 0, jump: null };
}

/** The most a register can have grown in `dtMs`: rated power plus 10 %, two seconds of stamp resolution, 10 Wh. */
export function deliverableWh(limits: MeterLimits, dtMs: number): number {
  return ((limits.maxW * (dtMs + 2000)) / 3_600_000) * 1.1 + 10;
}

/** Takes a reading into the track, in the order of its stamp. */
export function addRegister(track: Track, reading: RegisterReading, limits: MeterLimits): RegisterOutcome {
  const { wh, ms, serial } = reading;
  if (wh > MAX_REGISTER_WH) {
    track.jump ??= `the register reads ${wh} Wh`;
    return "ignored";
  }
  const current = track.segments.at(-1);
  if (!current) return startSegment(track, reading, "first");
  if (ms < current.to_ms) return insertLate(track, reading, limits);
  if (serial !== null) {
    if (current.meter_serial === null) current.meter_serial = serial;
    else if (current.meter_serial !== serial) return startSegment(track, reading, "replaced");
  }
  const stepWh = wh - current.to_wh;
  if (stepWh >= 0) {
    if (stepWh > 0) noteJump(track, current, reading, limits);
    if (stepWh > 0 || ms > current.to_ms) track.count++;
    track.energyWh += stepWh;
    current.to_wh = wh;
    current.to_ms = ms;
    track.atMs = reading.atMs;
    track.below = 0;
    return "grew";
  }
  const possibleWh = deliverableWh(limits, elapsedMs(track, current, reading));
  if (limits.modulusWh !== null && wh + limits.modulusWh - current.to_wh <= possibleWh) {
    return rollOver(track, current, reading, limits.modulusWh);
  }
  if (-stepWh <= JITTER_WH) return "ignored";
  // A counter that restarted at zero cannot have passed what the connector delivers; any other value inside the range
  // already proven, or shortly below it, is a late or broken reading: counting on from it would bill the same energy
  // twice, or energy from before the session where samples lag behind the start register.
  const near = wh >= current.from_wh - COARSE_STEP_WH;
  if (wh > possibleWh && near && ++track.below < BELOW_LIMIT) return "ignored";
  return startSegment(track, reading, "reset");
}

/**
 * Ends the track with the stop register, which outranks samples: what samples showed beyond it is the residue (Wh), to
 * be reported and not billed. A stop register that restarted after the last sample proves only itself.
 */
export function endTrack(
  track: Track,
  stop: RegisterReading,
  limits: MeterLimits,
): { residueWh: number; outcome: RegisterOutcome } {
  let residueWh = 0;
  let current = track.segments.at(-1);
  while (current && track.segments.length > 1 && current.from_ms > stop.ms) {
    const droppedWh = current.to_wh - current.from_wh;
    residueWh += droppedWh;
    track.energyWh -= droppedWh;
    track.segments.pop();
    current = track.segments.at(-1);
  }
  if (!current) return { residueWh, outcome: addRegister(track, stop, limits) };
  const excessWh = current.to_wh - stop.wh;
  const sameCount = excessWh > 0 && stop.wh >= current.from_wh && !otherMeter(current, stop);
  if (!sameCount || (stop.ms >= current.to_ms && restarted(track, current, stop, limits))) {
    const last = stop.ms >= current.to_ms ? stop : { ...stop, ms: current.to_ms };
    let outcome = addRegister(track, last, limits);
    // No sample follows that could tell a lag from a restart, so it is not passed over in silence.
    if (outcome === "ignored" && stop.wh < current.from_wh - JITTER_WH)
      outcome = startSegment(track, last, "reset");
    track.count++;
    return { residueWh, outcome };
  }
  track.energyWh -= excessWh;
  current.to_wh = stop.wh;
  current.to_ms = Math.max(current.from_ms, stop.ms);
  track.count++;
  return { residueWh: residueWh + excessWh, outcome: "grew" };
}

/** Growth that the session's total time cannot explain; undefined when it can. */
export function impossibleTotal(energyWh: number, durationMs: number, maxW: number): string | undefined {
  const mostWh = (maxW * (durationMs + 2000) * 1.05) / 3_600_000 + COARSE_TOTAL_WH;
  if (energyWh <= mostWh) return undefined;
  return `${energyWh} Wh in ${Math.round(durationMs / 1000)} s; at ${Math.round(maxW)} W at most ${Math.floor(mostWh)} Wh`;
}

function startSegment(track: Track, reading: RegisterReading, outcome: RegisterOutcome): RegisterOutcome {
  if (track.segments.length >= MAX_SEGMENTS) {
    track.jump ??= `the register restarted more than ${MAX_SEGMENTS} times`;
    return "ignored";
  }
  const { wh, ms, serial } = reading;
  track.segments.push({ meter_serial: serial, from_wh: wh, to_wh: wh, from_ms: ms, to_ms: ms });
  track.count++;
  track.below = 0;
  track.atMs = reading.atMs;
  return outcome;
}

function rollOver(
  track: Track,
  current: RegisterSegment,
  reading: RegisterReading,
  modulusWh: number,
): RegisterOutcome {
  const outcome = startSegment(track, { ...reading, serial: current.meter_serial }, "rollover");
  const wrapped = track.segments.at(-1);
  if (outcome !== "rollover" || !wrapped) return outcome;
  track.energyWh += modulusWh - current.to_wh + reading.wh;
  current.to_wh = modulusWh;
  current.to_ms = reading.ms;
  wrapped.from_wh = 0;
  return outcome;
}

/** A reading from before the newest one: it may complete what is proven, it never contradicts it. */
function insertLate(track: Track, reading: RegisterReading, limits: MeterLimits): RegisterOutcome {
  const { wh, ms } = reading;
  let next: RegisterSegment | undefined;
  for (let i = track.segments.length - 1; i >= 0; i--) {
    const segment = track.segments[i];
    if (!segment || ms < segment.from_ms) {
      next = segment;
      continue;
    }
    if (ms <= segment.to_ms) return wh >= segment.from_wh && wh <= segment.to_wh ? "late" : "ignored";
    const growthWh = wh - segment.to_wh;
    if (
      !otherMeter(segment, reading) &&
      growthWh >= 0 &&
      growthWh <= deliverableWh(limits, ms - segment.to_ms)
    ) {
      segment.to_wh = wh;
      segment.to_ms = ms;
      track.energyWh += growthWh;
      return "late";
    }
    break;
  }
  if (!next || otherMeter(next, reading)) return "ignored";
  const growthWh = next.from_wh - wh;
  if (growthWh < 0 || growthWh > deliverableWh(limits, next.from_ms - ms)) return "ignored";
  next.from_wh = wh;
  next.from_ms = ms;
  track.energyWh += growthWh;
  track.count++;
  return "late";
}

function otherMeter(segment: RegisterSegment, reading: RegisterReading): boolean {
  return segment.meter_serial !== null && reading.serial !== null && segment.meter_serial !== reading.serial;
}

function restarted(
  track: Track,
  current: RegisterSegment,
  reading: RegisterReading,
  limits: MeterLimits,
): boolean {
  return (
    current.to_wh - reading.wh > 100 &&
    reading.wh <= deliverableWh(limits, elapsedMs(track, current, reading))
  );
}

/** Stamps have jumped and deliveries have been late, so a step had at most the longer of the two times. */
function elapsedMs(track: Track, current: RegisterSegment, reading: RegisterReading): number {
  return Math.max(reading.ms - current.to_ms, reading.atMs - track.atMs);
}

function noteJump(
  track: Track,
  current: RegisterSegment,
  reading: RegisterReading,
  limits: MeterLimits,
): void {
  if (track.jump !== null) return;
  const dtMs = elapsedMs(track, current, reading);
  if (reading.wh - current.to_wh <= deliverableWh(limits, dtMs) + COARSE_STEP_WH) return;
  track.jump = `the register went from ${current.to_wh} to ${reading.wh} Wh within ${Math.round(dtMs / 1000)} s; at ${Math.round(limits.maxW)} W that cannot be`;
}
