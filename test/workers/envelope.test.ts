import { createPrivateKey, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  type Credentials,
  certificateFingerprint,
  issueCertificate,
} from "../../src/identity/certificates.ts";
import type { SummaryProfile } from "../../src/model/summary.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/workers/cms-der.ts";
import { openContent, sealContent, unwrapByRsa, wrapContentKey } from "../../src/workers/content-key.ts";
import { openEnvelope, sealEnvelope } from "../../src/workers/envelope.ts";
import { SummaryNotOpened } from "../../src/workers/envelope-checks.ts";
import { decodeJwe, encodeJwe } from "../../src/workers/jose-json.ts";
import { knownCertificate } from "../../src/workers/known-keys.ts";
import { samplePayload } from "./sample-summary.ts";

const signer = issueCertificate({ name: "gateway", purpose: "signer" });
const cloud = issueCertificate({ name: "cloud", purpose: "recipient" });
const rsa = (name: string) => issueCertificate({ name, purpose: "recipient", keyType: "rsa3072" });
const [first, second] = [rsa("first cloud"), rsa("second cloud")];

/** A content key of the reader's own making, wrapped for another with an RSA key. */
function wrappedFor({ certPem }: Credentials): { contentKey: Buffer; wrappedKey: Buffer } {
  const contentKey = randomBytes(32);
  const { wrappedKey } = wrapContentKey(knownCertificate(certPem), contentKey, () => Buffer.alloc(32));
  return { contentKey, wrappedKey };
}

/** What the gateway signed, taken out of its envelope by `reader` and put into one for `other`. */
const FORWARD: Record<SummaryProfile, (bytes: Buffer, reader: Credentials, other: Credentials) => Buffer> = {
  "cms-1"(bytes, reader, other) {
    const envelope = decodeEnvelope(bytes);
    const contentKey = unwrapByRsa(
      createPrivateKey(reader.keyPem),
      envelope.recipients[0]?.wrappedKey ?? Buffer.alloc(0),
    );
    const signed = openContent({ ...envelope, contentKey });
    const fresh = wrappedFor(other);
    const { issuerAndSerial } = knownCertificate(other.certPem);
    const recipients = [{ kind: "rsa" as const, issuerAndSerial, wrappedKey: fresh.wrappedKey }];
    return encodeEnvelope({ recipients, ...sealContent(fresh.contentKey, signed) });
  },
  "jose-1"(bytes, reader, other) {
    const jwe = decodeJwe(bytes);
    const aad = Buffer.from(jwe.protected);
    const contentKey = unwrapByRsa(
      createPrivateKey(reader.keyPem),
      jwe.recipients[0]?.wrappedKey ?? Buffer.alloc(0),
    );
    const signed = openContent({ ...jwe, contentKey }, aad);
    const fresh = wrappedFor(other);
    const kid = certificateFingerprint(other.certPem);
    const recipients = [{ header: { alg: "RSA-OAEP-256" as const, kid }, wrappedKey: fresh.wrappedKey }];
    return encodeJwe({ protected: jwe.protected, recipients, ...sealContent(fresh.contentKey, signed, aad) });
  },
};

describe.each(["cms-1", "jose-1"] as const)("a receiver of %s", (profile) => {
  const sealedFor = (to: readonly Credentials[], cdrs = 0) =>
    sealEnvelope(
      profile,
      samplePayload(
        1,
        cdrs,
        to.map(({ certPem }) => certificateFingerprint(certPem)),
      ),
      signer,
      to.map(({ certPem }) => certPem),
    );

  test("every byte of an envelope flipped in turn is refused, with one and the same error", () => {
    const small = sealedFor([cloud]);
    const messages = new Set<string>();
    let refused = 0;
    for (const [i, byte] of small.entries()) {
      const damaged = Buffer.from(small);
      damaged[i] = byte ^ (1 << (i % 8));
      try {
        openEnvelope(damaged, { key: cloud.keyPem }, signer.certPem);
      } catch (error) {
        refused += 1;
        messages.add((error as Error).message);
      }
    }
    expect(refused).toBe(small.length);
    expect([...messages]).toEqual([new SummaryNotOpened().message]);
  });

  test("a summary that its reader sends on to another cloud is refused there, in new wrapping or in its own", () => {
    const original = sealedFor([first], 1);
    const forwarded = FORWARD[profile](original, first, second);
    const reads = { key: second.keyPem, cert: second.certPem };
    for (const bytes of [original, forwarded]) {
      expect(() => openEnvelope(bytes, reads, signer.certPem)).toThrow(SummaryNotOpened);
      // Without a certificate there is still the signature, which names who may read.
      expect(() => openEnvelope(bytes, { key: second.keyPem }, signer.certPem)).toThrow(SummaryNotOpened);
    }
    const again = FORWARD[profile](original, first, first);
    expect(() => openEnvelope(again, { key: first.keyPem }, signer.certPem)).toThrow(SummaryNotOpened);
    expect(openEnvelope(original, { key: first.keyPem }, signer.certPem).signer.trusted).toBe(true);
  });

  test("a summary that its reader signs anew is refused: the signer is another", () => {
    const { payload } = openEnvelope(sealedFor([first], 1), { key: first.keyPem });
    const forged = sealEnvelope(
      profile,
      { ...payload, recipients: [certificateFingerprint(second.certPem)] },
      first,
      [second.certPem],
    );
    expect(openEnvelope(forged, { key: second.keyPem }).signer.trusted).toBe(false);
    expect(() => openEnvelope(forged, { key: second.keyPem }, signer.certPem)).toThrow(SummaryNotOpened);
  });
});
