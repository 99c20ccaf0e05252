/**
 * Certificate signing requests (PKCS #10, RFC 2986) of stations that make their own key, so that it never leaves them.
 * Nothing but the public key is taken from a request: name, purpose and validity are the authority's to say.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import {
  content,
  type DerNode,
  decode,
  derOf,
  encode,
  isTagged,
  members,
  oidOf,
  taggedMembers,
  textOf,
} from "./der.ts";
import { SIGNATURE_HASH } from "./signature-hash.ts";

export interface SigningRequest {
  publicKey: KeyObject;
  /** `P-256`, `RSA-2048`. */
  keyName: string;
  /** Dotted ids of the extensions and attributes it asks for, none of which it gets. */
  ignored: string[];
}

const COMMON_NAME = "2.5.4.3";
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const CURVES: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };
const MAX_BYTES = 16 * 1024;

/**
 * Reads and proves a request of `station`. Throws saying what is wrong: not a request, a weak key, a signature that is
 * not of the key in it (so the sender may not have that key), or another's name.
 */
export function readSigningRequest(file: Buffer, station: string): SigningRequest {
  const { info, algorithm, signature } = parts(file);
  const [version, subject, spki, attributes] = members(info, "SEQUENCE");
  if (content(version, "INTEGER").compare(Buffer.of(0)) !== 0) throw new Error("it is not of version 1");
  checkSubject(subject, station);
  const { publicKey, keyName } = strongKey(spki);
  const hash = SIGNATURE_HASH[oidOf(members(algorithm, "SEQUENCE")[0])];
  if (hash === undefined)
    throw new Error(
      `it is signed by ${oidOf(members(algorithm, "SEQUENCE")[0])}; use ECDSA or RSA (PKCS #1) with SHA-256`,
    );
  if (!verify(hash, encode(info), publicKey, signature))
    throw new Error("its signature is not by the key in it: make the request again, on the station itself");
  return { publicKey, keyName, ignored: attributes === undefined ? [] : requested(attributes) };
}

function parts(file: Buffer): { info: DerNode; algorithm: DerNode; signature: Buffer } {
  if (file.length > MAX_BYTES) throw new Error(`it has ${file.length} bytes; a request has less than 16 KiB`);
  try {
    const der = derOf(file, /^(NEW )?CERTIFICATE REQUEST$/);
    const request = decode(der);
    // What is verified below is encoded again: it must be what came.
    if (!encode(request).equals(der)) throw new Error("it is not in DER");
    const [info, algorithm, bits] = members(request, "SEQUENCE");
    const signature = content(bits, "BITSTRING");
    if (!info || !algorithm || signature[0] !== 0) throw new Error("it lacks a part");
    return { info, algorithm, signature: signature.subarray(1) };
  } catch (cause) {
    throw new Error(`it is not a certificate signing request (PKCS #10): ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Organisation, country and the like may stand beside the name; the certificate leaves them out. */
function checkSubject(subject: DerNode | undefined, station: string): void {
  const names = members(subject, "SEQUENCE")
    .flatMap((rdn) => members(rdn, "SET"))
    .map((attribute) => members(attribute, "SEQUENCE"))
    .filter(([id]) => oidOf(id) === COMMON_NAME)
    .map(([, value]) => textOf(value));
  if (names.length === 0)
    throw new Error(`it has no common name (CN): make it with the subject /CN=${station}`);
  if (names.length > 1 || names[0] !== station)
    throw new Error(
      `it is for ${names.map((n) => JSON.stringify(n)).join(" and ")}, not for ${JSON.stringify(station)}`,
    );
}

function strongKey(spki: DerNode | undefined): { publicKey: KeyObject; keyName: string } {
  if (spki === undefined) throw new Error("it has no public key");
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: encode(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw new Error("its public key cannot be read", { cause });
  }
  const { namedCurve, modulusLength, publicExponent } = publicKey.asymmetricKeyDetails ?? {};
  const curve = CURVES[namedCurve ?? ""];
  if (publicKey.asymmetricKeyType === "ec" && curve !== undefined) return { publicKey, keyName: curve };
  const bits = modulusLength ?? 0;
  if (publicKey.asymmetricKeyType !== "rsa")
    throw new Error(
      `its key is ${namedCurve ?? publicKey.asymmetricKeyType}; use EC P-256 or P-384, or RSA of 2048 to 4096 bits`,
    );
  if (bits < 2048 || bits > 4096)
    throw new Error(`its RSA key has ${bits} bits; use 2048 to 4096, or EC P-256`);
  if ((publicExponent ?? 0n) < 65_537n)
    throw new Error(`its RSA key has the exponent ${publicExponent}; use 65537`);
  return { publicKey, keyName: `RSA-${bits}` };
}

function requested(attributes: DerNode): string[] {
  if (!isTagged(attributes, 0)) return [];
  return taggedMembers(attributes, 0).flatMap((attribute) => {
    const [id, values] = members(attribute, "SEQUENCE");
    if (oidOf(id) !== EXTENSION_REQUEST) return [oidOf(id)];
    return members(values, "SET")
      .flatMap((list) => members(list, "SEQUENCE"))
      .map((extension) => oidOf(members(extension, "SEQUENCE")[0]));
  });
}
