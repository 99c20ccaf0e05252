/** What limited an EVSE over a stretch of time: how long each reason held. */
import type { LimitReason } from "../../model/messages.ts";
import { inForce } from "./explain.ts";
import type { SetpointSeen } from "./facts.ts";

export interface ReasonShare {
  /** Null: before the first limit that the log still has. */
  reason: LimitReason | null;
  minutes: number;
  /** Mean of the limits over these minutes, A. */
  mean_limit_a: number | null;
}

/** `changes` in order, the one in force at `fromMs` first. The longest first; the minutes add up to the stretch. */
export function timeByReason(changes: readonly SetpointSeen[], fromMs: number, toMs: number): ReasonShare[] {
  const sums = new Map<LimitReason | null, { ms: number; ampMs: number }>();
  const add = (seen: SetpointSeen | undefined, ms: number) => {
    const reason = seen?.body.reason ?? null;
    const so = sums.get(reason) ?? { ms: 0, ampMs: 0 };
    sums.set(reason, { ms: so.ms + ms, ampMs: so.ampMs + ms * (seen?.body.limit_a ?? 0) });
  };
  let at = fromMs;
  let now = inForce(changes, fromMs);
  for (const next of changes.filter((c) => c.atMs > fromMs && c.atMs < toMs)) {
    add(now, next.atMs - at);
    [at, now] = [next.atMs, next];
  }
  if (toMs > at) add(now, toMs - at);
  return [...sums]
    .filter(([, { ms }]) => ms > 0)
    .sort(([, a], [, b]) => b.ms - a.ms)
    .map(([reason, { ms, ampMs }]) => ({
      reason,
      minutes: Math.round(ms / 6000) / 10,
      mean_limit_a: reason === null ? null : Math.round((10 * ampMs) / ms) / 10,
    }));
}
