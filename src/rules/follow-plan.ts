/** What a plan changes in the wish of an EVSE. */
import type { Target } from "../model/targets.ts";
import { RANK } from "./allocation.ts";
import type { Wish } from "./demand.ts";

/**
 * Amperes per used line; `minA` is the EVSE's minimum. Who may not be paused yet keeps the minimum whatever the plan
 * says. Without `targetA` the plan leaves who goes first as it is.
 */
export function followPlan(
  wish: Readonly<Wish>,
  plan: Readonly<Pick<Target, "capA" | "urgent"> & Partial<Pick<Target, "targetA">>>,
  minA: number,
): Wish {
  const followed = { ...wish };
  if (plan.capA === 0 && wish.capReason === "min_off_time") followed.capReason = "plan";
  if (plan.capA !== null && plan.capA < wish.capA) {
    const least = wish.rank === RANK.justStarted ? Math.min(minA, wish.capA) : 0;
    followed.capA = Math.max(plan.capA, least);
    followed.capReason = "plan";
  }
  const waits = plan.targetA !== undefined && plan.targetA < minA / 2;
  if (plan.urgent && followed.capA > 0 && wish.rank !== RANK.standby) followed.rank = RANK.urgent;
  // Whom the plan wants to wait gets a minimum only after those whom it wants to run.
  else if (waits && wish.rank === RANK.running) followed.rank = RANK.waiting;
  else if (waits && wish.rank === RANK.waiting) followed.rank = RANK.standby;
  return followed;
}
