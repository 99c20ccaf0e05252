/**
 * The log on SQLite (WAL, synchronous=FULL): one writer, one transaction and one fsync a group. Memory (head, chain)
 * moves only after COMMIT, so that after any failure it equals what is on disk.
 */
import { DatabaseSync } from "node:sqlite";
import { type NewEvent, SAMPLE_TYPES } from "../model/event.ts";
import { factLink, sampleLink, sha256 } from "./chain.ts";
import type { FoldSnapshot, Group, Head, LogStore, Placed } from "./log-store.ts";
import { assertSqliteVersion, prepareWriter } from "./schema.ts";
import { SqliteReader } from "./sqlite-reader.ts";

export interface SqliteStoreOptions {
  /** Never number at or below this: the high-water mark of a log that lost rows. */
  highWater?: number;
}

/** How many rows one prune step deletes in a transaction: short enough to stand between two batches. */
const PRUNE_STEP = 5_000;

export class SqliteStore extends SqliteReader implements LogStore {
  #head: Head;

  constructor(db: DatabaseSync, options: SqliteStoreOptions = {}) {
    super(db);
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

  /**
   * The last sample that arrived before an instant, 0 when there is none. Arrival rises with the offset (but for clock
   * steps), so bisecting needs no index over every sample.
   */
  lastSampleBefore(atMs: number): number {
    const at = this.statement("SELECT offset, at_ms FROM sample WHERE offset >= ? ORDER BY offset LIMIT 1");
    const first = at.get(0) as { offset: number; at_ms: number } | undefined;
    if (!first || first.at_ms >= atMs) return 0;
    let low = first.offset;
    let high = this.#head.offset + 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const row = at.get(middle) as { offset: number; at_ms: number } | undefined;
      if (row && row.at_ms < atMs) low = row.offset;
      else high = middle;
    }
    return low;
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
    const digest = this.beginPruneNow(offset, atMs);
    if (digest === undefined) return 0;
    let rows = 0;
    for (let step = this.pruneStepNow(offset); step > 0; step = this.pruneStepNow(offset)) rows += step;
    return rows;
  }

  /**
   * Keeps one-minute aggregates of the samples through `offset` and records the prefix as pruned. The rows themselves
   * go in steps (`pruneStepNow`); `verify` ignores whatever of the prefix is still there.
   */
  beginPruneNow(offset: number, atMs: number): string | undefined {
    const last = this.statement(
      "SELECT offset, hash FROM sample WHERE offset <= ? ORDER BY offset DESC LIMIT 1",
    ).get(offset) as { offset: number; hash: string } | undefined;
    if (!last) return undefined;
    const { n } = this.statement("SELECT count(*) AS n FROM sample WHERE offset <= ?").get(offset) as {
      n: number;
    };
    this.statement(AGGREGATE_MINUTES).run(offset);
    this.commitNow({
      events: [
        {
          type: "samples.pruned",
          atMs,
          station: null,
          key: `samples.pruned:${last.offset}`,
          body: { through: last.offset, digest: last.hash, rows: n },
        },
      ],
    });
    return last.hash;
  }

  /** Deletes up to 5,000 rows of the pruned prefix; 0 when none is left. */
  pruneStepNow(offset: number): number {
    const { changes } = this.statement(
      `DELETE FROM sample WHERE offset IN (SELECT offset FROM sample WHERE offset <= ? ORDER BY offset LIMIT ${PRUNE_STEP})`,
    ).run(offset);
    if (changes === 0) this.db.exec("PRAGMA incremental_vacuum");
    return Number(changes);
  }
}

const AGGREGATE_MINUTES = `
  INSERT OR REPLACE INTO sample_minute
  SELECT station, body->>'evse', at_ms - at_ms % 60000, count(*), max(body->>'energy_import_wh'),
         avg(body->>'power_w'), max(body->>'power_w')
  FROM sample WHERE offset <= ? AND type = 'meter.sampled' AND station IS NOT NULL
  GROUP BY station, body->>'evse', at_ms - at_ms % 60000`;

/** Opens (and creates or migrates) the log for its one writer. */
export async function openSqliteStore(file: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  return openSqliteStoreNow(file, options);
}

export function openSqliteStoreNow(file: string, options: SqliteStoreOptions = {}): SqliteStore {
  const db = new DatabaseSync(file);
  const { v } = db.prepare("SELECT sqlite_version() AS v").get() as { v: string };
  assertSqliteVersion(v);
  prepareWriter(db, file);
  return new SqliteStore(db, options);
}
