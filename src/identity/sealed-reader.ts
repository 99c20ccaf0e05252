/** Reads sealed bytes beside the gateway, that alone writes the store. Keeps no key: what is erased is gone at once. */
import { createHash, type KeyObject } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { openBytes, type Vault } from "./vault.ts";

/** The bytes, or why there are none: for ever, not for now. */
export type Unsealed = { bytes: Buffer } | { missing: string };

export const ERASED = "erased: its key was destroyed";

export class SealedReader {
  readonly #db: DatabaseSync;
  readonly #vault: Vault;

  /** @throws when there is no store at `file`. */
  constructor(file: string, vault: Vault) {
    this.#vault = vault;
    this.#db = new DatabaseSync(file, { readOnly: true });
    this.#db.exec("PRAGMA busy_timeout=10000");
  }

  /** `sha256`: of the ciphertext, hex, as the log has it. @throws when the store cannot be read now. */
  open({ sealed_ref, sha256 }: { sealed_ref: string; sha256: string }): Unsealed {
    const row = this.#db.prepare("SELECT holder, bytes FROM sealed WHERE ref = ?").get(sealed_ref) as
      | { holder: string; bytes: Uint8Array }
      | undefined;
    const key = row && this.#keyOf(row.holder);
    if (!row || key === undefined) return { missing: ERASED };
    if (createHash("sha256").update(row.bytes).digest("hex") !== sha256)
      return { missing: "altered: the sealed bytes are not those that the log names" };
    if (key === null) return UNREADABLE;
    try {
      return { bytes: openBytes(key, row.bytes, `sealed:${sealed_ref}`) };
    } catch {
      return UNREADABLE;
    }
  }

  /** Undefined when it was destroyed, null when it is of another KEK. */
  #keyOf(holder: string): KeyObject | null | undefined {
    const isDay = holder.startsWith("day:");
    const sql = isDay
      ? "SELECT dek FROM day_key WHERE day = ?"
      : "SELECT dek FROM subject WHERE token_ref = ?";
    const row = this.#db.prepare(sql).get(holder) as { dek: Uint8Array } | undefined;
    if (!row) return undefined;
    try {
      return this.#vault.unwrap(row.dek, isDay ? holder : `subject:${holder}`);
    } catch {
      return null;
    }
  }

  close(): void {
    this.#db.close();
  }
}

const UNREADABLE: Unsealed = { missing: "unreadable: sealed under another identity.kek_file" };
