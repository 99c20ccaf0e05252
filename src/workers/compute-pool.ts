/**
 * The compute pool: tasks of compute-tasks.ts on Piscina threads. A task that runs past its deadline, or whose thread
 * dies, is killed with its thread and run again once on a fresh one.
 */
import { Piscina } from "piscina";
import type { Answer, Call, Started, TaskTable } from "./compute-answer.ts";
import type { ComputeTasks } from "./compute-tasks.ts";
import { threadHeap } from "./thread-heap.ts";

/** A thread that has not taken its task by then is as good as hung. */
const THREAD_START_MS = 60_000;

export interface ComputePoolOptions {
  /** Default 1: the stream has the other core. */
  threads?: number;
  /** From the moment a thread takes the task, in ms of wire time; default 30,000. */
  deadlineMs?: number;
  /** Tasks that may wait for a thread; default 1,000. */
  maxWaiting?: number;
  /** Heap of a thread in MiB; default 256. */
  maxHeapMb?: number;
  /** Module with the tasks, by default compute-tasks.ts. */
  module?: URL;
  /** Called when a thread was lost to a task. */
  onLost?: (task: string, reason: string) => void;
}

export interface ComputePool<Tasks extends TaskTable = ComputeTasks> {
  /** Rejects with the task's own error, or after its second death with one that says how it died. */
  run<Name extends keyof Tasks & string>(
    task: Name,
    input: Parameters<Tasks[Name]>[0],
    options?: { deadlineMs?: number },
  ): Promise<Awaited<ReturnType<Tasks[Name]>>>;
  /** Ends the threads; what still runs or waits is rejected. */
  stop(): Promise<void>;
}

export function createComputePool<Tasks extends TaskTable = ComputeTasks>(
  options: ComputePoolOptions = {},
): ComputePool<Tasks> {
  const { threads = 1, deadlineMs: defaultDeadlineMs = 30_000, maxWaiting = 1000 } = options;
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const module = options.module ?? new URL(`./compute-tasks.${extension}`, import.meta.url);
  let pool: Piscina<Call, Answer> | undefined;
  let free = threads;
  let stopped = false;
  const waiting: { take: () => void; refuse: (error: Error) => void }[] = [];

  let nextId = 1;
  const deadlines = new Map<number, () => void>();

  function start(): Piscina<Call, Answer> {
    const made = new Piscina<Call, Answer>({
      filename: module.href,
      minThreads: 1,
      maxThreads: threads,
      idleTimeout: 60_000,
      resourceLimits: threadHeap(options.maxHeapMb ?? 256),
    });
    made.on("message", ({ started }: Started) => deadlines.get(started)?.());
    // A dead thread is met where its task is rejected.
    made.on("error", () => undefined);
    return made;
  }

  /** A place on a thread. Waiting here and not in Piscina keeps the wait out of the deadline. */
  async function place(): Promise<void> {
    if (stopped) throw new Error("the compute pool is stopped");
    if (free > 0) {
      free -= 1;
      return;
    }
    if (waiting.length >= maxWaiting)
      throw new Error(`${maxWaiting} tasks wait for the compute pool already`);
    await new Promise<void>((take, refuse) => waiting.push({ take, refuse }));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next) next.take();
    else free += 1;
  }

  async function attempt(task: string, input: unknown, deadlineMs: number): Promise<Answer> {
    pool ??= start();
    const id = nextId++;
    const deadline = new AbortController();
    const abort = () => deadline.abort();
    let timer = setTimeout(abort, THREAD_START_MS);
    deadlines.set(id, () => {
      clearTimeout(timer);
      timer = setTimeout(abort, deadlineMs);
    });
    try {
      return await pool.run({ id, task, input }, { signal: deadline.signal });
    } finally {
      clearTimeout(timer);
      deadlines.delete(id);
    }
  }

  function lost(task: string, deadlineMs: number, error: unknown): string {
    const aborted = (error as Error).name === "AbortError";
    const reason = aborted ? `it ran past its deadline of ${deadlineMs} ms` : (error as Error).message;
    options.onLost?.(task, reason);
    return reason;
  }

  async function run(task: string, input: unknown, deadlineMs = defaultDeadlineMs): Promise<unknown> {
    await place();
    try {
      const result = await attempt(task, input, deadlineMs).catch((first: unknown) => {
        if (stopped) throw first;
        lost(task, deadlineMs, first);
        return attempt(task, input, deadlineMs).catch((second: unknown) => {
          if (stopped) throw second;
          const reason = lost(task, deadlineMs, second);
          throw new Error(`compute task ${task} failed twice: ${reason}`);
        });
      });
      if ("error" in result) throw new Error(result.error);
      return result.value;
    } finally {
      leave();
    }
  }

  return {
    run: (task, input, { deadlineMs } = {}) => run(task, input, deadlineMs) as never,
    async stop() {
      stopped = true;
      for (const { refuse } of waiting.splice(0)) refuse(new Error("the compute pool is stopped"));
      await pool?.destroy();
      pool = undefined;
    },
  };
}
