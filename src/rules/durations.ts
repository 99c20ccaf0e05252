/**
 * Where the time of a session went, from the intervals that its bill is made of: `charging` is what TIME charges for,
 * `suspended_ev` and `idle` together are PARKING_TIME, the rest nobody pays for. A gap counts as the state on both of
 * its sides, as in the bill, and as `gap` where those differ.
 */
import type { SessionRecord, SessionState, StateInterval } from "../model/session.ts";

/**
 * `idle`: suspended by the vehicle or finishing after the car last charged, so it has taken what it will.
 * `suspended_evse`: held back by the site or the station, at no current at all.
 */
export const DURATION_PARTS = [
  "charging",
  "suspended_ev",
  "suspended_evse",
  "idle",
  "faulted",
  "gap",
] as const;
export type DurationPart = (typeof DURATION_PARTS)[number];

/** A stretch of the session that counts as one part, in ms since the epoch on the session's clock. */
export interface PartInterval {
  part: DurationPart;
  from_ms: number;
  to_ms: number;
  /** Nothing was heard in it, whatever it counts as. */
  unobserved: boolean;
}

/** Whole milliseconds. The parts add up to `session_ms`; the last two are within them. */
export interface SessionDurations {
  session_ms: number;
  charging_ms: number;
  suspended_ev_ms: number;
  suspended_evse_ms: number;
  idle_ms: number;
  faulted_ms: number;
  gap_ms: number;
  /** Of any part: time without a message. */
  unobserved_ms: number;
  /** Of `charging_ms`: with less than the car would take, because a setpoint bound it. Null: not known. */
  throttled_ms: number | null;
}

type Timed = Pick<SessionRecord, "started_ms" | "ended_ms" | "intervals" | "throttled_s">;

/** The session from start to end without holes: what no interval covers is a gap. */
export function partsOf(session: Timed): PartInterval[] {
  const { started_ms, ended_ms, intervals } = session;
  const lastCharge = intervals.findLastIndex((interval) => countedAs(interval) === "charging");
  const parts: PartInterval[] = [];
  let atMs = started_ms;
  const add = (part: DurationPart, toMs: number, unobserved: boolean) => {
    if (toMs <= atMs) return;
    parts.push({ part, from_ms: atMs, to_ms: toMs, unobserved });
    atMs = toMs;
  };
  intervals.forEach((interval, i) => {
    add("gap", Math.min(interval.from_ms, ended_ms), true);
    const state = countedAs(interval);
    const full = i > lastCharge && (state === "suspended_ev" || state === "finishing");
    // Finishing follows the stop; only a record that charges after it has it earlier.
    const part = full || state === "finishing" ? "idle" : state;
    add(part, Math.min(interval.to_ms, ended_ms), interval.state === "gap");
  });
  add("gap", ended_ms, true);
  return parts;
}

export function sessionDurations(session: Timed): SessionDurations {
  const ms = { charging: 0, suspended_ev: 0, suspended_evse: 0, idle: 0, faulted: 0, gap: 0 };
  let unobserved = 0;
  for (const { part, from_ms, to_ms, unobserved: unheard } of partsOf(session)) {
    ms[part] += to_ms - from_ms;
    if (unheard) unobserved += to_ms - from_ms;
  }
  const { throttled_s } = session;
  return {
    session_ms: Math.max(0, session.ended_ms - session.started_ms),
    charging_ms: ms.charging,
    suspended_ev_ms: ms.suspended_ev,
    suspended_evse_ms: ms.suspended_evse,
    idle_ms: ms.idle,
    faulted_ms: ms.faulted,
    gap_ms: ms.gap,
    unobserved_ms: unobserved,
    throttled_ms: throttled_s === undefined ? null : Math.min(throttled_s * 1000, ms.charging),
  };
}

/** As in the bill: a gap is the state on both of its sides. */
function countedAs({ state, under }: StateInterval): SessionState {
  return state === "gap" ? (under ?? "gap") : state;
}
