/** Tasks that misbehave as real ones might: a thread module of its own for the compute pool's test. */
import { answer } from "../../src/workers/compute-answer.ts";

/** Counts the runs in shared memory, so that it outlives the thread. */
const count = (runs: SharedArrayBuffer): number => Atomics.add(new Int32Array(runs), 0, 1) + 1;

const TASKS = {
  double: (n: number): number => n * 2,
  fail: (): never => {
    throw new Error("not this one");
  },
  spin: ({ runs }: { runs: SharedArrayBuffer }): never => {
    count(runs);
    for (;;);
  },
  spinOnce: ({ runs }: { runs: SharedArrayBuffer }): string => {
    if (count(runs) === 1) for (;;);
    return "second run";
  },
  exitOnce: ({ runs }: { runs: SharedArrayBuffer }): string => {
    if (count(runs) === 1) process.exit(3);
    return "second run";
  },
  swell: ({ runs }: { runs: SharedArrayBuffer }): never => {
    count(runs);
    const kept: number[][] = [];
    for (;;) kept.push(new Array<number>(100_000).fill(1));
  },
};

export type HostileTasks = typeof TASKS;

export default answer(TASKS);
