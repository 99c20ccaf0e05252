/** How a compute thread answers: an error of the task comes back as a value, so that a rejection means a dead thread. */
import { parentPort } from "node:worker_threads";

// biome-ignore lint/suspicious/noExplicitAny: inputs differ by task; `ComputePool` types each call by its task
export type TaskTable = Record<string, (input: any) => unknown>;

export interface Call {
  /** Sent back as `Started` when a thread takes the call: its deadline runs from there. */
  id: number;
  task: string;
  input: unknown;
}

export interface Started {
  started: number;
}

export type Answer = { value: unknown } | { error: string };

/** The thread's entry: looks the task up and runs it. */
export function answer(tasks: TaskTable): (call: Call) => Promise<Answer> {
  return async ({ id, task, input }) => {
    parentPort?.postMessage({ started: id } satisfies Started);
    const run = tasks[task];
    if (run === undefined) return { error: `there is no compute task ${JSON.stringify(task)}` };
    try {
      return { value: await run(input) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  };
}
