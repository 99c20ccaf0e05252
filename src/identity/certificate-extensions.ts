/** Extensions of X.509 certificates (RFC 5280 section 4.2): what a certificate of each purpose may be used for. */
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import forge from "node-forge";
import {
  bits,
  boolean,
  content,
  type DerNode,
  decode,
  encode,
  members,
  octets,
  oid,
  sequence,
  taggedOctets,
} from "./der.ts";

export type CertificatePurpose = "authority" | "signer" | "recipient" | "server" | "client";

export const EXTENSIONS = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  anyUse: "2.5.29.37.0",
} as const;

/** Bits of KeyUsage (RFC 5280 section 4.2.1.3), the first bit being the highest. */
const DIGITAL_SIGNATURE = 0x80;
export const KEY_ENCIPHERMENT = 0x20;
export const KEY_AGREEMENT = 0x08;
const CERT_AND_CRL_SIGN = 0x06;

/** The extensions of a certificate of `purpose` for a public key; `hosts` become its alternative names. */
export function extensionNodes(
  purpose: CertificatePurpose,
  hosts: readonly string[],
  key: KeyObject,
  issuerKeyId: Buffer,
): DerNode[] {
  const rsa = key.asymmetricKeyType === "rsa";
  const usage = {
    authority: CERT_AND_CRL_SIGN,
    signer: DIGITAL_SIGNATURE,
    recipient: rsa ? KEY_ENCIPHERMENT : KEY_AGREEMENT,
    server: rsa ? DIGITAL_SIGNATURE | KEY_ENCIPHERMENT : DIGITAL_SIGNATURE,
    client: DIGITAL_SIGNATURE,
  }[purpose];
  const extended = {
    authority: undefined,
    signer: EXTENSIONS.emailProtection,
    recipient: EXTENSIONS.emailProtection,
    server: EXTENSIONS.serverAuth,
    client: EXTENSIONS.clientAuth,
  }[purpose];
  const constraints = purpose === "authority" ? sequence(boolean(true)) : sequence();
  const nodes = [
    extension(EXTENSIONS.basicConstraints, true, constraints),
    extension(EXTENSIONS.keyUsage, true, usageBits(usage)),
    extension(EXTENSIONS.subjectKeyId, false, octets(keyId(key))),
    extension(EXTENSIONS.authorityKeyId, false, sequence(taggedOctets(0, issuerKeyId))),
  ];
  if (extended) nodes.push(extension(EXTENSIONS.extKeyUsage, false, sequence(oid(extended))));
  if (hosts.length > 0)
    nodes.push(extension(EXTENSIONS.subjectAltName, false, sequence(...hosts.map(generalName))));
  return nodes;
}

export function extension(id: string, critical: boolean, value: DerNode): DerNode {
  const flag = critical ? [boolean(true)] : [];
  return sequence(oid(id), ...flag, octets(encode(value)));
}

/** A named bit list in DER: trailing zero bits are not encoded (X.690 section 11.2.2). */
function usageBits(usage: number): DerNode {
  const unused = Math.clz32(usage & -usage) ^ 31;
  const node = bits(Uint8Array.of(usage));
  node.value = String.fromCharCode(unused, usage);
  return node;
}

/** RFC 7093 section 2, method 1: the left 160 bits of the SHA-256 of the public key. `key`: either half of the pair. */
export function keyId(key: KeyObject): Buffer {
  const spki = (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "der" });
  const point = content(members(decode(spki), "SEQUENCE")[1], "BITSTRING").subarray(1);
  return createHash("sha256").update(point).digest().subarray(0, 20);
}

/** In node-forge, not in its typings. Null for what is not an address. */
interface IpUtil {
  bytesFromIP(text: string): string | null;
}

/** GeneralName (RFC 5280 section 4.2.1.6): `[2]` a DNS name, `[7]` the bytes of an IP address. */
function generalName(host: string): DerNode {
  const ip = (forge.util as unknown as IpUtil).bytesFromIP(host);
  if (ip !== null) return taggedOctets(7, Buffer.from(ip, "latin1"));
  if (!/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(host))
    throw new Error(`${JSON.stringify(host)} is neither a DNS name nor an IP address`);
  return taggedOctets(2, Buffer.from(host, "ascii"));
}
