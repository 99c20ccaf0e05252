/** The plan task on threads that end in the middle of it when they are told to. */
import { answer } from "../../src/workers/compute-answer.ts";
import { makePlan, type PlanInput } from "../../src/workers/plan.ts";

/** A time limit that kills. */
export const FATAL_MS = -1;

const TASKS = {
  plan: (input: PlanInput) => (input.timeLimitMs === FATAL_MS ? process.exit(1) : makePlan(input)),
};

export type MortalTasks = typeof TASKS;

export default answer(TASKS);
