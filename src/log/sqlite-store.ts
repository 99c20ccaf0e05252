/**
 * The log on SQLite (WAL, synchronous=FULL): one writer, one transaction and one fsync a group. Memory (head, chain)
 * moves only after COMMIT, so that after any failure it equals what is on disk.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type NewEvent, SAMPLE_TYPES } from "../model/event.ts";
import { factLink, sampleLink, sha256 } from "./chain.ts";
import { Emptying } from "./emptying.ts";
import type { FoldSnapshot, Group, Head, LogStore, Placed } from "./log-store.ts";
import { KEEP_MINUTES } from "./minutes.ts";
import { assertSqliteVersion, prepareWriter } from "./schema.ts";
import { SqliteReader } from "./sqlite-reader.ts";

export interface SqliteStoreOptions {
  /** Never number at or below this: the high-water mark of a log that lost rows. */
  highWater?: number;
}

/** How many rows one prune step takes in a transaction: short enough to stand between two batches. */
const PRUNE_STEP = 1_000;

/** Frames, of 4 KB each: 16 MB; few enough to write between two batches; 24 MB. */
const WAL_LONG = 4_096;
const WAL_NEARLY = 1_024;
const WAL_TOO_LONG = 6_144;

export class SqliteStore extends SqliteReader implements LogStore {
  /** Bodies that retention lets go. */
  readonly emptying: Emptying;
  #head: Head;

  constructor(db: DatabaseSync, options: SqliteStoreOptions = {}) {
    super(db);
    this.emptying = new Emptying(db);
    const head = this.readHead();
    this.#head = {
      offset: Math.max(head.offset, options.highWater ?? 0),
      factHash: head.factHash,
      sampleHash: head.sampleHash,
    };
  }

  async commit(group: Group): Promise<Placed[]> {
    return this.commitNow(group);
  }

  /** The last offset given out. */
  get lastOffset(): number {
    return this.#head.offset;
  }

  get headNow(): Head {
    return this.#head;
  }

  /** The last sample that arrived before an instant, 0 when there is none. */
  lastSampleBefore(atMs: number): number {
    return this.lastBefore("sample", atMs);
  }

  /**
   * Synchronous form for the thread that owns the store.
   * @throws the driver's error after a rollback; the store's memory is as before the call.
   */
  commitNow(group: Group): Placed[] {
    const stage = { ...this.#head };
    this.db.exec("BEGIN IMMEDIATE");
    try {
      const placed = group.events.map((event) => this.#insert(event, stage));
      for (const { event, bytes } of group.attachments ?? []) this.#attach(placed[event], bytes);
      for (const event of group.events)
        if (event.type === "summary.forgotten") this.#detach(event.body.offset);
      for (const [name, offset] of group.cursors ?? []) this.#moveCursor(name, offset);
      for (const snapshot of group.snapshots ?? []) this.#saveSnapshot(snapshot);
      this.db.exec("COMMIT");
      this.#head = stage;
      return placed;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  #insert(event: NewEvent, stage: Head): Placed {
    const isSample = SAMPLE_TYPES.has(event.type);
    if (!isSample && event.key !== null) {
      const first = this.statement("SELECT offset FROM fact WHERE key = ?").get(event.key) as
        | { offset: number }
        | undefined;
      if (first) return { offset: first.offset, duplicate: true };
    }
    const offset = stage.offset + 1;
    const row = { offset, at_ms: Math.round(event.atMs), type: event.type, station: event.station };
    const body = JSON.stringify(event.body);
    if (isSample) {
      const link = sampleLink(stage.sampleHash, row, body);
      this.statement("INSERT INTO sample VALUES (?,?,?,?,?,?)").run(
        offset,
        row.at_ms,
        event.type,
        event.station,
        body,
        link,
      );
      stage.sampleHash = link;
    } else {
      const bodyHash = sha256(body);
      const link = factLink(stage.factHash, row, event.key, bodyHash);
      this.statement("INSERT INTO fact VALUES (?,?,?,?,?,?,?,?)").run(
        offset,
        row.at_ms,
        event.type,
        event.station,
        event.key,
        body,
        bodyHash,
        link,
      );
      stage.factHash = link;
    }
    stage.offset = offset;
    return { offset, duplicate: false };
  }

  #attach(placed: Placed | undefined, bytes: Uint8Array): void {
    if (!placed || placed.duplicate) return;
    this.statement("INSERT INTO attachment VALUES (?,?)").run(placed.offset, bytes);
  }

  /** Overwritten first: deleted bytes stay in free pages until something else needs those. */
  #detach(offset: number): void {
    this.statement("UPDATE attachment SET bytes = zeroblob(length(bytes)) WHERE offset = ?").run(offset);
    this.statement("DELETE FROM attachment WHERE offset = ?").run(offset);
  }

  #moveCursor(name: string, offset: number): void {
    this.statement(
      "INSERT INTO cursor VALUES (?1,?2) ON CONFLICT(name) DO UPDATE SET offset=max(offset, ?2)",
    ).run(name, offset);
  }

  #saveSnapshot(snapshot: FoldSnapshot): void {
    const { fold, version, offset, parts } = snapshot;
    const known = this.statement("SELECT version FROM fold WHERE name = ?").get(fold) as
      | { version: number }
      | undefined;
    if (known && known.version !== version) {
      this.statement("DELETE FROM fold_part WHERE fold = ?").run(fold);
    }
    this.statement("INSERT OR REPLACE INTO fold VALUES (?,?,?)").run(fold, version, offset);
    for (const [part, state] of parts) {
      if (state === null) this.statement("DELETE FROM fold_part WHERE fold=? AND part=?").run(fold, part);
      else {
        this.statement("INSERT OR REPLACE INTO fold_part VALUES (?,?,?)").run(
          fold,
          part,
          JSON.stringify(state),
        );
      }
    }
  }

  async snapshot(fold: string): Promise<FoldSnapshot | undefined> {
    return this.snapshotNow(fold);
  }

  snapshotNow(fold: string): FoldSnapshot | undefined {
    const row = this.statement("SELECT version, offset FROM fold WHERE name = ?").get(fold) as
      | { version: number; offset: number }
      | undefined;
    if (!row) return undefined;
    const rows = this.statement("SELECT part, state FROM fold_part WHERE fold = ?").all(fold) as {
      part: string;
      state: string;
    }[];
    const parts = new Map(rows.map((r) => [r.part, JSON.parse(r.state)]));
    return { fold, version: row.version, offset: row.offset, parts };
  }

  async prune(offset: number, atMs: number): Promise<number> {
    const event = this.prunedEventNow(offset, atMs);
    if (!event) return 0;
    this.commitNow({ events: [event] });
    let rows = 0;
    for (let step = this.pruneStepNow(); step > 0; step = this.pruneStepNow()) rows += step;
    return rows;
  }

  /**
   * The fact that declares the samples through `offset` pruned; undefined when there are none. Once it is committed the
   * rows go in steps (`pruneStepNow`), and `verify` ignores those that are still there. `behind`: consumers that have
   * not had all of the prefix, and the offset up to which they had it.
   */
  prunedEventNow(offset: number, atMs: number, behind?: Record<string, number>): NewEvent | undefined {
    const last = this.statement(
      "SELECT offset, hash FROM sample WHERE offset <= ? ORDER BY offset DESC LIMIT 1",
    ).get(offset) as { offset: number; hash: string } | undefined;
    if (!last || last.offset <= (this.lastPrune()?.through ?? 0)) return undefined;
    return {
      type: "samples.pruned",
      atMs,
      station: null,
      key: `samples.pruned:${last.offset}`,
      body: { through: last.offset, digest: last.hash, ...(behind && { behind }) },
    };
  }

  /**
   * Turns up to 1,000 rows of the declared prefix into one-minute aggregates, in one transaction: a kill in between
   * leaves rows that the next call takes. Answers how many; 0 when none is left.
   * @throws the driver's error after a rollback.
   */
  pruneStepNow(): number {
    const { through = 0 } = this.lastPrune() ?? {};
    const step = this.statement(
      `SELECT max(offset) AS last FROM (SELECT offset FROM sample WHERE offset <= ? ORDER BY offset LIMIT ${PRUNE_STEP})`,
    ).get(through) as { last: number | null };
    if (step.last === null) return 0;
    this.db.exec("BEGIN IMMEDIATE");
    try {
      this.statement(KEEP_MINUTES).run(step.last);
      const { changes } = this.statement("DELETE FROM sample WHERE offset <= ?").run(step.last);
      this.db.exec("COMMIT");
      return Number(changes);
    } catch (error) {
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * Lets the WAL begin again from its start once it is long. Others checkpoint while this connection goes on writing,
   * so they never reach its end, and it would grow for as long as there is load; only while the writer stands still
   * can the last frames follow. Mostly waits until few are left.
   * @throws the driver's error, of an fsync too.
   */
  limitWalNow(): void {
    const { log, checkpointed } = this.statement("PRAGMA wal_checkpoint(NOOP)").get() as {
      log: number;
      checkpointed: number;
    };
    const left = log - checkpointed;
    if (log < WAL_LONG || left === 0 || (left > WAL_NEARLY && log < WAL_TOO_LONG)) return;
    this.statement("PRAGMA wal_checkpoint(PASSIVE)").get();
  }

  /** The first sample that no declared prefix covers; 0 when there is none. */
  get firstSample(): number {
    const row = this.statement("SELECT offset FROM sample WHERE offset > ? ORDER BY offset LIMIT 1").get(
      this.lastPrune()?.through ?? 0,
    ) as { offset: number } | undefined;
    return row?.offset ?? 0;
  }

  /** Where a start would begin to fold: what comes after it must stay readable. 0 before the first snapshot. */
  get foldedThrough(): number {
    const row = this.statement("SELECT min(offset) AS offset FROM fold").get() as { offset: number | null };
    return row.offset ?? 0;
  }

  /** Size of the file (without WAL) and how much of it is free for rows to come, in bytes. */
  get fileBytes(): { size: number; free: number } {
    const of = (pragma: string) =>
      Object.values(this.statement(`PRAGMA ${pragma}`).get() as Record<string, number>)[0] ?? 0;
    const page = of("page_size");
    return { size: of("page_count") * page, free: of("freelist_count") * page };
  }

  /** Gives at most 256 KB of free pages at the end of the file back to the disk. */
  vacuumStepNow(): void {
    this.db.exec("PRAGMA incremental_vacuum(64)");
  }
}

/** Opens (and creates or migrates) the log for its one writer. */
export async function openSqliteStore(file: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  return openSqliteStoreNow(file, options);
}

export function openSqliteStoreNow(file: string, options: SqliteStoreOptions = {}): SqliteStore {
  // SQLite makes files by the umask, and those beside one with its mode. Only a new file: closing another descriptor of
  // an open database would let go of the process's locks on it (sqlite.org/howtocorrupt.html, 2.2).
  if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
  const db = new DatabaseSync(file);
  const { v } = db.prepare("SELECT sqlite_version() AS v").get() as { v: string };
  assertSqliteVersion(v);
  prepareWriter(db, file);
  return new SqliteStore(db, options);
}
