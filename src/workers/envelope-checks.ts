/** What both profiles hold an envelope to: who is named, who signed, and one error for everything else. */
import type { KeyObject } from "node:crypto";
import { type Credentials, oneLine } from "../identity/certificates.ts";
import type { SummaryPayload } from "../model/summary.ts";
import { type KnownCertificate, knownCertificate, knownKey } from "./known-keys.ts";

/** One error for everything that can go wrong on opening: which check failed is nobody's business (no oracle). */
export class SummaryNotOpened extends Error {
  override name = "SummaryNotOpened";
  constructor() {
    super(
      "this summary cannot be opened: it is damaged, not for this key, or not signed by the expected signer",
    );
  }
}

/** A private key and, when known, its certificate, both PEM. */
export interface Reader {
  key: string;
  cert?: string;
}

/** Who signed a summary. `trusted` only when an expected signer (or the authority above it) was given and matched. */
export interface Signer {
  subject: string;
  /** SHA-256 of the certificate, hex. */
  fingerprint: string;
  certPem: string;
  trusted: boolean;
}

export interface OpenedEnvelope {
  payload: SummaryPayload;
  signer: Signer;
}

/** The certificates to seal for. @throws when there is none, or the payload names others. */
export function namedRecipients(payload: SummaryPayload, pems: readonly string[]): KnownCertificate[] {
  const certificates = pems.map(knownCertificate);
  const fingerprints = certificates.map(({ fingerprint }) => fingerprint);
  if (fingerprints.length === 0) throw new Error("a summary needs at least one recipient certificate");
  if (fingerprints.join() !== payload.recipients.join())
    throw new Error(
      `the payload names recipients ${payload.recipients.join()} but is sealed for ${fingerprints}`,
    );
  return certificates;
}

/** @throws when key and certificate are not a pair. */
export function signingPair(signer: Credentials): { key: KeyObject; certificate: KnownCertificate } {
  const { key } = knownKey(signer.keyPem);
  const certificate = knownCertificate(signer.certPem);
  if (!certificate.cert.checkPrivateKey(key))
    throw new Error(`the signing key does not belong to certificate ${oneLine(certificate.cert.subject)}`);
  return { key, certificate };
}

/** @throws when another signer, or one that the authority did not issue, is expected. */
export function expectedSigner(by: KnownCertificate, expectedPem: string | undefined): Signer {
  const expected = expectedPem === undefined ? undefined : knownCertificate(expectedPem);
  if (expected && !by.der.equals(expected.der) && !issuedBy(by, expected)) throw new Error("another signer");
  return {
    subject: oneLine(by.cert.subject),
    fingerprint: by.fingerprint,
    certPem: by.pem,
    trusted: expected !== undefined,
  };
}

const issuedBy = ({ cert }: KnownCertificate, { cert: authority, key }: KnownCertificate): boolean =>
  authority.ca && cert.checkIssued(authority) && cert.verify(key);

/** @throws when it is no summary of a version that we know, or not addressed to `own`. */
export function payloadOf(bytes: Buffer, own: KnownCertificate | undefined): SummaryPayload {
  const payload = JSON.parse(bytes.toString("utf8")) as SummaryPayload;
  if (payload.type !== "laddport.summary" || payload.version !== 1 || !Array.isArray(payload.cdrs))
    throw new Error("this is not a summary of version 1");
  if (own && !payload.recipients.includes(own.fingerprint))
    throw new Error("not addressed to this certificate");
  return payload;
}
