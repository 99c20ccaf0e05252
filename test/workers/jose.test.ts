import { createPrivateKey, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { compactVerify, type GeneralJWE, generalDecrypt } from "jose";
import { describe, expect, test } from "vitest";
import {
  type CertificatePurpose,
  type Credentials,
  certificateFingerprint,
  issueCertificate,
} from "../../src/identity/certificates.ts";
import type { SummaryPayload } from "../../src/model/summary.ts";
import { SummaryNotOpened } from "../../src/workers/envelope-checks.ts";
import { open, seal } from "../../src/workers/jose.ts";
import { decodeJwe, encodeJwe } from "../../src/workers/jose-json.ts";
import { samplePayload } from "./sample-summary.ts";

const make = (name: string, purpose: CertificatePurpose, keyType: "p256" | "rsa3072" = "p256") =>
  issueCertificate({ name, purpose, keyType });
const signer = make("gateway", "signer");
const rsaSigner = make("gateway rsa", "signer", "rsa3072");
const cloud = make("cloud", "recipient");
const escrow = make("escrow", "recipient", "rsa3072");
const stranger = make("stranger", "recipient");

const payloadFor = (to: readonly Credentials[], cdrs = 2): SummaryPayload =>
  samplePayload(
    1,
    cdrs,
    to.map(({ certPem }) => certificateFingerprint(certPem)),
  );
const sealed = (to: readonly Credentials[], by = signer, cdrs = 2): Buffer =>
  seal(
    payloadFor(to, cdrs),
    by,
    to.map(({ certPem }) => certPem),
  );

/** Opens with the library of another author, knowing only RFC 7515 and RFC 7516. */
async function opened(bytes: Buffer, reader: Credentials, by: Credentials): Promise<SummaryPayload> {
  const jwe = JSON.parse(bytes.toString("utf8")) as GeneralJWE;
  const { plaintext, protectedHeader } = await generalDecrypt(jwe, createPrivateKey(reader.keyPem));
  expect(protectedHeader).toMatchObject({ enc: "A256GCM", cty: "JOSE" });
  const { payload } = await compactVerify(plaintext, new X509Certificate(by.certPem).publicKey);
  return JSON.parse(Buffer.from(payload).toString("utf8")) as SummaryPayload;
}

describe("an independent library", () => {
  const cases = [
    ["EC signer, EC recipient", signer, [cloud], cloud],
    ["EC signer, RSA recipient", signer, [escrow], escrow],
    ["EC signer, two recipients, EC opens", signer, [cloud, escrow], cloud],
    ["EC signer, two recipients, RSA opens", signer, [cloud, escrow], escrow],
    ["RSA signer, two EC recipients, the second opens", rsaSigner, [stranger, cloud], cloud],
  ] as const;
  test.each(cases)("opens and verifies: %s", async (_, by, to, reader) => {
    expect(await opened(sealed(to, by), reader, by)).toEqual(payloadFor(to));
  });

  test("refuses a wrong key and a signature by another", async () => {
    await expect(opened(sealed([cloud]), stranger, signer)).rejects.toThrow();
    await expect(opened(sealed([cloud]), cloud, stranger)).rejects.toThrow();
  });
});

describe("open", () => {
  const both = sealed([cloud, escrow]);

  test("gives each recipient the payload and names the signer", () => {
    for (const { keyPem: key, certPem: cert } of [cloud, escrow]) {
      const { payload, signer: by } = open(both, { key, cert }, signer.certPem);
      expect(payload).toEqual(payloadFor([cloud, escrow]));
      expect(by).toMatchObject({ subject: "CN=gateway", trusted: true });
    }
    expect(open(both, { key: cloud.keyPem }).signer.trusted).toBe(false);
  });

  test("refuses strangers, other signers, and certificates that are not addressed", () => {
    expect(() => open(both, { key: stranger.keyPem })).toThrow(SummaryNotOpened);
    expect(() => open(both, { key: cloud.keyPem }, stranger.certPem)).toThrow(SummaryNotOpened);
    expect(() => open(both, { key: cloud.keyPem, cert: stranger.certPem })).toThrow(SummaryNotOpened);
  });

  test("an envelope whose other recipient was exchanged is refused: the signature covers who may read", () => {
    const mine = decodeJwe(both);
    const other = decodeJwe(sealed([cloud, make("other", "recipient", "rsa3072")]));
    const recipients = [mine.recipients[0], other.recipients[1]].flatMap((r) => r ?? []);
    expect(() => open(encodeJwe({ ...mine, recipients }), { key: cloud.keyPem })).toThrow(SummaryNotOpened);
    expect(open(encodeJwe(mine), { key: cloud.keyPem }).payload).toEqual(payloadFor([cloud, escrow]));
  });

  test("the same JSON in another spelling is refused: there is one encoding", () => {
    const text = both.toString("utf8");
    for (const other of [` ${text}`, `${text}\n`, text.replace('"iv"', '"\\u0069v"')])
      expect(() => open(Buffer.from(other), { key: cloud.keyPem })).toThrow(SummaryNotOpened);
  });

  test("random text never does anything but refuse", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(both.length), (noise, cut) => {
      const bytes = Buffer.concat([both.subarray(0, cut), noise]);
      fc.pre(!bytes.equals(both));
      expect(() => open(bytes, { key: cloud.keyPem })).toThrow(SummaryNotOpened);
    });
    fc.assert(property, { numRuns: 100 });
  });
});

describe("seal", () => {
  test("never gives the same bytes twice, and hides payload and signer", () => {
    const [a, b] = [sealed([cloud]), sealed([cloud])];
    expect(a.equals(b)).toBe(false);
    expect(a.includes("laddport.summary") || a.includes("gateway")).toBe(false);
  });

  test("a key that JOSE has no algorithm for is named", () => {
    const { keyPem, certPem } = rsaSigner;
    expect(() => seal(payloadFor([cloud]), { keyPem: signer.keyPem, certPem }, [cloud.certPem])).toThrow(
      "does not belong",
    );
    expect(
      open(seal(payloadFor([cloud]), { keyPem, certPem }, [cloud.certPem]), { key: cloud.keyPem }),
    ).toMatchObject({ signer: { subject: "CN=gateway rsa" } });
  });
});
