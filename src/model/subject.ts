/** Words about subjects: people and vehicles behind tokens, known in the log by pseudonym alone. */

/** What stays after an erasure. */
export interface KeptItem {
  what: string;
  /** Last day, `2033-12-31`; null when it ends with what it says, not with a day. */
  until: string | null;
  ground: string;
}

/** What an erasure did, or would do. */
export interface ErasureReport {
  subject: string;
  erased: boolean;
  kept: KeptItem[];
}

/** Where a subject stands in the log: ids, oldest first. */
export interface SubjectTrace {
  sessions: string[];
  /** Ids of the sessions among them that have not ended. */
  open: string[];
  cdrs: string[];
  /** When the newest bill was issued, ms; null when there is none. */
  last_billed_ms: number | null;
  /** Cost centres that its sessions name. */
  groups: string[];
}
