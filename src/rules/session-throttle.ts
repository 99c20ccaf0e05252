/**
 * How long a session charged with less than the car would have taken, because a setpoint of ours bound it. Setpoints
 * come in the order of the log and hold until the next one or the end of their lease, so what is kept is a list of
 * stretches on the gateway's clock: a setpoint knows nothing of the station's.
 */
import type { EventBodies } from "../model/event.ts";
import { LIMITING_REASONS, type LimitReason } from "../model/messages.ts";
import type { StateInterval } from "../model/session.ts";

/** The setpoint in force at an EVSE. */
export interface Throttle {
  fromMs: number;
  /** End of its lease: what the station falls back to then is not known to have bound the car. */
  untilMs: number;
  binds: boolean;
}

/** A stretch in which a setpoint bound, on the gateway's clock. */
export interface BoundStretch {
  fromMs: number;
  toMs: number;
}

/**
 * Reasons with which we give a car less than it would take. `demand_met` and `station_max` leave it all it can use;
 * with the others it is not charging.
 */
const BINDING: ReadonlySet<LimitReason> = new Set<LimitReason>([
  ...LIMITING_REASONS,
  "below_minimum",
  "safe_start",
  "awaiting_confirmation",
  "rotation",
  "phase_switch",
  "start_delay",
]);

/** What an EVSE's state keeps of setpoints. */
interface Throttled {
  throttle?: Throttle;
  throttled?: BoundStretch[];
  /** Null when no session is open. */
  session: object | null;
}

const MAX_STRETCHES = 1000;

/** A setpoint left for the EVSE at `atMs`. */
export function takeSetpoint(evse: Throttled, atMs: number, body: EventBodies["setpoint.sent"]): void {
  endThrottle(evse, atMs);
  const untilMs = atMs + body.valid_for_s * 1000;
  evse.throttle = { fromMs: atMs, untilMs, binds: BINDING.has(body.reason) };
}

/**
 * Milliseconds of `intervals` in which the session charged under a binding setpoint; undefined when no setpoint was in
 * force while it was open. `offsetMs`: how far the session's clock is ahead of the gateway's.
 */
export function throttledMs(
  evse: Throttled,
  intervals: readonly StateInterval[],
  offsetMs: number,
): number | undefined {
  const { throttled, throttle } = evse;
  const last = intervals.at(-1);
  const first = intervals[0];
  if (!throttle || !first || !last || throttle.untilMs + offsetMs <= first.from_ms) return undefined;
  const open = throttle.binds ? [{ fromMs: throttle.fromMs, toMs: throttle.untilMs }] : [];
  const stretches = [...(throttled ?? []), ...open];
  let ms = 0;
  let i = 0;
  for (const { state, under, from_ms, to_ms } of intervals) {
    // A gap within charging is billed as charging, so it counts here too.
    if ((state === "gap" ? under : state) !== "charging") continue;
    while (i < stretches.length && (stretches[i]?.toMs ?? 0) + offsetMs <= from_ms) i++;
    for (let k = i; k < stretches.length; k++) {
      const stretch = stretches[k];
      if (!stretch || stretch.fromMs + offsetMs >= to_ms) break;
      ms += Math.min(to_ms, stretch.toMs + offsetMs) - Math.max(from_ms, stretch.fromMs + offsetMs);
    }
  }
  return ms;
}

/** What bound the session before is of no concern to the next one. */
export function forgetThrottle(evse: Throttled): void {
  if (evse.throttled) evse.throttled = [];
}

/** The setpoint in force ends at `atMs`, at the latest with its lease. */
function endThrottle(evse: Throttled, atMs: number): void {
  const { throttle } = evse;
  if (!throttle?.binds || !evse.session) return;
  const toMs = Math.min(atMs, throttle.untilMs);
  if (toMs <= throttle.fromMs) return;
  evse.throttled ??= [];
  const last = evse.throttled.at(-1);
  if (last && last.toMs >= throttle.fromMs) last.toMs = Math.max(last.toMs, toMs);
  else evse.throttled.push({ fromMs: throttle.fromMs, toMs });
  if (evse.throttled.length > MAX_STRETCHES) joinNearest(evse.throttled);
}

/** Bounds a session whose setpoints change every minute for days: the two stretches with the least between them join. */
function joinNearest(stretches: BoundStretch[]): void {
  let nearest = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < stretches.length; i++) {
    const between = (stretches[i]?.fromMs ?? 0) - (stretches[i - 1]?.toMs ?? 0);
    if (between < least) [nearest, least] = [i, between];
  }
  const [later] = stretches.splice(nearest, 1);
  const earlier = stretches[nearest - 1];
  if (later && earlier) earlier.toMs = later.toMs;
}
