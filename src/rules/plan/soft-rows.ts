/** Goals below energy and cost: alike shares within a class, and rates that do not change without need. */
import { isCertain, type PlanGoals, type PlanVehicle } from "./problem.ts";
import type { ProgramBuilder } from "./program.ts";

/**
 * Ends of parts of what a vehicle asks for. A kWh of the first is worth `goals.share` more, of the others less and less:
 * the worth of a share is concave and the same for all of a class, so a sum of them is largest where the smallest shares
 * are raised first. It falls so steeply that a third of what is asked for counts much, and what is beyond half next to
 * nothing beside `goals.fill`, because a plan that makes all shares equal fills hardly anybody.
 */
const PARTS = [1, 2, 3, 4, 5, 6, 7, 12].map((twelfths) => twelfths / 12);
const STEEP = 6;

/** For who leaves at a certain time. `hours` are those of its intervals, from its first column on. */
export function shareRows(
  lp: ProgramBuilder,
  { share }: PlanGoals,
  v: PlanVehicle,
  column: number,
  hours: readonly number[],
): void {
  if (share <= 0 || hours.length === 0 || !isCertain(v)) return;
  let before = v.gotKwh;
  const parts: number[] = [];
  PARTS.forEach((upTo, k) => {
    const kwh = upTo * v.askedKwh;
    const worth = share * (1 - (PARTS[k - 1] ?? 0)) ** STEEP;
    if (kwh > before) parts.push(lp.column(-worth * v.weight, 0, kwh - before));
    before = Math.max(before, kwh);
  });
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
