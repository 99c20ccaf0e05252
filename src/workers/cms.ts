/**
 * Sealing, profile `cms-1`: the payload is signed (ECDSA or RSA PKCS #1 v1.5, SHA-256), the SignedData encrypted with
 * AES-256-GCM under a fresh key for one or more recipients, each by RSA-OAEP-SHA256 or ECDH-ES with AES-256 key wrap
 * as its certificate's key asks. `openssl cms -decrypt -inkey K | openssl cms -verify` opens it.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { type Credentials, oneLine, signatureAlgorithm } from "../identity/certificates.ts";
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
import { type KnownCertificate, type KnownKey, knownCertificate, knownKey } from "./known-keys.ts";

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
/** Initial value of AES key wrap (RFC 3394 section 2.2.3.1). */
const WRAP_IV = Buffer.alloc(8, 0xa6);

/** One error for everything that can go wrong on opening: which check failed is nobody's business (no oracle). */
export class SummaryNotOpened extends Error {
  override name = "SummaryNotOpened";
  constructor() {
    super(
      "this summary cannot be opened: it is damaged, not for this key, or not signed by the expected signer",
    );
  }
}

/** Who signed a summary. `trusted` only when an expected signer (or the authority above it) was given and matched. */
export interface Signer {
  subject: string;
  /** SHA-256 of the certificate, hex. */
  fingerprint: string;
  certPem: string;
  trusted: boolean;
}

/** Seals for the holders of `recipientPems` (certificates). Every call gives other bytes: seal once, keep, resend. */
export function seal(payload: SummaryPayload, signer: Credentials, recipientPems: readonly string[]): Buffer {
  const certificates = recipientPems.map(knownCertificate);
  const fingerprints = certificates.map(({ fingerprint }) => fingerprint);
  if (fingerprints.length === 0) throw new Error("a summary needs at least one recipient certificate");
  if (fingerprints.join() !== payload.recipients.join())
    throw new Error(
      `the payload names recipients ${payload.recipients.join()} but is sealed for ${fingerprints}`,
    );
  const contentKey = randomBytes(32);
  const recipients = certificates.map((certificate) => wrapFor(certificate, contentKey));
  const bytes = Buffer.from(JSON.stringify(payload));
  const inner = signFor(bytes, sha256(encodeRecipients(recipients)), signer);
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", createSecretKey(contentKey), nonce);
  const ciphertext = Buffer.concat([cipher.update(inner), cipher.final()]);
  return encodeEnvelope({ recipients, nonce, ciphertext, tag: cipher.getAuthTag() });
}

/**
 * Opens with a private key (PEM). With `cert` the key's own certificate is looked up among the recipients and in the
 * payload; with `signerCert` (PEM) the signature must be by that certificate or by one that it issued directly.
 * Validity dates are not checked: a bill is read long after its signer's certificate ran out.
 * Throws `SummaryNotOpened`, whatever the cause.
 */
export function open(
  der: Uint8Array,
  recipient: { key: string; cert?: string },
  signerCert?: string,
): { payload: SummaryPayload; signer: Signer } {
  try {
    const envelope = decodeEnvelope(der);
    const own = recipient.cert === undefined ? undefined : knownCertificate(recipient.cert);
    const inner = decrypt(envelope, knownKey(recipient.key), own);
    const { bytes, signer } = verified(inner, sha256(encodeRecipients(envelope.recipients)), signerCert);
    const payload = payloadOf(bytes);
    if (own && !payload.recipients.includes(own.fingerprint))
      throw new Error("not addressed to this certificate");
    return { payload, signer };
  } catch {
    throw new SummaryNotOpened();
  }
}

function signFor(payload: Buffer, recipientsDigest: Buffer, signer: Credentials): Buffer {
  const { key } = knownKey(signer.keyPem);
  const { cert, der, issuerAndSerial } = knownCertificate(signer.certPem);
  if (!cert.checkPrivateKey(key))
    throw new Error(`the signing key does not belong to certificate ${oneLine(cert.subject)}`);
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
  const expected = expectedPem === undefined ? undefined : knownCertificate(expectedPem);
  if (expected && !by.der.equals(expected.der) && !issuedBy(by, expected)) throw new Error("another signer");
  if (!sameNode(signed.issuerAndSerial, by.issuerAndSerial)) throw new Error("another certificate");
  if (!sameNode(signed.signatureAlgorithm, signatureAlgorithm(by.key))) throw new Error("another algorithm");
  if (!signed.attributes.equals(encodeAttributes(sha256(signed.payload), recipientsDigest)))
    throw new Error("the signature covers something else");
  if (!verify("sha256", signed.attributes, by.key, signed.signature)) throw new Error("bad signature");
  const signer: Signer = {
    subject: oneLine(by.cert.subject),
    fingerprint: by.fingerprint,
    certPem: by.pem,
    trusted: expected !== undefined,
  };
  return { bytes: signed.payload, signer };
}

const issuedBy = ({ cert }: KnownCertificate, { cert: authority, key }: KnownCertificate): boolean =>
  authority.ca && cert.checkIssued(authority) && cert.verify(key);

function payloadOf(bytes: Buffer): SummaryPayload {
  const payload = JSON.parse(bytes.toString("utf8")) as SummaryPayload;
  if (payload.type !== "laddport.summary" || payload.version !== 1 || !Array.isArray(payload.cdrs))
    throw new Error("this is not a summary of version 1");
  return payload;
}

function wrapFor(certificate: KnownCertificate, contentKey: Buffer): Recipient {
  const { cert, key, point, issuerAndSerial } = certificate;
  const bitsOfKey = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType === "rsa" && bitsOfKey >= 2048)
    return {
      kind: "rsa",
      issuerAndSerial,
      wrappedKey: publicEncrypt({ key, ...OAEP }, contentKey),
    };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType !== "ec" || !curve)
    throw new Error(
      `recipient ${oneLine(cert.subject)} has a ${key.asymmetricKeyType} key of ${bitsOfKey} bits: use EC (P-256) or RSA of 2048 bits or more`,
    );
  const oneTime = createECDH(curve);
  const ephemeral = oneTime.generateKeys();
  const kek = agreedKey(oneTime.computeSecret(point));
  const wrap = createCipheriv("id-aes256-wrap", kek, WRAP_IV);
  return {
    kind: "ec",
    issuerAndSerial,
    wrappedKey: Buffer.concat([wrap.update(contentKey), wrap.final()]),
    ephemeral,
  };
}

function decrypt(envelope: Envelope, known: KnownKey, own: KnownCertificate | undefined): Buffer {
  const kind = known.key.asymmetricKeyType;
  for (const recipient of envelope.recipients) {
    if (recipient.kind !== kind || (own && !sameNode(own.issuerAndSerial, recipient.issuerAndSerial)))
      continue;
    try {
      const contentKey = createSecretKey(unwrap(recipient, known));
      const decipher = createDecipheriv("aes-256-gcm", contentKey, envelope.nonce, { authTagLength: 16 });
      decipher.setAuthTag(envelope.tag);
      return Buffer.concat([decipher.update(envelope.ciphertext), decipher.final()]);
    } catch {
      // Without a certificate every recipient of the key's kind is tried: this one was another's.
    }
  }
  throw new Error("not for this key");
}

function unwrap(recipient: Recipient, { key, algorithm }: KnownKey): Buffer {
  if (recipient.kind === "rsa") return privateDecrypt({ key, ...OAEP }, recipient.wrappedKey);
  const spki = joinPublicKey(algorithm, recipient.ephemeral);
  const publicKey = createPublicKey({ key: spki, type: "spki", format: "der" });
  const kek = agreedKey(diffieHellman({ privateKey: key, publicKey }));
  const decipher = createDecipheriv("id-aes256-wrap", kek, WRAP_IV);
  return Buffer.concat([decipher.update(recipient.wrappedKey), decipher.final()]);
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
