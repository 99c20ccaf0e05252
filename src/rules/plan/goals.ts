/** What plans aim at in the gateway. */
import type { Belief } from "./beliefs.ts";
import { FIRST_PART, firstWorth, floorPart, floorWeight } from "./floor.ts";
import { ENERGY_FIRST, type PlanGoals } from "./problem.ts";

/** Two slots of a plan: a vehicle with less time to spare than that is served before others share. */
export const URGENT_MS = 600_000;

const HOUR_MS = 3_600_000;
/** A departure that is known to this is as good as certain. */
const SHARP_MS = HOUR_MS;

/** Prices are worth little beside energy, and neither waiting nor a change of rate may be worth as much as they save. */
export const PRICED = {
  early: 2e-5,
  soon: 2e-5,
  keep: 1e-4,
  smooth: 0,
} as const;
/** Where energy is worth the same at all times, whoever can charge now does. */
const UNPRICED = { early: 0.05, soon: 0.05, smooth: 0.001 } as const;

export interface LiveGoals {
  plan: PlanGoals;
  /** Part of its max-min fair rate that a vehicle keeps whatever the plan wants; `said`: somebody named its departure. */
  floorPart(belief: Belief, said: boolean, gotKwh: number): number;
  /** Weights where those rates are shared out. */
  floorWeights(cars: readonly { belief: Belief; said: boolean; gotKwh: number }[]): number[];
}

/** `priced`: energy later may be cheaper; `shortage`: see `Belief`. */
export function liveGoals(priced: boolean, shortage: number): LiveGoals {
  return {
    plan: {
      ...ENERGY_FIRST,
      fill: 0,
      base: firstWorth(shortage),
      basePart: FIRST_PART,
      ...(priced ? PRICED : UNPRICED),
    },
    floorPart(belief, said, gotKwh) {
      if (isSharp(belief)) return 0;
      // What nobody can tell is half of what it would get if all shared alike.
      if (!isLearnt(belief, said)) return 0.5;
      return floorPart(belief.shortage, belief.askedKwh > 0 ? gotKwh / belief.askedKwh : 1);
    },
    floorWeights(cars) {
      const own = cars.map(({ belief, said, gotKwh }) =>
        isSharp(belief) || !isLearnt(belief, said) ? null : floorWeight(belief.askedKwh, gotKwh),
      );
      // 1 on average: among themselves only, not beside those of whom all or nothing is known.
      const known = own.filter((w) => w !== null);
      const mean = known.reduce((sum, w) => sum + w, 0) / Math.max(1, known.length);
      return own.map((w) => (w === null ? 1 : w / mean));
    },
  };
}

const isLearnt = ({ guest, examples }: Belief, said: boolean): boolean =>
  !guest && said && examples.departures > 0;

const isSharp = ({ departs }: Belief): boolean => departs.p90 - departs.p10 <= SHARP_MS;
