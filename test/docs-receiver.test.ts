/** The example receiver of docs/receiving.md, as a process of its own, against what the gateway really seals and sends. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Credentials, certificateFingerprint, issueCertificate } from "../src/identity/certificates.ts";
import { readReceipt, receiptKeys } from "../src/identity/receipt-signature.ts";
import { recipientsAt } from "../src/identity/recipients.ts";
import type { SummaryPayload, SummaryProfile } from "../src/model/summary.ts";
import { createSealSink } from "../src/sinks/seal.ts";
import { createUpstreamSink } from "../src/sinks/upstream.ts";
import { httpUpstream } from "../src/sinks/upstream-http.ts";
import { sealEnvelope } from "../src/workers/envelope.ts";
import { newFolder, type Outbox, openOutbox, removeFolder, until } from "./sinks/outbox.ts";
import { samplePayload } from "./workers/sample-summary.ts";

const RECEIVER = fileURLToPath(new URL("../docs/examples/receiver.mjs", import.meta.url));
const signer = issueCertificate({ name: "gw-ringon", purpose: "signer" });
const cloud = issueCertificate({ name: "cloud", purpose: "recipient" });
const other = issueCertificate({ name: "other cloud", purpose: "recipient" });
const receipts = issueCertificate({ name: "cloud receipts", purpose: "signer" });
const keys = receiptKeys(receipts.certPem);

let box: Outbox;
let receiver: ChildProcess;
let url: string;
beforeEach(async () => {
  box = await openOutbox(await newFolder());
  const files = { key: cloud.keyPem, cert: cloud.certPem, signer: signer.certPem, receipts: receipts.keyPem };
  for (const [name, text] of Object.entries(files)) await writeFile(join(box.dir, name), text);
  await start();
});
afterEach(async () => {
  await stop();
  await box.close();
  await removeFolder(box.dir);
});

async function start(): Promise<void> {
  const named = ["key", "cert", "signer", "receipts"].flatMap((name) => [`--${name}`, join(box.dir, name)]);
  const args = [RECEIVER, ...named, "--dir", join(box.dir, "received"), "--port", "0"];
  receiver = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: receiver.stdout as NodeJS.ReadableStream });
  [url] = (await once(lines, "line")) as [string];
}

async function stop(): Promise<void> {
  receiver.kill();
  await once(receiver, "close");
}

function sealed(
  payload: Partial<SummaryPayload> & { seq: number },
  profile: SummaryProfile = "cms-1",
  to: Credentials = cloud,
): Buffer {
  const full = samplePayload(payload.seq, 1, [certificateFingerprint(to.certPem)]);
  return sealEnvelope(profile, { ...full, ...payload }, signer, [to.certPem]);
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The status and what the signed receipt says. */
async function post(bytes: Uint8Array, named = sha256(bytes)) {
  const headers = { "laddport-sha256": named };
  const response = await fetch(url, { method: "POST", body: Buffer.from(bytes), headers });
  const body = await response.text();
  return { status: response.status, ...(body ? readReceipt(JSON.parse(body), keys) : {}) };
}

const kept = () => readdirSync(join(box.dir, "received"));
const UNOPENED = "cannot be opened with our key";

describe.each(["cms-1", "jose-1"] as const)("the example receiver and %s", (profile) => {
  test("takes what the gateway seals and sends, with signed receipts that the gateway accepts", async () => {
    await box.issue(0, 6);
    const seal = createSealSink(box.context, {
      ...{ gateway: "gw-ringon", site: "ringon", epoch: 1, maxCdrs: 2 },
      recipients: { certPems: [cloud.certPem], escrowPem: other.certPem },
      openSealed: () => ({ missing: "erased" }),
      payerOf: (tokenRef) => ({ payer: `payer of ${tokenRef}` }),
      seal: async (payload, pems) => sealEnvelope(profile, payload, signer, pems),
    });
    const transport = httpUpstream({ url });
    const upstream = createUpstreamSink(box.context, { gateway: "gw-ringon", transport, receiptKeys: keys });
    seal.start();
    upstream.start();
    await until("all settled", async () => (await box.facts("summary.acknowledged")).length === 3);
    await seal.stop();
    await upstream.stop();
    expect(kept()).toHaveLength(3);
    for (const { body } of await box.facts("summary.acknowledged")) expect(body.receipt_jws).toBeDefined();
  });

  test("a summary that comes twice is booked once and gets the same receipt, also after a restart", async () => {
    const bytes = sealed({ seq: 1 }, profile);
    const first = await post(bytes);
    expect(first).toMatchObject({
      status: 200,
      claims: { status: "accepted", sha256: sha256(bytes), seq: 1 },
    });
    await stop();
    await start();
    expect(await post(bytes)).toMatchObject({ status: 200, claims: (first as { claims: object }).claims });
    expect(kept()).toEqual(["gw-ringon_1_1.json"]);
  });

  test("other bytes under a number that was used are refused, and a break of the chain", async () => {
    const first = sealed({ seq: 1 }, profile);
    expect(await post(first)).toMatchObject({ status: 200 });
    const reused = {
      status: 422,
      claims: { status: "rejected", seq: 1, reason: expect.stringContaining("used") },
    };
    expect(await post(sealed({ seq: 1 }, profile))).toMatchObject(reused);
    const broken = sealed({ seq: 2, previous_sha256: "0".repeat(64) }, profile);
    expect(await post(broken)).toMatchObject({
      status: 422,
      claims: { reason: expect.stringContaining("previous") },
    });
    const second = sealed({ seq: 2, previous_sha256: sha256(first) }, profile);
    expect(await post(second)).toMatchObject({ status: 200 });
    expect(await post(sealed({ seq: 4 }, profile))).toMatchObject({ status: 200 });
    expect(await post(sealed({ seq: 3, previous_sha256: sha256(second) }, profile))).toMatchObject({
      claims: { reason: expect.stringContaining("the one after") },
    });
  });

  test("what is damaged, for another, or signed by another is refused for one and the same reason", async () => {
    const good = sealed({ seq: 1 }, profile);
    const damaged = Buffer.from(good);
    damaged[good.length - 40] = (good[good.length - 40] ?? 0) ^ 1;
    const recipients = [certificateFingerprint(cloud.certPem)];
    const forged = sealEnvelope(profile, samplePayload(1, 1, recipients), other, [cloud.certPem]);
    for (const bytes of [
      damaged,
      forged,
      sealed({ seq: 1 }, profile, other),
      Buffer.from("{}"),
      Buffer.alloc(0),
    ])
      expect(await post(bytes)).toMatchObject({
        status: 422,
        claims: { sha256: sha256(bytes), status: "rejected", reason: UNOPENED },
      });
    expect(kept()).toEqual([]);
  });

  test("what was damaged on its way gets no receipt, so that it comes again", async () => {
    const bytes = sealed({ seq: 1 }, profile);
    const damaged = Buffer.from(bytes);
    damaged[100] = (bytes[100] ?? 0) ^ 1;
    expect(await post(damaged, sha256(bytes))).toEqual({ status: 400 });
    expect(await post(bytes)).toMatchObject({ status: 200 });
  });
});

test("the commands of docs/receiving.md make certificates that the gateway takes, and open what it seals", async () => {
  const page = readFileSync(fileURLToPath(new URL("../docs/receiving.md", import.meta.url)), "utf8");
  const commands = [...page.matchAll(/```\n(openssl .*?)```/gs)].map(([, text = ""]) => text);
  expect(commands).toHaveLength(3);
  const dir = join(box.dir, "by-hand");
  mkdirSync(dir);
  const shell = (text = "") =>
    execFileSync("bash", ["-e", "-c", text], { cwd: dir, stdio: ["ignore", "pipe", "ignore"] }).toString();
  shell(commands[0]);
  const made = readFileSync(join(dir, "cloud.pem"), "utf8");
  expect(recipientsAt({ certPems: [made] }, Date.now())).toMatchObject({ ready: true, refused: [] });
  expect(receiptKeys(readFileSync(join(dir, "receipts.pem"), "utf8"))).toHaveLength(1);
  const payload = samplePayload(1, 2, [certificateFingerprint(made)]);
  await writeFile(join(dir, "summary.p7m"), sealEnvelope("cms-1", payload, signer, [made]));
  await writeFile(join(dir, "gateway.pem"), signer.certPem);
  shell(commands[1]);
  expect(JSON.parse(readFileSync(join(dir, "summary.json"), "utf8"))).toEqual(payload);
  expect(shell(commands[2])).toContain(payload.recipients[0]);
});
