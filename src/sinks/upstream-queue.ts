/**
 * The summaries that are not settled yet, in the order of the log, and how far everything is. Memory only: rebuilt at
 * a start from `summary.sealed`, `summary.acknowledged` and `summary.rejected` behind the cursor.
 */
import type { Event, EventOf } from "../model/event.ts";

export interface QueuedSummary {
  /** Offset of its `summary.sealed`. */
  offset: number;
  /** The name that it was sealed under; undefined when the log does not say. */
  gateway: string | undefined;
  epoch: number;
  seq: number;
  sha256: string;
  sealedMs: number;
  /**
   * `waiting` to be sent; `flying`: sent, holds a place in the window; `resting`: unanswered while others are answered,
   * so it waits outside of the window for its next turn; `answered`: its fate is known and on its way into the log; `settled` durably.
   */
  state: "waiting" | "flying" | "resting" | "answered" | "settled";
  /** Sends without an answer, counted from the last reconnect. */
  attempts: number;
  /** How many others had been settled when it was first sent. */
  settledBefore: number;
  der: Uint8Array | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class UpstreamQueue {
  /** By number; the order of insertion is the order of the log. */
  readonly #items = new Map<string, QueuedSummary>();
  readonly #bySha256 = new Map<string, QueuedSummary>();
  #toSend: QueuedSummary[] = [];
  #unsettled = 0;
  #cursor = 0;

  /** Everything through `cursor` was settled in an earlier run. */
  startAt(cursor: number): void {
    this.#cursor = cursor;
  }

  /** Takes in what the log says. */
  learn(event: Event): void {
    if (event.type === "summary.sealed") this.#add(event);
    if (event.type !== "summary.acknowledged" && event.type !== "summary.rejected") return;
    const item = this.#items.get(numberOf(event.body));
    if (item) this.settle(item);
  }

  #add({ offset, atMs, body: { gateway, epoch, seq, sha256 } }: EventOf<"summary.sealed">): void {
    const item: QueuedSummary = {
      ...{ offset, gateway, epoch, seq, sha256 },
      sealedMs: atMs,
      state: "waiting",
      attempts: 0,
      settledBefore: 0,
      der: undefined,
      timer: undefined,
    };
    this.#items.set(numberOf(item), item);
    this.#bySha256.set(sha256, item);
    this.#toSend.push(item);
    this.#unsettled += 1;
  }

  /** Its fate is durable. */
  settle(item: QueuedSummary): void {
    if (item.state === "settled") return;
    clearTimeout(item.timer);
    item.timer = undefined;
    item.der = undefined;
    item.state = "settled";
    this.#unsettled -= 1;
  }

  /** The next one to send, taken out of the line. */
  next(): QueuedSummary | undefined {
    for (let item = this.#toSend.shift(); item; item = this.#toSend.shift())
      if (item.state === "waiting") return item;
    return undefined;
  }

  /** Back to the front of the line. */
  again(item: QueuedSummary): void {
    item.state = "waiting";
    this.#toSend.unshift(item);
  }

  bySha256(sha256: string): QueuedSummary | undefined {
    return this.#bySha256.get(sha256);
  }

  byNumber(epoch: number, seq: number): QueuedSummary | undefined {
    return this.#items.get(numberOf({ epoch, seq }));
  }

  inState(...states: QueuedSummary["state"][]): QueuedSummary[] {
    return [...this.#items.values()].filter((item) => states.includes(item.state));
  }

  /** The last `summary.sealed` through which all are settled; those are forgotten. */
  cursor(): number {
    for (const [number, item] of this.#items) {
      if (item.state !== "settled") break;
      this.#items.delete(number);
      this.#bySha256.delete(item.sha256);
      this.#cursor = item.offset;
    }
    return this.#cursor;
  }

  get pending(): number {
    return this.#unsettled;
  }

  /** When the oldest unsettled one was sealed, depot time in ms. */
  get oldestMs(): number | undefined {
    for (const item of this.#items.values()) if (item.state !== "settled") return item.sealedMs;
    return undefined;
  }
}

const numberOf = ({ epoch, seq }: { epoch: number; seq: number }): string => `${epoch}:${seq}`;
