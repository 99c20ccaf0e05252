/** What plans aim at in a run: with certain departures, with estimates, and where energy has a price. */
import { ENERGY_FIRST, type PlanGoals } from "../plan/problem.ts";
import type { Site } from "./site.ts";

export interface RunGoals {
  plan: PlanGoals;
  /** Part of the max-min fair rate that every vehicle keeps. */
  floorPart: number;
  /** Part of its largest rate below which a running vehicle is not lowered for a small gain. */
  keepPart: number;
}

export function policyGoals(site: Site, estimates: boolean): RunGoals {
  const priced = site.demandPerKw > 0 || site.energyPerKwh !== null;
  const plan = priced ? { ...ENERGY_FIRST, fill: 0.05, early: 0.001, keep: 0.001 } : ENERGY_FIRST;
  const X = JSON.parse(process.env.X ?? "{}");
  return { plan: { ...plan, ...X }, floorPart: X.floorPart ?? (estimates ? 0.5 : 0.02), keepPart: X.keepPart ?? 0 };
}
