/** What plans aim at in a run: with certain departures, with estimates, and where energy has a price. */
import { FIRST_PART, firstWorth, SHORTAGE_AT_FIRST } from "../plan/floor.ts";
import { PRICED } from "../plan/goals.ts";
import { ENERGY_FIRST, type PlanGoals } from "../plan/problem.ts";
import type { Site } from "./site.ts";

export interface RunGoals {
  plan: PlanGoals;
  /** Part of the max-min fair rate that every vehicle keeps. */
  floorPart: number;
  /** Energy is not free: a plan waits for cheap hours and keeps the peak low. */
  priced: boolean;
}

export function runGoals(site: Site, estimates: boolean): RunGoals {
  const priced = site.demandPerKw > 0 || site.energyPerKwh !== null;
  // Whoever may leave before its time must not be left with nothing: a floor, and no reward for filling others first.
  if (estimates)
    return {
      plan: {
        ...ENERGY_FIRST,
        fill: 0,
        early: 0,
        soon: 0,
        base: firstWorth(SHORTAGE_AT_FIRST),
        basePart: FIRST_PART,
      },
      floorPart: 0,
      priced,
    };
  if (priced) return { plan: { ...ENERGY_FIRST, fill: 0.05, ...PRICED }, floorPart: 0, priced };
  // Next to nothing, but it keeps vehicles from starting and stopping.
  return { plan: ENERGY_FIRST, floorPart: 0.02, priced };
}
