import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSigningRequest } from "../../src/identity/signing-request.ts";

const run = promisify(execFile);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "laddport-csr-"));
});
afterAll(() => rm(dir, { recursive: true }));

let made = 0;
const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** A request by openssl. */
async function request(subject: string, args: readonly string[] = EC): Promise<Buffer> {
  made += 1;
  const out = join(dir, `${made}.csr`);
  await run("openssl", [
    ...["req", "-new", "-nodes", "-keyout", join(dir, `${made}.key`), "-out", out, "-subj", subject],
    ...args,
  ]);
  return readFile(out);
}

describe("requests that openssl makes", () => {
  test.each([
    ["P-256", EC],
    ["P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"]],
    ["RSA-2048", ["-newkey", "rsa:2048"]],
    ["RSA-3072", ["-newkey", "rsa:3072", "-sha512"]],
  ])("with a %s key are read", async (keyName, args) => {
    const csr = await request("/C=SE/O=Example AB/CN=cp-01", args);
    expect(readSigningRequest(csr, "cp-01")).toMatchObject({ keyName, ignored: [] });
  });

  test("in DER are read like PEM", async () => {
    const der = await request("/CN=cp-01", [...EC, "-outform", "DER"]);
    expect(readSigningRequest(der, "cp-01").keyName).toBe("P-256");
  });

  test("that ask for more than a station gets are told what they do not get", async () => {
    const asks = [
      ...["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"],
      ...["-addext", "subjectAltName=DNS:gateway"],
    ];
    const csr = await request("/CN=cp-01", [...EC, ...asks]);
    const { ignored } = readSigningRequest(csr, "cp-01");
    expect(ignored.sort()).toEqual(["2.5.29.15", "2.5.29.17", "2.5.29.19"]);
  });

  test.each([
    ["another station's name", "/CN=cp-02", EC, 'it is for "cp-02", not for "cp-01"'],
    ["two names", "/CN=cp-01/CN=flows", EC, 'it is for "cp-01" and "flows"'],
    ["a name in other case", "/CN=CP-01", EC, 'it is for "CP-01"'],
    ["no name", "/O=cp-01", EC, "no common name"],
    ["a short RSA key", "/CN=cp-01", ["-newkey", "rsa:1024"], "1024 bits"],
    ["a huge RSA key", "/CN=cp-01", ["-newkey", "rsa:4104"], "4104 bits"],
    [
      "an exponent of 3",
      "/CN=cp-01",
      ["-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"],
      "exponent 3",
    ],
    [
      "a curve that TLS stations do not use",
      "/CN=cp-01",
      ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
      "secp256k1",
    ],
    ["SHA-1", "/CN=cp-01", [...EC, "-sha1"], "it is signed by 1.2.840.10045.4.1"],
    ["an Ed25519 key", "/CN=cp-01", ["-newkey", "ed25519"], "ed25519"],
  ])("with %s are refused", async (_name, subject, args, why) => {
    const csr = await request(subject, args);
    expect(() => readSigningRequest(csr, "cp-01")).toThrow(why);
  });
});

test("a request with any bit flipped is refused, or still the same request of the same key", async () => {
  const der = await request("/CN=cp-01", [...EC, "-outform", "DER"]);
  const { publicKey } = readSigningRequest(der, "cp-01");
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(7), (at, bit) => {
      const flipped = Buffer.from(der);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      let read: ReturnType<typeof readSigningRequest>;
      try {
        read = readSigningRequest(flipped, "cp-01");
      } catch {
        return;
      }
      expect(read.publicKey.equals(publicKey)).toBe(true);
    }),
    { numRuns: process.env.DEEP ? 5000 : 300 },
  );
});

test("what is no request is said to be none", async () => {
  const csr = (await request("/CN=cp-01")).toString();
  for (const text of ["", "hello", csr.replaceAll("CERTIFICATE REQUEST", "CERTIFICATE"), csr.slice(0, 200)])
    expect(() => readSigningRequest(Buffer.from(text), "cp-01")).toThrow("not a certificate signing request");
  expect(() => readSigningRequest(Buffer.alloc(20_000), "cp-01")).toThrow("20000 bytes");
});
