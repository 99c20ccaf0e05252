import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { summaryOpen } from "../../src/cli/summary.ts";
import { type SummaryExportOptions, summaryExport, summaryList } from "../../src/cli/summary-log.ts";
import { type Credentials, issueCertificate } from "../../src/identity/certificates.ts";
import type { SummaryProfile } from "../../src/model/summary.ts";
import { SummarySchema } from "../../src/model/summary-schema.ts";
import { createForgetSink } from "../../src/sinks/forget.ts";
import { createSealSink } from "../../src/sinks/seal.ts";
import { sealEnvelope } from "../../src/workers/envelope.ts";
import { newFolder, type Outbox, openOutbox, removeFolder, until } from "../sinks/outbox.ts";
import { captured } from "./depot-log.ts";

const rsa = (name: string, purpose: "signer" | "recipient") =>
  issueCertificate({ name, purpose, keyType: "rsa3072" });
const signer = issueCertificate({ name: "gw-ringon", purpose: "signer" });
const cloud = issueCertificate({ name: "cloud", purpose: "recipient" });
const escrow = rsa("escrow", "recipient");

let box: Outbox;
beforeEach(async () => {
  box = await openOutbox(await newFolder());
});
afterEach(async () => {
  await box.close();
  await removeFolder(box.dir);
});

const at = (name: string) => join(box.dir, name);

/** Seals what the log holds, two CDRs to a summary. */
async function sealAll(profile: SummaryProfile = "cms-1", by: Credentials = signer): Promise<void> {
  const sink = createSealSink(box.context, {
    ...{ gateway: "gw-ringon", site: "ringon", epoch: 1, maxCdrs: 2 },
    recipients: { certPems: [cloud.certPem], escrowPem: escrow.certPem },
    openSealed: () => ({ missing: "erased" }),
    payerOf: (tokenRef) => ({ payer: `payer of ${tokenRef}` }),
    seal: async (payload, pems) => sealEnvelope(profile, payload, by, pems),
  });
  sink.start();
  await sink.flush();
  await sink.stop();
}

async function exported(options: Partial<SummaryExportOptions> & { seq: number }) {
  const { out, io } = captured();
  const code = await summaryExport({ data: box.dir, out: at("out.p7m"), ...options }, io);
  return { code, ...out };
}

async function rows() {
  const { out, io } = captured();
  expect(await summaryList({ data: box.dir, json: true }, io)).toBe(0);
  return out.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
}

describe("summary export", () => {
  it.each([
    ["EC", "EC", signer, cloud],
    ["EC", "RSA", signer, escrow],
    ["RSA", "EC", rsa("gw rsa", "signer"), cloud],
    ["RSA", "RSA", rsa("gw rsa", "signer"), escrow],
  ] as const)(
    "plain openssl cms opens and verifies it: %s signer, %s recipient",
    async (_s, _r, by, reader) => {
      await box.issue(0, 2);
      await sealAll("cms-1", by);
      expect(await exported({ seq: 1 })).toMatchObject({ code: 0, stdout: "" });
      write({ "own.pem": reader.certPem, "own.key": reader.keyPem, "gateway.pem": by.certPem });
      const own = ["-recip", at("own.pem"), "-inkey", at("own.key"), "-binary"];
      const files = ["-in", at("out.p7m"), "-out", at("signed.der")];
      execFileSync("openssl", ["cms", "-decrypt", "-inform", "DER", ...files, ...own]);
      const trust = ["-CAfile", at("gateway.pem"), "-purpose", "any", "-binary"];
      const verify = ["cms", "-verify", "-inform", "DER", "-in", at("signed.der"), ...trust];
      const payload = JSON.parse(
        execFileSync("openssl", verify, { stdio: ["ignore", "pipe", "ignore"] }).toString(),
      );
      expect(SummarySchema.parse(payload)).toMatchObject({
        seq: 1,
        cdrs: [{ id: "cdr-000000" }, { id: "cdr-000001" }],
      });
    },
  );

  it("takes the newest epoch that has the number, or the one that is named", async () => {
    await box.issue(0, 2);
    await sealAll();
    const [first] = await box.facts("summary.sealed");
    const restored = { ...(first?.body as NonNullable<typeof first>["body"]), epoch: 7 };
    const bytes = await box.store.attachment(first?.offset ?? 0);
    await box.context.writer.append(
      [{ type: "summary.sealed", atMs: 0, station: null, key: "summary.sealed:7:1", body: restored }],
      [{ event: 0, bytes: bytes ?? new Uint8Array() }],
    );
    expect((await exported({ seq: 1 })).stderr).toContain("summary 7/1 is in ");
    expect((await exported({ seq: 1, epoch: 1 })).stderr).toContain("summary 1/1 is in ");
    expect(readFileSync(at("out.p7m")).equals(bytes ?? new Uint8Array())).toBe(true);
    expect(await exported({ seq: 1, epoch: 2 })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no summary 2/1"),
    });
    expect(await exported({ seq: 9 })).toMatchObject({ code: 1 });
    await expect(exported({ seq: 1, out: box.dir })).rejects.toThrow("is a folder");
  });

  it("says so when the bytes were deleted after their receipt", async () => {
    await box.issue(0, 2);
    await sealAll();
    const [row] = await rows();
    const body = { epoch: 1, seq: 1, sha256: row.sha256 };
    const base = { atMs: Date.now() - 86_400_000, station: null, key: "summary.acknowledged:1:1" };
    await box.context.writer.append([{ ...base, type: "summary.acknowledged", body }]);
    const forget = createForgetSink(box.context, { keepDays: 0 });
    forget.start();
    await until("forgotten", async () => (await box.facts("summary.forgotten")).length === 1);
    await forget.stop();
    expect(await exported({ seq: 1 })).toMatchObject({
      code: 1,
      stderr: "the bytes of summary 1/1 were deleted after their receipt\n",
    });
    expect((await rows())[0]).toMatchObject({ state: "acknowledged", forgotten_at: expect.any(String) });
  });
});

describe("summary list", () => {
  it("tells each summary with its state, oldest first", async () => {
    await box.issue(0, 3);
    await sealAll();
    const [first, second] = await box.facts("summary.sealed");
    const rejected = { epoch: 1, seq: 2, sha256: second?.body.sha256 ?? "", reason: "account closed" };
    await box.context.writer.append([
      { type: "summary.rejected", atMs: 0, station: null, key: "summary.rejected:1:2", body: rejected },
    ]);
    expect(await rows()).toEqual([
      expect.objectContaining({ epoch: 1, seq: 1, cdrs: 2, state: "sealed", sha256: first?.body.sha256 }),
      expect.objectContaining({ epoch: 1, seq: 2, cdrs: 1, state: "rejected", reason: "account closed" }),
    ]);
    const { out, io } = captured();
    expect(await summaryList({ data: box.dir }, io)).toBe(0);
    expect(out.stdout).toMatch(/rejected\s+account closed/);
  });

  it("says that there is none", async () => {
    const { out, io } = captured();
    expect(await summaryList({ data: box.dir }, io)).toBe(0);
    expect(out.stderr).toContain("no summary");
  });
});

describe.each(["cms-1", "jose-1"] as const)("summary open of %s", (profile) => {
  async function opened(options: { key: string; cert?: string; signer?: string; json?: boolean }) {
    const { out, io } = captured();
    const files = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, typeof value === "string" ? at(value) : value]),
    ) as typeof options;
    const code = await summaryOpen({ file: at("out.p7m"), ...files }, io);
    return { code, ...out };
  }

  it("gives the payload and the signer as JSON, to each reader, and refuses others with one error", async () => {
    await box.issue(0, 2);
    await sealAll(profile);
    await exported({ seq: 1 });
    const other = issueCertificate({ name: "other", purpose: "recipient" });
    write({ "cloud.key": cloud.keyPem, "cloud.pem": cloud.certPem, "gateway.pem": signer.certPem });
    write({ "escrow.key": escrow.keyPem, "other.key": other.keyPem, "other.pem": other.certPem });
    for (const key of ["cloud.key", "escrow.key"]) {
      const { code, stdout } = await opened({ key, signer: "gateway.pem", json: true });
      expect(code).toBe(0);
      const { signer: by, ...payload } = JSON.parse(stdout);
      expect(SummarySchema.parse(payload).cdrs).toHaveLength(2);
      expect(by).toMatchObject({ subject: "CN=gw-ringon", trusted: true });
    }
    expect((await opened({ key: "cloud.key", cert: "cloud.pem" })).stdout).toContain("cdr-000001");
    const refusals = [
      await opened({ key: "other.key" }),
      await opened({ key: "cloud.key", cert: "other.pem" }),
      await opened({ key: "cloud.key", signer: "other.pem" }),
    ];
    expect(new Set(refusals.map(({ code, stderr }) => `${code} ${stderr}`)).size).toBe(1);
    expect(refusals[0]).toMatchObject({ code: 1, stdout: "" });
  });
});
