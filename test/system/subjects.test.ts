/** The rights of those who charge, through the command line: with the gateway running, and on a stopped one's files. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { describe, expect, it, onTestFinished } from "vitest";
import { cdrVerify } from "../../src/cli/cdr-verify.ts";
import { logVerify } from "../../src/cli/log.ts";
import type { CommandIo } from "../../src/cli/output.ts";
import { subjectErase, subjectExport, subjectFind, subjectHold } from "../../src/cli/subject.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { openEnvelope } from "../../src/workers/envelope.ts";
import { connected } from "../faults/kill-harness.ts";
import { factsOf } from "../faults/log-books.ts";
import { StationClient } from "../faults/station-client.ts";
import { hits, spellings } from "../identity/byte-scan.ts";
import { scratchDir } from "../log/sample-events.ts";
import { depot, started } from "./small-depot.ts";

const ANNA = "04D5A7C1E93B80";
const BO = "0499887766AA55";

const io = () => {
  const said = { out: "", err: "" };
  const to = (stream: "out" | "err") => ({
    write(text: string) {
      said[stream] += text;
    },
  });
  return { stdout: to("out"), stderr: to("err"), said };
};

async function charged(id: string, uid: string, password: string, site: string, port: number): Promise<void> {
  const startMs = Date.now() - 600_000;
  const at = (ms: number) => new Date(startMs + ms).toISOString();
  const queue = [
    { ts: at(0), event: "started", tx_ref: "t1", energy_import_wh: 1000, token: { uid } },
    {
      ts: at(600_000),
      event: "ended",
      tx_ref: "t1",
      energy_import_wh: 3000,
      reason: "local",
      token: { uid },
    },
  ].map((body) => ({ topic: `laddport/v1/${site}/in/${id}/1/tx`, body }));
  const client = new StationClient(id, password, "b1", 1, () => queue.shift());
  await connected(client, port);
  await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(2);
  client.drop();
}

async function twoWhoCharged(more = "") {
  const { made, passwords, port, dir } = await depot(more);
  const gateway = started(made.config, made.data);
  const listening = await gateway.start();
  let running = true;
  const stop = async () => {
    if (running) await gateway.stop("test");
    running = false;
  };
  onTestFinished(stop);
  const [first = "", second = ""] = [...passwords.keys()].filter((id) => id.startsWith("cp-"));
  await charged(first, ANNA, passwords.get(first) ?? "", made.site, port);
  await charged(second, BO, passwords.get(second) ?? "", made.site, port);
  await expect.poll(async () => (await factsOf(made.data, "cdr.issued")).length, { timeout: 60_000 }).toBe(2);
  const place = { config: made.config, data: made.data, json: true };
  return { made, place, dir, stop, gateway, api: listening.api ?? "" };
}

type Place = { config: string; data: string; json: boolean };

async function run<Options>(
  command: (options: Options, io: CommandIo) => Promise<number>,
  options: Options,
): Promise<{ code: number; out: string; err: string }> {
  const to = io();
  const code = await command(options, to);
  return { code, ...to.said };
}
const find = async (place: Place, token: string) => {
  const { code, out } = await run(subjectFind, { ...place, token, type: "rfid" });
  return { code, ...(JSON.parse(out) as { subject: string | null; sessions: string[]; cdrs: string[] }) };
};

const audited = async (data: string) =>
  (await factsOf(data, "audit.recorded"))
    .map(({ body }) => body)
    .filter(({ action }) => /^subject/.test(action));

describe.each(["running", "stopped"] as const)("with the gateway %s", (state) => {
  it("a subject is found, exported, held, erased, and gone; each step is in the audit trail", async () => {
    const { made, place, dir, stop } = await twoWhoCharged();
    if (state === "stopped") await stop();
    const anna = await find(place, ANNA);
    const bo = await find(place, BO);
    expect(anna).toMatchObject({
      code: 0,
      sessions: [expect.any(String)],
      cdrs: [expect.stringMatching(/^cdr-s/)],
    });
    expect((await find(place, "04FFFFFF")).code).toBe(1);
    const subject = anna.subject ?? "";

    // 16: one subject's copy, and nobody else's.
    const out = join(dir, "anna.zip");
    expect((await run(subjectExport, { ...place, subject, out, reason: "asked for" })).code).toBe(0);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const files = unzipSync(readFileSync(out));
    const text = (name: string) => strFromU8(files[name] ?? new Uint8Array());
    expect(text("LÄSMIG.txt")).toContain("dataskyddsförordningen");
    expect(text("README.txt")).toContain("GDPR");
    expect(JSON.parse(text("subject.json"))).toMatchObject({
      token: { uid: ANNA },
      pseudonyms: { billing: subject },
    });
    expect(JSON.parse(text("bills.json"))).toMatchObject([{ id: anna.cdrs[0], cdr_token: subject }]);
    expect(JSON.parse(text("sessions.json"))).toMatchObject([{ session_id: anna.sessions[0] }]);
    expect(text("sessions.csv")).toContain(anna.sessions[0]);
    expect(text("bills.csv")).toContain(anna.cdrs[0]);
    const all = Object.values(files)
      .map((bytes) => strFromU8(bytes))
      .join("\n");
    for (const other of [BO, bo.subject, bo.sessions[0], bo.cdrs[0]]) expect(all).not.toContain(other);

    // 18: a legal hold blocks.
    expect((await run(subjectHold, { ...place, subject, reason: "claim 7" })).code).toBe(0);
    const blocked = await run(subjectErase, { ...place, subject, reason: "asked for it" });
    expect(blocked).toMatchObject({ code: 1, err: expect.stringContaining("SUBJECT_ON_HOLD") });
    expect((await run(subjectHold, { ...place, subject, reason: "settled", release: true })).code).toBe(0);

    const preview = await run(subjectErase, { ...place, subject, reason: "asked for it", preview: true });
    const glance = await run(subjectErase, { ...place, subject, preview: true });
    expect(glance).toMatchObject({ code: 0, out: preview.out });
    await expect(run(subjectErase, { ...place, subject })).rejects.toMatchObject({ code: "LP803" });
    expect((await find(place, ANNA)).subject).toBe(subject);
    const erased = await run(subjectErase, { ...place, subject, reason: "asked for it" });
    expect(erased.code).toBe(0);
    const report = JSON.parse(erased.out);
    expect(report).toEqual({ ...JSON.parse(preview.out), erased: true });
    expect(report.kept[0]).toEqual({
      what: expect.any(String),
      until: expect.stringMatching(/^\d{4}-12-31$/),
      ground: expect.stringContaining("bokföringslagen"),
    });
    expect(await find(place, ANNA)).toMatchObject({ code: 1, subject: null });
    expect((await find(place, BO)).subject).toBe(bo.subject);

    await stop();
    expect((await audited(made.data)).map(({ action }) => action)).toEqual([
      "subject.searched",
      "subject.searched",
      "subject.searched",
      "subject.exported",
      "subject.held",
      "subject.erasure_refused",
      "subject.hold_released",
      "subject.erasure_previewed",
      "subject.erasure_previewed",
      "subject.searched",
      "subject.erased",
      "subject.searched",
      "subject.searched",
    ]);
    // The API knows the token of this machine, and the command says whose hand it was.
    const osUser = userInfo().username;
    for (const { actor, detail } of await audited(made.data))
      expect([actor, detail.os_user]).toEqual(
        state === "running" ? ["api", osUser] : [`cli:${osUser}`, undefined],
      );
    expect(hits(made.data, [...spellings(ANNA), ...spellings(BO)])).toEqual([]);
    expect((await run(logVerify, { data: made.data, json: true })).code).toBe(0);
    expect(
      (await run(cdrVerify, { data: made.data, all: true, json: true, samples: true, progress: false })).code,
    ).toBe(0);
  });
});

it("over the API nothing is done without a token, a reason or a known subject, and a fault never repeats a card", async () => {
  const { made, api } = await twoWhoCharged();
  const token = readSecret(loadConfig(made.config, { env: {} }).api.tokenFile);
  const post = async (path: string, body: object, bearer = token) => {
    const answer = await fetch(`${api}/api/v1/subjects/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  };
  expect((await post("find", { token: { uid: ANNA } }, "wrong")).status).toBe(401);
  expect(await post("find", { token: { uid: ANNA.repeat(9) } })).toMatchObject({
    status: 400,
    text: expect.not.stringContaining(ANNA),
  });
  expect((await post("none/erase", { reason: "asked for it" })).status).toBe(404);
  expect((await post("none/erase", {})).status).toBe(400);
  expect((await post("none/export", { reason: "asked for it" })).status).toBe(404);
});

it("17: the cloud is told whom to erase, by the name it knows, with the next summary, and its receipt says so", async () => {
  const keys = issueCertificate({ name: "receiver", purpose: "recipient" });
  const scratch = scratchDir();
  const storeDir = join(scratch, "summaries");
  const cloud = createCloud({ site: "demo", ...keys, storeDir });
  await cloud.start();
  onTestFinished(() => cloud.stop());
  writeFileSync(join(scratch, "receiver.pem"), keys.certPem);
  const upstream = `upstream: {url: ${cloud.url}, recipient_cert_files: [${join(scratch, "receiver.pem")}], interval_s: 60, max_cdrs: 2}\n`;
  const { made, place, gateway } = await twoWhoCharged(upstream);
  expect(await gateway.flush(60_000)).toBe(true);
  const { subject } = await find(place, ANNA);
  const erased = await run(subjectErase, { ...place, subject: subject ?? "", reason: "asked for it" });
  expect(JSON.parse(erased.out).kept).toContainEqual(
    expect.objectContaining({ what: expect.stringMatching(/at the receiver/) }),
  );
  expect(await gateway.flush(60_000)).toBe(true);
  const payloads = readdirSync(storeDir).map(
    (name) => openEnvelope(readFileSync(join(storeDir, name)), { key: keys.keyPem }).payload,
  );
  const bills = payloads.flatMap(({ cdrs }) => cdrs);
  const notices = payloads.flatMap(({ erasures = [] }) => erasures);
  expect(bills).toHaveLength(2);
  expect(notices).toEqual([{ payer: expect.any(String), erased_at: expect.any(String) }]);
  expect(bills.map(({ cdr_token }) => cdr_token)).toContain(notices[0]?.payer);
  expect(JSON.stringify(payloads)).not.toContain(subject);
  const sealed = await factsOf(made.data, "summary.sealed");
  expect(await factsOf(made.data, "summary.acknowledged")).toHaveLength(sealed.length);
});
