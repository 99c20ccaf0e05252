/** Whom summaries bill, under the names that upstream knows: read-only, beside the gateway that writes the store. */
import { DatabaseSync } from "node:sqlite";
import type { Payer } from "../model/summary.ts";
import type { RawToken } from "./raw-token.ts";
import { openBytes, type Vault } from "./vault.ts";

export interface Payers {
  /** Of a subject that was erased the name alone: what it used before is still to be paid. */
  payerOf(tokenRef: string): Payer;
  close(): void;
}

/** Contract ids come as tokens of these types: eMAID (ISO 15118), by OCPP or by name. */
const CONTRACT_TYPES: ReadonlySet<string> = new Set(["emaid"]);

/** Opens `subjects.db` of a data directory. The file must exist. Keeps no key: what is erased is gone at once. */
export function openPayers(file: string, vault: Vault): Payers {
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec("PRAGMA busy_timeout=10000");
  const statement = db.prepare("SELECT token, dek FROM subject WHERE token_ref = ?");
  return {
    payerOf(tokenRef) {
      const payer = vault.payerOf(tokenRef);
      const row = statement.get(tokenRef) as { token: Uint8Array; dek: Uint8Array } | undefined;
      if (!row) return { payer };
      const key = vault.unwrap(row.dek, `subject:${tokenRef}`);
      const { uid, type } = JSON.parse(
        openBytes(key, row.token, `subject:${tokenRef}:token`).toString("utf8"),
      ) as RawToken;
      return CONTRACT_TYPES.has(type) ? { payer, contract_id: uid } : { payer };
    },
    close: () => db.close(),
  };
}
