/**
 * The plan's targets while they hold. Their end is given in depot time and kept on the monotonic clock, so that a clock
 * that is set does not keep or end them. A value that means nothing counts as not said: a plan may be wrong, the loop
 * goes on.
 */
import type { EvseId } from "../model/ids.ts";
import type { Target, TargetSource, Targets } from "../model/targets.ts";

export function createHeldTargets() {
  let held: { targets: Targets; untilMonoMs: number } | null = null;

  const now = (monoMs: number): Targets | null => {
    if (held !== null && monoMs >= held.untilMonoMs) held = null;
    return held?.targets ?? null;
  };

  return {
    /** Null: none. `depotMs` and `monoMs` are the same instant. */
    set(targets: Targets | null, depotMs: number, monoMs: number): void {
      held = targets === null ? null : { targets, untilMonoMs: monoMs + (targets.untilMs - depotMs) };
    },

    of(evse: EvseId, monoMs: number): Target | null {
      const target = now(monoMs)?.of.get(evse);
      return target === undefined ? null : sound(target);
    },

    /** Which plan holds; null when none does. */
    source: (monoMs: number): TargetSource | null => now(monoMs)?.source ?? null,
  };
}

export type HeldTargets = ReturnType<typeof createHeldTargets>;

function sound(target: Target): Target {
  const orOne = (x: number) => (Number.isFinite(x) && x > 0 ? x : 1);
  return {
    ...target,
    targetA: Number.isFinite(target.targetA) ? Math.max(0, target.targetA) : 0,
    capA: target.capA === null || Number.isNaN(target.capA) ? null : Math.max(0, target.capA),
    weight: orOne(target.weight),
    classWeight: orOne(target.classWeight),
  };
}
