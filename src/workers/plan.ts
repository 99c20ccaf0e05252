/** Makes a plan off the main thread: the program built, solved and read. */
import { buildPlan } from "../rules/plan/build.ts";
import { type LiveSite, laxityRates, liveProblem } from "../rules/plan/live.ts";
import { type Plan, readPlan } from "../rules/plan/read.ts";
import { solve } from "./solve.ts";

export interface PlanInput {
  site: LiveSite;
  timeLimitMs: number;
}

/** Times in ms of real time. */
export type Planned =
  | { status: "planned"; plan: Plan; buildMs: number; solveMs: number }
  | {
      status: "late" | "infeasible" | "failed";
      detail: string;
      buildMs: number;
      solveMs: number;
      /** What stands in for the plan: a rate per car, by laxity. */
      rates: Float64Array;
    };

export async function makePlan({ site, timeLimitMs }: PlanInput): Promise<Planned> {
  const before = performance.now();
  const problem = liveProblem(site);
  const { program, layout } = buildPlan(problem);
  const buildMs = performance.now() - before;
  const solved = await solve({ program, timeLimitMs });
  const { status, ms: solveMs } = solved;
  if (status !== "optimal")
    return { status, detail: solved.detail, buildMs, solveMs, rates: laxityRates(problem, site.cars) };
  return { status: "planned", plan: readPlan(problem, layout, solved), buildMs, solveMs };
}
