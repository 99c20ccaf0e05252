/**
 * What the compute pool can do: CPU work beside the stream. A task is a function of its input alone, so it may be
 * killed and run again. To add one, add it to the table.
 */
import type { Credentials } from "../identity/certificates.ts";
import type { SummaryPayload, SummaryProfile } from "../model/summary.ts";
import { answer } from "./compute-answer.ts";
import { sealEnvelope } from "./envelope.ts";
import { makePlan, type PlanInput, type Planned } from "./plan.ts";
import { type Solved, type SolveInput, solve } from "./solve.ts";

export const TASKS = {
  /** A sealed summary, DER or JSON. */
  seal: (input: {
    profile: SummaryProfile;
    payload: SummaryPayload;
    signer: Credentials;
    recipients: string[];
  }): Uint8Array =>
    new Uint8Array(sealEnvelope(input.profile, input.payload, input.signer, input.recipients)),
  /** A plan's linear program. */
  solve: (input: SolveInput): Promise<Solved> => solve(input),
  /** A plan for who is plugged in now. */
  plan: (input: PlanInput): Promise<Planned> => makePlan(input),
};

export type ComputeTasks = typeof TASKS;

export default answer(TASKS);
