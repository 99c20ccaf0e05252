/**
 * Runs the folds over the log, in order, beside the commits: what events of one group give is committed with the next
 * group. A snapshot always commits together with everything emitted up to its offset, so that restarting from it
 * loses nothing; folding again emits facts whose keys the log already has.
 */
import type { Event, NewEvent } from "../model/event.ts";
import type { Fold, FoldOutput } from "../model/fold.ts";
import type { FoldSnapshot } from "./log-store.ts";

interface Running {
  fold: Fold;
  parts: Map<string, unknown>;
  touched: Set<string>;
  out: FoldOutput;
}

export class FoldRunner {
  readonly #folds: Running[];
  readonly #queue: Event[] = [];
  #head = 0;
  #through = 0;
  #emitted: NewEvent[] = [];

  constructor(folds: readonly Fold[]) {
    this.#folds = folds.map((fold) => {
      const touched = new Set<string>();
      const out: FoldOutput = {
        emit: (event) => void this.#emitted.push(event),
        touched: (part) => void touched.add(part),
      };
      return { fold, parts: new Map(), touched, out };
    });
  }

  /**
   * Takes the snapshots that still mean the same; returns the offset after which the log has to be folded again.
   * All folds restart from one offset, so one stale snapshot restarts all.
   */
  restore(snapshotOf: (fold: string) => FoldSnapshot | undefined): number {
    const found = this.#folds.map((r) => snapshotOf(r.fold.name));
    const usable = found.every((s, i) => s && s.version === this.#folds[i]?.fold.version);
    const offset = found[0]?.offset ?? 0;
    if (!usable || found.some((s) => s?.offset !== offset)) return 0;
    for (const [i, running] of this.#folds.entries()) {
      running.parts = new Map(found[i]?.parts as Map<string, unknown>);
    }
    this.#through = offset;
    return offset;
  }

  /** Queues committed events. */
  feed(events: readonly Event[]): void {
    for (const event of events) this.#queue.push(event);
  }

  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** Offset up to which everything has been folded. */
  get through(): number {
    return this.#through;
  }

  /** The state of a fold, folded so far; empty when there is no such fold. Not to be changed. */
  partsOf(fold: string): ReadonlyMap<string, unknown> {
    return this.#folds.find((r) => r.fold.name === fold)?.parts ?? new Map();
  }

  get hasEmitted(): boolean {
    return this.#emitted.length > 0;
  }

  /** Folds for at most `budgetMs`; returns whether events are left. A throw means a broken rule: the thread must end. */
  work(budgetMs: number): boolean {
    const until = performance.now() + budgetMs;
    while (this.#head < this.#queue.length) {
      // Looking at the clock costs as much as folding a sample, so it is asked every 32 events.
      for (let i = 0; i < 32 && this.#head < this.#queue.length; i += 1) {
        this.#apply(this.#queue[this.#head] as Event);
        this.#head += 1;
      }
      if (performance.now() > until) break;
    }
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    }
    return this.waiting > 0;
  }

  #apply(event: Event): void {
    for (const { fold, parts, out } of this.#folds) fold.apply(parts, event, out);
    this.#through = event.offset;
  }

  /** What was emitted and not yet committed. Call `committed()` once the group that carries it is durable. */
  emitted(): NewEvent[] {
    return this.#emitted;
  }

  /** Parts changed since the last committed snapshot, at the offset folded so far. */
  snapshots(): FoldSnapshot[] {
    return this.#folds.map(({ fold, parts, touched }) => ({
      fold: fold.name,
      version: fold.version,
      offset: this.#through,
      parts: new Map([...touched].map((part) => [part, parts.get(part) ?? null])),
    }));
  }

  /** The first `events` emitted are durable, and the snapshots too if `withSnapshots`. */
  committed(events: number, withSnapshots: boolean): void {
    this.#emitted = this.#emitted.slice(events);
    if (withSnapshots) for (const running of this.#folds) running.touched.clear();
  }
}
