import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { logVerify } from "../../src/cli/log.ts";
import { commandAudit, openOfflineLog } from "../../src/cli/offline-log.ts";
import { cliActor } from "../../src/cli/os-user.ts";
import { loadConfig } from "../../src/config.ts";
import { readMark } from "../../src/log/mark.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import type { EventOf } from "../../src/model/event.ts";
import { Ledger } from "../../src/workers/ledger.ts";
import { scratchDir } from "../log/sample-events.ts";
import { depot, started } from "../system/small-depot.ts";
import { ledgerOptions, logged } from "../workers/ledger-case.ts";

const entry = { actor: "cli:anna", action: "user.added", object: "u-1", reason: "new colleague" };

async function verified(data: string, signer: string): Promise<{ ok: boolean; mark: string; facts: number }> {
  const out: string[] = [];
  const io = {
    stdout: { write: (text: string) => void out.push(text) },
    stderr: { write: () => undefined },
  };
  await logVerify({ data, signer, json: true }, io as never);
  return JSON.parse(out.join(""));
}

it("appends to a log that no gateway writes, with its chain and its mark", async () => {
  const options = ledgerOptions(scratchDir());
  const ledger = new Ledger(options);
  await ledger.start();
  await ledger.stop();
  const before = (await logged(options)).length;
  await commandAudit({ data: options.dir, signerKeyFile: options.signerKeyFile })(entry);
  const events = await logged(options);
  expect(events).toHaveLength(before + 1);
  expect(events.at(-1)).toMatchObject({ type: "audit.recorded", body: { ...entry, detail: {} } });
  expect(await verified(options.dir, options.signerCertFile)).toMatchObject({ ok: true, mark: "valid" });
  const mark = readMark(join(options.dir, "log.mark"), readFileSync(options.signerCertFile));
  expect(mark).toMatchObject({ state: "valid", mark: { factOffset: events.at(-1)?.offset } });
});

it("makes the log, mark first, where no gateway has run yet; the gateway goes on from there", async () => {
  const options = ledgerOptions(scratchDir());
  await commandAudit({ data: options.dir, signerKeyFile: options.signerKeyFile })(entry);
  const ledger = new Ledger(options);
  const { damage } = await ledger.start();
  await ledger.stop();
  expect(damage).toBeNull();
  const types = (await logged(options)).map(({ type }) => type);
  expect(types.slice(0, 2)).toEqual(["audit.recorded", "gateway.started"]);
});

it("says that the key is not known where no gateway has run and none is named", async () => {
  await expect(commandAudit({ data: scratchDir() })(entry)).rejects.toThrow(/key of its log is not known/);
});

it("does not open the log beside whoever holds its lock, and waits for another command to let go", async () => {
  const options = ledgerOptions(scratchDir());
  const held = openOfflineLog({ data: options.dir, signerKeyFile: options.signerKeyFile });
  expect(held).toBeDefined();
  expect(openOfflineLog({ data: options.dir, signerKeyFile: options.signerKeyFile })).toBeUndefined();
  const waiting = commandAudit({ data: options.dir, signerKeyFile: options.signerKeyFile })(entry);
  held?.close();
  await waiting;
  expect((await logged(options)).map(({ type }) => type)).toEqual(["audit.recorded"]);
});

it("goes through the API of the gateway that runs on the directory, and into the log itself once it is stopped", async () => {
  const { dir, made } = await depot();
  const data = join(dir, "data");
  const gateway = started(made.config, data);
  await gateway.start();
  let running = true;
  onTestFinished(async () => {
    if (running) await gateway.stop("test");
  });
  const audit = commandAudit({ data });
  await audit({ ...entry, actor: cliActor() });
  const reaching = JSON.parse(readFileSync(join(data, "gateway.json"), "utf8"));
  const { api } = loadConfig(made.config, { env: {} });
  const token = readFileSync(api.tokenFile, "utf8").trim();
  expect(JSON.stringify(reaching)).not.toContain(token);
  const get = async (query: string) => {
    const answer = await fetch(`${reaching.api}/api/v1/audit${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: answer.status, body: (await answer.json()) as { entries: { action: string }[] } };
  };
  const listed = await get("?action=user");
  expect(listed.body.entries).toMatchObject([{ ...entry, actor: cliActor() }]);
  expect((await get("?action=audit")).body.entries).toMatchObject([{ actor: "api", action: "audit.read" }]);
  expect((await get("?from=yesterday")).status).toBe(400);
  const forged = await fetch(`${reaching.api}/api/v1/audit`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ ...entry, actor: "gateway" }),
  });
  expect(forged.status).toBe(400);
  const unknown = await fetch(`${reaching.api}/api/v1/audit`);
  expect(unknown.status).toBe(401);
  await expect.poll(async () => (await get("?action=config")).body.entries.length).toBe(1);
  await gateway.stop("test");
  running = false;
  await audit({ ...entry, action: "user.removed" });
  expect(existsSync(join(data, "signer.pem"))).toBe(true);
  expect(await verified(data, join(data, "signer.pem"))).toMatchObject({ ok: true });
});

it("a start records the config once, and a later one the names of what changed", async () => {
  const { dir, made } = await depot();
  const data = join(dir, "data");
  const adopted = async () => {
    const reader = openSqliteReader(join(data, "log.db"));
    const entries = reader.factsOfType("audit.recorded", 0, 100) as EventOf<"audit.recorded">[];
    await reader.close();
    return entries
      .filter(({ body }) => body.action === "config.adopted")
      .map(({ body }) => body.detail.changed);
  };
  const run = async () => {
    const gateway = started(made.config, data);
    await gateway.start();
    // The outbox answers in order, so the config has been compared by then.
    await gateway.sessions();
    await gateway.stop("test");
  };
  await run();
  expect(await adopted()).toEqual(["all"]);
  await run();
  expect(await adopted()).toEqual(["all"]);
  writeFileSync(made.config, readFileSync(made.config, "utf8").replace("raw_days: 14", "raw_days: 13"));
  await run();
  expect(await adopted()).toEqual(["all", "retention"]);
});
