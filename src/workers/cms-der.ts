/**
 * The structures of profile `cms-1`: SignedData (RFC 5652 section 5) inside AuthEnvelopedData (RFC 5083) with AES-GCM
 * (RFC 5084), for RSA-OAEP (RFC 3560) and ECDH-ES (RFC 5753) recipients. Encoding only; the cryptography is in cms.ts.
 * Readers know exactly what the writers write and throw on everything else.
 */
import {
  bits,
  content,
  type DerNode,
  decode,
  encode,
  integer,
  isTagged,
  members,
  nothing,
  octets,
  oid,
  sameNode,
  sequence,
  setOf,
  tagged,
  taggedMembers,
  taggedOctets,
  taggedSetOf,
} from "../identity/der.ts";

const DATA = oid("1.2.840.113549.1.7.1");
const SIGNED_DATA = oid("1.2.840.113549.1.7.2");
const AUTH_ENVELOPED_DATA = oid("1.2.840.113549.1.9.16.1.23");
const CONTENT_TYPE = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4");
/**
 * Our own signed attribute: SHA-256 of the envelope's RecipientInfos. GCM does not cover them, so this is what binds
 * the signature to exactly these recipients. The arc is a UUID (ITU-T X.667): it needs no registration.
 */
const RECIPIENTS_DIGEST = oid("2.25.34385119536491701469561794829662942520");
const SHA256 = oid("2.16.840.1.101.3.4.2.1");
const AES256_GCM = oid("2.16.840.1.101.3.4.1.46");
const RSAES_OAEP = oid("1.2.840.113549.1.1.7");
const MGF1 = oid("1.2.840.113549.1.1.8");
const ECDH_SHA256_KDF = oid("1.3.132.1.11.1");
const EC_PUBLIC_KEY = oid("1.2.840.10045.2.1");
const AES256_WRAP = oid("2.16.840.1.101.3.4.1.45");

const TAG_BYTES = 16;
const oaepAlgorithm = sequence(
  RSAES_OAEP,
  // RFC 4055 section 2.1: here the hash has NULL parameters; elsewhere (RFC 5754) it has none.
  sequence(
    tagged(0, [sequence(SHA256, nothing())]),
    tagged(1, [sequence(MGF1, sequence(SHA256, nothing()))]),
  ),
);
const wrapAlgorithm = sequence(AES256_WRAP);

/** One recipient: whose key (IssuerAndSerialNumber) and the content key wrapped for it. */
export type Recipient =
  | { kind: "rsa"; issuerAndSerial: DerNode; wrappedKey: Buffer }
  /** `ephemeral` is the sender's one-time public key as an uncompressed point on the recipient's curve. */
  | { kind: "ec"; issuerAndSerial: DerNode; wrappedKey: Buffer; ephemeral: Buffer };

export interface Envelope {
  recipients: Recipient[];
  nonce: Buffer;
  ciphertext: Buffer;
  tag: Buffer;
}

export interface Signed {
  payload: Buffer;
  certificate: Buffer;
  issuerAndSerial: DerNode;
  /** The signed attributes as they are hashed: a SET OF in DER. */
  attributes: Buffer;
  signatureAlgorithm: DerNode;
  signature: Buffer;
}

/** RecipientInfos in DER, the bytes that the recipients digest covers. */
export const encodeRecipients = (recipients: readonly Recipient[]): Buffer =>
  encode(setOf(...recipients.map(recipientNode)));

export function encodeEnvelope({ recipients, nonce, ciphertext, tag }: Envelope): Buffer {
  const gcm = sequence(AES256_GCM, sequence(octets(nonce), integer(TAG_BYTES)));
  const body = sequence(
    integer(0),
    setOf(...recipients.map(recipientNode)),
    sequence(DATA, gcm, taggedOctets(0, ciphertext)),
    octets(tag),
  );
  return encode(sequence(AUTH_ENVELOPED_DATA, tagged(0, [body])));
}

/** Reads an envelope and refuses any byte string that `encodeEnvelope` would not have written. */
export function decodeEnvelope(der: Uint8Array): Envelope {
  const [, infos, encrypted, mac] = members(contentInfo(der, AUTH_ENVELOPED_DATA), "SEQUENCE");
  const [, gcm, ciphertext] = members(encrypted, "SEQUENCE");
  const [nonce] = members(members(gcm, "SEQUENCE")[1], "SEQUENCE");
  const envelope = {
    recipients: members(infos, "SET").map(recipientOf),
    nonce: content(nonce, "OCTETSTRING"),
    ciphertext: content(ciphertext, 0),
    tag: content(mac, "OCTETSTRING"),
  };
  if (envelope.nonce.length !== 12 || envelope.tag.length !== TAG_BYTES)
    throw new Error("nonce or tag has the wrong length");
  if (!encodeEnvelope(envelope).equals(der)) throw new Error("the envelope is not in its one encoding");
  return envelope;
}

/** Signed attributes as the SET OF that is hashed and signed. */
export const encodeAttributes = (payloadDigest: Buffer, recipientsDigest: Buffer): Buffer =>
  encode(
    setOf(
      sequence(CONTENT_TYPE, setOf(DATA)),
      sequence(MESSAGE_DIGEST, setOf(octets(payloadDigest))),
      sequence(RECIPIENTS_DIGEST, setOf(octets(recipientsDigest))),
    ),
  );

export function encodeSigned(signed: Signed): Buffer {
  const signer = sequence(
    integer(1),
    signed.issuerAndSerial,
    sequence(SHA256),
    taggedSetOf(0, members(decode(signed.attributes), "SET")),
    signed.signatureAlgorithm,
    octets(signed.signature),
  );
  const body = sequence(
    integer(1),
    setOf(sequence(SHA256)),
    sequence(DATA, tagged(0, [octets(signed.payload)])),
    tagged(0, [decode(signed.certificate)]),
    setOf(signer),
  );
  return encode(sequence(SIGNED_DATA, tagged(0, [body])));
}

/** Reads a SignedData with one signer and refuses any byte string that `encodeSigned` would not have written. */
export function decodeSigned(der: Uint8Array): Signed {
  const [, , encapsulated, certificates, signers] = members(contentInfo(der, SIGNED_DATA), "SEQUENCE");
  const [payload] = taggedMembers(members(encapsulated, "SEQUENCE")[1], 0);
  const [signer] = members(signers, "SET");
  const [, issuerAndSerial, , attributes, signatureAlgorithm, signature] = members(signer, "SEQUENCE");
  const [certificate] = taggedMembers(certificates, 0);
  if (!certificate || !issuerAndSerial || !signatureAlgorithm) throw new Error("no signer");
  const signed = {
    payload: content(payload, "OCTETSTRING"),
    certificate: encode(certificate),
    issuerAndSerial,
    attributes: encode(setOf(...taggedMembers(attributes, 0))),
    signatureAlgorithm,
    signature: content(signature, "OCTETSTRING"),
  };
  if (!encodeSigned(signed).equals(der)) throw new Error("the signed data is not in its one encoding");
  return signed;
}

/** ECC-CMS-SharedInfo (RFC 5753 section 7.2) for a 256-bit AES key-wrapping key. */
export const encodeSharedInfo = (): Buffer =>
  encode(sequence(wrapAlgorithm, tagged(2, [octets(Buffer.of(0, 0, 1, 0))])));

/** SubjectPublicKeyInfo split into its algorithm (with the curve) and the point, and put together again. */
export function splitPublicKey(spki: Uint8Array): { algorithm: DerNode; point: Buffer } {
  const [algorithm, point] = members(decode(spki), "SEQUENCE");
  if (!algorithm) throw new Error("this is not a public key");
  return { algorithm, point: content(point, "BITSTRING").subarray(1) };
}
export const joinPublicKey = (algorithm: DerNode, point: Uint8Array): Buffer =>
  encode(sequence(algorithm, bits(point)));

/** KeyTransRecipientInfo version 0, or KeyAgreeRecipientInfo version 3 with an ephemeral originator key. */
function recipientNode(recipient: Recipient): DerNode {
  const { issuerAndSerial, wrappedKey } = recipient;
  if (recipient.kind === "rsa")
    return sequence(integer(0), issuerAndSerial, oaepAlgorithm, octets(wrappedKey));
  const originatorKey = tagged(1, [sequence(EC_PUBLIC_KEY), bits(recipient.ephemeral)]);
  return tagged(1, [
    integer(3),
    tagged(0, [originatorKey]),
    sequence(ECDH_SHA256_KDF, wrapAlgorithm),
    sequence(sequence(issuerAndSerial, octets(wrappedKey))),
  ]);
}

function recipientOf(node: DerNode): Recipient {
  if (!isTagged(node, 1)) {
    const [, issuerAndSerial, , wrappedKey] = members(node, "SEQUENCE");
    if (!issuerAndSerial) throw new Error("no recipient");
    return { kind: "rsa", issuerAndSerial, wrappedKey: content(wrappedKey, "OCTETSTRING") };
  }
  const [, originator, , keys] = taggedMembers(node, 1);
  const [, point] = taggedMembers(taggedMembers(originator, 0)[0], 1);
  const [issuerAndSerial, wrappedKey] = members(members(keys, "SEQUENCE")[0], "SEQUENCE");
  if (!issuerAndSerial) throw new Error("no recipient");
  return {
    kind: "ec",
    issuerAndSerial,
    wrappedKey: content(wrappedKey, "OCTETSTRING"),
    ephemeral: content(point, "BITSTRING").subarray(1),
  };
}

function contentInfo(der: Uint8Array, type: DerNode): DerNode | undefined {
  const [contentType, body] = members(decode(der), "SEQUENCE");
  if (!sameNode(contentType, type)) throw new Error("another content type");
  return taggedMembers(body, 0)[0];
}
