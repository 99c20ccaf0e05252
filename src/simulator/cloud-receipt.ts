/** Signs receipts as a cloud does: flattened JWS (RFC 7515 section 7.2.2), ES256. */
import { createPrivateKey, sign } from "node:crypto";
import type { Receipt, SignedReceipt } from "../model/summary.ts";

/** `keyPem`: a P-256 private key. */
export function signReceipt(receipt: Receipt, keyPem: string): SignedReceipt {
  const header = base64url({ alg: "ES256", cty: "json" });
  const payload = base64url(receipt);
  const key = { key: createPrivateKey(keyPem), dsaEncoding: "ieee-p1363" } as const;
  const signature = sign("sha256", Buffer.from(`${header}.${payload}`), key).toString("base64url");
  return { payload, protected: header, signature };
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
