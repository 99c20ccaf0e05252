/**
 * Which samples go, and when: those older than `raw_days`, and the oldest ones while the disk is past its share. A
 * prefix is declared by one fact, small enough that its rows are gone soon; its rows go in slices between commits.
 * What was sealed is never touched, nor are samples that a restart would have to fold again. What has expired of facts
 * follows (`retention-facts.ts`).
 */
import { statfsSync } from "node:fs";
import type { SqliteStore } from "../log/sqlite-store.ts";
import type { NewEvent } from "../model/event.ts";
import type { RetentionClocks } from "../model/retention.ts";
import { FactRetention, type FactRetentionSettings } from "./retention-facts.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Share of the disk above which samples go early. */
const DISK_SHARE = 0.8;
/** Where others fill the disk, shedding what little is ours would lose it and help nobody. */
const OWN_SHARE = 0.05;
/** Most offsets in one prefix: a fact for each is nothing beside what goes. */
const PREFIX_MAX = 50_000;
const PREFIX_MIN = 1_000;
/** On a small disk a prefix is a part of what there is, so that no more goes than has to. */
const PREFIX_PART = 16;
/** Pages that are free are what new rows take first; more than this part of the file goes back to the disk. */
const FREE_PART = 8;
const LOOK_MS = 1_000;
/** After a slice the commits have the thread for three times as long as it took. */
const YIELD = 3;

export interface RetentionSettings {
  dir: string;
  rawDays: number;
  /** Sinks that need raw samples, by name of their cursor. */
  timeSeries: readonly string[];
  clocks: RetentionClocks;
  billsCursor: string | null;
  isOnHold: FactRetentionSettings["isOnHold"];
}

export class Retention {
  readonly #store: SqliteStore;
  readonly #settings: RetentionSettings;
  readonly #facts: FactRetention;
  #minute = 0;
  #oldThrough = 0;
  /** Rows of a declared prefix may be left; after a start too. */
  #unfinished = true;

  constructor(store: SqliteStore, settings: RetentionSettings) {
    this.#store = store;
    this.#settings = settings;
    this.#facts = new FactRetention(store, settings);
  }

  /**
   * One slice of work. `declare` commits the fact and answers whether it is durable. Returns how long to leave the
   * thread to others, in ms.
   * @throws the driver's error; nothing of the slice is done then.
   */
  work(nowMs: number, declare: (event: NewEvent) => boolean): number {
    const from = performance.now();
    if (this.#unfinished) this.#unfinished = this.#store.pruneStepNow() > 0;
    else if (!this.#declareNext(nowMs, declare) && !this.#facts.work(nowMs, declare) && !this.#vacuum())
      return LOOK_MS;
    return Math.max(1, YIELD * (performance.now() - from));
  }

  #declareNext(nowMs: number, declare: (event: NewEvent) => boolean): boolean {
    const through = this.#nextThrough(nowMs);
    if (through === 0) return false;
    const event = this.#store.prunedEventNow(through, nowMs, this.#behind(through));
    this.#unfinished = event !== undefined && declare(event);
    return this.#unfinished;
  }

  /** 0 when nothing has to go. */
  #nextThrough(nowMs: number): number {
    const store = this.#store;
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#oldThrough = store.lastSampleBefore(minute * MINUTE_MS - this.#settings.rawDays * DAY_MS);
    }
    const first = store.firstSample;
    if (first === 0) return 0;
    const part = Math.ceil((store.lastOffset - first) / PREFIX_PART);
    const crowdedThrough = this.#isCrowded() ? first + Math.max(PREFIX_MIN, part) : 0;
    const wanted = Math.max(this.#oldThrough, crowdedThrough);
    const through = Math.min(wanted, first + PREFIX_MAX, store.foldedThrough);
    return through < first ? 0 : through;
  }

  #isCrowded(): boolean {
    const { blocks, bavail, bsize } = statfsSync(this.#settings.dir);
    const { size, free } = this.#store.fileBytes;
    const disk = blocks * bsize;
    return bavail * bsize + free < (1 - DISK_SHARE) * disk && size - free > OWN_SHARE * disk;
  }

  #behind(through: number): Record<string, number> | undefined {
    const cursors = this.#settings.timeSeries.map((name) => [name, this.#store.cursorNow(name)] as const);
    const behind = cursors.filter(([, cursor]) => cursor < through);
    return behind.length > 0 ? Object.fromEntries(behind) : undefined;
  }

  #vacuum(): boolean {
    const { size, free } = this.#store.fileBytes;
    if (free * FREE_PART <= size) return false;
    this.#store.vacuumStepNow();
    return this.#store.fileBytes.free < free;
  }
}
