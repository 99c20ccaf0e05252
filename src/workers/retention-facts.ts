/**
 * Bodies of facts and one-minute aggregates that have expired, clock by clock. Each depot day all of them are looked
 * at again: what a legal hold spared goes when the hold has ended.
 */
import type { EvseRef } from "../log/emptying.ts";
import type { SqliteStore } from "../log/sqlite-store.ts";
import type { EventType, NewEvent } from "../model/event.ts";
import { FACT_CLOCKS, type FactClock, type RetentionClocks, typesOn } from "../model/retention.ts";
import { cutoffMs } from "../rules/retention-cutoffs.ts";

const DAY_MS = 86_400_000;
/** Most offsets in one declaration: counting them must not be felt. */
const DECLARED_MAX = 200_000;

export interface FactRetentionSettings {
  clocks: RetentionClocks;
  /** Cursor that bills must have passed before their bodies go; null where none are sealed. */
  billsCursor: string | null;
  /** Whether a pseudonym is under a legal hold at an instant of depot time. */
  isOnHold(tokenRef: string, nowMs: number): boolean;
}

interface ClockTask {
  clock: FactClock;
  through: number;
  /** Types still to go through, and how far the first of them is. */
  types: EventType[];
  at: number;
}

type Task = ClockTask | { evse: EvseRef; beforeMs: number };

export class FactRetention {
  readonly #store: SqliteStore;
  readonly #settings: FactRetentionSettings;
  #declared: Map<EventType, number> | undefined;
  #day = -1;
  #tasks: Task[] = [];

  constructor(store: SqliteStore, settings: FactRetentionSettings) {
    this.#store = store;
    this.#settings = settings;
  }

  /**
   * One slice; false when there is nothing to do until the next depot day. `declare` commits the fact and answers
   * whether it is durable.
   * @throws the driver's error; nothing of the slice is done then.
   */
  work(nowMs: number, declare: (event: NewEvent) => boolean): boolean {
    const day = Math.floor(nowMs / DAY_MS);
    if (day !== this.#day && this.#tasks.length === 0) {
      this.#tasks = [
        ...FACT_CLOCKS.map((clock) => ({
          clock,
          through: this.#expiredThrough(clock, nowMs),
          types: typesOn(clock),
          at: 0,
        })),
        { evse: { station: "", evse: -1 }, beforeMs: cutoffMs("series", nowMs, this.#settings.clocks) },
      ];
      this.#day = day;
    }
    const [task] = this.#tasks;
    if (!task) return false;
    const isDone = "clock" in task ? !this.#empty(task, nowMs, declare) : !this.#forget(task);
    if (isDone) this.#tasks.shift();
    return true;
  }

  /** Never what a start would have to fold again, nor bills that are not sealed. */
  #expiredThrough(clock: FactClock, nowMs: number): number {
    const { clocks, billsCursor } = this.#settings;
    const expired = this.#store.lastBefore("fact", cutoffMs(clock, nowMs, clocks));
    const sealed =
      clock === "books" && billsCursor !== null ? this.#store.cursorNow(billsCursor) : this.#store.lastOffset;
    return Math.min(expired, this.#store.foldedThrough, sealed);
  }

  /** False when the clock's facts are through. */
  #empty(task: ClockTask, nowMs: number, declare: (event: NewEvent) => boolean): boolean {
    const { emptying } = this.#store;
    if (this.#declaredOf(task.clock) < task.through) return this.#declareNext(task, nowMs, declare);
    const [type] = task.types;
    if (type === undefined) return false;
    task.at = emptying.stepNow(type, task.at, task.through, (body) => this.#isHeld(body, nowMs)).through;
    if (task.at < task.through) return true;
    task.at = 0;
    task.types = task.types.slice(1);
    return true;
  }

  #declareNext(task: ClockTask, nowMs: number, declare: (event: NewEvent) => boolean): boolean {
    const types = typesOn(task.clock);
    const declared = this.#declaredOf(task.clock);
    const next = Math.min(task.through, declared + DECLARED_MAX);
    const event = this.#store.emptying.eventNow(types, declared, next, nowMs);
    if (event && !declare(event)) return false;
    // Where there is nothing to empty the log need not say so.
    for (const type of types) this.#declared?.set(type, next);
    return true;
  }

  #declaredOf(clock: FactClock): number {
    this.#declared ??= this.#store.emptying.declared();
    const through = typesOn(clock).map((type) => this.#declared?.get(type) ?? 0);
    return Math.min(...through);
  }

  #isHeld(body: object, nowMs: number): boolean {
    return this.#peopleIn(body).some((ref) => this.#settings.isOnHold(ref, nowMs));
  }

  /** Pseudonyms in a body; those of its session when it names only that. */
  #peopleIn(body: object): string[] {
    const refs = refsIn(body);
    const { session_id } = body as { session_id?: string };
    if (refs.length > 0 || session_id === undefined) return refs;
    const ended = this.#store.factByKeyNow(`session.ended:${session_id}`);
    return ended ? refsIn(ended.body) : [];
  }

  #forget(task: Extract<Task, { evse: EvseRef }>): boolean {
    const { emptying } = this.#store;
    if (emptying.forgetMinutesNow(task.evse, task.beforeMs) > 0) return true;
    const next = emptying.evseAfter(task.evse);
    if (next) task.evse = next;
    return next !== undefined;
  }
}

/** Fields that hold a pseudonym; the audit trail has it as the object of what was done. */
const REFS: ReadonlySet<string> = new Set(["token_ref", "cdr_token", "object"]);

function refsIn(body: object): string[] {
  return Object.entries(body).flatMap(([name, value]) => {
    if (typeof value === "object" && value !== null) return refsIn(value);
    return typeof value === "string" && REFS.has(name) ? [value] : [];
  });
}
