/** The signed content of a sealed summary: CDRs and notices under the gapless identity `(gateway, epoch, seq)`. */
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

/** How a summary is sealed: CMS (RFC 5652, RFC 5083), or JWS in JWE (RFC 7515, RFC 7516) with the same payload. */
export const SUMMARY_PROFILES = ["cms-1", "jose-1"] as const;
export type SummaryProfile = (typeof SUMMARY_PROFILES)[number];

/** Whom a CDR bills, under a name that is used towards the cloud and nowhere else. */
export const Payer = z.strictObject({
  /** What `cdr_token` of its CDRs says. */
  payer: z.string(),
  /** Contract id (eMAID), when the token is one. Personal: sealed bytes only. */
  contract_id: z.string().exactOptional(),
});
export type Payer = z.infer<typeof Payer>;

/** The cloud is to erase what it has of this payer, books aside. The receipt of the summary says that it knows. */
export const Erasure = z.strictObject({ payer: z.string(), erased_at: z.iso.datetime() });
export type Erasure = z.infer<typeof Erasure>;

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
  /** SHA-256, hex, of the tariffs that `cdrs` were rated by, each once, sorted. */
  tariff_hashes: string[];
  /** `cdr_token` is the payer. Empty when there are only notices. */
  cdrs: Cdr[];
  /** Of the payers in `cdrs` those with a contract id. Absent when there are none. */
  payers?: Payer[];
  /** Absent when there are none. */
  erasures?: Erasure[];
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
  /** SHA-256, hex, of the bytes received. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  status: z.enum(["accepted", "rejected"]),
  reason: z.string().max(1000).optional(),
});
export type Receipt = z.infer<typeof Receipt>;

/** A signed receipt: flattened JWS (RFC 7515 section 7.2.2), ES256 or RS256, whose payload is the receipt's JSON. */
export const SignedReceipt = z.object({ payload: z.string(), protected: z.string(), signature: z.string() });
export type SignedReceipt = z.infer<typeof SignedReceipt>;
