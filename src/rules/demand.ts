/**
 * What each EVSE may ask of the allocation now: its cap, its rank and why. Lends out what a car does not use, keeps a
 * paused car paused for the minimum off-time, and lets go of cars that sleep.
 *
 * An EVSE with no car holds no room: it is offered 0. A plugged car is offered its minimum at once, so that it can
 * start; when it draws what it is offered, its cap is the station's maximum. A car that draws nothing for long is on
 * standby: it is offered its minimum from what is left over.
 */
import type { LimitReason } from "../model/messages.ts";
import { RANK } from "./allocate.ts";
import { NO_CURRENT_A } from "./currents.ts";

export interface DemandSettings {
  /** How long a car may take to use a new offer, before the rest is lent out. */
  settleMs: number;
  /** A car paused by us stays paused at least this long. */
  minOffMs: number;
  /** A car that started keeps its place before others at least this long. */
  minOnMs: number;
  /** A car paused by us that draws nothing this long after it was offered current again is woken once. */
  wakeAfterMs: number;
  /** How long the offer is withdrawn to wake a car. */
  wakePauseMs: number;
  /** A car that draws nothing this long is on standby. */
  standbyAfterMs: number;
}

/** What is known of an EVSE now. */
export interface EvseFacts {
  minA: number;
  /** The station's maximum, lowered by what it reports of itself. */
  maxA: number;
  /** Null: never told. */
  plugged: boolean | null;
  faulted: boolean;
  /** The station says current flows, or could: `charging`. Null: never told. */
  charging: boolean | null;
  /** The car holds back (`suspended_ev`). */
  carHolds: boolean;
  /** Highest line, A; null when no reading is fresh. */
  drawnA: number | null;
  /** The last limit sent, A; 0 when none was. */
  offeredA: number;
  /** The offer is withdrawn to switch phases: no pause that a minimum off-time follows. */
  switching?: boolean;
  /** An intent's limit, A; null when none holds. */
  intentA: number | null;
}

export interface DemandMemory {
  runningSinceMs: number | null;
  /** When we took the offer from a plugged car; null when we did not or it charged since. */
  pausedAtMs: number | null;
  offeredA: number;
  /** Since when the offer has not been raised. */
  offeredSinceMs: number;
  /** Since when a car that is offered current draws none. */
  idleSinceMs: number | null;
  /** Highest draw of the settling time. */
  peakA: number;
  peakAtMs: number;
  lent: boolean;
  wakeUntilMs: number | null;
  woken: boolean;
  /** It had to be woken in this stay: its minimum is kept before it would be paused again. */
  sleeps: boolean;
  standby: boolean;
}

export interface Wish {
  capA: number;
  capReason: LimitReason;
  rank: number;
}

const LEND_LEAST_A = 2;
/** Drawing this near to the offer, the car would take more. */
const HUNGRY_A = 0.5;

export function noDemand(nowMs: number): DemandMemory {
  return {
    runningSinceMs: null,
    pausedAtMs: null,
    offeredA: 0,
    offeredSinceMs: nowMs,
    idleSinceMs: null,
    peakA: 0,
    peakAtMs: nowMs,
    lent: false,
    wakeUntilMs: null,
    woken: false,
    sleeps: false,
    standby: false,
  };
}

/** The wish at `nowMs` (monotonic) and the memory for the next time. */
export function demand(
  before: DemandMemory,
  facts: EvseFacts,
  settings: DemandSettings,
  nowMs: number,
): { memory: DemandMemory; wish: Wish } {
  const drawing = (facts.drawnA ?? 0) >= NO_CURRENT_A;
  if (facts.plugged === false && !drawing)
    return { memory: noDemand(nowMs), wish: refuse(facts.faulted ? "faulted" : "not_charging") };

  const memory = observe(before, facts, drawing, settings, nowMs);
  if (facts.faulted) return { memory, wish: refuse("faulted") };
  if (memory.wakeUntilMs !== null && nowMs < memory.wakeUntilMs)
    return { memory, wish: refuse("not_charging") };
  if (memory.pausedAtMs !== null && facts.offeredA === 0 && nowMs - memory.pausedAtMs < settings.minOffMs)
    return { memory, wish: refuse("min_off_time") };

  const wish = appetite(memory, facts, drawing, settings, nowMs);
  if (facts.intentA !== null && facts.intentA < wish.capA) {
    wish.capA = facts.intentA;
    wish.capReason = "intent";
  }
  return { memory, wish };
}

function refuse(capReason: LimitReason): Wish {
  return { capA: 0, capReason, rank: RANK.standby };
}

function observe(
  before: DemandMemory,
  facts: EvseFacts,
  drawing: boolean,
  settings: DemandSettings,
  nowMs: number,
): DemandMemory {
  const memory = { ...before };
  const drawn = facts.drawnA ?? 0;
  const offered = facts.offeredA;
  const blind = facts.drawnA === null && facts.charging === true && offered > 0;
  if (before.offeredA > 0 && offered === 0 && before.wakeUntilMs === null)
    memory.pausedAtMs = facts.switching ? nowMs - settings.minOffMs : nowMs;
  if (offered > before.offeredA) {
    memory.offeredSinceMs = nowMs;
    if (before.offeredA === 0) memory.peakA = 0;
  }
  memory.offeredA = offered;

  if (drawing || blind) {
    memory.runningSinceMs = before.runningSinceMs ?? nowMs;
    memory.idleSinceMs = null;
    memory.standby = false;
    memory.woken = false;
    if (offered > 0) memory.pausedAtMs = null;
  } else {
    memory.runningSinceMs = null;
    memory.idleSinceMs = offered > 0 ? (before.idleSinceMs ?? nowMs) : null;
  }
  if (drawn >= before.peakA || nowMs - before.peakAtMs > settings.settleMs) {
    memory.peakA = drawn;
    memory.peakAtMs = nowMs;
  }

  const idleMs = memory.idleSinceMs === null ? 0 : nowMs - memory.idleSinceMs;
  if (memory.wakeUntilMs !== null && nowMs >= memory.wakeUntilMs) memory.wakeUntilMs = null;
  if (memory.pausedAtMs !== null && !memory.woken && idleMs >= settings.wakeAfterMs) {
    memory.wakeUntilMs = nowMs + settings.wakePauseMs;
    memory.woken = true;
    memory.sleeps = true;
    memory.idleSinceMs = null;
  } else if (idleMs >= settings.standbyAfterMs || (memory.woken && idleMs >= settings.wakeAfterMs)) {
    memory.standby = true;
  }
  // A car that asks for current while it is offered none is awake.
  if (facts.charging === true && !drawing && offered === 0 && !memory.woken) memory.standby = false;
  return memory;
}

function appetite(
  memory: DemandMemory,
  facts: EvseFacts,
  drawing: boolean,
  settings: DemandSettings,
  nowMs: number,
): Wish {
  const { minA, maxA, drawnA } = facts;
  if (memory.standby) return { capA: minA, capReason: "not_charging", rank: RANK.standby };
  // A car that does not restart by itself after a pause is not paused lightly.
  const fresh =
    memory.runningSinceMs !== null && (memory.sleeps || nowMs - memory.runningSinceMs < settings.minOnMs);
  const rank = memory.runningSinceMs === null ? RANK.waiting : fresh ? RANK.justStarted : RANK.running;

  if (!drawing) {
    // No reading to go by, but the station says it charges: trust it with all it may use.
    const blind = drawnA === null && facts.charging === true;
    const starting = facts.charging === true && nowMs - memory.offeredSinceMs < settings.settleMs;
    memory.lent = false;
    if ((blind || starting) && !facts.carHolds) return { capA: maxA, capReason: "station_max", rank };
    return { capA: Math.min(minA, maxA), capReason: "not_charging", rank };
  }

  const drawn = drawnA ?? 0;
  const offered = memory.offeredA;
  const hungry = drawn >= offered - HUNGRY_A;
  const wanted = Math.max(minA, memory.peakA + Math.max(1, 0.1 * memory.peakA));
  if (hungry) memory.lent = false;
  else if (
    nowMs - memory.offeredSinceMs >= settings.settleMs &&
    nowMs - memory.peakAtMs < settings.settleMs &&
    offered - wanted >= LEND_LEAST_A
  )
    memory.lent = true;
  if (memory.lent && wanted < maxA) {
    // A taper is followed in strides, not in a message for every tenth.
    const kept = offered > wanted && offered - wanted < LEND_LEAST_A;
    return { capA: kept ? offered : wanted, capReason: "demand_met", rank };
  }
  return { capA: maxA, capReason: "station_max", rank };
}
