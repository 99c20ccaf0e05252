/** What limited an EVSE over a stretch of time: how long each reason held. */
import type { LimitReason } from "../../model/messages.ts";
import { inForce } from "./explain.ts";
import type { SetpointSeen } from "./facts.ts";

export interface ReasonShare {
  /** `no_gateway`: none ran, stations were on their own. Null: before the first limit that the log still has. */
  reason: LimitReason | "no_gateway" | null;
  minutes: number;
  /** Mean of the limits over these minutes, A. */
  mean_limit_a: number | null;
}

/** ms since the epoch. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/**
 * `changes` in order, the one in force at `fromMs` first. `away`: when no gateway ran, apart and in order. The longest
 * first; the minutes add up to the stretch.
 */
export function timeByReason(
  changes: readonly SetpointSeen[],
  fromMs: number,
  toMs: number,
  away: readonly Span[] = [],
): ReasonShare[] {
  const sums = new Map<ReasonShare["reason"], { ms: number; ampMs: number }>();
  const count = (reason: ReasonShare["reason"], ms: number, amps: number) => {
    const so = sums.get(reason) ?? { ms: 0, ampMs: 0 };
    sums.set(reason, { ms: so.ms + ms, ampMs: so.ampMs + ms * amps });
  };
  const add = (seen: SetpointSeen | undefined, from: number, to: number) => {
    const awayMs = away.reduce((sum, gap) => sum + overlapMs(gap, from, to), 0);
    count("no_gateway", awayMs, 0);
    count(seen?.body.reason ?? null, to - from - awayMs, seen?.body.limit_a ?? 0);
  };
  let at = fromMs;
  let now = inForce(changes, fromMs);
  for (const next of changes.filter((c) => c.atMs > fromMs && c.atMs < toMs)) {
    add(now, at, next.atMs);
    [at, now] = [next.atMs, next];
  }
  if (toMs > at) add(now, at, toMs);
  return [...sums]
    .filter(([, { ms }]) => ms > 0)
    .sort(([, a], [, b]) => b.ms - a.ms)
    .map(([reason, { ms, ampMs }]) => ({
      reason,
      minutes: Math.round(ms / 6000) / 10,
      mean_limit_a: reason === null || reason === "no_gateway" ? null : Math.round((10 * ampMs) / ms) / 10,
    }));
}

const overlapMs = (gap: Span, fromMs: number, toMs: number) =>
  Math.max(0, Math.min(gap.toMs, toMs) - Math.max(gap.fromMs, fromMs));
