/**
 * Signed receipts: flattened JWS (RFC 7515 section 7.2.2), ES256 with a P-256 key or RS256 with an RSA key. The key is
 * the configured one: what the header says of keys is not looked at.
 */
import { type KeyObject, verify, X509Certificate } from "node:crypto";
import { SignedReceipt } from "../model/summary.ts";

/** What a message says, and the signed form (compact JWS) when it was signed and the signature holds. */
export type ReceiptRead = { claims: unknown; jws?: string } | { fault: string };

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The public keys of a file of certificates (PEM): two while the receiver changes its own. @throws when there is none. */
export function receiptKeys(certsPem: string): KeyObject[] {
  const keys = (certsPem.match(PEM) ?? []).map((pem) => new X509Certificate(pem).publicKey);
  if (keys.length === 0) throw new Error("no certificate in PEM");
  for (const key of keys) algorithmOf(key);
  return keys;
}

/** With keys only what one of them signed counts; without, a signature is not looked at. */
export function readReceipt(message: unknown, keys: readonly KeyObject[]): ReceiptRead {
  const signed = SignedReceipt.safeParse(message).data;
  if (!signed) return keys.length > 0 ? { fault: "is not signed" } : { claims: message };
  if (keys.length > 0 && !keys.some((key) => isSignedBy(signed, key)))
    return { fault: "is not signed by upstream.receipt_cert_file" };
  const jws = `${signed.protected}.${signed.payload}.${signed.signature}`;
  return { claims: jsonOf(signed.payload), ...(keys.length > 0 ? { jws } : {}) };
}

/** Without looking at a signature: to tell a refusal from an acceptance on the way in. */
export function claimsOf(message: unknown): unknown {
  const signed = SignedReceipt.safeParse(message).data;
  return signed ? jsonOf(signed.payload) : message;
}

function isSignedBy(signed: SignedReceipt, key: KeyObject): boolean {
  const { alg, crit } = (jsonOf(signed.protected) ?? {}) as { alg?: unknown; crit?: unknown };
  if (alg !== algorithmOf(key) || crit !== undefined) return false;
  const input = Buffer.from(`${signed.protected}.${signed.payload}`);
  const signature = Buffer.from(signed.signature, "base64url");
  return verify("sha256", input, { key, dsaEncoding: "ieee-p1363" }, signature);
}

function algorithmOf(key: KeyObject): "ES256" | "RS256" {
  if (key.asymmetricKeyType === "rsa") return "RS256";
  if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return "ES256";
  throw new Error("receipts are signed with P-256 (ES256) or RSA (RS256) keys");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
