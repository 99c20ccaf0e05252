/** The audit trail: who did what, when, why. Nothing in it names a person but the actor and whom the reason names. */

export interface AuditRecord {
  /** A user's name, `cli:{user of the operating system}`, `gateway` or `flows`. */
  actor: string;
  /** Dotted, past tense, such as `subject.erased`, `session.read`. */
  action: string;
  /** Id of what it was done to: never a token, a name or a plate. Null when there is no single one. */
  object: string | null;
  reason: string | null;
  detail: Record<string, string | number>;
}

/** What a caller says; what it leaves out is null, or empty. */
export type AuditEntry = Pick<AuditRecord, "actor" | "action"> & {
  [K in "object" | "reason" | "detail"]?: AuditRecord[K] | null | undefined;
};

/** Takes one entry to the log; resolves when it is durable. What must not happen unseen waits for it. */
export type Audit = (entry: AuditEntry) => Promise<void>;

/** The fact that an entry becomes. */
export function auditFact(entry: AuditEntry, atMs: number) {
  const { actor, action, object = null, reason = null, detail } = entry;
  const body: AuditRecord = { actor, action, object, reason, detail: detail ?? {} };
  return { type: "audit.recorded" as const, atMs, station: null, key: null, body };
}

/** Action of the entry that says which config a start adopted: `detail.changed` names its top-level keys. */
export const CONFIG_ADOPTED = "config.adopted";
