/**
 * Keys and certificates as cms.ts needs them, parsed once: parsing costs as much as a signature, and a gateway or a
 * receiver works with the same few for years.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { certificateFields } from "../identity/certificates.ts";
import { type DerNode, sequence } from "../identity/der.ts";
import { splitPublicKey } from "./cms-der.ts";

export interface KnownCertificate {
  cert: X509Certificate;
  der: Buffer;
  pem: string;
  key: KeyObject;
  /** The public key's bits: for EC, the uncompressed point. */
  point: Buffer;
  /** SHA-256 of the DER, hex. */
  fingerprint: string;
  /** IssuerAndSerialNumber (RFC 5652 section 10.2.4). */
  issuerAndSerial: DerNode;
}

export interface KnownKey {
  key: KeyObject;
  /** The algorithm of its public half, with the curve. */
  algorithm: DerNode;
}

/** `source`: PEM, or DER as a binary string. Throws when it is no certificate. */
export const knownCertificate = remembered((source: string): KnownCertificate => {
  const cert = new X509Certificate(source.startsWith("-----") ? source : Buffer.from(source, "latin1"));
  const { issuer, serial } = certificateFields(cert.raw);
  return {
    cert,
    der: cert.raw,
    pem: cert.toString(),
    key: cert.publicKey,
    point: splitPublicKey(cert.publicKey.export({ type: "spki", format: "der" })).point,
    fingerprint: createHash("sha256").update(cert.raw).digest("hex"),
    issuerAndSerial: sequence(issuer, serial),
  };
});

/** Throws when it is no unencrypted private key in PEM. */
export const knownKey = remembered((pem: string): KnownKey => {
  const key = createPrivateKey(pem);
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return { key, algorithm: splitPublicKey(spki).algorithm };
});

/** Strangers' certificates pass through here too, so it holds a bounded number and starts over when full. */
function remembered<T>(parse: (source: string) => T, most = 64): (source: string) => T {
  const parsed = new Map<string, T>();
  return (source) => {
    const before = parsed.get(source);
    if (before !== undefined) return before;
    const value = parse(source);
    if (parsed.size >= most) parsed.clear();
    parsed.set(source, value);
    return value;
  };
}
