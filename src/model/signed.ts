/** Signed meter values as the log knows them: what the meter said and whether its signature holds, without who charged. */

/** One reading of a signed record (OCMF 1.4.1, table 7). */
export interface SignedReadingFact {
  /** As written, without the status letter. */
  time: string | null;
  time_ms: number | null;
  /** U unknown, I informative, S synchronised, R relative. */
  time_status: string | null;
  /** B begin, C charging, X exception, E, L, R, A, P end and others. */
  tx: string | null;
  /** Digits as written. */
  value: string | null;
  register: string | null;
  unit: string | null;
  error_flags: string;
  status: string | null;
  event_counter: string | null;
}

/** What the door found in a signed record. The record itself names the user and lies in the sealed store. */
export interface SignedFacts {
  pagination: string | null;
  meter_serial: string | null;
  gateway_serial: string | null;
  /** Level of the user assignment (IL). */
  user_level: string | null;
  /** Pseudonym of the identification (ID); null when there is none. */
  user: string | null;
  readings: SignedReadingFact[];
  /** Null when it could not be tried. */
  verified: boolean | null;
  algorithm: string;
  curve: string | null;
  /** SubjectPublicKeyInfo of the key that was tried, hex. */
  public_key: string | null;
  /** Why not verified. */
  reasons: string[];
  notes: string[];
}

/** The fact's key: acceptances of a meter's keys are numbered from 1, so that a key may come back after another. */
export const meterKeyKey = (serial: string, number: number): string =>
  `meter_key.accepted:${serial}:${number}`;

/** A signed record lies in the sealed store; the log keeps where, the hash of the ciphertext, and what it says. */
export interface SealedRef {
  format: "OCMF";
  sealed_ref: string;
  sha256: string;
  /** Keyed hash of the record, base64url: shows that it came again, and nothing else. */
  mac?: string;
  facts?: SignedFacts;
}
