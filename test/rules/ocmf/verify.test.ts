import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { algorithmOf, CURVES } from "../../../src/rules/ocmf/curves.ts";
import { der } from "../../../src/rules/ocmf/der.ts";
import { parseOcmf } from "../../../src/rules/ocmf/record.ts";
import { verifyOcmf } from "../../../src/rules/ocmf/verify.ts";
import { METER, payload, signedText, signerOn } from "./signed.ts";

const parsed = (text: string) => parseOcmf(text);
const signatureOf = (text: string) => parseOcmf(text).signature.data;

describe.each(CURVES.map(({ name }) => name))("on %s", (name) => {
  const signer = signerOn(name);
  const text = signedText(payload(), { signer });

  it("a record verifies with its key and with no other", () => {
    expect(verifyOcmf(parsed(text), signer.key)).toEqual({
      verified: true,
      algorithm: `ECDSA-${name}-SHA256`,
      curve: name,
      key: signer.key,
      reasons: [],
      notes: [],
    });
    expect(verifyOcmf(parsed(text), signerOn(name).key)).toMatchObject({
      verified: false,
      reasons: ["the signature does not match the data and this public key"],
    });
  });

  it("base64 signatures and the hash that SA names are honoured", () => {
    for (const hash of ["sha256", "sha384", "sha512"] as const) {
      const record = parsed(signedText(payload(), { signer, hash, encoding: "base64" }));
      expect(verifyOcmf(record, signer.key).verified).toBe(true);
    }
  });

  it("raw r and s pass only when lenient, and are noted", () => {
    const record = parsed(signedText(payload(), { signer, raw: true }));
    expect(verifyOcmf(record, signer.key)).toMatchObject({
      verified: false,
      key: signer.key,
      reasons: ["SD is r and s without DER; lenient checking takes it"],
    });
    expect(verifyOcmf(record, signer.key, { lenient: true })).toMatchObject({
      verified: true,
      notes: ["the signature is r and s without DER; taken because lenient"],
    });
  });
});

describe("one flipped bit", () => {
  const text = signedText(payload());
  const bytes = Buffer.from(text, "utf8");
  const record = parsed(text);
  const start = "OCMF|".length;

  it("in the payload never verifies, lenient or not", () => {
    fc.assert(
      fc.property(
        fc.nat(record.signed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, mask, lenient) => {
          const signed = Buffer.from(record.signed);
          signed[at] = (signed[at] ?? 0) ^ mask;
          expect(verifyOcmf({ ...record, signed }, METER.key, { lenient }).verified).toBe(false);
        },
      ),
    );
  });

  it("in the bytes of a record either cannot be read or does not verify", () => {
    fc.assert(
      fc.property(fc.nat(record.signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const flipped = Buffer.from(bytes);
        flipped[start + at] = (flipped[start + at] ?? 0) ^ mask;
        let verified: boolean | null = false;
        try {
          verified = verifyOcmf(parseOcmf(flipped), METER.key).verified;
        } catch {
          // No longer a record.
        }
        expect(verified).toBe(false);
      }),
    );
  });

  it("in the signature never verifies, lenient or not", () => {
    const signature = Buffer.from(record.signature.data, "hex");
    fc.assert(
      fc.property(
        fc.nat(signature.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, mask, lenient) => {
          const flipped = Buffer.from(signature);
          flipped[at] = (flipped[at] ?? 0) ^ mask;
          const changed = { ...record, signature: { ...record.signature, data: flipped.toString("hex") } };
          expect(verifyOcmf(changed, METER.key, { lenient }).verified).toBe(false);
        },
      ),
    );
  });
});

describe("a record", () => {
  it("is not checked without a key", () => {
    expect(verifyOcmf(parsed(signedText(payload())), null)).toMatchObject({
      verified: null,
      key: null,
      reasons: ["no public key given: the signature was not checked"],
    });
  });

  it("without SA is ECDSA-secp256r1-SHA256", () => {
    expect(verifyOcmf(parsed(signedText(payload(), { algorithm: null })), METER.key)).toMatchObject({
      verified: true,
      algorithm: "ECDSA-secp256r1-SHA256",
      curve: "secp256r1",
    });
  });

  it("does not verify with a key of another curve, and says so", () => {
    const other = signerOn("secp256k1");
    expect(verifyOcmf(parsed(signedText(payload())), other.key)).toMatchObject({
      verified: false,
      reasons: ["the public key is of curve secp256k1, but the record is signed on secp256r1"],
    });
    expect(verifyOcmf(parsed(signedText(payload(), { algorithm: null })), other.key).reasons[0]).toContain(
      "SA is missing, so the default applies",
    );
  });

  it("does not verify under an algorithm that is not known", () => {
    const record = parsed(signedText(payload(), { algorithm: "RSA-2048-SHA256" }));
    expect(verifyOcmf(record, METER.key)).toMatchObject({
      verified: false,
      curve: null,
      algorithm: "RSA-2048-SHA256",
      reasons: ['signature algorithm SA is not known: "RSA-2048-SHA256"'],
    });
  });

  it("does not verify with a key that cannot be read, and says why", () => {
    const { verified, reasons } = verifyOcmf(parsed(signedText(payload())), "zz");
    expect(verified).toBe(false);
    expect(reasons[0]).toMatch(/^public key /);
  });

  it.each([
    ["ECDSA-brainpool256r1-SHA256", "brainpoolP256r1"],
    ["ECDSA-brainpoolP384r1-SHA256", "brainpoolP384r1"],
    ["ECDSA-brainpool384r1-  SHA256", "brainpoolP384r1"],
    ["ecdsa-prime256v1-sha256", "secp256r1"],
    ["ECDSA-secp521r1-SHA512", "secp521r1"],
  ])("signed with %s is on %s", (sa, curve) => {
    expect(algorithmOf(sa)?.curve.name).toBe(curve);
  });
});

describe("DER that is not the shortest", () => {
  const text = signedText(payload());
  const record = parsed(text);
  const good = Buffer.from(signatureOf(text), "hex");
  const withSignature = (bytes: Buffer) => ({
    ...record,
    signature: { ...record.signature, data: bytes.toString("hex") },
  });
  const rLength = good[3] ?? 0;
  const r = good.subarray(4, 4 + rLength);
  const s = good.subarray(6 + rLength);
  const forms: [string, Buffer][] = [
    ["a needless zero", der(0x30, der(2, Buffer.from([0]), r), der(2, s))],
    ["a long length", Buffer.concat([Buffer.from([0x30, 0x81]), good.subarray(1)])],
  ];

  it.each(forms)("with %s passes only when lenient, and is noted", (_name, bytes) => {
    expect(verifyOcmf(withSignature(bytes), METER.key)).toMatchObject({
      verified: false,
      reasons: ["SD is not canonical DER; lenient checking takes it"],
    });
    expect(verifyOcmf(withSignature(bytes), METER.key, { lenient: true })).toMatchObject({
      verified: true,
      notes: ["the signature is not canonical DER; taken because lenient"],
    });
  });

  it.each([
    ["bytes behind it", Buffer.concat([good, Buffer.from([0])])],
    ["half of it missing", good.subarray(0, good.length / 2)],
    ["numbers longer than the curve", der(0x30, der(2, Buffer.alloc(40, 1)), der(2, s))],
    ["r and s of zero", der(0x30, der(2, Buffer.from([0])), der(2, Buffer.from([0])))],
  ])("with %s never verifies", (_name, bytes) => {
    for (const lenient of [false, true])
      expect(verifyOcmf(withSignature(bytes), METER.key, { lenient }).verified).toBe(false);
  });

  it("with a number that looks negative passes only when lenient, and is noted", () => {
    // Half of all r need a zero before them to be positive, and half of all s.
    let signature: Buffer;
    let sound: Buffer;
    do {
      sound = Buffer.from(signatureOf(signedText(payload())), "hex");
      const length = sound[3] ?? 0;
      const second = sound.subarray(4 + length);
      signature = der(0x30, der(2, sound.subarray(5, 4 + length)), second);
    } while (sound[3] !== 33);
    expect(verifyOcmf(withSignature(signature), METER.key).reasons).toEqual([
      "SD is not canonical DER; lenient checking takes it",
    ]);
    expect(verifyOcmf(withSignature(signature), METER.key, { lenient: true }).verified).toBe(true);
  });

  it("is refused when SD is not what SE says", () => {
    const odd = (encoding: string | null, data: string) =>
      verifyOcmf({ ...record, signature: { ...record.signature, encoding, data } }, METER.key).reasons;
    expect(odd(null, "xyz")).toEqual(['SD is not hex; seen: "xyz"']);
    expect(odd("base64", "%")).toEqual(['SD is not base64; seen: "%"']);
    expect(odd("base32", "AA")).toEqual(['SE must be hex or base64; seen: "base32"']);
  });
});
