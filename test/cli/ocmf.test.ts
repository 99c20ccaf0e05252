import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OcmfOptions, ocmfVerify } from "../../src/cli/ocmf.ts";
import { BEGIN, END, METER, payload, signedText, signerOn } from "../rules/ocmf/signed.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "laddport-ocmf-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const written = (name: string, content: string | Buffer) => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};

const record = signedText(payload());

async function run(options: OcmfOptions, isTTY = false) {
  let stdout = "";
  let stderr = "";
  const exit = await ocmfVerify(options, {
    stdout: Object.assign({ write: (text: string) => (stdout += text) }, { isTTY }),
    stderr: { write: (text) => (stderr += text) },
  });
  return { exit, stdout, stderr };
}

async function verdict(content: string | Buffer, options: Partial<OcmfOptions> = {}) {
  const { exit, stdout } = await run({ file: written("in", content), json: true, ...options });
  return { exit, ...JSON.parse(stdout) };
}

describe("--json", () => {
  it("tells everything of a record that verifies", async () => {
    expect(await verdict(record, { key: METER.key })).toEqual({
      exit: 0,
      parses: true,
      verified: true,
      algorithm: "ECDSA-secp256r1-SHA256",
      curve: "secp256r1",
      readings: [
        {
          time: "2026-03-01T10:00:00,000+0100",
          time_status: "S",
          tx: "B",
          value: "100.500",
          unit: "kWh",
          identifier: "1-b:1.8.0",
          status: "G",
        },
        {
          time: "2026-03-01T11:00:00,000+0100",
          time_status: "S",
          tx: "E",
          value: "112.750",
          unit: "kWh",
          identifier: "1-b:1.8.0",
          status: "G",
        },
      ],
      pagination: "T7",
      billable: true,
      reasons: [],
    });
  });

  it("has verified null without a key, and fails", async () => {
    expect(await verdict(record)).toMatchObject({
      exit: 1,
      parses: true,
      verified: null,
      billable: false,
      reasons: ["no public key given: the signature was not checked"],
    });
  });

  it("has verified false with another key, and fails", async () => {
    expect(await verdict(record, { key: signerOn().key })).toMatchObject({ exit: 1, verified: false });
  });

  it("verifies what is not billable with exit 0", async () => {
    const text = signedText(payload({ RD: [BEGIN, { ...END, ST: "F" }] }));
    expect(await verdict(text, { key: METER.key })).toMatchObject({
      exit: 0,
      verified: true,
      billable: false,
      reasons: ["meter state is not good at TX=E (ST=F)"],
    });
  });

  it("marks what hinders only billing by time", async () => {
    const text = signedText(payload({ RD: [BEGIN, END] }).replaceAll("+0100 S", "+0100 I"));
    expect(await verdict(text, { key: METER.key })).toMatchObject({
      billable: true,
      reasons: [expect.stringMatching(/^for time only: the clock is neither synchronised nor relative/)],
    });
  });

  it.each(["nonsense", "OCMF|{}", 'OCMF|{"RD":[{"RV":"x"}]}|{"SD":"00"}', "<values/>", "{}", ""])(
    "says that %j does not parse",
    async (content) => {
      const { exit, reasons, ...rest } = await verdict(content, { key: METER.key });
      expect({ exit, ...rest }).toEqual({
        exit: 1,
        parses: false,
        verified: null,
        algorithm: null,
        curve: null,
        readings: [],
        pagination: null,
        billable: false,
      });
      expect(reasons).toHaveLength(1);
    },
  );

  it("judges records one a line as one transaction", async () => {
    const pair = [
      signedText(payload({ PG: "T1", RD: [BEGIN] })),
      signedText(payload({ PG: "T2", RD: [END] })),
    ];
    expect(await verdict(pair.join("\n"), { key: METER.key })).toMatchObject({
      exit: 0,
      verified: true,
      pagination: "T1,T2",
      billable: true,
    });
    const forged = [pair[0], pair[1]?.replace("112.750", "212.750")];
    expect(await verdict(forged.join("\n"), { key: METER.key })).toMatchObject({ exit: 1, verified: false });
  });

  it("takes the key from OCPP JSON, unless one is given", async () => {
    const message = JSON.stringify({
      signedMeterValue: {
        signedMeterData: Buffer.from(record).toString("base64"),
        encodingMethod: "OCMF",
        publicKey: Buffer.from(`oca:base16:asn1:${METER.key}`).toString("base64"),
      },
    });
    expect(await verdict(message)).toMatchObject({ exit: 0, verified: true });
    expect(await verdict(message, { key: signerOn().key })).toMatchObject({ exit: 1, verified: false });
  });

  it("takes r and s without DER only when lenient, and says so", async () => {
    const raw = signedText(payload(), { raw: true });
    expect(await verdict(raw, { key: METER.key })).toMatchObject({ exit: 1, verified: false });
    expect(await verdict(raw, { key: METER.key, lenient: true })).toMatchObject({
      exit: 0,
      verified: true,
      reasons: ["the signature is r and s without DER; taken because lenient"],
    });
  });
});

describe("--key", () => {
  it.each([
    ["hex", METER.key],
    ["DER", Buffer.from(METER.key, "hex")],
    ["base64", Buffer.from(METER.key, "hex").toString("base64")],
  ])("names a file with the key in %s", async (name, content) => {
    expect(await verdict(record, { key: written(`key-${name}`, content) })).toMatchObject({ verified: true });
  });

  it("longer than a file's name may be is a key still", async () => {
    const signer = signerOn("secp521r1");
    expect(await verdict(signedText(payload(), { signer }), { key: signer.key })).toMatchObject({
      verified: true,
    });
  });

  it("that is neither key nor file is a slip of usage", async () => {
    await expect(run({ file: written("in", record), key: "meter.pem" })).rejects.toMatchObject({
      code: "LP803",
      message: expect.stringContaining('seen: "meter.pem"'),
    });
  });
});

describe("--xml", () => {
  it("writes a container that verifies by itself", async () => {
    const xml = join(dir, "out.xml");
    await verdict(record, { key: METER.key, xml });
    expect(readFileSync(xml, "utf8")).toContain(
      `<publicKey encoding="hex">${METER.key.toUpperCase()}</publicKey>`,
    );
    expect(await verdict(readFileSync(xml))).toMatchObject({ exit: 0, verified: true, billable: true });
  });

  it("says when it cannot write", async () => {
    const xml = join(dir, "none/out.xml");
    await expect(run({ file: written("in", record), xml })).rejects.toMatchObject({ code: "LP802" });
  });
});

describe("for a person", () => {
  it("shows the readings and the verdict in plain text", async () => {
    const { stdout, exit } = await run({ file: written("in", record), key: METER.key });
    expect(exit).toBe(0);
    expect(stdout).toBe(
      [
        "time                          clock  tx    value  unit  register   meter",
        "2026-03-01T10:00:00,000+0100  S      B   100.500  kWh   1-b:1.8.0  G",
        "2026-03-01T11:00:00,000+0100  S      E   112.750  kWh   1-b:1.8.0  G",
        "",
        "energy    12250 Wh",
        "meter     M-1",
        "pages     T7",
        "signature ECDSA-secp256r1-SHA256",
        "",
        "VERIFIED, billable",
        "",
      ].join("\n"),
    );
  });

  it("colours the verdict on a terminal only", async () => {
    const file = written("in", record);
    expect((await run({ file, key: METER.key }, true)).stdout).toContain("\u001b[32mVERIFIED");
    expect((await run({ file, key: METER.key })).stdout).not.toContain("\u001b");
  });

  it("says why not", async () => {
    const { stdout } = await run({ file: written("in", record) });
    expect(stdout).toContain(
      "NOT CHECKED, not billable\n  - no public key given: the signature was not checked\n",
    );
    expect((await run({ file: written("in", "nonsense") })).stdout).toMatch(
      /^NOT READABLE\n {2}- file holds no OCMF/,
    );
  });
});

it("is a command with exit codes 0, 1 and 2, and a clear word about a file that is not there", async () => {
  const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
  const command = (...args: string[]) =>
    promisify(execFile)(process.execPath, [cli, "ocmf", "verify", ...args]).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );
  const file = written("in", record);
  expect(await command(file, "--key", METER.key, "--json")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"verified":true'),
  });
  expect(await command(file)).toMatchObject({ code: 1 });
  expect(await command()).toMatchObject({ code: 2 });
  expect(await command(file, "--key", "meter.pem")).toMatchObject({ code: 2 });
  const missing = await command(join(dir, "missing.xml"));
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^LP805 .*missing\.xml cannot be read/),
  });
  expect(await command(dir)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${dir} cannot be read`),
  });
});

it("a --key that is neither a key nor a file is shown as it was given", async () => {
  const file = written("record", record);
  const wrong = (key: string) => run({ file, key }).catch((error: Error) => String(error));
  expect(await wrong("meter7.pem")).toMatch(
    /^LP803 --key: .* or name a file that holds it: "meter7\.pem" is no file\.$/,
  );
  expect(await wrong(written("junk", "x\u0000"))).toMatch(
    /^LP803 --key: .* Give it as hex, base64, PEM or DER\.$/,
  );
});
