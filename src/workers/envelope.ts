/** The two profiles behind one door. What came is told apart by its first byte: DER begins a SEQUENCE, JSON a brace. */
import type { Credentials } from "../identity/certificates.ts";
import type { SummaryPayload, SummaryProfile } from "../model/summary.ts";
import * as cms from "./cms.ts";
import type { OpenedEnvelope, Reader } from "./envelope-checks.ts";
import * as jose from "./jose.ts";

const BRACE = 0x7b;

/** Seals for the holders of `recipients` (certificates, PEM), whom the payload must name. */
export function sealEnvelope(
  profile: SummaryProfile,
  payload: SummaryPayload,
  signer: Credentials,
  recipients: readonly string[],
): Buffer {
  return (profile === "jose-1" ? jose : cms).seal(payload, signer, recipients);
}

/**
 * Opens with a private key (PEM). With `signerCert` (PEM) the signature must be by that certificate or by one that it
 * issued directly. Throws `SummaryNotOpened`, whatever the cause.
 */
export function openEnvelope(bytes: Uint8Array, reader: Reader, signerCert?: string): OpenedEnvelope {
  return (bytes[0] === BRACE ? jose : cms).open(bytes, reader, signerCert);
}
