/**
 * Makes the outcomes of summaries durable: as many in one append as came while the last one flew. Then, about once a
 * second, the cursor: within a run the facts make it redundant.
 */
import type { NewEvent } from "../model/event.ts";
import type { SinkContext } from "./context.ts";
import { backoffMs, createNap } from "./nap.ts";
import type { QueuedSummary, UpstreamQueue } from "./upstream-queue.ts";

const CURSOR = "upstream";
const CURSOR_MS = 1000;
const APPEND_MAX = 256;
const RETRY = { minMs: 500, maxMs: 30_000 };

export interface Outcomes {
  /** Settles the item in the queue once the fact is durable. */
  add(item: QueuedSummary, event: NewEvent): void;
  /** How many are not durable yet. */
  readonly unsaved: number;
  /** The cursor of the earlier run. */
  cursor(): Promise<number>;
  /** Saves until stopped; rejects never. `saved` is called after each append. */
  run(saved: () => void): Promise<void>;
  /** Ends `run` after one more attempt to save what there is. */
  stop(): void;
}

export function createOutcomes(
  { reader, writer, log }: Pick<SinkContext, "reader" | "writer" | "log">,
  queue: UpstreamQueue,
): Outcomes {
  const nap = createNap();
  let waiting: { item: QueuedSummary; event: NewEvent }[] = [];
  let committed = 0;
  let committedAtMs = Number.NEGATIVE_INFINITY;
  let stopping = false;

  async function append(): Promise<void> {
    const batch = waiting.slice(0, APPEND_MAX);
    await writer.append(batch.map(({ event }) => event));
    waiting = waiting.slice(batch.length);
    for (const { item } of batch) queue.settle(item);
  }

  async function commitCursor(): Promise<void> {
    const cursor = queue.cursor();
    if (cursor > committed) await writer.commitCursor(CURSOR, cursor);
    committed = Math.max(committed, cursor);
    committedAtMs = performance.now();
  }

  /** Answers how long to sleep, in ms. */
  async function step(saved: () => void): Promise<number> {
    if (waiting.length > 0) {
      await append();
      saved();
    }
    const idle = waiting.length === 0;
    if (performance.now() - committedAtMs >= CURSOR_MS || (stopping && idle)) await commitCursor();
    if (!idle) return 0;
    return queue.cursor() > committed ? CURSOR_MS : Number.POSITIVE_INFINITY;
  }

  return {
    add(item, event) {
      waiting.push({ item, event });
      nap.wake();
    },
    get unsaved() {
      return waiting.length;
    },
    async cursor() {
      committed = await reader.cursor(CURSOR);
      return committed;
    },
    async run(saved) {
      let failures = 0;
      for (let last = false; !last; ) {
        try {
          const ms = await step(saved);
          failures = 0;
          last = stopping && ms > 0;
          if (!stopping && ms > 0) await nap.sleep(ms);
        } catch (error) {
          log.error({ err: error }, "outcomes of summaries cannot be saved");
          last = stopping;
          if (!stopping) await nap.sleep(backoffMs(failures++, RETRY));
        }
      }
    },
    stop() {
      stopping = true;
      nap.wake();
    },
  };
}
