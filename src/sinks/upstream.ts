/**
 * Delivers sealed summaries until the cloud's receipt. Its own cursor and window over `summary.sealed`: the stored
 * bytes are sent, and the same bytes again, with back-off and jitter, until a receipt that names their SHA-256.
 * Accepted or rejected, the outcome is a fact; the cursor passes only what is settled. Kill it at any moment: at worst
 * a summary arrives twice, and the cloud tells by its number. Retries run on wire time, ages on depot time.
 */
import { createHash, type KeyObject } from "node:crypto";
import { readReceipt } from "../identity/receipt-signature.ts";
import type { NewEvent } from "../model/event.ts";
import { Receipt } from "../model/summary.ts";
import type { SinkContext } from "./context.ts";
import { backoffMs, createNap } from "./nap.ts";
import { createOutcomes } from "./upstream-outcomes.ts";
import { type QueuedSummary, UpstreamQueue } from "./upstream-queue.ts";
import { describeFailure, SendError, type UpstreamTransport } from "./upstream-transport.ts";
import { createTrouble } from "./upstream-trouble.ts";

export interface UpstreamOptions {
  /** Name of the summaries whose `summary.sealed` does not say it. */
  gateway: string;
  transport: UpstreamTransport;
  /** Who may sign receipts; without keys unsigned ones are taken. */
  receiptKeys?: readonly KeyObject[];
  /** Summaries on their way at once; default 32: with fewer the way there and back is what a backlog waits for. */
  window?: number;
  /** Wire time after which a sent summary without a receipt is sent again, doubling to the maximum; 60 s to 10 min. */
  receiptTimeout?: { minMs: number; maxMs: number };
  /** Wire time after which a failed send is tried again; 1 s to 60 s. */
  retry?: { minMs: number; maxMs: number };
  /** Wire time in trouble before an alert; default 60,000. */
  alertAfterMs?: number;
}

interface UpstreamStatus {
  /** Sealed summaries without an outcome in the log. */
  pending: number;
  /** Offset through which the log was looked at: what was sealed after it is not counted yet. */
  through: number;
  /** Depot seconds since the oldest of them was sealed; null when there is none. */
  oldestUnsentS: number | null;
  inFlight: number;
  connected: boolean;
  lastError: string | null;
}

export interface UpstreamSink {
  start(): void;
  stop(): Promise<void>;
  status(): UpstreamStatus;
}

const TYPES = ["summary.sealed", "summary.acknowledged", "summary.rejected"] as const;
/** News come many times a second; wire time. */
const COLLECT_MS = 20;
/** Outcomes that may wait for the log before sending pauses. */
const UNSAVED_MAX = 1024;

export function createUpstreamSink(context: SinkContext, options: UpstreamOptions): UpstreamSink {
  const { reader, clock, log } = context;
  const { gateway, transport, receiptKeys = [], window = 32, alertAfterMs = 60_000 } = options;
  const receiptTimeout = options.receiptTimeout ?? { minMs: 60_000, maxMs: 600_000 };
  const retry = options.retry ?? { minMs: 1000, maxMs: 60_000 };
  const trouble = createTrouble(context, transport.target, alertAfterMs);
  const queue = new UpstreamQueue();
  const outcomes = createOutcomes(context, queue);
  const nap = createNap();
  let caughtUp = false;
  let scannedThrough = 0;
  let up = false;
  let stopping = false;
  let inFlight = 0;
  let settledCount = 0;
  let filling = false;
  let running: Promise<unknown> | undefined;
  let unsubscribe: () => void = () => {};

  /** Reads what the log has to say; the first time through to the head, so that nothing settled is sent again. */
  async function scan(): Promise<void> {
    let after: number | undefined;
    for (let failures = 0; !stopping; ) {
      try {
        if (after === undefined) {
          after = await outcomes.cursor();
          queue.startAt(after);
        }
        const { events, through } = await reader.read(after, { types: TYPES });
        for (const event of events) queue.learn(event);
        failures = 0;
        const more = through > after;
        after = Math.max(after, through);
        scannedThrough = after;
        if (more) continue;
        // A connection where nothing waits is the end of any trouble; HTTP has none, and shows it by a receipt alone.
        if (!caughtUp && up && queue.pending === 0) trouble.over();
        caughtUp = true;
        void fill();
        await nap.sleep(Number.POSITIVE_INFINITY);
        if (!stopping) await new Promise((resolve) => setTimeout(resolve, COLLECT_MS));
      } catch (error) {
        await nap.sleep(logTrouble(error, failures++));
      }
    }
  }

  /** Sends as long as there is room in the window. */
  async function fill(): Promise<void> {
    if (filling) return;
    filling = true;
    try {
      while (up && caughtUp && !stopping && inFlight < window && outcomes.unsaved < UNSAVED_MAX) {
        const item = queue.next();
        if (!item) break;
        item.state = "flying";
        item.settledBefore = settledCount;
        inFlight += 1;
        await load(item).catch((error: unknown) => {
          land(item);
          queue.again(item);
          setTimeout(() => void fill(), logTrouble(error, 0)).unref();
          throw error;
        });
        if (item.state === "flying" && up) send(item);
      }
    } catch {
      // The log could not be read; told already, and tried again by the timer above.
    } finally {
      filling = false;
    }
  }

  /** The stored bytes. What does not match its hash is never sent: it is settled as rejected, and someone is told. */
  async function load(item: QueuedSummary): Promise<void> {
    const der = await reader.attachment(item.offset);
    if (der && createHash("sha256").update(der).digest("hex") === item.sha256) {
      item.der = der;
      return;
    }
    const subject = `summary ${item.epoch}:${item.seq}`;
    const reason = "not sent: its bytes in the log are missing or do not match their SHA-256";
    context.alerts.raise({
      id: `log_damaged:${item.epoch}:${item.seq}`,
      kind: "log_damaged",
      severity: "critical",
      subject,
      cause: reason,
    });
    answer(item, "summary.rejected", reason);
  }

  function send(item: QueuedSummary): void {
    const { gateway: name = gateway, epoch, seq, sha256, der } = item;
    if (der === undefined) return;
    clearTimeout(item.timer);
    item.timer = setTimeout(() => unanswered(item), backoffMs(item.attempts, receiptTimeout));
    item.attempts += 1;
    transport.send({ gateway: name, epoch, seq, sha256, der }).catch((error: unknown) => {
      // While the connection is down everything in flight fails; it is sent again when it is up.
      if (item.state !== "flying" || !up || stopping) return;
      trouble.met(describeFailure(error));
      log.warn({ err: error, epoch, seq }, "summary could not be sent");
      clearTimeout(item.timer);
      const asked = error instanceof SendError ? error.retryAfterMs : 0;
      const ms = Math.max(asked, backoffMs(item.attempts - 1, retry));
      if (!rested(item, ms)) item.timer = setTimeout(() => send(item), ms);
    });
  }

  function unanswered(item: QueuedSummary): void {
    // While the connection is down there is nothing to expect; it is sent again when it is up.
    if (item.state !== "flying" || !up) return;
    trouble.met(`no receipt for summary ${item.epoch}:${item.seq} after ${item.attempts} sends`);
    if (!rested(item, backoffMs(item.attempts, receiptTimeout))) send(item);
  }

  /** Where the cloud settles others, one that it leaves unsettled must not hold a place that they could use. */
  function rested(item: QueuedSummary, ms: number): boolean {
    if (settledCount === item.settledBefore) return false;
    land(item);
    item.state = "resting";
    item.der = undefined;
    item.timer = setTimeout(() => returned(item), ms);
    void fill();
    return true;
  }

  function returned(item: QueuedSummary): void {
    clearTimeout(item.timer);
    queue.again(item);
    void fill();
  }

  function land(item: QueuedSummary): void {
    if (item.state === "flying") inFlight -= 1;
  }

  function received(message: unknown): void {
    const read = readReceipt(message, receiptKeys);
    if ("fault" in read) {
      trouble.met(`a receipt ${read.fault}`);
      log.warn({ fault: read.fault }, "a receipt was not taken");
      return;
    }
    const { data: receipt } = Receipt.safeParse(read.claims);
    if (!receipt) {
      trouble.met("a receipt was not understood");
      return;
    }
    const { epoch, seq, sha256, status } = receipt;
    const item = queue.bySha256(sha256);
    if (!item) {
      const named = epoch !== undefined && seq !== undefined ? queue.byNumber(epoch, seq) : undefined;
      // A receipt that comes twice is of something settled; one of other bytes under our number is not an answer.
      if (named && named.state !== "settled" && receipt.gateway === (named.gateway ?? gateway)) {
        trouble.met(`the receipt for summary ${epoch}:${seq} names other bytes`);
        log.warn({ epoch, seq, sha256 }, "receipt names other bytes; sending again");
      }
      return;
    }
    if (item.state === "answered" || item.state === "settled") return;
    const isOurs = receipt.gateway === (item.gateway ?? gateway);
    const names = isOurs && epoch === item.epoch && seq === item.seq;
    const unnamed = receipt.gateway === undefined && epoch === undefined && seq === undefined;
    if (!names && !(unnamed && status === "rejected")) {
      const what = unnamed ? "lacks gateway, epoch and seq" : "names another";
      trouble.met(`the receipt for summary ${item.epoch}:${item.seq} ${what}`);
      return;
    }
    trouble.over();
    if (status === "accepted") answer(item, "summary.acknowledged", read.jws);
    else rejected(item, receipt.reason ?? "no reason given");
  }

  function rejected(item: QueuedSummary, reason: string): void {
    log.error({ epoch: item.epoch, seq: item.seq, reason }, "the cloud rejected a summary");
    context.alerts.raise({
      id: `summary_rejected:${item.epoch}:${item.seq}`,
      kind: "summary_rejected",
      severity: "critical",
      subject: `summary ${item.epoch}:${item.seq}`,
      cause: reason,
    });
    answer(item, "summary.rejected", reason);
  }

  /** The fate is known: the window moves on, the fact goes to the log. */
  function answer(
    item: QueuedSummary,
    type: "summary.acknowledged" | "summary.rejected",
    /** The signed receipt of an acceptance, the reason of a refusal. */
    text?: string,
  ): void {
    const { epoch, seq, sha256 } = item;
    land(item);
    clearTimeout(item.timer);
    item.state = "answered";
    item.der = undefined;
    settledCount += 1;
    const common = { atMs: clock.nowMs(), station: null, key: `${type}:${epoch}:${seq}` };
    const event: NewEvent =
      type === "summary.acknowledged"
        ? { ...common, type, body: { epoch, seq, sha256, ...(text ? { receipt_jws: text } : {}) } }
        : { ...common, type, body: { epoch, seq, sha256, reason: text ?? "" } };
    outcomes.add(item, event);
    void fill();
  }

  function logTrouble(error: unknown, attempt: number): number {
    log.error({ err: error }, "upstream cannot use the log");
    return backoffMs(attempt, retry);
  }

  return {
    start() {
      unsubscribe = context.wake(nap.wake);
      running = Promise.all([scan(), outcomes.run(() => void fill())]);
      transport.start({
        up() {
          up = true;
          log.info({ target: transport.target }, "upstream connected");
          const open = queue.inState("flying");
          if (caughtUp && open.length === 0) trouble.over();
          for (const item of open) {
            item.attempts = 0;
            send(item);
          }
          for (const item of queue.inState("resting").reverse()) returned(item);
          void fill();
        },
        down(error) {
          up = false;
          trouble.met(describeFailure(error));
          log.warn({ err: error, target: transport.target }, "upstream disconnected");
        },
        receipt: received,
      });
    },
    async stop() {
      stopping = true;
      unsubscribe();
      trouble.stop();
      for (const item of queue.inState("flying", "resting")) clearTimeout(item.timer);
      await transport.stop();
      nap.wake();
      outcomes.stop();
      await running;
    },
    status() {
      const { oldestMs, pending } = queue;
      const oldestUnsentS = oldestMs === undefined ? null : Math.max(0, (clock.nowMs() - oldestMs) / 1000);
      return {
        pending,
        through: scannedThrough,
        oldestUnsentS,
        inFlight,
        connected: up,
        lastError: trouble.lastError,
      };
    },
  };
}
