/**
 * Runs one sink: takes events out of the log at least once, in order, with a cursor of its own. The cursor moves only
 * after a delivery was confirmed; a failed delivery is tried again for ever, with back-off, so the log itself is the
 * retry buffer. The next batch is read while one is in flight. Back-off and lingering run on wire time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Event, EventType } from "../model/event.ts";
import type { LogReader } from "./log-store.ts";

export interface Sink {
  /** Names the cursor; never change it once it has run in a depot. */
  readonly name: string;
  /** Only these types are delivered; all when absent. */
  readonly types?: readonly EventType[];
  /** Most events in one delivery. */
  readonly batch: number;
  /** How long to collect when the log has less than a full batch, in ms of wire time (0 when absent). */
  readonly lingerMs?: number;
  /** Where a sink begins that never committed a cursor: at the first event (default) or at the head, skipping old news. */
  readonly startAt?: "beginning" | "head";
  /**
   * Resolves when the outside has confirmed. After a rejection the same events come again, so effects must be
   * idempotent. A sink that holds unfinished work resolves with the offset up to which nothing is owed any more: the
   * cursor stops there, and after a restart the events behind it come again. Without a number all of them are done.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most sinks hold nothing back and are plain async functions
  deliver(events: Event[]): Promise<number | void>;
}

/** A delivery that failed for a known reason. `message` says what is wrong, `fix` what the operator should do. */
export class DeliveryError extends Error {
  readonly code: string;
  readonly fix: string;
  /** How long the other side asked us to stay away, in ms. */
  readonly retryAfterMs: number;

  constructor(
    code: string,
    message: string,
    fix: string,
    options: { retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(`${message} ${fix}`, { cause: options.cause });
    this.name = "DeliveryError";
    this.code = code;
    this.fix = fix;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

export interface SinkError {
  code: string;
  message: string;
  /** Deliveries that failed one after another, this one included. */
  attempts: number;
  /** Wire time, ms since the epoch. */
  sinceMs: number;
}

export interface SinkStatus {
  /** Durable: where a restart begins. */
  cursor: number;
  /** Confirmed by the outside in this run; at or past the cursor. */
  delivered: number;
  /** Events of the log, of any type, that were not handled yet. The head is the last one heard of. */
  lagEvents: number;
  /** Depot time of the oldest event that waits in a delivery that failed; null when none failed. */
  oldestUnsentMs: number | null;
  /** Null again as soon as a delivery succeeds. */
  lastError: SinkError | null;
}

export interface SinkRunnerOptions {
  reader: Pick<LogReader, "head" | "read" | "cursor">;
  commitCursor(name: string, offset: number): Promise<void>;
  /** Calls the listener whenever the log grew, with the new head where known. Returns how to stop that. */
  wake(listener: (head?: number) => void): () => void;
  /** Every failed attempt. Must not throw. */
  onError(name: string, error: Error): void;
  /** Called once when deliveries succeed again. */
  onRecovered?(name: string): void;
  backoff?: { firstMs: number; maxMs: number };
  /** In [0, 1): jitter, so that many gateways do not return in step. */
  random?: () => number;
}

export interface SinkRunner {
  /** Resolves when the first position is known; rejects when the log cannot be read. */
  start(): Promise<void>;
  /** Waits at most `graceMs` for a delivery in flight, commits what is confirmed. */
  stop(graceMs?: number): Promise<void>;
  status(): SinkStatus;
}

/** A cursor that only passed events of other types is made durable this often: it saves scanning, nothing else. */
const IDLE_COMMIT_MS = 5_000;

export function runSink(sink: Sink, options: SinkRunnerOptions): SinkRunner {
  const { reader } = options;
  const backoff = options.backoff ?? { firstMs: 500, maxMs: 30_000 };
  const random = options.random ?? Math.random;
  const read = { limit: sink.batch, ...(sink.types && { types: sink.types }) };

  let cursor = 0;
  let position = 0;
  let held: number | undefined;
  let head = 0;
  let oldestUnsentMs: number | null = null;
  let lastError: SinkError | null = null;
  let lastCommitMs = 0;
  let grew = false;
  let nudge: () => void = () => {};
  let unsubscribe: () => void = () => {};
  let running: Promise<void> | undefined;
  const stopping = new AbortController();
  const stopped = (): boolean => stopping.signal.aborted;

  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);

  async function waitForGrowth(): Promise<void> {
    if (grew || stopped()) return;
    await new Promise<void>((resolve) => {
      // The idle cursor is settled by a timer, because a quiet log wakes nobody.
      const timer = cursor < (held ?? position) ? setTimeout(resolve, IDLE_COMMIT_MS) : undefined;
      nudge = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function failed(error: unknown): number {
    const cause = error instanceof Error ? error : new Error(String(error));
    const code = "code" in cause && typeof cause.code === "string" ? cause.code : "DELIVERY_FAILED";
    const attempts = (lastError?.attempts ?? 0) + 1;
    lastError = { code, message: cause.message, attempts, sinceMs: lastError?.sinceMs ?? Date.now() };
    options.onError(sink.name, cause);
    const ceiling = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempts - 1, 30));
    const asked = error instanceof DeliveryError ? error.retryAfterMs : 0;
    return Math.max(ceiling * (0.5 + random() / 2), asked);
  }

  /** Tries until it works or the sink is stopped; undefined when stopped. */
  async function persist<T>(attempt: () => Promise<T>): Promise<{ value: T } | undefined> {
    while (!stopped()) {
      try {
        const value = await attempt();
        if (lastError && !stopped()) options.onRecovered?.(sink.name);
        lastError = null;
        return { value };
      } catch (error) {
        if (stopped()) return undefined;
        await pause(failed(error));
        head = await reader.head().then(
          (h) => Math.max(head, h.offset),
          () => head,
        );
      }
    }
    return undefined;
  }

  async function commit(): Promise<void> {
    const safe = held ?? position;
    if (safe <= cursor) return;
    await options.commitCursor(sink.name, safe);
    cursor = safe;
    lastCommitMs = performance.now();
  }

  async function run(): Promise<void> {
    let ahead: ReturnType<LogReader["read"]> | undefined;
    while (!stopped()) {
      grew = false;
      const taken = ahead ?? reader.read(position, read);
      ahead = undefined;
      let first: typeof taken | undefined = taken;
      const got = await persist(() => {
        const now = first ?? reader.read(position, read);
        first = undefined;
        return now;
      });
      if (!got) return;
      let { events, through } = got.value;
      head = Math.max(head, through);

      if (sink.lingerMs && events.length > 0 && events.length < sink.batch) {
        await pause(sink.lingerMs);
        if (stopped()) return;
        const more = await persist(() => reader.read(position, read));
        if (!more) return;
        ({ events, through } = more.value);
        head = Math.max(head, through);
      }
      const nothingNew = through === position;
      if (events.length === sink.batch) {
        ahead = reader.read(through, read);
        // Its failure is met, and handled, when the batch is taken up.
        ahead.catch(() => undefined);
      }
      if (events.length > 0) {
        const delivered = await persist(async () => {
          try {
            return await sink.deliver(events);
          } catch (error) {
            oldestUnsentMs = events[0]?.atMs ?? null;
            throw error;
          }
        });
        if (!delivered) return;
        oldestUnsentMs = null;
        held = typeof delivered.value === "number" && delivered.value < through ? delivered.value : undefined;
      }
      position = through;
      if (events.length > 0 || performance.now() - lastCommitMs > IDLE_COMMIT_MS) {
        if (!(await persist(commit))) return;
      }
      if (nothingNew) await waitForGrowth();
    }
  }

  return {
    async start() {
      cursor = await reader.cursor(sink.name);
      head = (await reader.head()).offset;
      position = cursor;
      lastCommitMs = performance.now();
      if (cursor === 0 && sink.startAt === "head" && head > 0) {
        position = head;
        await commit();
      }
      unsubscribe = options.wake((newHead) => {
        grew = true;
        if (newHead !== undefined) head = Math.max(head, newHead);
        nudge();
      });
      running = run();
    },
    async stop(graceMs = 2_000) {
      unsubscribe();
      stopping.abort();
      nudge();
      if (!running) return;
      const grace = new AbortController();
      await Promise.race([
        running,
        sleep(graceMs, undefined, { signal: grace.signal, ref: false }).catch(() => undefined),
      ]);
      grace.abort();
      await commit().catch((error: unknown) => {
        options.onError(sink.name, error instanceof Error ? error : new Error(String(error)));
      });
    },
    status: () => ({
      cursor,
      delivered: position,
      lagEvents: Math.max(0, head - position),
      oldestUnsentMs,
      lastError,
    }),
  };
}
