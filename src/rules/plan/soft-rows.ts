/** Goals below energy and cost: alike shares within a class, and rates that do not change without need. */
import type { PlanGoals, PlanVehicle } from "./problem.ts";
import type { ProgramBuilder } from "./program.ts";

/**
 * Parts of what a vehicle asks for, and the part of `goals.share` that a kWh in each is worth more. The worth of a share
 * is concave and the same for all of a class, so a sum of them is largest where the smallest shares are raised first.
 */
const PARTS = [
  { upTo: 0.25, worth: 1 },
  { upTo: 0.5, worth: 0.75 },
  { upTo: 0.75, worth: 0.5 },
  { upTo: 1, worth: 0.25 },
] as const;

/** `hours` are those of the vehicle's intervals, from its first column on. */
export function shareRows(
  lp: ProgramBuilder,
  { share }: PlanGoals,
  v: PlanVehicle,
  column: number,
  hours: readonly number[],
): void {
  if (share <= 0 || hours.length === 0) return;
  let before = v.gotKwh;
  const parts: number[] = [];
  for (const { upTo, worth } of PARTS) {
    const kwh = upTo * v.askedKwh;
    if (kwh > before) parts.push(lp.column(-share * worth * v.weight, 0, kwh - before));
    before = Math.max(before, kwh);
  }
  if (parts.length === 0) return;
  for (const part of parts) lp.entry(part, 1);
  hours.forEach((h, j) => {
    lp.entry(column + j, -v.kwPerUnit * h);
  });
  lp.atMost(0);
}

/** From the present rate to the first interval, and from there to the second; a vehicle that stands may start. */
export function smoothRows(
  lp: ProgramBuilder,
  { smooth }: PlanGoals,
  v: PlanVehicle,
  column: number,
  count: number,
): void {
  if (smooth <= 0 || v.max <= 0) return;
  if (v.rate > 0 && count > 0) {
    const change = lp.column(smooth * v.kwPerUnit, 0, Number.POSITIVE_INFINITY);
    lp.entry(column, 1);
    lp.entry(change, -1);
    lp.atMost(v.rate);
    lp.entry(column, -1);
    lp.entry(change, -1);
    lp.atMost(-v.rate);
  }
  if (count > 1) {
    const change = lp.column(smooth * v.kwPerUnit, 0, Number.POSITIVE_INFINITY);
    lp.entry(column, 1);
    lp.entry(column + 1, -1);
    lp.entry(change, -1);
    lp.atMost(0);
    lp.entry(column, -1);
    lp.entry(column + 1, 1);
    lp.entry(change, -1);
    lp.atMost(0);
  }
}
