/** The audit trail of the running gateway: entries are facts of the log, under its hash chain and mark. */
import type { LogWriter } from "../log/log-store.ts";
import { type Audit, auditFact } from "../model/audit.ts";

export type { Audit } from "../model/audit.ts";

/** `nowMs`: depot time. The answer waits while the disk takes nothing: no read of personal data goes unseen. */
export function auditTrail(ledger: Pick<LogWriter, "append">, nowMs: () => number): Audit {
  return async (entry) => {
    await ledger.append([auditFact(entry, nowMs())]);
  };
}
