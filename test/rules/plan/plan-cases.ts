/** Small plans for tests, and a solver that answers on this thread. */
import { buildPlan } from "../../../src/rules/plan/build.ts";
import { ENERGY_FIRST, type PlanProblem, type PlanVehicle } from "../../../src/rules/plan/problem.ts";
import { type Plan, readPlan } from "../../../src/rules/plan/read.ts";
import { solve } from "../../../src/workers/solve.ts";

export const HOUR_MS = 3_600_000;

/** Single-phase on L1, 230 V, 32 A, 10 kWh, leaves after 4 h, on circuit 0. */
export function vehicle(
  part: Partial<PlanVehicle> & { needKwh?: number; departH?: number } = {},
): PlanVehicle {
  const { needKwh = 10, departH = 4, ...rest } = part;
  return {
    id: "car",
    circuit: 0,
    lines: 1,
    ampsPerUnit: 1,
    kwPerUnit: 0.23,
    max: 32,
    needs: [{ upToKwh: needKwh, likely: 1 }],
    askedKwh: needKwh,
    gotKwh: 0,
    stays: [{ untilMs: departH * HOUR_MS, likely: 1 }],
    weight: 1,
    rate: 0,
    keep: 0,
    floor: 0,
    ...rest,
  };
}

/** One circuit with `limitA` on each line from the start. */
export function problem(
  vehicles: PlanVehicle[],
  limitA: number,
  part: Partial<PlanProblem> = {},
): PlanProblem {
  return {
    startMs: 0,
    firstMs: 300_000,
    vehicles,
    circuits: [{ id: "site", parent: -1, room: [{ fromMs: 0, lineA: [limitA, limitA, limitA], kw: null }] }],
    phasors: [],
    price: [],
    demand: null,
    goals: ENERGY_FIRST,
    maxColumns: 3000,
    ...part,
  };
}

export async function planned(p: PlanProblem): Promise<Plan> {
  const { program, layout } = buildPlan(p);
  const solved = await solve({ program, timeLimitMs: 10_000 });
  if (solved.status !== "optimal") throw new Error(`${solved.status}: ${solved.detail}`);
  return readPlan(p, layout, solved);
}

/** kWh that vehicle `i` of a plan gets between two times. */
export function kwhBetween(p: PlanProblem, plan: Plan, i: number, fromMs: number, toMs: number): number {
  let kwh = 0;
  plan.vehicles[i]?.rates.forEach((rate, j) => {
    const from = Math.max(fromMs, plan.marks[j] as number);
    const to = Math.min(toMs, plan.marks[j + 1] as number);
    if (to > from) kwh += (rate * (p.vehicles[i]?.kwPerUnit ?? 0) * (to - from)) / HOUR_MS;
  });
  return kwh;
}
