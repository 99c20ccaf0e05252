/** The authority's book: every certificate it issued, with what became of it. One JSON file, written as a whole. */
import type { X509Certificate } from "node:crypto";
import { z } from "zod";
import type { CertificatePurpose } from "./certificates.ts";
import type { RevocationReason } from "./revocation-list.ts";

const Time = z.iso.datetime();

const Entry = z.object({
  /** Upper-case hexadecimal. */
  serial: z.string().regex(/^[0-9A-F]{2,40}$/),
  /** The common name: a station's id. */
  subject: z.string().min(1),
  purpose: z.enum(["authority", "server", "client"]),
  /** Serial of the authority's certificate; its own for an authority. */
  issuer: z.string(),
  not_before: Time,
  not_after: Time,
  /** SHA-256 of the certificate's DER, lower-case hexadecimal. */
  fingerprint: z.string(),
  /** `P-256`, `RSA-2048`. */
  key: z.string(),
  hosts: z.array(z.string()).optional(),
  revoked: z
    .object({
      at: Time,
      reason: z.enum(["unspecified", "key-compromise", "superseded", "cessation-of-operation"]),
    })
    .optional(),
});
export type IssuedCertificate = z.output<typeof Entry>;

const Index = z.object({
  version: z.literal(1),
  /** Of the revocation list written last. */
  crl_number: z.int().min(0),
  certificates: z.array(Entry),
});
export type CertificateIndex = z.output<typeof Index>;

export const emptyIndex = (): CertificateIndex => ({ version: 1, crl_number: 0, certificates: [] });

/** Throws when the text is not an index. */
export const parseIndex = (text: string): CertificateIndex => Index.parse(JSON.parse(text));

export const formatIndex = (index: CertificateIndex): string => `${JSON.stringify(index, null, 2)}\n`;

/** What the index keeps of a certificate. */
export function indexEntry(
  cert: X509Certificate,
  purpose: CertificatePurpose & IssuedCertificate["purpose"],
  issuer: X509Certificate,
  hosts?: readonly string[],
): IssuedCertificate {
  return {
    serial: cert.serialNumber,
    subject: cert.subject.replace(/^CN=/, ""),
    purpose,
    issuer: issuer.serialNumber,
    not_before: cert.validFromDate.toISOString(),
    not_after: cert.validToDate.toISOString(),
    fingerprint: cert.fingerprint256.replaceAll(":", "").toLowerCase(),
    key: keyNameOf(cert),
    ...(hosts && hosts.length > 0 ? { hosts: [...hosts] } : {}),
  };
}

function keyNameOf({ publicKey }: X509Certificate): string {
  const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) return `RSA-${modulusLength}`;
  return { prime256v1: "P-256", secp384r1: "P-384" }[namedCurve ?? ""] ?? namedCurve ?? "unknown";
}

export type CertificateState = "valid" | "replaced" | "revoked" | "expired";

/** `replaced`: still valid beside a newer one of the same subject and purpose. `nowMs`: real time. */
export function stateOf(entry: IssuedCertificate, index: CertificateIndex, nowMs: number): CertificateState {
  if (entry.revoked) return "revoked";
  if (Date.parse(entry.not_after) <= nowMs) return "expired";
  const later = index.certificates.slice(index.certificates.indexOf(entry) + 1);
  const newer = later.some(
    (other) =>
      other.purpose === entry.purpose &&
      !other.revoked &&
      (other.subject === entry.subject || entry.purpose === "authority"),
  );
  return newer ? "replaced" : "valid";
}

/** Marks certificates as revoked; those that are already stay as they were. Returns the ones marked. */
export function markRevoked(
  entries: readonly IssuedCertificate[],
  reason: RevocationReason,
  nowMs: number,
): IssuedCertificate[] {
  const fresh = entries.filter((entry) => !entry.revoked);
  for (const entry of fresh) entry.revoked = { at: new Date(nowMs).toISOString(), reason };
  return fresh;
}
