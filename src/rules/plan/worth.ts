/** What a kWh is worth: to whom, when, and beside money. */
import type { Grid } from "./grid.ts";
import { isCertain, lastMs, mostKwh, type PlanProblem, type PlanVehicle, stepAt } from "./problem.ts";

const HOUR_MS = 3_600_000;
/** Of two that leave at one time, who needs more of that time charges first: put off, it could not take all in the end. */
const LACKS_TIME = 0.1;
/** Above 1, the worth of a fill falls faster than a need grows: of two large needs neither is left behind for the other. */
const FILL_FALLS = 1.25;
/** Most that waiting counts where departure is uncertain: what is likely says more of who should go first. */
const UNSURE = 2e-5;

/** What a kWh of a vehicle is worth in interval `j`; prices are scaled so that no saving is worth a missing kWh. */
export function worthOf(problem: PlanProblem, grid: Grid): (v: PlanVehicle, j: number) => number {
  const { startMs } = problem;
  const scale = priceScale(problem);
  const lateness = latenessOf(problem);
  const middles = grid.marks.slice(0, -1).map((from, j) => (from + (grid.marks[j + 1] as number)) / 2);
  const prices = middles.map((_, j) =>
    meanPrice(problem, grid.marks[j] as number, grid.marks[j + 1] as number),
  );
  const end = grid.marks[grid.marks.length - 1] as number;
  const span = Math.max(1, end - startMs);
  return (v, j) => {
    const waits = (middles[j] as number) - startMs;
    const there =
      v.stays.find((s) => s.untilMs > (middles[j] as number))?.likely ?? v.stays.at(-1)?.likely ?? 1;
    const late = lateness(v, waits, span);
    return (
      there * (worthOfKwh(problem, v) * (v.needs[0]?.likely ?? 0) - late - scale * (prices[j] as number))
    );
  };
}

/** What a kWh of a vehicle is worth less `waitsMs` from now than at once, when the plan is `spanMs` long. */
function latenessOf({ goals, startMs }: PlanProblem) {
  return (v: PlanVehicle, waitsMs: number, spanMs: number): number => {
    const ownMs = Math.max(1, lastMs(v) - startMs);
    const most = v.stays.length === 1 ? Number.POSITIVE_INFINITY : UNSURE;
    const early = Math.min(most, goals.early);
    const soon = Math.min(most, goals.soon) * (1 + LACKS_TIME * busyPart(v, ownMs));
    // A higher class waits less, but never so little that others lack energy for it.
    const byClass = (2 * v.weight) / (1 + v.weight);
    return byClass * ((early * waitsMs) / spanMs + (soon * waitsMs) / ownMs);
  };
}

/** Part of its time, 0 to 1, for which it has to charge at full rate to get all it wants. */
function busyPart(v: PlanVehicle, ownMs: number): number {
  const fullKwh = (v.max * v.kwPerUnit * ownMs) / HOUR_MS;
  return fullKwh > 0 ? Math.min(1, mostKwh(v) / fullKwh) : 0;
}

export function worthOfKwh({ goals }: PlanProblem, v: PlanVehicle): number {
  if (!isCertain(v)) return v.weight;
  return v.weight * (1 + goals.fill * Math.min(1, goals.fillKwh / Math.max(0.1, v.askedKwh)) ** FILL_FALLS);
}

/** Worth of one unit of money in kWh: the dearest kWh, with its share of the demand charge, costs less than half. */
export function priceScale({ price, demand }: PlanProblem): number {
  const dearest = Math.max(0, ...price.map((p) => Math.abs(p.perKwh)));
  const window = demand === null ? 0 : demand.perKw / (demand.windowMs / HOUR_MS);
  return dearest + window > 0 ? 0.5 / (dearest + window) : 0;
}

function meanPrice({ price }: PlanProblem, fromMs: number, toMs: number): number {
  if (price.length === 0) return 0;
  let sum = 0;
  let at = fromMs;
  while (at < toMs) {
    const step = stepAt(price, at) ?? (price[0] as (typeof price)[number]);
    const next = price.find((p) => p.fromMs > at)?.fromMs ?? toMs;
    const until = Math.min(toMs, next);
    sum += step.perKwh * (until - at);
    at = until;
  }
  return sum / (toMs - fromMs);
}
