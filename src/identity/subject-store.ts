/**
 * The sealed subject store: the only place that ever holds a raw token or a blob that may contain one. A `tokenRef` is
 * 128 random bits; whoever is erased and returns gets a new one. Its own SQLite file, never in the append-only log.
 */
import { createHash, type KeyObject, randomBytes } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { TokenListing } from "../model/event.ts";
import { openBytes, sealBytes, type Vault } from "./vault.ts";

export interface RawToken {
  uid: string;
  type: string;
}

export interface SealedBytes {
  sealed_ref: string;
  /** Of the ciphertext, hex. */
  sha256: string;
}

export type TokenPolicy = "free" | "known" | "deny";
export interface Decision {
  status: "accepted" | "denied";
  reason: string;
}

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
`;

/** Columns that stores of earlier releases lack. */
const LISTING = ["token_group", "vehicle"] as const;

export class SubjectStore {
  readonly #db: DatabaseSync;
  readonly #vault: Vault;
  readonly #keys = new Map<string, KeyObject>();
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string, vault: Vault) {
    this.#vault = vault;
    this.#db = new DatabaseSync(file);
    // secure_delete: an erased key must not survive in freed pages.
    this.#db.exec(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000; PRAGMA secure_delete=ON",
    );
    this.#db.exec(SCHEMA);
    this.#addListing();
  }

  /** Under the write lock, since the command line and the gateway may open an old store at the same time. */
  #addListing(): void {
    const missing = () => {
      const columns = this.#db
        .prepare("PRAGMA table_info(known_token)")
        .all()
        .map((row) => row.name);
      return LISTING.filter((name) => !columns.includes(name));
    };
    if (missing().length === 0) return;
    this.#db.exec("BEGIN IMMEDIATE");
    for (const name of missing()) this.#db.exec(`ALTER TABLE known_token ADD COLUMN ${name} TEXT`);
    this.#db.exec("COMMIT");
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Opens a transaction for the batch at its first write; `flush` makes it durable before the log refers to it. */
  #write(): void {
    if (!this.#db.isTransaction) this.#db.exec("BEGIN IMMEDIATE");
  }

  /** Call before the log commits what refers to here. */
  flush(): void {
    if (this.#db.isTransaction) this.#db.exec("COMMIT");
  }

  /** After a failure: nothing of the batch stays, in the file or in memory. */
  discard(): void {
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    this.#keys.clear();
  }

  /** The pseudonym of a token; a new subject when there is none. */
  tokenRef(token: RawToken, nowMs: number): string {
    const lookup = this.#lookup(token);
    const row = this.#sql("SELECT token_ref FROM subject WHERE lookup = ?").get(lookup) as
      | { token_ref: string }
      | undefined;
    if (row) return row.token_ref;
    const ref = randomBytes(16).toString("base64url");
    const { key, wrapped } = this.#vault.newKey(`subject:${ref}`);
    const sealed = sealBytes(key, Buffer.from(JSON.stringify(token)), `subject:${ref}:token`);
    this.#write();
    this.#sql("INSERT INTO subject VALUES (?,?,?,?,?)").run(ref, lookup, sealed, wrapped, Math.round(nowMs));
    return ref;
  }

  #lookup(token: RawToken): Buffer {
    return this.#vault.lookupOf(`${token.type}\n${token.uid.toUpperCase()}`);
  }

  /** Seals bytes under a subject's key, or under the day's key when the subject is unknown. */
  seal(tokenRef: string | null, bytes: Uint8Array, nowMs: number): SealedBytes {
    const holder = tokenRef ?? `day:${new Date(nowMs).toISOString().slice(0, 10)}`;
    const ref = randomBytes(16).toString("base64url");
    const sealed = sealBytes(this.#keyOf(holder), bytes, `sealed:${ref}`);
    this.#write();
    this.#sql("INSERT INTO sealed VALUES (?,?,?)").run(ref, holder, sealed);
    return { sealed_ref: ref, sha256: createHash("sha256").update(sealed).digest("hex") };
  }

  /** Takes back what nothing will refer to. */
  dropSealed(ref: string): void {
    this.#write();
    this.#sql("DELETE FROM sealed WHERE ref = ?").run(ref);
  }

  /** Keyed hash, base64url: two are equal when the bytes are. */
  macOf(bytes: Uint8Array): string {
    return this.#vault.lookupOf(Buffer.from(bytes).toString("latin1")).toString("base64url");
  }

  /** @throws when the holder's key is gone: the bytes are unreadable for ever. */
  unseal(ref: string): Buffer {
    const row = this.#sql("SELECT holder, bytes FROM sealed WHERE ref = ?").get(ref) as
      | { holder: string; bytes: Uint8Array }
      | undefined;
    if (!row) throw new Error(`no sealed bytes ${ref}`);
    return openBytes(this.#keyOf(row.holder), row.bytes, `sealed:${ref}`);
  }

  #keyOf(holder: string): KeyObject {
    const cached = this.#keys.get(holder);
    if (cached) return cached;
    const key = holder.startsWith("day:") ? this.#dayKey(holder) : this.#subjectKey(holder);
    this.#keys.set(holder, key);
    return key;
  }

  #subjectKey(tokenRef: string): KeyObject {
    const row = this.#sql("SELECT dek FROM subject WHERE token_ref = ?").get(tokenRef) as
      | { dek: Uint8Array }
      | undefined;
    if (!row) throw new Error(`the subject ${tokenRef} is not in the store (erased?)`);
    return this.#vault.unwrap(row.dek, `subject:${tokenRef}`);
  }

  #dayKey(day: string): KeyObject {
    const row = this.#sql("SELECT dek FROM day_key WHERE day = ?").get(day) as
      | { dek: Uint8Array }
      | undefined;
    if (row) return this.#vault.unwrap(row.dek, day);
    const { key, wrapped } = this.#vault.newKey(day);
    this.#write();
    this.#sql("INSERT INTO day_key VALUES (?,?)").run(day, wrapped);
    return key;
  }

  /** Destroys day keys (and what they sealed) of days before `nowMs - keepDays`; returns how many days went. */
  forgetDays(nowMs: number, keepDays: number): number {
    const limit = `day:${new Date(nowMs - keepDays * 86_400_000).toISOString().slice(0, 10)}`;
    this.#write();
    this.#sql("DELETE FROM sealed WHERE holder LIKE 'day:%' AND holder < ?").run(limit);
    const { changes } = this.#sql("DELETE FROM day_key WHERE day < ?").run(limit);
    this.flush();
    this.#keys.clear();
    if (changes) this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return Number(changes);
  }

  /** Replaces the list of known tokens; only keyed lookups are kept. */
  setKnownTokens(
    tokens: Iterable<
      RawToken & {
        status: "accepted" | "blocked";
        validUntilMs: number | null;
        group?: string | null;
        vehicle?: string | null;
      }
    >,
  ): number {
    let n = 0;
    this.#write();
    this.#sql("DELETE FROM known_token").run();
    for (const token of tokens) {
      this.#sql(
        "INSERT OR REPLACE INTO known_token(lookup, status, valid_until_ms, token_group, vehicle) VALUES (?,?,?,?,?)",
      ).run(
        this.#lookup(token),
        token.status,
        token.validUntilMs,
        token.group ?? null,
        token.vehicle ?? null,
      );
      n += 1;
    }
    this.flush();
    return n;
  }

  /** Who may charge: decided here and now, with no network. A blocked token is denied under every policy. */
  decide(token: RawToken, policy: TokenPolicy, nowMs: number): Decision {
    const known = this.#sql("SELECT status, valid_until_ms FROM known_token WHERE lookup = ?").get(
      this.#lookup(token),
    ) as { status: string; valid_until_ms: number | null } | undefined;
    if (known?.status === "blocked") return { status: "denied", reason: "token_blocked" };
    if (known?.valid_until_ms && known.valid_until_ms < nowMs)
      return { status: "denied", reason: "token_expired" };
    if (policy === "deny") return { status: "denied", reason: "policy_deny" };
    if (known) return { status: "accepted", reason: "token_known" };
    if (policy === "free") return { status: "accepted", reason: "policy_free" };
    return { status: "denied", reason: "token_unknown" };
  }

  /** The cost centre and vehicle that the list gives a token, whatever its status: who charged is not who may. */
  listing(token: RawToken): TokenListing {
    const known = this.#sql("SELECT token_group, vehicle FROM known_token WHERE lookup = ?").get(
      this.#lookup(token),
    ) as { token_group: string | null; vehicle: string | null } | undefined;
    return {
      ...(known?.token_group ? { token_group: known.token_group } : {}),
      ...(known?.vehicle ? { vehicle: known.vehicle } : {}),
    };
  }

  close(): void {
    this.flush();
    this.#statements.clear();
    this.#db.close();
  }
}
