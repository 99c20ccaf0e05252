/**
 * Tables of the log and the migrations that make them. Facts and samples are two tables under one numbering: facts
 * stay, samples are deleted by prefix, and neither leaves holes in the other's pages.
 */
import type { DatabaseSync } from "node:sqlite";

/** Before 3.51.3 a WAL reset could lose commits (sqlite.org/wal.html#walresetbug). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** One step each, run in a transaction of its own; a step never changes once released. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE fact(
    offset INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, type TEXT NOT NULL, station TEXT, key TEXT,
    body TEXT, body_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
  CREATE UNIQUE INDEX fact_key ON fact(key) WHERE key IS NOT NULL;
  CREATE INDEX fact_type ON fact(type, offset);
  CREATE TABLE sample(
    offset INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, type TEXT NOT NULL, station TEXT,
    body TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
  CREATE TABLE attachment(offset INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE cursor(name TEXT PRIMARY KEY, offset INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE fold(name TEXT PRIMARY KEY, version INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE fold_part(
    fold TEXT NOT NULL, part TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY(fold, part)) STRICT, WITHOUT ROWID;
  CREATE TABLE sample_minute(
    station TEXT NOT NULL, evse INTEGER NOT NULL, minute_ms INTEGER NOT NULL, samples INTEGER NOT NULL,
    energy_import_wh INTEGER, power_w_mean REAL, power_w_max REAL,
    PRIMARY KEY(station, evse, minute_ms)) STRICT, WITHOUT ROWID;
  `,
  // The weight of the mean, for minutes that are pruned in more than one step.
  `
  ALTER TABLE sample_minute ADD COLUMN power_samples INTEGER NOT NULL DEFAULT 0;
  UPDATE sample_minute SET power_samples = samples WHERE power_w_mean IS NOT NULL;
  `,
  // What a subject's sessions and bills are, without reading those of all others (subject-trace.ts).
  `
  CREATE INDEX fact_subject
    ON fact(coalesce(body->>'token_ref', body->>'cdr_token', body->'record'->>'token_ref'), offset, type, at_ms, key)
    WHERE type IN ('session.started', 'session.ended', 'session.revised', 'cdr.issued');
  `,
];

/** Thrown when a file was written by a newer release: reading it with older rules could lose what they meant. */
export class SchemaTooNew extends Error {
  constructor(file: string, found: number) {
    super(`${file} has log schema ${found}, this release knows up to ${MIGRATIONS.length}.`);
  }
}

export function assertSqliteVersion(version: string): void {
  const parts = version.split(".").map(Number);
  for (const [i, least] of OLDEST_SQLITE.entries()) {
    const part = parts[i] ?? 0;
    if (part > least) return;
    if (part < least)
      throw new Error(
        `SQLite ${version} can lose commits; ${OLDEST_SQLITE.join(".")} or newer is needed. Use the Node release that package.json pins.`,
      );
  }
}

/**
 * Opens for the one writer. Checkpoints run on a connection of their own, never in the commit path. Writes nothing to a
 * log that exists, so that a gateway starts on a full disk: setting `auto_vacuum` again would be a transaction. What is
 * moved or freed inside of pages is overwritten: a body that retention empties must not stay behind.
 */
export function prepareWriter(db: DatabaseSync, file: string): void {
  const { page_count } = db.prepare("PRAGMA page_count").get() as { page_count: number };
  if (page_count === 0) db.exec("PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL");
  db.exec(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000; PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=FAST; PRAGMA journal_size_limit=16777216; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY",
  );
  migrate(db, file);
}

/** @throws SchemaTooNew. Returns the schema's version. */
export function assertKnownSchema(db: DatabaseSync, file: string): number {
  const row = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (row.user_version > MIGRATIONS.length) throw new SchemaTooNew(file, row.user_version);
  return row.user_version;
}

/** @throws SchemaTooNew. */
export function migrate(db: DatabaseSync, file: string): void {
  for (let version = assertKnownSchema(db, file); version < MIGRATIONS.length; version += 1) {
    db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[version]} PRAGMA user_version=${version + 1}; COMMIT`);
  }
}
