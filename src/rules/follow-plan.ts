/** What a plan changes in the wish of an EVSE. */
import type { Target } from "../model/targets.ts";
import { RANK } from "./allocation.ts";
import type { Wish } from "./demand.ts";

/** Who may not be paused yet keeps the minimum whatever the plan says. */
export function followPlan(
  wish: Readonly<Wish>,
  plan: Readonly<Pick<Target, "capA" | "urgent">>,
  minA: number,
): Wish {
  const followed = { ...wish };
  if (plan.capA !== null && plan.capA < wish.capA) {
    const least = wish.rank === RANK.justStarted ? Math.min(minA, wish.capA) : 0;
    followed.capA = Math.max(plan.capA, least);
    followed.capReason = "plan";
  }
  if (plan.urgent && wish.capA > 0 && wish.rank !== RANK.standby) followed.rank = RANK.urgent;
  return followed;
}
