/**
 * The intervals of a plan. A rate need only change where a vehicle departs or a limit or price changes, so time is cut
 * there and nowhere else: far fewer columns than equal slots. When there would still be too many, cuts that lie near
 * to each other are brought together, the nearest future last.
 */
import { lastMs, type PlanProblem } from "./problem.ts";

export interface Grid {
  /** Interval `j` is from `marks[j]` to `marks[j + 1]`, ms. */
  marks: readonly number[];
}

const MINUTE_MS = 60_000;
/** From 15 minutes: what brought-together cuts are apart at least. Later hours are coarser. */
const SPACINGS_MS = [1, 5, 15, 30, 60, 120].map((minutes) => minutes * MINUTE_MS);

export function gridOf(problem: PlanProblem): Grid {
  const { startMs, firstMs, vehicles } = problem;
  const ends = vehicles.map(lastMs).filter((ms) => ms > startMs);
  if (ends.length === 0) return { marks: [startMs, startMs + firstMs] };
  const endMs = Math.max(startMs + firstMs, ...ends);
  const stays = vehicles
    .flatMap((v) => [v.fromMs ?? 0, ...v.stays.map((s) => s.untilMs)])
    .filter((ms) => ms > startMs);
  const cuts = [...stays, ...changes(problem).filter((ms) => ms > startMs && ms < endMs)];
  const first = [startMs, startMs + firstMs];
  const window = problem.demand?.windowMs;
  if (window !== undefined && window > firstMs) first.push((Math.floor(startMs / window) + 1) * window);
  const sorted = [...new Set([...first, ...cuts, endMs])].sort((a, b) => a - b);
  let marks = sorted;
  for (const spacing of SPACINGS_MS) {
    if (columnsOf(marks, ends) <= problem.maxColumns) break;
    marks = broughtTogether(sorted, startMs, firstMs, spacing);
  }
  return { marks };
}

/** Where what a plan may do changes: limits, prices, other import. */
function changes({ circuits, price, demand, startMs }: PlanProblem): number[] {
  const at: number[] = [];
  for (const { room } of circuits) for (const step of room) if (step.fromMs > startMs) at.push(step.fromMs);
  for (const step of price) if (step.fromMs > startMs) at.push(step.fromMs);
  for (const step of demand?.otherKw ?? []) if (step.fromMs > startMs) at.push(step.fromMs);
  return at;
}

function columnsOf(marks: readonly number[], ends: readonly number[]): number {
  let columns = 0;
  const sorted = [...ends].sort((a, b) => a - b);
  let j = 0;
  for (const end of sorted) {
    while (j + 1 < marks.length && (marks[j] as number) < end) j++;
    columns += j;
  }
  return columns;
}

/** Cuts on whole multiples of `spacing`; the first interval and the end stay. */
function broughtTogether(marks: readonly number[], startMs: number, firstMs: number, spacing: number) {
  const last = marks[marks.length - 1] as number;
  const kept = new Set([startMs, startMs + firstMs, last]);
  for (const mark of marks) {
    const rounded = Math.round(mark / spacing) * spacing;
    if (rounded > startMs + firstMs && rounded < last) kept.add(rounded);
  }
  return [...kept].sort((a, b) => a - b);
}

/** Part of interval `j` between two times, 0 to 1. */
export function partPresent(grid: Grid, j: number, fromMs: number, toMs: number): number {
  const from = grid.marks[j] as number;
  const to = grid.marks[j + 1] as number;
  return Math.max(0, Math.min(to, toMs) - Math.max(from, fromMs)) / (to - from);
}
