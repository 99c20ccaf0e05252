/**
 * Which clock to believe. A session runs on the station's clock, whose stamps survive late delivery; when that clock
 * was never set or is seen to step, the session moves to the gateway's, once, with its instants shifted along, so that
 * every duration comes from one clock and none is negative.
 */
import type { SessionFlag } from "../model/session.ts";
import { clockUnset } from "./instant.ts";
import { flag, type OpenSession, type StationClock, type StationNumbers } from "./session-part.ts";
import type { Track } from "./session-registers.ts";

const KNOWN_BOOTS = 4;
const MAX_MISSING = 64;
const WINDOW_COUNT = 64;
const WINDOW_MS = 120_000;
const LONGEST_WINDOW_MS = 600_000;

type NumberVerdict = "unnumbered" | "next" | "late" | "rebooted";

/** Takes a message's number; `late` is one below the highest, or of an earlier boot. */
export function noteNumber(numbers: StationNumbers, boot: string | null, seq: number | null): NumberVerdict {
  if (boot === null) return "unnumbered";
  const current = numbers.boots.at(-1);
  if (boot !== current) {
    if (numbers.boots.includes(boot)) return "late";
    numbers.boots.push(boot);
    if (numbers.boots.length > KNOWN_BOOTS) numbers.boots.shift();
    numbers.highest = seq ?? -1;
    numbers.missing = [];
    return current === undefined ? "next" : "rebooted";
  }
  if (seq === null) return "unnumbered";
  if (seq === numbers.highest + 1 || numbers.highest < 0) {
    numbers.highest = seq;
    return "next";
  }
  if (seq > numbers.highest) {
    for (let n = numbers.highest + 1; n < seq && numbers.missing.length < MAX_MISSING; n++)
      numbers.missing.push(n);
    numbers.highest = seq;
    return "next";
  }
  const i = numbers.missing.indexOf(seq);
  if (i >= 0) numbers.missing.splice(i, 1);
  return "late";
}

/** True when a message numbered after the one that opened the session never came. */
export function numberMissing(numbers: StationNumbers, openedSeq: number | null): boolean {
  return openedSeq !== null && numbers.missing.some((seq) => seq > openedSeq);
}

type ClockVerdict = "steady" | "unset" | "stepped";

/** Learns from a message's two stamps. `inOrder`: its number says that it is the station's newest. */
export function noteClock(
  clock: StationClock,
  atMs: number,
  tsMs: number,
  inOrder: boolean,
  skewMs: number,
): ClockVerdict {
  const gatewayStepped = atMs < clock.lastAtMs - skewMs;
  clock.lastAtMs = atMs;
  if (clockUnset(tsMs)) return "unset";
  const aheadMs = tsMs - atMs;
  const knownMs = clockOffset(clock);
  const backwards = inOrder && !gatewayStepped && clock.lastTsMs > 0 && tsMs < clock.lastTsMs - skewMs;
  // Late delivery only ever makes a stamp look older, so a stamp further ahead than any before is a step.
  const forwards = !gatewayStepped && knownMs !== null && aheadMs > skewMs && aheadMs > knownMs + skewMs;
  if (inOrder) clock.lastTsMs = tsMs;
  if (gatewayStepped || backwards || forwards) {
    clock.bestMs = aheadMs;
    clock.previousMs = null;
    clock.count = 1;
    clock.windowAtMs = atMs;
    return gatewayStepped ? "steady" : "stepped";
  }
  const windowMs = atMs - clock.windowAtMs;
  if (++clock.count > 1 && windowMs > (clock.count > WINDOW_COUNT ? WINDOW_MS : LONGEST_WINDOW_MS)) {
    clock.previousMs = clock.bestMs;
    clock.bestMs = aheadMs;
    clock.count = 1;
    clock.windowAtMs = atMs;
  } else if (clock.bestMs === null || aheadMs > clock.bestMs) {
    clock.bestMs = aheadMs;
  }
  return "steady";
}

/** Station minus gateway, ms; null before any usable stamp. */
export function clockOffset(clock: StationClock): number | null {
  const { bestMs, previousMs } = clock;
  return bestMs === null ? null : previousMs === null ? bestMs : Math.max(bestMs, previousMs);
}

/** A message's instant on the session's clock. */
export function sessionMs(session: OpenSession, atMs: number, tsMs: number): number {
  return session.clock === "station" ? tsMs : Math.max(atMs, session.lastMs);
}

/** An instant of the gateway's clock on the session's clock. */
export function gatewayToSession(session: OpenSession, clock: StationClock, atMs: number): number {
  if (session.clock === "gateway") return atMs;
  return atMs + (clockOffset(clock) ?? session.clockOffsetMs);
}

/** Puts the session on the gateway's clock from here on, for the reason given. */
export function moveToGatewayClock(session: OpenSession, offsetMs: number, why: SessionFlag): void {
  flag(session, why);
  if (session.clock === "gateway") return;
  session.clock = "gateway";
  session.clockOffsetMs = offsetMs;
  session.startedMs -= offsetMs;
  session.lastMs -= offsetMs;
  for (const change of session.changes) {
    change.ms -= offsetMs;
    change.confirmedMs -= offsetMs;
  }
  for (const gap of session.gaps) {
    gap.fromMs -= offsetMs;
    gap.toMs -= offsetMs;
  }
  for (const reading of session.readings) reading.at_ms -= offsetMs;
  for (const point of [session.stop, session.unplugged, session.rebooted]) if (point) point.ms -= offsetMs;
  shiftTrack(session.main, offsetMs);
  if (session.relative) shiftTrack(session.relative, offsetMs);
}

function shiftTrack(track: Track, offsetMs: number): void {
  for (const segment of track.segments) {
    segment.from_ms -= offsetMs;
    segment.to_ms -= offsetMs;
  }
}
