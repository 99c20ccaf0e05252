/**
 * The effect *forget*: the bytes of a summary go some days after the cloud's receipt, with a fact; their hash stays in
 * the log. What was rejected, or never answered, is kept. The log deletes the bytes in the transaction of the fact.
 */
import type { EventOf, NewEvent } from "../model/event.ts";
import type { SinkContext } from "./context.ts";
import { backoffMs, createNap } from "./nap.ts";

export interface ForgetOptions {
  /** Depot days after the receipt. */
  keepDays: number;
}

export interface ForgetSink {
  start(): void;
  stop(): Promise<void>;
}

const CURSOR = "forget";
const DAY_MS = 86_400_000;
const BATCH = 256;
/** Real time between two looks: days are not missed by it. */
const LOOK_MS = 60_000;
const RETRY = { minMs: 1000, maxMs: 60_000 };

export function createForgetSink(context: SinkContext, { keepDays }: ForgetOptions): ForgetSink {
  const { reader, writer, clock, log } = context;
  const nap = createNap();
  let after: number | undefined;
  let stopping = false;
  let running: Promise<void> | undefined;

  async function forgotten({ atMs, body }: EventOf<"summary.acknowledged">): Promise<NewEvent | undefined> {
    const { epoch, seq, sha256 } = body;
    const sealed = await reader.factByKey(`summary.sealed:${epoch}:${seq}`);
    // A restored log may know the receipt alone, and a receipt that retention emptied names nothing.
    if (sealed?.type !== "summary.sealed" || sealed.body.sha256 !== sha256) return undefined;
    return {
      type: "summary.forgotten",
      atMs: Math.max(clock.nowMs(), atMs),
      station: null,
      key: `summary.forgotten:${epoch}:${seq}`,
      body: { epoch, seq, sha256, offset: sealed.offset },
    };
  }

  /** Forgets what is due, at most a batch. Answers how long to wait for the next look, in real ms. */
  async function step(): Promise<number> {
    after ??= await reader.cursor(CURSOR);
    const { events, through } = await reader.read(after, { types: ["summary.acknowledged"], limit: BATCH });
    const receipts = events as EventOf<"summary.acknowledged">[];
    const dueMs = clock.nowMs() - keepDays * DAY_MS;
    // Receipts stand in the order of their time but for a clock that was set back: the next look takes those.
    const firstNotDue = receipts.findIndex(({ atMs }) => atMs > dueMs);
    const due = firstNotDue === -1 ? receipts : receipts.slice(0, firstNotDue);
    const facts = (await Promise.all(due.map(forgotten))).filter((fact) => fact !== undefined);
    if (facts.length > 0) {
      await writer.append(facts);
      log.info({ summaries: facts.length }, "sealed bytes forgotten");
    }
    const done = firstNotDue === -1 ? through : (due.at(-1)?.offset ?? after);
    if (done > after && due.length > 0) await writer.commitCursor(CURSOR, done);
    const more = firstNotDue === -1 && through > after;
    after = done;
    return more ? 0 : LOOK_MS;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping) {
      const ms = await step().then(
        (next) => {
          failures = 0;
          return next;
        },
        (error: unknown) => {
          log.error({ err: error }, "sealed bytes cannot be forgotten");
          return backoffMs(failures++, RETRY);
        },
      );
      if (ms > 0 && !stopping) await nap.sleep(ms);
    }
  }

  return {
    start() {
      running = run();
    },
    async stop() {
      stopping = true;
      nap.wake();
      await running;
    },
  };
}
