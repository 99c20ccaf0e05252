/** All that the sealed store has of one subject, opened for who has a right to it: read-only, beside the gateway. */
import { DatabaseSync } from "node:sqlite";
import type { RawToken } from "./raw-token.ts";
import { openBytes, type Vault } from "./vault.ts";

export interface SubjectHoldings {
  token: RawToken;
  /** When the token was first read, ms. */
  createdMs: number;
  /** The subject's name towards the cloud. */
  payer: string;
  sealed: { ref: string; bytes: Buffer }[];
}

/** Undefined when there is no such subject, or it was erased. Keeps no key. */
export function readSubject(file: string, vault: Vault, tokenRef: string): SubjectHoldings | undefined {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    db.exec("PRAGMA busy_timeout=10000");
    const row = db.prepare("SELECT token, dek, created_ms FROM subject WHERE token_ref = ?").get(tokenRef) as
      | { token: Uint8Array; dek: Uint8Array; created_ms: number }
      | undefined;
    if (!row) return undefined;
    const key = vault.unwrap(row.dek, `subject:${tokenRef}`);
    const rows = db.prepare("SELECT ref, bytes FROM sealed WHERE holder = ? ORDER BY rowid").all(tokenRef);
    const sealed = (rows as { ref: string; bytes: Uint8Array }[]).map(({ ref, bytes }) => ({
      ref,
      bytes: openBytes(key, bytes, `sealed:${ref}`),
    }));
    const token = JSON.parse(openBytes(key, row.token, `subject:${tokenRef}:token`).toString("utf8"));
    return { token, createdMs: row.created_ms, payer: vault.payerOf(tokenRef), sealed };
  } finally {
    db.close();
  }
}
