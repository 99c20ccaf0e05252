/**
 * The allocation pool: one thread that runs `allocate` and nothing else, so that it never waits behind a slow task. A
 * task that hangs is ended with its thread, and the next one gets a new thread.
 */
import { Piscina } from "piscina";
import type { Allocation, AllocationInput } from "../rules/allocate.ts";
import { threadHeap } from "./thread-heap.ts";

export interface AllocationPool {
  /** Rejects when a thread that has started takes longer than `hungMs`, or when the task throws. */
  allocate(input: AllocationInput): Promise<Allocation>;
  /** Ends the thread; a task under way is rejected. */
  close(): Promise<void>;
}

/** Source runs stripped from `.ts` and shipped as `.js`; the thread's file goes with this one. */
const THREAD = new URL(
  import.meta.url.endsWith(".ts") ? "./allocation-thread.ts" : "./allocation-thread.js",
  import.meta.url,
).href;

/** A thread that has not started by then never will. */
const THREAD_START_MS = 60_000;

/** One circuit and nobody to share it: the question whose answer shows that a thread is there. */
const NOBODY: AllocationInput = {
  parent: Int32Array.of(-1),
  roomA: new Float64Array(3),
  circuit: new Int32Array(0),
  lines: new Uint8Array(0),
  minA: new Float64Array(0),
  capA: new Float64Array(0),
  capReason: new Uint8Array(0),
  weight: new Float64Array(0),
  rank: new Uint8Array(0),
  stepA: new Float64Array(0),
};

export function createAllocationPool({ hungMs = 5000, filename = THREAD } = {}): AllocationPool {
  const pool = new Piscina({
    filename,
    minThreads: 1,
    maxThreads: 1,
    maxQueue: 2,
    resourceLimits: threadHeap(128),
  });
  const run = (input: AllocationInput, withinMs: number): Promise<Allocation> =>
    pool.run(input, { signal: AbortSignal.timeout(withinMs) });
  // A dead thread is met where its task is rejected.
  pool.on("error", () => undefined);
  let started: Promise<Allocation> | undefined;
  return {
    // Under load a start takes seconds. Taken for a hung task it would be ended, and the next one start as slowly.
    async allocate(input) {
      try {
        started ??= run(NOBODY, THREAD_START_MS);
        await started;
        return await run(input, hungMs);
      } catch (error) {
        started = undefined;
        throw error;
      }
    },
    close: () => pool.destroy(),
  };
}
