/** The tables of the sealed subject store, and how it is opened so that what is erased leaves no bytes behind. */
import { closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS subject(
    token_ref TEXT PRIMARY KEY, lookup BLOB NOT NULL UNIQUE, token BLOB NOT NULL, dek BLOB NOT NULL,
    created_ms INTEGER NOT NULL) STRICT;
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

/** How long a write waits for another process's, ms. */
const PATIENCE_MS = 10_000;
const SCRUB_PATIENCE_MS = 100;

/** Columns that stores of earlier releases lack, by table. */
const ADDED = { known_token: ["token_group", "vehicle"] } as const;

function opened(file: string): DatabaseSync {
  // SQLite makes files by the umask, and those beside one with its mode. Only a new file: closing another descriptor of
  // an open database would let go of the process's locks on it (sqlite.org/howtocorrupt.html, 2.2).
  if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
  const db = new DatabaseSync(file);
  // secure_delete: an erased key must not survive in freed pages.
  db.exec(
    `PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=${PATIENCE_MS}; PRAGMA secure_delete=ON`,
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

/** The file of the store with its statements and the transaction that a batch collects in. */
export class SubjectFile {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string) {
    this.#db = opened(file);
  }

  sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Opens a transaction for the batch at its first write; `flush` makes it durable before the log refers to it. */
  write(): void {
    if (!this.#db.isTransaction) this.#db.exec("BEGIN IMMEDIATE");
  }

  flush(): void {
    if (this.#db.isTransaction) this.#db.exec("COMMIT");
  }

  discard(): void {
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  /**
   * Takes what was overwritten out of the write-ahead log, into zeroed pages. False while another connection reads an
   * older state: the bytes are still in the file then. Waits for it only shortly: stations wait behind this.
   */
  scrub(): boolean {
    this.#db.exec(`PRAGMA busy_timeout=${SCRUB_PATIENCE_MS}`);
    const { busy } = this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number };
    this.#db.exec(`PRAGMA busy_timeout=${PATIENCE_MS}`);
    return busy === 0;
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }
}
