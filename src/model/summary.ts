/** The signed content of a sealed summary: 1..n CDRs under the gapless identity `(gateway, epoch, seq)`. */
import { z } from "zod";
import type { Cdr } from "./cdr.ts";

/** The signed meter values that a CDR was billed by, as the meter wrote them. They name the user: sealed bytes only. */
export const SignedRecords = z.strictObject({
  cdr_id: z.string(),
  /** SubjectPublicKeyInfo, hex; null when none is known. */
  public_key: z.string().nullable(),
  values: z.array(
    z.strictObject({
      nature: z.enum(["Start", "End", "Intermediate"]),
      /** The whole OCMF record; null when it cannot be opened any more. */
      signed_data: z.string().nullable(),
      /** Why it is null. */
      reason: z.string().exactOptional(),
    }),
  ),
});
export type SignedRecords = z.infer<typeof SignedRecords>;

export interface SummaryPayload {
  type: "laddport.summary";
  version: 1;
  gateway: string;
  site: string;
  /** A restored backup starts a new epoch, so that numbers are never used twice. */
  epoch: number;
  seq: number;
  /** SHA-256, hex, of the previous sealed summary's bytes; null for the first of the first epoch. */
  previous_sha256: string | null;
  /** SHA-256 fingerprints, hex, of the certificates this is encrypted to (against surreptitious forwarding). */
  recipients: string[];
  issued_at: string;
  cdrs: Cdr[];
  /** Of the CDRs that signed values came with, credits aside. Absent when there are none. */
  signed_records?: SignedRecords[];
}

/**
 * What the cloud answers, on `laddport/v1/{site}/receipt` or as the HTTPS response body. `sha256` names the bytes; a
 * receiver that could not open them knows nothing else and rejects without the other names.
 */
export const Receipt = z.object({
  gateway: z.string().optional(),
  epoch: z.int().optional(),
  seq: z.int().optional(),
  /** SHA-256, hex, of the DER bytes received. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  status: z.enum(["accepted", "rejected"]),
  reason: z.string().max(1000).optional(),
});
export type Receipt = z.infer<typeof Receipt>;
