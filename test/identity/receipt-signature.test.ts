import { createPrivateKey, X509Certificate } from "node:crypto";
import { FlattenedSign } from "jose";
import { describe, expect, it } from "vitest";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { claimsOf, readReceipt, receiptKeys } from "../../src/identity/receipt-signature.ts";
import type { Receipt } from "../../src/model/summary.ts";

const ec = issueCertificate({ name: "cloud receipts", purpose: "signer" });
const rsa = issueCertificate({ name: "cloud receipts", purpose: "signer", keyType: "rsa3072" });
const stranger = issueCertificate({ name: "cloud receipts", purpose: "signer" });
const receipt: Receipt = { gateway: "g", epoch: 1, seq: 4, sha256: "ab".repeat(32), status: "accepted" };

/** Signs as a cloud would, with the library of another author. */
const signed = (keyPem: string, alg: "ES256" | "RS256", body: object = receipt) =>
  new FlattenedSign(Buffer.from(JSON.stringify(body)))
    .setProtectedHeader({ alg, cty: "json" })
    .sign(createPrivateKey(keyPem));

describe("signed receipts", () => {
  const keys = receiptKeys(ec.certPem + rsa.certPem);

  it("are taken from any of the configured certificates, and kept in their signed form", async () => {
    for (const [key, alg] of [
      [ec, "ES256"],
      [rsa, "RS256"],
    ] as const) {
      const message = await signed(key.keyPem, alg);
      expect(readReceipt(message, keys)).toEqual({
        claims: receipt,
        jws: `${message.protected}.${message.payload}.${message.signature}`,
      });
    }
  });

  it("are refused from anyone else, changed, or under another algorithm", async () => {
    const message = await signed(ec.keyPem, "ES256");
    const fault = { fault: "is not signed by upstream.receipt_cert_file" };
    expect(readReceipt(await signed(stranger.keyPem, "ES256"), keys)).toEqual(fault);
    const other = await signed(stranger.keyPem, "ES256", { ...receipt, seq: 5 });
    expect(readReceipt({ ...message, payload: other.payload }, keys)).toEqual(fault);
    for (const header of [{ alg: "none" }, { alg: "HS256" }, { alg: "ES256", crit: ["b64"], b64: false }]) {
      const text = Buffer.from(JSON.stringify(header)).toString("base64url");
      expect(readReceipt({ ...message, protected: text }, keys)).toEqual(fault);
    }
    expect(readReceipt({ ...message, protected: "!!" }, keys)).toEqual(fault);
    expect(readReceipt({ ...message, signature: "" }, keys)).toEqual(fault);
  });

  it("unsigned ones are taken only when no certificate is configured", async () => {
    expect(readReceipt(receipt, [])).toEqual({ claims: receipt });
    expect(readReceipt(receipt, keys)).toEqual({ fault: "is not signed" });
    expect(readReceipt(await signed(stranger.keyPem, "ES256"), [])).toEqual({ claims: receipt });
    expect(claimsOf(await signed(stranger.keyPem, "ES256"))).toEqual(receipt);
    expect(claimsOf({ payload: "?", protected: "", signature: "" })).toBeUndefined();
  });

  it("a file without a certificate, or with one of another kind, is refused", () => {
    expect(() => receiptKeys("nothing")).toThrow("no certificate");
    expect(new X509Certificate(ec.certPem).publicKey.equals(keys[0] as never)).toBe(true);
  });
});
