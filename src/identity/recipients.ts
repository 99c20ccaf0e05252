/** For whom summaries may be sealed at a moment, and who has to wait for a certificate. */
import { X509Certificate } from "node:crypto";
import { certificateFingerprint, oneLine, recipientUsageFault } from "./certificates.ts";

export interface RecipientList {
  /** Certificates (PEM). The first is the receiver's; those of the same subject are the receiver's too. */
  certPems: readonly string[];
  /** Sealed for as well, always; its private key is kept offline. */
  escrowPem?: string | undefined;
  /** Fingerprints (SHA-256, hex) of certificates that must not be used any more. */
  revoked?: readonly string[];
}

export interface RefusedRecipient {
  subject: string;
  fingerprint: string;
  reason: string;
}

export interface RecipientsNow {
  /** To seal for, in the order of the list, the escrow last. */
  certPems: string[];
  refused: RefusedRecipient[];
  /** False when none of the receiver's certificates can be used: what is sealed now it could never open. */
  ready: boolean;
}

/** `nowMs` is real time. Each certificate once, though it be listed twice. */
export function recipientsAt(list: RecipientList, nowMs: number): RecipientsNow {
  const { certPems, escrowPem, revoked = [] } = list;
  const byFingerprint = new Map(
    [...certPems, ...(escrowPem === undefined ? [] : [escrowPem])].map(
      (pem) => [certificateFingerprint(pem), pem] as const,
    ),
  );
  const receiver = certPems[0] === undefined ? undefined : new X509Certificate(certPems[0]).subject;
  const now: RecipientsNow = { certPems: [], refused: [], ready: false };
  for (const [fingerprint, pem] of byFingerprint) {
    const { subject } = new X509Certificate(pem);
    const reason = revoked.includes(fingerprint) ? "is revoked" : recipientFault(pem, nowMs);
    if (reason !== undefined) {
      now.refused.push({ subject: oneLine(subject), fingerprint, reason });
      continue;
    }
    now.certPems.push(pem);
    if (subject === receiver && pem !== escrowPem) now.ready = true;
  }
  return now;
}

function recipientFault(pem: string, nowMs: number): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  if (validToDate.getTime() < nowMs) return `expired ${validToDate.toISOString()}`;
  if (validFromDate.getTime() > nowMs) return `is not valid before ${validFromDate.toISOString()}`;
  return recipientUsageFault(pem);
}
