/**
 * The sealed subject store: the only place that ever holds a raw token or a blob that may contain one. A `tokenRef` is
 * 128 random bits; whoever is erased and returns gets a new one. Its own SQLite file, never in the append-only log.
 */
import { createHash, type KeyObject, randomBytes } from "node:crypto";
import { KnownTokens } from "./known-tokens.ts";
import { LegalHolds } from "./legal-holds.ts";
import type { RawToken } from "./raw-token.ts";
import { SubjectFile } from "./subject-file.ts";
import { openBytes, sealBytes, type Vault } from "./vault.ts";

export interface SealedBytes {
  sealed_ref: string;
  /** Of the ciphertext, hex. */
  sha256: string;
}

export class SubjectStore {
  readonly #file: SubjectFile;
  readonly #vault: Vault;
  readonly #keys = new Map<string, KeyObject>();

  /** Pseudonyms made in the open transaction. */
  readonly #fresh = new Set<string>();
  /** What was erased may still lie in the write-ahead log. */
  #isUnclean = false;
  /** Who may charge. */
  readonly known: KnownTokens;
  readonly holds: LegalHolds;

  /** @throws when the keys of the store are wrapped by another KEK than the vault's. */
  constructor(file: string, vault: Vault) {
    this.#vault = vault;
    this.#file = new SubjectFile(file);
    this.known = new KnownTokens(this.#file, (token) => this.#lookup(token));
    this.holds = new LegalHolds(this.#file);
    this.#checkKek(file);
    // A kill between an erasure and its checkpoint leaves the key in the write-ahead log.
    this.scrub();
  }

  #checkKek(file: string): void {
    const row = this.#file.sql("SELECT value FROM meta WHERE name = 'kek'").get() as
      | { value: string }
      | undefined;
    if (row && row.value !== this.#vault.check) {
      this.#file.close();
      throw new Error(
        `${file} was written with another key-encryption key: restore the file of identity.kek_file`,
      );
    }
    if (!row) this.#file.sql("INSERT OR IGNORE INTO meta VALUES ('kek', ?)").run(this.#vault.check);
  }

  /** Call before the log commits what refers to here. */
  flush(): void {
    this.#file.flush();
    this.#fresh.clear();
  }

  /** After a failure: nothing of the batch stays, in the file or in memory. */
  discard(): void {
    this.#file.discard();
    this.#keys.clear();
    this.#fresh.clear();
  }

  /** The pseudonym of a token that was here before; null for a stranger, and for who was erased. */
  find(token: RawToken): string | null {
    const row = this.#file.sql("SELECT token_ref FROM subject WHERE lookup = ?").get(this.#lookup(token)) as
      | { token_ref: string }
      | undefined;
    return row?.token_ref ?? null;
  }

  has(tokenRef: string): boolean {
    return this.#file.sql("SELECT 1 FROM subject WHERE token_ref = ?").get(tokenRef) !== undefined;
  }

  /** The name that upstream knows a subject by, also after it was erased: what it used before is still to be paid. */
  payerOf(tokenRef: string): string {
    return this.#vault.payerOf(tokenRef);
  }

  /** The pseudonym of a token; a new subject when there is none. */
  tokenRef(token: RawToken, nowMs: number): string {
    const known = this.find(token);
    if (known !== null) return known;
    const lookup = this.#lookup(token);
    const ref = randomBytes(16).toString("base64url");
    const { key, wrapped } = this.#vault.newKey(`subject:${ref}`);
    const sealed = sealBytes(key, Buffer.from(JSON.stringify(token)), `subject:${ref}:token`);
    this.#file.write();
    this.#file
      .sql("INSERT INTO subject(token_ref, lookup, token, dek, created_ms) VALUES (?,?,?,?,?)")
      .run(ref, lookup, sealed, wrapped, Math.round(nowMs));
    this.#fresh.add(ref);
    return ref;
  }

  /** How many subjects the open transaction made. */
  get made(): number {
    return this.#fresh.size;
  }

  /** Takes the subjects back that the open transaction made after the first `kept`: nothing will refer to them. */
  withdraw(kept: number): void {
    for (const ref of [...this.#fresh].slice(kept)) {
      this.#fresh.delete(ref);
      this.#keys.delete(ref);
      this.#file.sql("DELETE FROM sealed WHERE holder = ?").run(ref);
      this.#file.sql("DELETE FROM subject WHERE token_ref = ?").run(ref);
    }
  }

  #lookup(token: RawToken): Buffer {
    return this.#vault.lookupOf(`${token.type}\n${token.uid.toUpperCase()}`);
  }

  /** Seals bytes under a subject's key, or under the day's key when the subject is unknown or erased. */
  seal(tokenRef: string | null, bytes: Uint8Array, nowMs: number): SealedBytes {
    const isHere = tokenRef !== null && this.has(tokenRef);
    const holder = isHere ? tokenRef : `day:${new Date(nowMs).toISOString().slice(0, 10)}`;
    const ref = randomBytes(16).toString("base64url");
    const sealed = sealBytes(this.#keyOf(holder), bytes, `sealed:${ref}`);
    this.#file.write();
    this.#file.sql("INSERT INTO sealed VALUES (?,?,?)").run(ref, holder, sealed);
    return { sealed_ref: ref, sha256: createHash("sha256").update(sealed).digest("hex") };
  }

  /** Takes back what nothing will refer to. */
  dropSealed(ref: string): void {
    this.#file.write();
    this.#file.sql("DELETE FROM sealed WHERE ref = ?").run(ref);
  }

  /** Keyed hash, base64url: two are equal when the bytes are. */
  macOf(bytes: Uint8Array): string {
    return this.#vault.lookupOf(Buffer.from(bytes).toString("latin1")).toString("base64url");
  }

  /** @throws when the holder's key is gone: the bytes are unreadable for ever. */
  unseal(ref: string): Buffer {
    const row = this.#file.sql("SELECT holder, bytes FROM sealed WHERE ref = ?").get(ref) as
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
    const row = this.#file.sql("SELECT dek FROM subject WHERE token_ref = ?").get(tokenRef) as
      | { dek: Uint8Array }
      | undefined;
    if (!row) throw new Error(`the subject ${tokenRef} is not in the store (erased?)`);
    return this.#vault.unwrap(row.dek, `subject:${tokenRef}`);
  }

  #dayKey(day: string): KeyObject {
    const row = this.#file.sql("SELECT dek FROM day_key WHERE day = ?").get(day) as
      | { dek: Uint8Array }
      | undefined;
    if (row) return this.#vault.unwrap(row.dek, day);
    const { key, wrapped } = this.#vault.newKey(day);
    this.#file.write();
    this.#file.sql("INSERT INTO day_key VALUES (?,?)").run(day, wrapped);
    return key;
  }

  /**
   * Destroys a subject: its key, its token, what was sealed for it and its line in the list of known tokens. Durable
   * when it returns. `isClean` is false while another connection's reading keeps the bytes in the write-ahead log:
   * `scrub` again later. Legal holds are the caller's to heed.
   */
  erase(tokenRef: string): { erased: boolean; isClean: boolean } {
    this.#file.write();
    this.#file.sql("DELETE FROM sealed WHERE holder = ?").run(tokenRef);
    this.#file
      .sql("DELETE FROM known_token WHERE lookup = (SELECT lookup FROM subject WHERE token_ref = ?)")
      .run(tokenRef);
    const { changes } = this.#file.sql("DELETE FROM subject WHERE token_ref = ?").run(tokenRef);
    this.flush();
    this.#keys.delete(tokenRef);
    return { erased: changes > 0, isClean: this.scrub() };
  }

  /** Takes the bytes of what was erased out of the write-ahead log; false when a reader is in the way. */
  scrub(): boolean {
    this.#isUnclean = !this.#file.scrub();
    return !this.#isUnclean;
  }

  /** Again, when a reader was in the way. */
  scrubIfDue(): void {
    if (this.#isUnclean) this.scrub();
  }

  /** The pseudonyms of all subjects. */
  refs(): string[] {
    const rows = this.#file.sql("SELECT token_ref FROM subject").all() as { token_ref: string }[];
    return rows.map(({ token_ref }) => token_ref);
  }

  /** The name of a subject in the erasure journal. */
  journalNameOf(tokenRef: string): string {
    return this.#vault.journalNameOf(tokenRef);
  }

  /** Destroys day keys (and what they sealed) of days before `nowMs - keepDays`; returns how many days went. */
  forgetDays(nowMs: number, keepDays: number): number {
    const limit = `day:${new Date(nowMs - keepDays * 86_400_000).toISOString().slice(0, 10)}`;
    this.#file.write();
    this.#file.sql("DELETE FROM sealed WHERE holder LIKE 'day:%' AND holder < ?").run(limit);
    const { changes } = this.#file.sql("DELETE FROM day_key WHERE day < ?").run(limit);
    this.flush();
    this.#keys.clear();
    if (changes) this.scrub();
    return Number(changes);
  }

  close(): void {
    this.flush();
    this.#file.close();
  }
}
