/** The tables of the sealed subject store, and how it is opened so that what is erased leaves no bytes behind. */
import { DatabaseSync } from "node:sqlite";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS subject(
    token_ref TEXT PRIMARY KEY, lookup BLOB NOT NULL UNIQUE, token BLOB NOT NULL, dek BLOB NOT NULL,
    created_ms INTEGER NOT NULL, payer TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS day_key(day TEXT PRIMARY KEY, dek BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sealed(
    ref TEXT PRIMARY KEY, holder TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS sealed_holder ON sealed(holder);
  CREATE TABLE IF NOT EXISTS known_token(
    lookup BLOB PRIMARY KEY, status TEXT NOT NULL, valid_until_ms INTEGER, token_group TEXT, vehicle TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS legal_hold(
    token_ref TEXT PRIMARY KEY, reason TEXT NOT NULL, actor TEXT NOT NULL, since_ms INTEGER NOT NULL,
    until_ms INTEGER) STRICT;
  CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/** Columns that stores of earlier releases lack, by table. */
const ADDED = { known_token: ["token_group", "vehicle"], subject: ["payer"] } as const;

export function openSubjectFile(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  // secure_delete: an erased key must not survive in freed pages.
  db.exec(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000; PRAGMA secure_delete=ON",
  );
  db.exec(SCHEMA);
  for (const [table, columns] of Object.entries(ADDED)) addColumns(db, table, columns);
  return db;
}

/** Under the write lock, since the command line and the gateway may open an old store at the same time. */
function addColumns(db: DatabaseSync, table: string, columns: readonly string[]): void {
  const missing = () => {
    const there = db
      .prepare(`PRAGMA table_info(${table})`)
      .all()
      .map((row) => row.name);
    return columns.filter((name) => !there.includes(name));
  };
  if (missing().length === 0) return;
  db.exec("BEGIN IMMEDIATE");
  for (const name of missing()) db.exec(`ALTER TABLE ${table} ADD COLUMN ${name} TEXT`);
  db.exec("COMMIT");
}

/**
 * Takes what was overwritten out of the write-ahead log and into zeroed pages. False while another connection reads an
 * older state: the bytes are still in the file then.
 */
export function scrubWal(db: DatabaseSync): boolean {
  const { busy } = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number };
  return busy === 0;
}
