/**
 * The goal above all prices where departures are uncertain: nobody leaves with nothing. What is worth more is a share at
 * departure, whenever that may be: for each time at which a vehicle may leave, by how likely, the first part of what it
 * asks for is worth more the smaller its share. So a plan cannot put that part off to the end of a stay that may end early.
 */
import type { PlanGoals, PlanVehicle } from "./problem.ts";
import type { ProgramBuilder } from "./program.ts";

const HOUR_MS = 3_600_000;
/** Parts of the base, and what a kWh in each is worth: on average as much as `goals.base` says, most where there is least. */
const PARTS = [
  { upTo: 0.5, worth: 1.6 },
  { upTo: 1, worth: 0.4 },
] as const;

/** `marks` are the ends of intervals, ms; the vehicle's `count` columns start at `column`. */
export function baseRows(
  lp: ProgramBuilder,
  { base, basePart }: PlanGoals,
  v: PlanVehicle,
  column: number,
  count: number,
  marks: readonly number[],
): void {
  if (base <= 0) return;
  const from = (j: number) => marks[j] as number;
  v.stays.forEach(({ untilMs, likely }, k) => {
    const leavesThen = (k === 0 ? 1 : likely) - (v.stays[k + 1]?.likely ?? 0);
    const inTime: number[] = [];
    for (let j = 0; j < count && (from(j) + from(j + 1)) / 2 < untilMs; j++) inTime.push(j);
    if (leavesThen <= 0 || inTime.length === 0) return;
    let before = v.gotKwh;
    const parts: number[] = [];
    for (const { upTo, worth } of PARTS) {
      const kwh = upTo * basePart * v.askedKwh;
      if (kwh > before) parts.push(lp.column(-leavesThen * worth * base * v.weight, 0, kwh - before));
      before = Math.max(before, kwh);
    }
    if (parts.length === 0) return;
    for (const part of parts) lp.entry(part, 1);
    for (const j of inTime) lp.entry(column + j, (-v.kwPerUnit * (from(j + 1) - from(j))) / HOUR_MS);
    lp.atMost(0);
  });
}
