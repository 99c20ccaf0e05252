/** What plans aim at in the gateway. */
import type { Belief } from "./beliefs.ts";
import { ENERGY_FIRST, type PlanGoals } from "./problem.ts";

/** Two slots of a plan: a vehicle with less time to spare than that is served before others share. */
export const URGENT_MS = 600_000;

const HOUR_MS = 3_600_000;
/** A departure that is known to this is as good as certain. */
const SHARP_MS = HOUR_MS;

export interface LiveGoals {
  plan: PlanGoals;
  /** Part of its max-min fair rate that a vehicle keeps whatever the plan wants; `said`: somebody named its departure. */
  floorPart(belief: Belief, said: boolean): number;
}

/** `priced`: energy later may be cheaper. Prices are worth little beside energy, and waiting less than they save. */
export function liveGoals(priced: boolean): LiveGoals {
  const soon = priced ? 0.001 : 0.05;
  return {
    plan: {
      ...ENERGY_FIRST,
      fill: 0,
      early: soon,
      soon,
      base: 0.8,
      basePart: 0.3,
      share: 0.1,
      smooth: 0.001,
    },
    floorPart({ departs, guest, examples }, said) {
      if (departs.p90 - departs.p10 <= SHARP_MS) return 0;
      // What nobody can tell is half of what it would get if all shared alike.
      return guest || !said || examples.departures === 0 ? 0.5 : 0.15;
    },
  };
}
