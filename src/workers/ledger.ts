/**
 * The main thread's side of the ledger. Sends at once, collects while batches fly (at most 512 messages a batch, two
 * batches in flight), keeps every batch until it is answered, and survives the death of the thread: the oldest
 * unanswered batch goes first to the next one.
 */
import { EventEmitter } from "node:events";
import { Piscina } from "piscina";
import type { Attachment, LogWriter, Placed } from "../log/log-store.ts";
import type { NewEvent } from "../model/event.ts";
import type { Authorization, Rejected } from "../model/messages.ts";
import {
  type Batch,
  type BatchResult,
  type LedgerCall,
  type LedgerSettings,
  type News,
  packMessages,
  type RawMessage,
  type Resumed,
} from "./ledger-protocol.ts";
import type { RunningNews } from "./running-watch.ts";
import type { SubjectAnswers, SubjectAsk } from "./subject-work.ts";
import { threadHeap } from "./thread-heap.ts";

const MAX_MESSAGES = 512;
/** Batches in flight, with what they become, live through a collection or two: smaller, and each is copied again. */
const YOUNG_MB = 64;
const IN_FLIGHT = 2;
/**
 * A second batch flies beside the first only when it is worth an fsync of its own. A smaller one waits and grows: behind
 * a batch in the thread's queue it would be durable no sooner, and what comes next would wait for both.
 */
const WORTH_AN_FSYNC = 64;
const FULL_RETRY_MS = 250;
/** A stalled disk is waited for; past this the thread is taken for hung. Wire time. */
const HANG_MS = 30_000;
const DEATHS_BEFORE_SPLIT = 3;

interface Waiting {
  n: number;
  messages: RawMessage[];
  done: (() => void)[];
  appends: { events: NewEvent[]; attachments?: Attachment[]; resolve: (placed: Placed[]) => void }[];
  cursors: { name: string; offset: number; resolve: () => void }[];
  sent: boolean;
  deaths: number;
}

interface LedgerEvents {
  /** The log moved. */
  news: [News];
  /** What open sessions cost so far; all of them again after a restart of the thread. */
  running: [RunningNews];
  /** Kept in quarantine; answer the station. */
  rejected: [Rejected & { station: string }];
  authorization: [Authorization & { station: string; evse: number }];
  /** The disk is full (true), or was written again (false). */
  full: [boolean, string];
  /** The thread died and runs again. */
  restarted: [Resumed];
  /** An fsync failed: end the process. */
  fatal: [string];
}

export interface LedgerOptions extends LedgerSettings {
  hangMs?: number;
  /** Heap of the thread in MiB, past which it ends and starts again from the log; default 512. */
  maxHeapMb?: number;
}

export class Ledger extends EventEmitter<LedgerEvents> implements LogWriter {
  readonly #options: LedgerOptions;
  #pool: Piscina<LedgerCall, unknown> | undefined;
  /** Unanswered batches, oldest first; the last one may still be collecting. */
  readonly #queue: Waiting[] = [];
  /** Rises over restarts of the process too, so that a batch number is never met twice in the log. */
  #next = Date.now() * 1000;
  #flying = 0;
  #state: "stopped" | "running" | "recovering" | "full" = "stopped";
  #scheduled = false;
  #isFull = false;

  constructor(options: LedgerOptions) {
    super();
    this.#options = options;
  }

  /** Opens the log (creating it if need be) and folds what was not folded yet. */
  async start(): Promise<Resumed> {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const { hangMs: _, maxHeapMb = 512, ...workerData } = this.#options;
    this.#pool = new Piscina({
      filename: new URL(`./ledger-thread.${extension}`, import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: IN_FLIGHT,
      // With Atomics the thread would sleep in a wait between tasks and never fold or tick.
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: threadHeap(maxHeapMb, YOUNG_MB),
      workerData,
    });
    this.#pool.on("message", (message: News | RunningNews | { kind: "fatal"; why: string }) => {
      if (!("kind" in message)) this.emit("news", message);
      else if (message.kind === "running") this.emit("running", message);
      else this.emit("fatal", message.why);
    });
    this.#pool.on("error", () => undefined);
    const resumed = await this.#resume();
    this.#state = "running";
    return resumed;
  }

  /** Waits for what is under way; not for a disk that takes nothing, since nobody was promised what it holds up. */
  async stop(): Promise<void> {
    while (this.#queue.length > 0 && !this.#isFull) await new Promise((resolve) => setTimeout(resolve, 2));
    this.#state = "stopped";
    await this.#pool?.close();
  }

  /** Messages acknowledged since start: stored, known already, or kept in quarantine. */
  acknowledged = 0;

  /** Messages accepted and not yet durable. */
  get pending(): number {
    let n = 0;
    for (const batch of this.#queue) n += batch.messages.length;
    return n;
  }

  /** `done` is called once the message is durable (or known, or quarantined), in the order of the calls. */
  accept(message: RawMessage, done: () => void): void {
    const batch = this.#open();
    batch.messages.push(message);
    batch.done.push(done);
    this.#schedule();
  }

  append(events: NewEvent[], attachments?: Attachment[]): Promise<Placed[]> {
    return new Promise((resolve) => {
      this.#open().appends.push({ events, ...(attachments ? { attachments } : {}), resolve });
      this.#schedule();
    });
  }

  commitCursor(name: string, offset: number): Promise<void> {
    return new Promise((resolve) => {
      this.#open().cursors.push({ name, offset, resolve });
      this.#schedule();
    });
  }

  /**
   * Work on a subject, between batches. @throws when the thread dies meanwhile: nobody knows how far it came, and
   * what was begun is finished at the next start.
   */
  async subject<What extends SubjectAsk["what"]>(
    ask: Extract<SubjectAsk, { what: What }>,
  ): Promise<SubjectAnswers[What]> {
    if (!this.#pool) throw new Error("the ledger is not started");
    try {
      return (await this.#pool.run({ kind: "subject", ask })) as SubjectAnswers[What];
    } catch (error) {
      // The thread is gone: batches in flight find out by themselves, without one nobody else would.
      if (this.#state === "running") this.#state = "recovering";
      if (this.#flying === 0 && this.#state === "recovering") void this.#recover();
      throw error;
    }
  }

  /** The batch that still collects. */
  #open(): Waiting {
    const last = this.#queue.at(-1);
    if (last && !last.sent && last.deaths === 0 && last.messages.length < MAX_MESSAGES) return last;
    const batch: Waiting = {
      n: this.#next++,
      messages: [],
      done: [],
      appends: [],
      cursors: [],
      sent: false,
      deaths: 0,
    };
    this.#queue.push(batch);
    return batch;
  }

  /** At the end of the loop's turn: what arrived together from all sockets travels together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#state !== "running") return;
    for (const batch of this.#queue) {
      if (this.#flying >= IN_FLIGHT) return;
      if (batch.sent) continue;
      if (this.#flying > 0 && batch.messages.length < WORTH_AN_FSYNC) return;
      void this.#send(batch);
    }
  }

  async #send(batch: Waiting): Promise<void> {
    batch.sent = true;
    this.#flying += 1;
    const packed = packMessages(batch.messages);
    const call: Batch = {
      n: batch.n,
      packed,
      appends: batch.appends.map(({ resolve: _, ...a }) => a),
      cursors: batch.cursors.map((c) => [c.name, c.offset]),
    };
    let result: BatchResult | undefined;
    // Not AbortSignal.timeout: that goes on counting after the answer, and makes an error of every batch in the end.
    const hung = new AbortController();
    const patience = setTimeout(() => hung.abort(), this.#options.hangMs ?? HANG_MS);
    try {
      result = (await this.#pool?.run(
        { kind: "batch", batch: call },
        { transferList: [packed.buffer], signal: hung.signal },
      )) as BatchResult;
    } catch {
      // The thread is gone (thrown, exited, hung and killed); what it had is sent again.
    }
    clearTimeout(patience);
    this.#flying -= 1;
    this.#answered(batch, result);
  }

  #answered(batch: Waiting, result: BatchResult | undefined): void {
    if (result?.kind === "committed") {
      this.#settle(batch, result);
    } else {
      batch.sent = false;
      if (result?.kind === "fatal") this.emit("fatal", result.why);
      else if (result?.kind === "full") {
        this.#state = "full";
        this.#setFull(true, result.why);
      } else if (result === undefined) {
        this.#state = "recovering";
        if (batch === this.#queue[0]) batch.deaths += 1;
      }
    }
    if (this.#flying > 0) return;
    if (this.#state === "recovering") void this.#recover();
    else if (this.#state === "full") this.#waitForSpace();
    else this.#pump();
  }

  #settle(batch: Waiting, result: Extract<BatchResult, { kind: "committed" }>): void {
    this.#queue.splice(this.#queue.indexOf(batch), 1);
    if (this.#isFull) this.#setFull(false, "");
    this.acknowledged += batch.done.length;
    for (const done of batch.done) done();
    for (const [i, append] of batch.appends.entries()) append.resolve(result.placed[i] ?? []);
    for (const cursor of batch.cursors) cursor.resolve();
    for (const rejected of result.rejected) this.emit("rejected", rejected);
    for (const authorization of result.authorizations) this.emit("authorization", authorization);
    this.emit("news", result.news);
    if (this.#state === "running") this.#pump();
  }

  #setFull(full: boolean, why: string): void {
    if (this.#isFull === full) return;
    this.#isFull = full;
    this.emit("full", full, why);
  }

  #waitForSpace(): void {
    setTimeout(() => {
      if (this.#state !== "full") return;
      this.#state = "running";
      this.#pump();
    }, FULL_RETRY_MS);
  }

  async #recover(): Promise<void> {
    this.#isolatePoison();
    try {
      const resumed = await this.#resume();
      this.emit("restarted", resumed);
      this.#state = "running";
      this.#pump();
    } catch {
      setTimeout(() => void this.#recover(), FULL_RETRY_MS);
    }
  }

  async #resume(): Promise<Resumed> {
    const next = this.#queue[0]?.n ?? this.#next;
    return (await this.#pool?.run({ kind: "resume", next })) as Resumed;
  }

  /** A batch that killed the thread three times goes one message at a time; a single one is kept unread. */
  #isolatePoison(): void {
    const oldest = this.#queue[0];
    if (!oldest || oldest.deaths < DEATHS_BEFORE_SPLIT) return;
    if (oldest.messages.length === 1 && oldest.appends.length === 0) {
      (oldest.messages[0] as RawMessage).poison = true;
      return;
    }
    const first = { ...oldest, messages: [] as RawMessage[], done: [] as (() => void)[] };
    const singles = oldest.messages.map((message, i) => ({
      ...oldest,
      messages: [message],
      done: [oldest.done[i] as () => void],
      appends: [],
      cursors: [],
      deaths: 0,
    }));
    const keepsAppends = first.appends.length + first.cursors.length > 0;
    this.#queue.splice(0, 1, ...(keepsAppends ? [first, ...singles] : singles));
    // Numbers must rise without holes from the oldest on: nothing behind it has been answered.
    for (const [i, batch] of this.#queue.entries()) batch.n = oldest.n + i;
    this.#next = oldest.n + this.#queue.length;
  }
}
