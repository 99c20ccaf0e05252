/**
 * Learns what part of the power that a DC EVSE takes reaches the car, from readings that state both sides. Only steady
 * readings near enough to rated power count, the estimate moves slowly, and until enough of them agree it is used only
 * where it is below the configured one: a higher efficiency makes room, so it must be proven first.
 */

export interface LearntEfficiency {
  /** W to the car per W taken; null before the first steady reading. */
  estimate: number | null;
  /** Steady readings so far. */
  readings: number;
  sinceMs: number;
  /** The reading before, W on the AC side. */
  lastW: number;
}

/** Beyond these a ratio tells of a meter that measures something else, not of a rectifier. */
const LEAST = 0.85;
const MOST = 0.98;
/** A reading counts when power has changed by less than this part since the one before. */
const STEADY = 0.03;
/** Far below rated power rectifiers lose a larger part. */
const LEAST_LOAD = 0.3;
const SLOW = 0.05;
const PROVEN_READINGS = 20;
const PROVEN_MS = 600_000;

export function unlearntEfficiency(): LearntEfficiency {
  return { estimate: null, readings: 0, sinceMs: 0, lastW: 0 };
}

/** `takenW` on the AC side, `deliveredW` to the car, `ratedW` on the AC side; `nowMs` monotonic. */
export function learnEfficiency(
  before: LearntEfficiency,
  takenW: number,
  deliveredW: number,
  ratedW: number,
  nowMs: number,
): LearntEfficiency {
  const steady = before.lastW > 0 && Math.abs(takenW - before.lastW) <= STEADY * before.lastW;
  const after = { ...before, lastW: takenW };
  const ratio = deliveredW / takenW;
  if (!steady || takenW < LEAST_LOAD * ratedW || !(ratio >= LEAST && ratio <= MOST)) return after;
  after.estimate = before.estimate === null ? ratio : before.estimate + SLOW * (ratio - before.estimate);
  after.readings = before.readings + 1;
  if (before.readings === 0) after.sinceMs = nowMs;
  return after;
}

/** What to count with: the estimate once it is proven, before that the lower of it and the configured one. */
export function efficiencyOf(learnt: LearntEfficiency, configured: number, nowMs: number): number {
  if (learnt.estimate === null) return configured;
  const proven = learnt.readings >= PROVEN_READINGS && nowMs - learnt.sinceMs >= PROVEN_MS;
  return proven ? learnt.estimate : Math.min(configured, learnt.estimate);
}
