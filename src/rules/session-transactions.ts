/**
 * Matches the station's transactions to sessions. One EVSE has at most one open session. It opens with a start, or,
 * when that is missing, with the first update or sample of an unknown transaction; it ends with a stop and the unplug.
 */
import type { TransactionBody } from "../model/event.ts";
import type { ChargingState } from "../model/messages.ts";
import { clockOffset, sessionMs } from "./session-clock.ts";
import { closeOrphan, closeSession, endWhenSigned, stopSession } from "./session-close.ts";
import {
  closedWith,
  lateRegister,
  lateStart,
  lateStop,
  repeatsStart,
  resumesClosed,
  reusesRef,
} from "./session-late.ts";
import { takeTransactionRegister } from "./session-meter.ts";
import { hear } from "./session-observe.ts";
import { type EvsePart, flag, type OpenSession, openSession, type ParkedStop } from "./session-part.ts";
import { lacksSignedEnd, takeSigned } from "./session-signed.ts";
import { enterState, stateOf } from "./session-states.ts";
import { countSession, type Message } from "./session-step.ts";
import { type Bearer, bearerOf, chosen, giveToken, lacksToken } from "./session-tariff.ts";

const MAX_PARKED = 8;

/** Ids that stations send when they have none (EVerest/libocpp #495). */
export function namesTransaction(txRef: string | undefined): txRef is string {
  return txRef !== undefined && txRef !== "-1" && txRef !== "0";
}

export function transactionStarted(m: Message, evse: EvsePart, body: TransactionBody): void {
  const { session } = evse;
  if (session?.txRefs.includes(body.tx_ref)) {
    const stopMs = session.stop?.ms;
    if (
      stopMs === undefined ||
      sessionMs(session, m.atMs, m.tsMs) <= stopMs ||
      m.tsMs === session.openedTsMs
    ) {
      if (session.flags.includes("START_MISSING")) adoptStart(m, session, body);
      else if (lacksToken(session, body)) giveToken(m, session, body);
      takeMessage(m, evse, session, body);
      return;
    }
  }
  const closed = closedWith(evse, body.tx_ref);
  if (closed && (repeatsStart(closed, m.tsMs) || lateStart(m, evse, closed, body))) return;
  // A start from before the open session is history out of order; its stop will come and be held for a person.
  if (session && precedes(m, session)) return;
  open(m, evse, body.tx_ref, bearerOf(body), body.charging_state, (opened) => {
    takeMessage(m, evse, opened, body);
  });
}

export function transactionUpdated(m: Message, evse: EvsePart, body: TransactionBody): void {
  const { session } = evse;
  if (session && (session.txRefs.includes(body.tx_ref) || !namesTransaction(body.tx_ref))) {
    if (lacksToken(session, body)) giveToken(m, session, body);
    takeMessage(m, evse, session, body);
    return;
  }
  const closed = closedWith(evse, body.tx_ref);
  if (session && precedes(m, session)) return;
  if (closed) {
    const goesOn =
      resumesClosed(m, evse, closed) || (reusesRef(m, closed) && body.charging_state === "charging");
    if (session || !goesOn) {
      const serial = body.meter_serial ?? m.part.meterSerial;
      if (body.energy_import_wh !== undefined) lateRegister(m, evse, closed, body.energy_import_wh, serial);
      return;
    }
  }
  openMidway(m, evse, body.tx_ref, bearerOf(body), body.charging_state, (opened) => {
    takeMessage(m, evse, opened, body);
  });
}

export function transactionEnded(
  m: Message,
  evse: EvsePart,
  body: TransactionBody & { reason?: string },
): void {
  const { session } = evse;
  const wh = body.energy_import_wh ?? null;
  const reason = body.reason ?? "unknown";
  const serial = body.meter_serial ?? m.part.meterSerial;
  const known = session?.txRefs.includes(body.tx_ref) ?? false;
  if (session && (known || joins(m, session, evse, body.tx_ref, wh))) {
    if (!known) session.txRefs.push(body.tx_ref);
    takeSigned(session, body.signed);
    if (session.stop) {
      if (wh !== null && wh !== session.stop.wh) flag(session, "DUPLICATE_STOP_DIFFERS");
      endWhenSigned(m, m, evse, session);
      return;
    }
    const ms = sessionMs(session, m.atMs, m.tsMs);
    hear(m, evse, session, ms);
    stopSession(session, evse, m.limits, { ms, atMs: m.atMs, wh, serial, reason });
    closeIfUnplugged(m, evse, session, body.charging_state);
    return;
  }
  const closed = closedWith(evse, body.tx_ref);
  if (closed && !reusesRef(m, closed)) {
    lateStop(m, evse, closed, { wh, serial, reason });
    return;
  }
  if (evse.parked.some((parked) => parked.txRef === body.tx_ref)) return;
  const { atMs, tsMs, unset, offset } = m;
  const { signed } = body;
  const stop = { offset, atMs, tsMs, unset, txRef: body.tx_ref, wh, serial, ...bearerOf(body), reason };
  evse.parked.push({ ...stop, ...(signed ? { signed } : {}) });
  if (evse.parked.length > MAX_PARKED) {
    const oldest = evse.parked.shift();
    if (oldest) closeOrphan(m, m, evse, oldest);
  }
}

/** Opens a session for a transaction whose start has not come; the first register seen is its baseline. */
export function openMidway(
  m: Message,
  evse: EvsePart,
  txRef: string,
  bearer: Bearer,
  charging: ChargingState | undefined,
  takeFirst: (session: OpenSession) => void,
): void {
  open(m, evse, txRef, bearer, charging, (session) => {
    flag(session, "START_MISSING");
    takeFirst(session);
  });
}

/** True for what happened before the open session, and so to a transaction that was never seen. */
export function precedes(m: Message, session: OpenSession): boolean {
  return session.clock === "station" && !m.unset && m.tsMs < session.startedMs;
}

function open(
  m: Message,
  evse: EvsePart,
  txRef: string,
  bearer: Bearer,
  charging: ChargingState | undefined,
  takeFirst: (session: OpenSession) => void,
): void {
  const previous = evse.session;
  if (previous)
    closeSession(m, m, evse, previous.stop ? finishedBy(m, previous) : previous.lastMs, "next_transaction");
  const startedMs = m.unset ? m.atMs : m.tsMs;
  const known = evse.chargingState === "idle" ? null : evse.chargingState;
  const state = stateOf(charging ?? known ?? "charging");
  const session = openSession({
    id: `s${m.site.epoch}-${m.offset}`,
    txRef,
    ...bearer,
    ...chosen(m, m.evse, bearer, startedMs),
    openedTsMs: m.tsMs,
    startedMs,
    seenAtMs: m.atMs,
    clock: m.unset ? "gateway" : "station",
    clockOffsetMs: m.unset ? m.tsMs - m.atMs || 0 : (clockOffset(m.part.clock) ?? 0),
    openedOn: { ...m.site.clock },
    openedSeq: m.seq,
    changes: [{ state, ms: startedMs, confirmedMs: startedMs }],
  });
  if (m.unset) flag(session, "CLOCK_UNSET");
  evse.session = session;
  countSession(m, "open", 1);
  evse.lastSampleMs = 0;
  m.out.emit({
    type: "session.started",
    atMs: m.atMs,
    station: m.station,
    key: `session.started:${session.id}`,
    body: {
      session_id: session.id,
      evse: m.evse,
      token_ref: bearer.tokenRef,
      tx_ref: txRef,
      tariff_hash: session.tariff?.hash ?? null,
      started_ms: startedMs,
    },
  });
  takeFirst(session);
  const parked = evse.parked.find((stop) => stop.txRef === txRef);
  if (parked) joinParked(m, evse, session, parked);
}

/** The stop came before its start. */
function joinParked(m: Message, evse: EvsePart, session: OpenSession, parked: ParkedStop): void {
  evse.parked = evse.parked.filter((stop) => stop !== parked);
  const { wh, serial, reason, atMs } = parked;
  const ms = parked.unset || session.clock === "gateway" ? m.atMs : parked.tsMs;
  session.lastMs = Math.max(session.lastMs, ms);
  takeSigned(session, parked.signed);
  stopSession(session, evse, m.limits, { ms, atMs, wh, serial, reason });
  closeIfUnplugged(m, evse, session, undefined);
}

/** The start came after all: what it says stands before everything seen so far. */
function adoptStart(m: Message, session: OpenSession, body: TransactionBody): void {
  session.flags = session.flags.filter((name) => name !== "START_MISSING");
  extendBack(session, sessionMs(session, m.atMs, m.tsMs));
  giveToken(m, session, body);
}

/** Moves the beginning of a session whose start is late or missing. */
export function extendBack(session: OpenSession, ms: number): void {
  const first = session.changes[0];
  if (ms >= session.startedMs || !first) return;
  session.startedMs = ms;
  first.ms = ms;
}

function takeMessage(m: Message, evse: EvsePart, session: OpenSession, body: TransactionBody): void {
  const ms = sessionMs(session, m.atMs, m.tsMs);
  takeSigned(session, body.signed);
  if (ms < session.startedMs) return;
  hear(m, evse, session, ms);
  session.rebooted = null;
  endWhenSigned(m, m, evse, session);
  if (evse.session !== session || (session.stop && ms > session.stop.ms)) return;
  if (body.charging_state && !session.stop) {
    enterState(session.changes, stateOf(body.charging_state), ms);
    session.changed = true;
    evse.chargingState = body.charging_state;
  }
  const wh = body.energy_import_wh;
  if (wh === undefined || (m.late && session.clock === "gateway")) return;
  const serial = body.meter_serial ?? m.part.meterSerial;
  if (!session.stop) takeTransactionRegister(session, { wh, ms, atMs: m.atMs, serial }, m.limits);
}

/** A stop without a known id belongs to the open session when its time and register fit. */
function joins(m: Message, session: OpenSession, evse: EvsePart, txRef: string, wh: number | null): boolean {
  if (session.stop || closedWith(evse, txRef)) return false;
  if (sessionMs(session, m.atMs, m.tsMs) < session.startedMs) return false;
  const startWh = session.main.segments[0]?.from_wh;
  return wh === null || startWh === undefined || wh >= startWh;
}

/** Without evidence that the car is still plugged, the stop is the end: nobody pays for parking that no one saw. */
function closeIfUnplugged(
  m: Message,
  evse: EvsePart,
  session: OpenSession,
  charging: ChargingState | undefined,
): void {
  const { stop } = session;
  if (!stop) return;
  const plugged = charging === undefined ? evse.connectorState === "occupied" : charging !== "idle";
  if (plugged && !session.unplugged && stop.reason !== "ev_disconnected") return;
  if (lacksSignedEnd(session)) {
    session.unplugged ??= { ms: stop.ms, atMs: m.atMs };
    return;
  }
  closeSession(m, m, evse, Math.max(stop.ms, session.unplugged?.ms ?? stop.ms), stop.reason);
}

function finishedBy(m: Message, previous: OpenSession): number {
  if (previous.stop && previous.unplugged) return Math.max(previous.stop.ms, previous.unplugged.ms);
  const nowMs = previous.clock === "station" && !m.unset ? m.tsMs : m.atMs;
  const stopMs = previous.stop?.ms ?? nowMs;
  return Math.min(Math.max(nowMs, stopMs), stopMs + m.settings.finishingLimitMs);
}
