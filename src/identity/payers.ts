/** The names that upstream knows subjects by, for who seals summaries: read-only, and it needs no key. */
import { DatabaseSync } from "node:sqlite";

export interface Payers {
  /** The upstream pseudonym of a subject; null when it was erased or never was. */
  payerOf(tokenRef: string): string | null;
  close(): void;
}

/** Opens `subjects.db` of a data directory beside its writer. The file must exist. */
export function openPayers(file: string): Payers {
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec("PRAGMA busy_timeout=10000");
  const statement = db.prepare("SELECT payer FROM subject WHERE token_ref = ?");
  return {
    payerOf(tokenRef) {
      const row = statement.get(tokenRef) as { payer: string | null } | undefined;
      return row?.payer ?? null;
    },
    close: () => db.close(),
  };
}
