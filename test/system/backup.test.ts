/** The restore drill: backed up while stations report, restored elsewhere, and a gateway goes on from there. */
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { backup } from "../../src/cli/backup.ts";
import { logVerify } from "../../src/cli/log.ts";
import type { CommandIo } from "../../src/cli/output.ts";
import { restore } from "../../src/cli/restore.ts";
import { subjectErase, subjectFind } from "../../src/cli/subject.ts";
import { RESTORING } from "../../src/gateway/data-directory.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { JOURNAL_FILE } from "../../src/identity/erasure-journal.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { connected } from "../faults/kill-harness.ts";
import { factsOf, logOf } from "../faults/log-books.ts";
import { chargingLife, StationClient } from "../faults/station-client.ts";
import { hits, spellings } from "../identity/byte-scan.ts";
import { scratchDir } from "../log/sample-events.ts";
import { depot, started } from "./small-depot.ts";

async function said<Options>(
  command: (options: Options, io: CommandIo) => Promise<number>,
  options: Options,
): Promise<Record<string, unknown> & { code: number }> {
  let out = "";
  const write = (text: string) => {
    out += text;
  };
  const code = await command(options, { stdout: { write }, stderr: { write: () => undefined } });
  return { code, ...(out === "" ? {} : JSON.parse(out)) };
}

const verified = (data: string) => said(logVerify, { data, json: true }).then(({ code }) => code === 0);

it("23: a backup of a gateway at work restores into books that agree, in a new epoch, sealed for an offline key", async () => {
  const receiver = issueCertificate({ name: "receiver", purpose: "recipient" });
  const offline = issueCertificate({ name: "offline", purpose: "recipient" });
  const dir = scratchDir();
  const cloud = createCloud({ site: "demo", ...receiver, storeDir: join(dir, "summaries") });
  await cloud.start();
  onTestFinished(() => cloud.stop());
  writeFileSync(join(dir, "receiver.pem"), receiver.certPem);
  writeFileSync(join(dir, "offline.pem"), offline.certPem);
  writeFileSync(join(dir, "offline.key"), offline.keyPem, { mode: 0o600 });
  const { made, passwords, port } = await depot(
    `upstream: {url: ${cloud.url}, recipient_cert_files: [${join(dir, "receiver.pem")}], interval_s: 60, max_cdrs: 2}\n`,
  );
  const gateway = started(made.config, made.data);
  await gateway.start();
  let running = true;
  const stop = async () => {
    if (running) await gateway.stop("test");
    running = false;
  };
  onTestFinished(stop);
  const ids = [...passwords.keys()].filter((id) => id.startsWith("cp-")).slice(0, 3);
  const clients = ids.map((id) => {
    const life = chargingLife(made.site, id);
    return new StationClient(id, passwords.get(id) ?? "", "b1", 4, life);
  });
  for (const client of clients) await connected(client, port);
  await expect
    .poll(async () => (await factsOf(made.data, "cdr.issued")).length, { timeout: 60_000 })
    .toBeGreaterThan(6);

  const acked = clients.map(({ acked: n }) => n);
  const file = join(dir, "depot.backup");
  const place = { config: made.config, data: made.data, json: true };
  const saved = await said(backup, { ...place, out: file, recipient: [join(dir, "offline.pem")] });
  expect(saved).toMatchObject({
    code: 0,
    files: expect.arrayContaining(["log.db", "subjects.db", "log.mark"]),
  });
  expect(clients.every(({ acked: n }, i) => n >= (acked[i] ?? 0))).toBe(true);
  expect(readdirSync(dir).filter((name) => name.startsWith(".laddport"))).toEqual([]);
  for (const client of clients) client.drop();
  await stop();

  const data = join(dir, "restored");
  const options = { file, data, config: made.config, json: true };
  await expect(said(restore, options)).rejects.toThrow(/--key/);
  expect(existsSync(data)).toBe(false);
  const back = await said(restore, { ...options, key: join(dir, "offline.key") });
  expect(back).toMatchObject({ code: 0, offset: saved.offset, from_epoch: 1, erased_again: 0 });
  expect(back.epoch).toBeGreaterThan(1);
  await expect(said(restore, { ...options, key: join(dir, "offline.key") })).rejects.toThrow(/not empty/);
  expect(await verified(data)).toBe(true);

  // Everything acknowledged before the backup began is there, once.
  const { messages } = await logOf(data);
  for (const [i, { id, sent }] of clients.entries()) {
    const there = messages.filter(({ station }) => station === id).map(({ seq }) => seq);
    expect(new Set(there).size).toBe(there.length);
    for (const { seq } of sent.slice(0, acked[i])) expect(there).toContain(seq);
  }

  // A gateway on it numbers its summaries anew, naming the old head, and the stations send again what it lacks.
  const bills = (await factsOf(data, "cdr.issued")).length;
  const next = started(made.config, data);
  await next.start();
  onTestFinished(() => next.stop("test"));
  const again = clients.map((client) => {
    const queue = client.sent
      .filter(({ ackedAtMs }) => ackedAtMs !== null)
      .map(({ topic, payload }) => {
        const { boot: _, seq: __, ...body } = JSON.parse(payload) as Record<string, unknown>;
        return { topic, body };
      });
    return new StationClient(client.id, passwords.get(client.id) ?? "", "b1", 4, () => queue.shift());
  });
  for (const client of again) await connected(client, port);
  for (const [i, client] of again.entries())
    await expect
      .poll(() => client.acked, { timeout: 60_000 })
      .toBe(clients[i]?.sent.filter(({ ackedAtMs }) => ackedAtMs !== null).length);
  await expect
    .poll(async () => (await factsOf(data, "cdr.issued")).length, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(bills);
  expect(await next.flush(60_000)).toBe(true);
  const sealed = await factsOf(data, "summary.sealed");
  const fresh = sealed.filter(({ body }) => body.epoch === back.epoch);
  expect(fresh[0]?.body.seq).toBe(1);
  const { energyWhBilled, energyWhMetered } = await next.stats();
  expect(energyWhBilled).toBe(energyWhMetered);
  const ended = again.reduce(
    (n, c) => n + c.sent.filter(({ payload }) => payload.includes('"ended"')).length,
    0,
  );
  expect(await factsOf(data, "cdr.issued")).toHaveLength(ended);
  for (const client of again) client.drop();
  await next.stop("test");
  expect(await verified(data)).toBe(true);
});

it("11: who was erased after the backup is erased again before anything is served", async () => {
  const { made, passwords, port, dir } = await depot();
  const gateway = started(made.config, made.data);
  await gateway.start();
  const uid = "04D5A7C1E93B80";
  const life = chargingLife(made.site, "cp-001", { uid: () => uid });
  let left = 12;
  const client = new StationClient("cp-001", passwords.get("cp-001") ?? "", "b1", 1, () =>
    left-- > 0 ? life() : undefined,
  );
  await connected(client, port);
  await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(12);
  client.drop();
  const place = { config: made.config, data: made.data, json: true };
  const file = join(dir, "depot.backup");
  expect((await said(backup, { ...place, out: file })).code).toBe(0);
  expect(readFileSync(file).includes(uid)).toBe(false);
  const { subject } = await said(subjectFind, { ...place, token: uid, type: "rfid" });
  expect(
    (await said(subjectErase, { ...place, subject: String(subject), reason: "asked for it" })).code,
  ).toBe(0);
  await gateway.stop("test");

  const journal = join(dir, "saved.jsonl");
  copyFileSync(join(made.data, JOURNAL_FILE), journal);
  const data = join(dir, "restored");
  const back = await said(restore, { file, data, erasures: journal, config: made.config, json: true });
  expect(back).toMatchObject({ code: 0, erased_again: 1 });
  expect(existsSync(join(data, RESTORING))).toBe(false);
  expect(hits(data, spellings(uid))).toEqual([]);
  expect(await said(subjectFind, { ...place, data, token: uid, type: "rfid" })).toMatchObject({
    code: 1,
    subject: null,
  });
  expect((await factsOf(data, "log.restored")).map(({ body }) => body.from_offset)).toEqual([back.offset]);
});

it("is refused where the secrets of the config are another gateway's", async () => {
  const [mine, other] = [await depot(), await depot()];
  const gateway = started(mine.made.config, mine.made.data);
  await gateway.start();
  await gateway.stop("test");
  const file = join(mine.dir, "b");
  const keys = issueCertificate({ name: "offline", purpose: "recipient" });
  writeFileSync(join(mine.dir, "offline.pem"), keys.certPem);
  writeFileSync(join(mine.dir, "offline.key"), keys.keyPem, { mode: 0o600 });
  const { config, data } = mine.made;
  expect(
    (await said(backup, { out: file, config, data, json: true, recipient: [join(mine.dir, "offline.pem")] }))
      .code,
  ).toBe(0);
  const into = join(mine.dir, "restored");
  const key = join(mine.dir, "offline.key");
  await expect(
    said(restore, { file, data: into, key, config: other.made.config, json: true }),
  ).rejects.toThrow(/is not the key of the backup/);
  expect(existsSync(into)).toBe(false);
});

it("cut off, changed or for another key is refused and leaves no folder; a gateway refuses half a restoration", async () => {
  const { made, dir } = await depot();
  const gateway = started(made.config, made.data);
  await gateway.start();
  await gateway.stop("test");
  const [mine, theirs] = ["mine", "theirs"].map((name) => {
    const keys = issueCertificate({ name, purpose: "recipient" });
    writeFileSync(join(dir, `${name}.pem`), keys.certPem);
    writeFileSync(join(dir, `${name}.key`), keys.keyPem, { mode: 0o600 });
    return join(dir, `${name}.key`);
  });
  const { config, data } = made;
  const file = join(dir, "b");
  const recipient = [join(dir, "mine.pem")];
  expect((await said(backup, { out: file, config, data, json: true, recipient })).code).toBe(0);
  const whole = readFileSync(file);
  const changed = Buffer.from(whole);
  changed[whole.length >> 1] = ~(changed[whole.length >> 1] ?? 0);
  const half = Buffer.from(whole);
  half[30] = ~(half[30] ?? 0);
  const into = join(dir, "restored");
  const bad: [Buffer, string | undefined][] = [
    [whole.subarray(0, -40), mine],
    [whole.subarray(0, 60), mine],
    [changed, mine],
    [half, mine],
    [whole, theirs],
  ];
  for (const [bytes, key = ""] of bad) {
    writeFileSync(join(dir, "bad"), bytes);
    const refused = said(restore, { file: join(dir, "bad"), data: into, key, config, json: true });
    await expect(refused).rejects.toMatchObject({ code: "LP807" });
    expect(existsSync(into)).toBe(false);
  }

  const key = mine ?? "";
  expect((await said(restore, { file, data: into, key, config, json: true })).code).toBe(0);
  writeFileSync(join(into, RESTORING), "");
  await expect(started(config, into).start()).rejects.toMatchObject({ code: "LP508" });
});
