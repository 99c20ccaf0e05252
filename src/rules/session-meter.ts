/**
 * Feeds registers into a session. Some stations count the life of the meter in a transaction's start and stop but the
 * session alone in samples (Grizzl-E, lbbrhzn/ocpp #2093). The two bases are kept on separate tracks and never
 * subtracted from each other; which one is billed is decided when the session stops.
 */
import { type EvsePart, flag, type OpenSession } from "./session-part.ts";
import { addReading, endReadings, raiseReadings } from "./session-readings.ts";
import {
  addRegister,
  deliverableWh,
  emptyTrack,
  endTrack,
  type MeterLimits,
  type RegisterOutcome,
  type RegisterReading,
  type Track,
} from "./session-registers.ts";

/** A register in a transaction's start or update. */
export function takeTransactionRegister(
  session: OpenSession,
  reading: RegisterReading,
  limits: MeterLimits,
): void {
  session.startWh ??= reading.wh;
  take(session, session.main, reading, limits);
}

/** A register in a meter sample. */
export function takeSample(
  session: OpenSession,
  evse: EvsePart,
  reading: RegisterReading,
  limits: MeterLimits,
): void {
  if (!session.sampled) {
    session.sampled = true;
    if (countsFromZero(session, evse, reading, limits)) session.relative = emptyTrack();
  }
  take(session, session.relative ?? session.main, reading, limits);
}

/** A register that comes when the transaction has stopped. `final`: the station says it is the transaction's end. */
export function takeAfterStop(
  session: OpenSession,
  reading: RegisterReading,
  limits: MeterLimits,
  final: boolean,
): void {
  const { stop, main } = session;
  if (!stop || session.flags.includes("REGISTER_SESSION_RELATIVE")) return;
  if (final && stop.wh === null) {
    stop.wh = reading.wh;
    session.residueWh = end(session, main, reading, limits);
    return;
  }
  const provenWh = main.segments.at(-1)?.to_wh;
  if (provenWh !== undefined && reading.wh > provenWh) {
    session.residueWh = Math.max(session.residueWh, reading.wh - provenWh);
  } else if (reading.ms <= stop.ms) {
    take(session, main, reading, limits);
  }
}

/** Ends the energy, with the stop register where there is one, and decides between the bases where there were two. */
export function endRegisters(
  session: OpenSession,
  evse: EvsePart,
  stop: RegisterReading | null,
  limits: MeterLimits,
): void {
  const { main, relative, startWh } = session;
  if (!relative) {
    if (stop) session.residueWh = end(session, main, stop, limits);
    if (session.sampled && startWh !== null && startWh > 0) evse.registerMode = "lifetime";
    return;
  }
  session.relative = null;
  if (stop && startWh !== null && stop.wh >= startWh) {
    end(session, main, stop, limits);
    evse.registerMode = "session_relative";
    flag(session, "REGISTER_SESSION_RELATIVE");
    if (relative.energyWh > main.energyWh * 1.02 + 10) {
      session.modeUnclear = `samples prove ${relative.energyWh} Wh, start and stop ${main.energyWh} Wh`;
    }
    return;
  }
  // No proof that the life register went on: what the samples counted is proven under either reading of them.
  flag(session, evse.registerMode === "session_relative" ? "REGISTER_SESSION_RELATIVE" : "METER_RESET");
  if (stop) session.residueWh = end(session, relative, stop, limits);
  main.segments.push(...relative.segments);
  main.energyWh += relative.energyWh;
  main.count += relative.count;
  main.jump ??= relative.jump;
}

/** Ends the curve where the energy ends. */
export function endCurve(session: OpenSession, endMs: number): void {
  endReadings(session.readings, endMs, session.main.energyWh);
}

function take(session: OpenSession, track: Track, reading: RegisterReading, limits: MeterLimits): void {
  const beforeWh = track.energyWh;
  const outcome = addRegister(track, reading, limits);
  if (outcome === "ignored") return;
  flagOutcome(session, outcome);
  if (track !== (session.relative ?? session.main)) return;
  if (outcome === "late") {
    if (track.energyWh > beforeWh) raiseReadings(session.readings, reading.ms, track.energyWh - beforeWh);
    return;
  }
  addReading(session.readings, reading.ms, track.energyWh, session.changed);
  session.changed = false;
}

function end(session: OpenSession, track: Track, stop: RegisterReading, limits: MeterLimits): number {
  const { residueWh, outcome } = endTrack(track, stop, limits);
  flagOutcome(session, outcome);
  return residueWh;
}

function flagOutcome(session: OpenSession, outcome: RegisterOutcome): void {
  if (outcome === "reset") flag(session, "METER_RESET");
  else if (outcome === "rollover") flag(session, "METER_ROLLOVER");
  else if (outcome === "replaced") flag(session, "METER_REPLACED");
}

/** The first sample of a session stands below its start register by more than rounding, and as near zero as one can. */
function countsFromZero(
  session: OpenSession,
  evse: EvsePart,
  reading: RegisterReading,
  limits: MeterLimits,
): boolean {
  const { startWh } = session;
  const current = session.main.segments.at(-1);
  if (startWh === null || !current || session.main.segments.length > 1) return false;
  if (current.meter_serial !== null && reading.serial !== null && current.meter_serial !== reading.serial)
    return false;
  const elapsedMs = Math.max(reading.ms - session.startedMs, reading.atMs - session.seenAtMs);
  const possibleWh = deliverableWh(limits, elapsedMs);
  if (reading.wh > possibleWh) return false;
  if (limits.modulusWh !== null && reading.wh + limits.modulusWh - current.to_wh <= possibleWh) return false;
  return evse.registerMode === "session_relative" || reading.wh < startWh - 10;
}
