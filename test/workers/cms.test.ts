import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type CertificatePurpose,
  type Credentials,
  certificateFingerprint,
  issueCertificate,
} from "../../src/identity/certificates.ts";
import { open, seal } from "../../src/workers/cms.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/workers/cms-der.ts";
import { SummaryNotOpened } from "../../src/workers/envelope-checks.ts";
import { openSummaryFile } from "../../src/workers/summary-open.ts";
import { samplePayload } from "./sample-summary.ts";

const run = promisify(execFile);
const DEEP = process.env.DEEP === "1";
const make = (name: string, purpose: CertificatePurpose, keyType: "p256" | "rsa3072" = "p256") =>
  issueCertificate({ name, purpose, keyType });

const signer = make("gateway", "signer");
const rsaSigner = make("gateway rsa", "signer", "rsa3072");
const cloud = make("cloud", "recipient");
const escrow = make("escrow", "recipient", "rsa3072");
const stranger = make("stranger", "recipient");
const rsaStranger = make("rsa stranger", "recipient", "rsa3072");

const sealed = (to: Credentials[], by = signer, cdrs = 2): Buffer => {
  const pems = to.map((r) => r.certPem);
  return seal(samplePayload(1, cdrs, pems.map(certificateFingerprint)), by, pems);
};

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "laddport-cms-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("plain openssl", () => {
  const cases = [
    ["EC signer, EC recipient", signer, [cloud], cloud],
    ["EC signer, RSA recipient", signer, [escrow], escrow],
    ["RSA signer, two recipients, EC opens", rsaSigner, [cloud, escrow], cloud],
    ["RSA signer, two recipients, RSA opens", rsaSigner, [cloud, escrow], escrow],
    ["two EC recipients, the second opens", signer, [stranger, cloud], cloud],
  ] as const;
  test.each(cases)("opens and verifies: %s", async (name, by, to, reader) => {
    const file = (what: string) => join(dir, `${name.replaceAll(/\W+/g, "-")}.${what}`);
    await writeFile(file("p7m"), sealed([...to], by));
    await writeFile(file("key"), reader.keyPem);
    await writeFile(file("pem"), by.certPem);
    const input = ["-in", file("p7m"), "-inform", "DER", "-inkey", file("key"), "-binary"];
    await run("openssl", ["cms", "-decrypt", ...input, "-out", file("p7s")]);
    const verify = ["-in", file("p7s"), "-inform", "DER", "-CAfile", file("pem"), "-binary"];
    const { stdout } = await run("openssl", ["cms", "-verify", ...verify]);
    const recipients = to.map((r) => certificateFingerprint(r.certPem));
    expect(JSON.parse(stdout)).toEqual(samplePayload(1, 2, recipients));
  });

  test("refuses a flipped byte, a wrong key and a signature by another", async () => {
    const file = (what: string) => join(dir, `refused.${what}`);
    const der = sealed([cloud]);
    der[der.length - 100] = (der[der.length - 100] ?? 0) ^ 1;
    await writeFile(file("flipped"), der);
    await writeFile(file("p7m"), sealed([cloud]));
    await writeFile(file("key"), cloud.keyPem);
    await writeFile(file("wrong"), stranger.keyPem);
    await writeFile(file("pem"), stranger.certPem);
    const decrypt = (what: string, key: string) =>
      run("openssl", [
        "cms",
        "-decrypt",
        "-in",
        file(what),
        "-inform",
        "DER",
        "-inkey",
        file(key),
        "-binary",
        "-out",
        file("p7s"),
      ]);
    await expect(decrypt("flipped", "key")).rejects.toThrow();
    await expect(decrypt("p7m", "wrong")).rejects.toThrow();
    await decrypt("p7m", "key");
    await expect(
      run("openssl", [
        "cms",
        "-verify",
        "-in",
        file("p7s"),
        "-inform",
        "DER",
        "-CAfile",
        file("pem"),
        "-binary",
      ]),
    ).rejects.toThrow();
  });
});

describe("open", () => {
  const both = sealed([cloud, escrow]);
  const expected = samplePayload(
    1,
    2,
    [cloud, escrow].map((r) => certificateFingerprint(r.certPem)),
  );
  const opened = (der: Uint8Array, who: Credentials, signerCert?: string) =>
    open(der, { key: who.keyPem, cert: who.certPem }, signerCert);

  test("gives each recipient the payload and names the signer", () => {
    for (const reader of [cloud, escrow]) {
      const { payload, signer: by } = opened(both, reader, signer.certPem);
      expect(payload).toEqual(expected);
      expect(by).toMatchObject({ subject: "CN=gateway", trusted: true });
      expect(by.fingerprint).toBe(certificateFingerprint(signer.certPem));
    }
    expect(open(both, { key: cloud.keyPem }).signer.trusted).toBe(false);
  });

  test("trusts a signer through the authority that issued it, and no other", () => {
    const authority = issueCertificate({ name: "fleet", purpose: "authority" });
    const other = issueCertificate({ name: "fleet", purpose: "authority" });
    const issued = issueCertificate({ name: "gw-9", purpose: "signer", issuer: authority });
    const der = sealed([cloud], issued);
    expect(opened(der, cloud, authority.certPem).signer.trusted).toBe(true);
    expect(() => opened(der, cloud, other.certPem)).toThrow(SummaryNotOpened);
    expect(() => opened(der, cloud, signer.certPem)).toThrow(SummaryNotOpened);
  });

  test("refuses strangers, whatever their key", () => {
    const ed = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    for (const key of [stranger.keyPem, rsaStranger.keyPem, ed, "no key"])
      expect(() => open(both, { key })).toThrow(SummaryNotOpened);
    expect(() => open(both, { key: cloud.keyPem, cert: stranger.certPem })).toThrow(SummaryNotOpened);
  });

  test("a flipped byte anywhere is refused, with one and the same error", () => {
    const at = DEEP
      ? Array.from(both.keys())
      : [...fc.sample(fc.nat(both.length - 1), 60), ...Array.from({ length: 40 }, (_, i) => i)];
    for (const i of at) {
      const damaged = Buffer.from(both);
      damaged[i] = (damaged[i] ?? 0) ^ (1 << (i % 8));
      for (const reader of [cloud, escrow]) {
        let message = "opened";
        try {
          open(damaged, { key: reader.keyPem }, signer.certPem);
        } catch (error) {
          message = (error as Error).message;
        }
        expect(message, `byte ${i}`).toBe(new SummaryNotOpened().message);
      }
    }
  }, 600_000);

  test("truncation and trailing bytes are refused", () => {
    for (const der of [both.subarray(0, -1), Buffer.concat([both, Buffer.of(0)]), Buffer.alloc(0)])
      expect(() => open(der, { key: cloud.keyPem })).toThrow(SummaryNotOpened);
  });

  test("an envelope whose other recipient was exchanged is refused: the signature covers who may read", () => {
    const mine = decodeEnvelope(both);
    const other = decodeEnvelope(sealed([cloud, rsaStranger]));
    const foreign = other.recipients.filter((r) => r.kind === "rsa");
    const recipients = [...mine.recipients.filter((r) => r.kind === "ec"), ...foreign];
    expect(() => opened(encodeEnvelope({ ...mine, recipients }), cloud)).toThrow(SummaryNotOpened);
    expect(opened(encodeEnvelope(mine), cloud).payload).toEqual(expected);
  });

  test("random bytes and random DER never do anything but refuse", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(both.length), (noise, cut) => {
      const der = Buffer.concat([both.subarray(0, cut), noise]);
      fc.pre(!der.equals(both));
      expect(() => open(der, { key: cloud.keyPem })).toThrow(SummaryNotOpened);
    });
    fc.assert(property, { numRuns: DEEP ? 5000 : 100 });
  }, 600_000);
});

describe("seal", () => {
  test("never gives the same bytes twice, and hides the payload", () => {
    const [a, b] = [sealed([cloud]), sealed([cloud])];
    expect(a.equals(b)).toBe(false);
    expect(a.includes("laddport.summary")).toBe(false);
    expect(a.includes("CN=gateway") || a.includes("gateway")).toBe(false);
  });

  test("takes a hundred CDRs", () => {
    const der = sealed([cloud, escrow], signer, 100);
    expect(open(der, { key: escrow.keyPem }).payload.cdrs).toHaveLength(100);
  });

  test("names what is wrong with its input", () => {
    const fingerprint = certificateFingerprint(cloud.certPem);
    const payload = samplePayload(1, 1, [fingerprint]);
    expect(() => seal({ ...payload, recipients: [] }, signer, [])).toThrow("at least one recipient");
    expect(() => seal(payload, signer, [stranger.certPem])).toThrow("the payload names recipients");
    expect(() => seal(payload, { ...signer, keyPem: rsaSigner.keyPem }, [cloud.certPem])).toThrow(
      "does not belong to certificate CN=gateway",
    );
    const ed = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    expect(() => issueCertificate({ name: "ed", purpose: "signer", keyPem: ed })).toThrow("type ed25519");
  });
});

describe("openSummaryFile", () => {
  test("opens a file, and names the file at fault", async () => {
    const at = (name: string) => join(dir, name);
    await writeFile(at("s.p7m"), sealed([cloud]));
    await writeFile(at("cloud.key"), cloud.keyPem);
    await writeFile(at("gw.pem"), signer.certPem);
    await writeFile(at("other.pem"), stranger.certPem);
    await writeFile(at("text"), "hello");
    const files = { file: at("s.p7m"), keyFile: at("cloud.key") };
    const { summary, signer: by } = await openSummaryFile({ ...files, signerFile: at("gw.pem") });
    expect(summary).toEqual(samplePayload(1, 2, [certificateFingerprint(cloud.certPem)]));
    expect(by.trusted).toBe(true);
    expect((await openSummaryFile(files)).signer.trusted).toBe(false);
    await expect(openSummaryFile({ ...files, signerFile: at("other.pem") })).rejects.toThrow(
      SummaryNotOpened,
    );
    await expect(openSummaryFile({ ...files, file: at("none") })).rejects.toThrow(/none/);
    await expect(openSummaryFile({ ...files, file: at("gw.pem") })).rejects.toThrow(/gw.pem is PEM/);
    await expect(openSummaryFile({ ...files, file: at("text") })).rejects.toThrow(SummaryNotOpened);
    await expect(openSummaryFile({ ...files, keyFile: at("text") })).rejects.toThrow(/text is not an unenc/);
    await expect(openSummaryFile({ ...files, signerFile: at("text") })).rejects.toThrow(/text is not a cert/);
  });
});
