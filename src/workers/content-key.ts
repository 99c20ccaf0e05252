/** What both profiles do with the content key: AES-256-GCM under it, and the key wrapped for a certificate's kind of key. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createSecretKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { oneLine } from "../identity/certificates.ts";
import type { KnownCertificate } from "./known-keys.ts";

/** RSAES-OAEP with SHA-256 throughout: `RSA-OAEP-256` of RFC 7518 section 4.3, and RFC 4055 with SHA-256. */
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
/** Initial value of AES key wrap (RFC 3394 section 2.2.3.1). */
const WRAP_IV = Buffer.alloc(8, 0xa6);
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A content key wrapped for one recipient; `ephemeral` is our one-time public key as an uncompressed point. */
export type WrappedKey =
  | { kind: "rsa"; wrappedKey: Buffer }
  | { kind: "ec"; curve: string; ephemeral: Buffer; wrappedKey: Buffer };

/**
 * `agree` makes the key-encryption key from the shared secret, as the profile does.
 * @throws when the certificate's key is neither EC nor RSA of 2048 bits or more.
 */
export function wrapContentKey(
  { cert, key, point }: KnownCertificate,
  contentKey: Buffer,
  agree: (secret: Buffer) => Buffer,
): WrappedKey {
  const bitsOfKey = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType === "rsa" && bitsOfKey >= 2048)
    return { kind: "rsa", wrappedKey: publicEncrypt({ key, ...OAEP }, contentKey) };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType !== "ec" || !curve)
    throw new Error(
      `recipient ${oneLine(cert.subject)} has a ${key.asymmetricKeyType} key of ${bitsOfKey} bits: use EC (P-256) or RSA of 2048 bits or more`,
    );
  const oneTime = createECDH(curve);
  const ephemeral = oneTime.generateKeys();
  const wrap = createCipheriv("id-aes256-wrap", agree(oneTime.computeSecret(point)), WRAP_IV);
  return { kind: "ec", curve, ephemeral, wrappedKey: Buffer.concat([wrap.update(contentKey), wrap.final()]) };
}

export const unwrapByRsa = (key: KeyObject, wrappedKey: Buffer): Buffer =>
  privateDecrypt({ key, ...OAEP }, wrappedKey);

/** AES-256 key wrap (RFC 3394). @throws when the key-encryption key is another. */
export function unwrapByKek(kek: Buffer, wrappedKey: Buffer): Buffer {
  const decipher = createDecipheriv("id-aes256-wrap", kek, WRAP_IV);
  return Buffer.concat([decipher.update(wrappedKey), decipher.final()]);
}

interface SealedContent {
  nonce: Buffer;
  ciphertext: Buffer;
  tag: Buffer;
}

/** A content key is used once, so a random 96-bit nonce cannot repeat under it. */
export function sealContent(contentKey: Buffer, plain: Uint8Array, aad?: Buffer): SealedContent {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", createSecretKey(contentKey), nonce);
  if (aad) cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce, ciphertext, tag: cipher.getAuthTag() };
}

/** @throws when a byte of it, the key or `aad` is another. */
export function openContent(content: SealedContent & { contentKey: Buffer }, aad?: Buffer): Buffer {
  const { contentKey, nonce, ciphertext, tag } = content;
  if (nonce.length !== NONCE_BYTES || tag.length !== TAG_BYTES)
    throw new Error("nonce or tag has the wrong length");
  const key = createSecretKey(contentKey);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  if (aad) decipher.setAAD(aad);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}
