/**
 * Sealing, profile `cms-1`: the payload is signed (ECDSA or RSA PKCS #1 v1.5, SHA-256), the SignedData encrypted with
 * AES-256-GCM under a fresh key for one or more recipients, each by RSA-OAEP-SHA256 or ECDH-ES with AES-256 key wrap
 * as its certificate's key asks. `openssl cms -decrypt -inkey K | openssl cms -verify` opens it.
 */
import { createHash, createPublicKey, diffieHellman, randomBytes, sign, verify } from "node:crypto";
import { type Credentials, signatureAlgorithm } from "../identity/certificates.ts";
import { sameNode } from "../identity/der.ts";
import type { SummaryPayload } from "../model/summary.ts";
import {
  decodeEnvelope,
  decodeSigned,
  type Envelope,
  encodeAttributes,
  encodeEnvelope,
  encodeRecipients,
  encodeSharedInfo,
  encodeSigned,
  joinPublicKey,
  type Recipient,
} from "./cms-der.ts";
import { openContent, sealContent, unwrapByKek, unwrapByRsa, wrapContentKey } from "./content-key.ts";
import {
  expectedSigner,
  namedRecipients,
  type OpenedEnvelope,
  payloadOf,
  type Reader,
  SummaryNotOpened,
  signingPair,
} from "./envelope-checks.ts";
import { type KnownCertificate, type KnownKey, knownCertificate, knownKey } from "./known-keys.ts";

/** Seals for the holders of `recipientPems` (certificates). Every call gives other bytes: seal once, keep, resend. */
export function seal(payload: SummaryPayload, signer: Credentials, recipientPems: readonly string[]): Buffer {
  const certificates = namedRecipients(payload, recipientPems);
  const contentKey = randomBytes(32);
  const recipients = certificates.map((certificate) => wrapFor(certificate, contentKey));
  const bytes = Buffer.from(JSON.stringify(payload));
  const inner = signFor(bytes, sha256(encodeRecipients(recipients)), signer);
  return encodeEnvelope({ recipients, ...sealContent(contentKey, inner) });
}

/**
 * Opens with a private key (PEM). With `cert` the key's own certificate is looked up among the recipients and in the
 * payload; with `signerCert` (PEM) the signature must be by that certificate or by one that it issued directly.
 * Validity dates are not checked: a bill is read long after its signer's certificate ran out.
 * Throws `SummaryNotOpened`, whatever the cause.
 */
export function open(der: Uint8Array, recipient: Reader, signerCert?: string): OpenedEnvelope {
  try {
    const envelope = decodeEnvelope(der);
    const own = recipient.cert === undefined ? undefined : knownCertificate(recipient.cert);
    const inner = decrypt(envelope, knownKey(recipient.key), own);
    const { bytes, signer } = verified(inner, sha256(encodeRecipients(envelope.recipients)), signerCert);
    return { payload: payloadOf(bytes, own), signer };
  } catch {
    throw new SummaryNotOpened();
  }
}

function signFor(payload: Buffer, recipientsDigest: Buffer, signer: Credentials): Buffer {
  const { key, certificate } = signingPair(signer);
  const { der, issuerAndSerial } = certificate;
  const attributes = encodeAttributes(sha256(payload), recipientsDigest);
  return encodeSigned({
    payload,
    certificate: der,
    issuerAndSerial,
    attributes,
    signatureAlgorithm: signatureAlgorithm(key),
    signature: sign("sha256", attributes, key),
  });
}

function verified(der: Buffer, recipientsDigest: Buffer, expectedPem: string | undefined) {
  const signed = decodeSigned(der);
  const by = knownCertificate(signed.certificate.toString("latin1"));
  const signer = expectedSigner(by, expectedPem);
  if (!sameNode(signed.issuerAndSerial, by.issuerAndSerial)) throw new Error("another certificate");
  if (!sameNode(signed.signatureAlgorithm, signatureAlgorithm(by.key))) throw new Error("another algorithm");
  if (!signed.attributes.equals(encodeAttributes(sha256(signed.payload), recipientsDigest)))
    throw new Error("the signature covers something else");
  if (!verify("sha256", signed.attributes, by.key, signed.signature)) throw new Error("bad signature");
  return { bytes: signed.payload, signer };
}

function wrapFor(certificate: KnownCertificate, contentKey: Buffer): Recipient {
  const { issuerAndSerial } = certificate;
  const wrapped = wrapContentKey(certificate, contentKey, agreedKey);
  return wrapped.kind === "rsa"
    ? { kind: "rsa", issuerAndSerial, wrappedKey: wrapped.wrappedKey }
    : { kind: "ec", issuerAndSerial, wrappedKey: wrapped.wrappedKey, ephemeral: wrapped.ephemeral };
}

function decrypt(envelope: Envelope, known: KnownKey, own: KnownCertificate | undefined): Buffer {
  const kind = known.key.asymmetricKeyType;
  for (const recipient of envelope.recipients) {
    if (recipient.kind !== kind || (own && !sameNode(own.issuerAndSerial, recipient.issuerAndSerial)))
      continue;
    try {
      return openContent({ ...envelope, contentKey: unwrap(recipient, known) });
    } catch {
      // Without a certificate every recipient of the key's kind is tried: this one was another's.
    }
  }
  throw new Error("not for this key");
}

function unwrap(recipient: Recipient, { key, algorithm }: KnownKey): Buffer {
  if (recipient.kind === "rsa") return unwrapByRsa(key, recipient.wrappedKey);
  const spki = joinPublicKey(algorithm, recipient.ephemeral);
  const publicKey = createPublicKey({ key: spki, type: "spki", format: "der" });
  return unwrapByKek(agreedKey(diffieHellman({ privateKey: key, publicKey })), recipient.wrappedKey);
}

/** X9.63 KDF with SHA-256 (SEC 1 section 3.6.1); one round gives the 256 bits. */
function agreedKey(secret: Buffer): Buffer {
  return createHash("sha256")
    .update(secret)
    .update(Buffer.of(0, 0, 0, 1))
    .update(encodeSharedInfo())
    .digest();
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
