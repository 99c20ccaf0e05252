/**
 * The allocation pool: one thread that runs `allocate` and nothing else, so that it never waits behind a slow task. A
 * task that hangs is ended with its thread, and the next one gets a new thread.
 */
import { Piscina } from "piscina";
import type { Allocation, AllocationInput } from "../rules/allocate.ts";

export interface AllocationPool {
  /** Rejects when the task takes longer than `hungMs` or throws. */
  allocate(input: AllocationInput): Promise<Allocation>;
  /** Ends the thread; a task under way is rejected. */
  close(): Promise<void>;
}

/** Source runs stripped from `.ts` and shipped as `.js`; the thread's file goes with this one. */
const THREAD = new URL(
  import.meta.url.endsWith(".ts") ? "./allocation-thread.ts" : "./allocation-thread.js",
  import.meta.url,
).href;

export function createAllocationPool({ hungMs = 5000, filename = THREAD } = {}): AllocationPool {
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1, maxQueue: 2 });
  return {
    allocate: (input) => pool.run(input, { signal: AbortSignal.timeout(hungMs) }) as Promise<Allocation>,
    close: () => pool.destroy(),
  };
}
