/**
 * What still comes for a session that is closed: recognised, reported once as a correction, and taken into its record
 * where that is still kept. Never a second bill beside the first.
 */
import type { TransactionBody } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { newest, settle } from "./session-kept.ts";
import type { ClosedSession, EvsePart, KeptSession } from "./session-part.ts";
import { reprice } from "./session-reprice.ts";
import { type Ground, withLateRegister, withLateStart, withLateStop } from "./session-revise.ts";
import { stateOf } from "./session-states.ts";
import type { Message, Step } from "./session-step.ts";
import { bearerOf } from "./session-tariff.ts";

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

/** A stop for a closed session. The first one holds; of a session that the gateway closed it is the first. */
export function lateStop(
  m: Message,
  evse: EvsePart,
  closed: ClosedSession,
  stop: { wh: number | null; serial: string | null; reason: string },
): void {
  const { wh, serial, reason } = stop;
  const register = wh === null ? "without a register" : `at ${wh} Wh`;
  const billed = closed.stopWh === null ? "no register" : `${closed.stopWh} Wh`;
  const { kept } = closed;
  const before = kept && newest(kept);
  // What a revision that waits for its place in the log has is known already.
  const stopped = before ? !before.flags.includes("STOP_MISSING") : closed.closedBy === "station";
  const parked = closed.closedBy === "gateway" && closed.corrected.includes("late_stop");
  if (stopped && !parked) {
    const lastWh = before ? (before.segments.at(-1)?.to_wh ?? null) : closed.stopWh;
    if (wh !== null && wh !== lastWh)
      correct(
        m,
        closed,
        "duplicate_stop_differs",
        `another stop came ${register}; closed at ${lastWh ?? "no register"}${lastWh === null ? "" : " Wh"}`,
      );
    return;
  }
  const detail = `the stop came (${reason}) ${register}; closed at ${billed}`;
  correct(m, closed, "late_stop", detail);
  if (!kept || !before || stopped || closed.relative) return;
  const late = { wh, ms: keptMs(m, before), atMs: m.atMs, serial, reason };
  const record = reprice(m, kept, before, withLateStop(kept, before, late, groundOf(m, evse)));
  closed.closedBy = "station";
  closed.endedMs = record.ended_ms;
  gather(m, kept, record, "late_stop", detail);
  settle(m, kept);
}

export function lateRegister(
  m: Message,
  evse: EvsePart,
  closed: ClosedSession,
  wh: number,
  serial: string | null,
): void {
  const { kept } = closed;
  const before = kept && newest(kept);
  const lastWh = before ? (before.segments.at(-1)?.to_wh ?? null) : closed.stopWh;
  if (closed.relative || lastWh === null || wh <= lastWh) return;
  const ms = before && keptMs(m, before);
  if (kept && before && ms !== undefined && ms !== null && before.flags.includes("STOP_MISSING")) {
    const reading = { wh, ms, atMs: m.atMs, serial };
    const found = withLateRegister(kept, before, reading, groundOf(m, evse));
    const record = found && reprice(m, kept, before, found);
    if (record && !isWorse(record, before)) {
      const detail = `a sample from before the end shows ${wh} Wh; closed at ${lastWh} Wh`;
      correct(m, closed, "late_samples", detail);
      // Samples come in a row: they are told together, at a tick or with the stop.
      gather(m, kept, record, "late_samples", detail);
      return;
    }
  }
  const residueWh = wh - lastWh;
  correct(
    m,
    closed,
    "register_after_stop",
    `a sample shows ${wh} Wh, ${residueWh} Wh past the end; not billed`,
  );
}

/** The start of a closed session that began without one; false when this start is of another. */
export function lateStart(m: Message, evse: EvsePart, closed: ClosedSession, body: TransactionBody): boolean {
  const { kept } = closed;
  if (!kept || m.unset) return false;
  const before = newest(kept);
  const ms = keptMs(m, before);
  if (!before.flags.includes("START_MISSING") || ms === null || ms >= before.started_ms) return false;
  if (evse.closed.some((other) => other !== closed && overlaps(other, ms, before.started_ms))) return false;
  const wh = body.energy_import_wh;
  const serial = body.meter_serial ?? m.part.meterSerial;
  const register = wh === undefined ? "without a register" : `at ${wh} Wh`;
  const detail = `the start came ${register}, from ${new Date(ms).toISOString()}`;
  correct(m, closed, "late_start", detail);
  if (wh === undefined || closed.relative) return true;
  const start = {
    wh,
    ms,
    atMs: m.atMs,
    serial,
    state: stateOf(body.charging_state ?? "charging"),
  };
  const found = withLateStart(kept, before, start, groundOf(m, evse));
  const record = found && reprice(m, kept, before, found, bearerOf(body));
  if (!record || isWorse(record, before)) return true;
  gather(m, kept, record, "late_start", detail);
  settle(m, kept);
  return true;
}

/** What would have to be held for it proves nothing; what came before and after it may. */
const isWorse = (record: SessionRecord, before: SessionRecord): boolean =>
  record.held.some(({ code }) => !before.held.some((hold) => hold.code === code));

const overlaps = (other: ClosedSession, fromMs: number, toMs: number): boolean =>
  other.startedMs < toMs && other.endedMs > fromMs;

/** The message's instant on the record's clock; null when the station's stamp cannot be put on it. */
function keptMs(m: Message, record: SessionRecord): number | null {
  return m.unset || record.clock === "gateway" ? null : m.tsMs;
}

function groundOf(m: Message, evse: EvsePart): Ground {
  const { limits, settings } = m;
  return {
    limits,
    intervalMs: evse.intervalMs || settings.sampleIntervalMs,
    finishingLimitMs: settings.finishingLimitMs,
  };
}

function gather(m: Message, kept: KeptSession, record: SessionRecord, what: string, detail: string): void {
  kept.late = { record, what, detail };
  m.out.touched(m.station);
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
