import { createPrivateKey } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inflateRawSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { auditList, auditVerify } from "../../src/cli/audit.ts";
import { auditExport } from "../../src/cli/audit-export.ts";
import { cdrShow } from "../../src/cli/cdr.ts";
import { cdrVerify } from "../../src/cli/cdr-verify.ts";
import { logTail } from "../../src/cli/log.ts";
import { cliActor } from "../../src/cli/os-user.ts";
import { receipt } from "../../src/cli/receipt.ts";
import { sessionsShow } from "../../src/cli/sessions.ts";
import { statement } from "../../src/cli/statement.ts";
import { writeGatewayFile } from "../../src/gateway/gateway-file.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { lockDirectory } from "../../src/log/lock.ts";
import { markNow } from "../../src/log/open-log.ts";
import { openSqliteStoreNow } from "../../src/log/sqlite-store.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { after, captured, credited, writtenLog } from "./depot-log.ts";

const AT = Date.UTC(2026, 2, 3, 12);

/** A log that a gateway left behind, with its key. */
async function leftLog(more: NewEvent[] = []) {
  const { data, cdrs } = await writtenLog(undefined, (made) => after(made, credited));
  const signer = issueCertificate({ purpose: "signer", name: "gateway" });
  writeFileSync(join(data, "signer.pem"), signer.certPem);
  writeFileSync(join(data, "signer.key"), signer.keyPem, { mode: 0o600 });
  const files = { token_file: join(data, "token"), signer_key_file: join(data, "signer.key") };
  writeGatewayFile(data, { api: "http://127.0.0.1:1", ...files });
  const store = openSqliteStoreNow(join(data, "log.db"));
  store.commitNow({ events: more });
  markNow(data, store, createPrivateKey(signer.keyPem), AT);
  await store.close();
  return { data, cdrs };
}

async function listed(data: string, over: object = {}) {
  const { io, out } = captured();
  expect(await auditList({ data, json: true, ...over }, io)).toBe(0);
  const lines = out.stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const recorded = (over: object, atMs = AT): NewEvent => ({
  type: "audit.recorded",
  atMs,
  station: null,
  key: null,
  body: {
    actor: "anna",
    action: "subject.erased",
    object: "ref-1",
    reason: "asked for it",
    detail: { keys: 1 },
    ...over,
  },
});

describe("requirement 21: reads of personal data land in the chain", () => {
  it("with who, what, whose and why, before anything is shown", async () => {
    const { data, cdrs } = await leftLog();
    const [bill] = cdrs;
    const id = bill?.session_id ?? "";
    const { io } = captured();
    await sessionsShow({ data, id, reason: "complaint 17" }, io);
    await cdrShow({ data, id: bill?.id ?? "" }, io);
    await receipt({ data, id: bill?.id ?? "" }, io);
    await statement({ data, month: "2026-03", tokenRef: bill?.cdr_token ?? "" }, io);
    await logTail({ data, from: 0, json: true }, io);
    await logTail({ data, from: 0, json: true, type: ["gateway.started"] }, io);
    const by = (await listed(data)).filter(({ actor }) => actor === cliActor());
    expect(by).toMatchObject([
      { action: "session.read", object: id, reason: "complaint 17" },
      { action: "cdr.read", object: bill?.id, reason: null },
      { action: "receipt.read", object: bill?.id },
      { action: "statement.read", object: bill?.cdr_token, detail: { month: "2026-03" } },
      { action: "log.read", object: null },
    ]);
    const { io: verifyIo, out } = captured();
    expect(await auditVerify({ data, json: true }, verifyIo)).toBe(0);
    expect(JSON.parse(out.stdout)).toMatchObject({ ok: true, mark: "valid", first_bad: null });
  });

  it("what is read from a copy that no key belongs to is shown, and the command says that nothing records it", async () => {
    const { data, cdrs } = await leftLog();
    const files = { token_file: join(data, "token"), signer_key_file: join(data, "gone.key") };
    writeGatewayFile(data, { api: "http://127.0.0.1:1", ...files });
    const { io, out } = captured();
    expect(await sessionsShow({ data, id: cdrs[0]?.session_id ?? "" }, io)).toBe(0);
    expect(out.stderr).toContain("this read is in no audit trail");
    expect(out.stdout).toContain("session");
  });

  it("a log that lost its mark gets no new one from a command: what was lost stays provable", async () => {
    const { data, cdrs } = await leftLog();
    rmSync(join(data, "log.mark"));
    const { io, out } = captured();
    expect(await sessionsShow({ data, id: cdrs[0]?.session_id ?? "" }, io)).toBe(0);
    expect(out.stderr).toContain("the high-water mark is missing");
    const verify = captured();
    expect(await auditVerify({ data, json: true }, verify.io)).toBe(1);
    expect(JSON.parse(verify.out.stdout)).toMatchObject({ mark: "absent", first_bad: { chain: "mark" } });
  });

  it("nothing is shown when the directory is locked and the gateway that has it refuses the entry", async () => {
    const { data, cdrs } = await leftLog();
    const refuser = createServer((_request, response) => {
      response.writeHead(401, { "content-type": "application/json" });
      response.end(JSON.stringify({ code: "UNAUTHORIZED", message: "Not you.", fix: "Be another." }));
    });
    await new Promise<void>((resolve) => refuser.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void refuser.close());
    const { port } = refuser.address() as { port: number };
    writeFileSync(join(data, "token"), "0123456789abcdef\n");
    const files = { token_file: join(data, "token"), signer_key_file: join(data, "signer.key") };
    writeGatewayFile(data, { api: `http://127.0.0.1:${port}`, ...files });
    const unlock = lockDirectory(data);
    const { io, out } = captured();
    await expect(sessionsShow({ data, id: cdrs[0]?.session_id ?? "" }, io)).rejects.toThrow(
      /refused the audit entry/,
    );
    expect(out.stdout).toBe("");
    unlock?.();
  });
});

describe("audit list", () => {
  it("shows facts that are their own record beside the entries, in order, and filters them", async () => {
    const { data } = await leftLog([
      recorded({}),
      recorded({ actor: "bo", action: "user.added" }, AT + 86_400_000),
    ]);
    const all = await listed(data);
    const offsets = all.map(({ offset }) => offset as number);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    expect(all.map(({ action }) => action)).toEqual([
      "gateway.started",
      "tariff.adopted",
      "cdr.credited",
      "subject.erased",
      "user.added",
    ]);
    expect(all[2]).toMatchObject({ actor: "anna", reason: "wrong tariff" });
    expect(await listed(data, { action: "subject" })).toMatchObject([
      { object: "ref-1", detail: { keys: 1 } },
    ]);
    expect(await listed(data, { actor: "bo" })).toHaveLength(1);
    expect(await listed(data, { from: "2026-03-04", to: "2026-03-04" })).toMatchObject([{ actor: "bo" }]);
    expect(await listed(data, { to: "2026-03-03T12:00:00Z", actor: "anna" })).toHaveLength(2);
    await expect(listed(data, { from: "soon" })).rejects.toThrow(/neither a day nor a time/);
  });
});

describe("audit verify", () => {
  it("names the first row that was edited, and exits 1", async () => {
    const { data } = await leftLog([recorded({}), recorded({ actor: "bo" })]);
    await listed(data);
    const db = new DatabaseSync(join(data, "log.db"));
    const { offset } = db.prepare("SELECT offset FROM fact WHERE body LIKE '%\"bo\"%'").get() as {
      offset: number;
    };
    db.prepare("UPDATE fact SET body = replace(body, '\"bo\"', '\"eve\"') WHERE offset = ?").run(offset);
    db.close();
    const { io, out } = captured();
    expect(await auditVerify({ data, json: true }, io)).toBe(1);
    expect(JSON.parse(out.stdout)).toMatchObject({ ok: false, first_bad: { chain: "fact", offset } });
    const text = captured();
    expect(await auditVerify({ data }, text.io)).toBe(1);
    expect(text.out.stdout).toBe(`fact ${offset}: body differs from its hash\n`);
  });
});

describe("requirement 25: one command exports who, what and when", () => {
  it("as JSON and as ZIP with a table, and leaves an entry of its own", async () => {
    const { data, cdrs } = await leftLog([
      recorded({}),
      recorded({ action: "session.read", object: "s3-3" }),
    ]);
    const { io } = captured();
    const json = join(data, "breach.json");
    const asked = { data, from: "2026-03-01", to: "2026-03-31", reason: "laptop stolen" };
    expect(await auditExport({ ...asked, out: json }, io)).toBe(0);
    const report = JSON.parse(readFileSync(json, "utf8"));
    expect(report.log).toMatchObject({ ok: true, mark: "valid" });
    const anna = report.actors.find(({ actor }: { actor: string }) => actor === "anna");
    expect(anna.actions).toMatchObject({ "session.read": 1, "subject.erased": 1, "cdr.credited": 1 });
    expect(report.affected.read_token_refs).toEqual([cdrs[0]?.cdr_token]);
    expect(report.affected.sessions_in_time).toBe(2);
    const zip = join(data, "breach.zip");
    expect(await auditExport({ ...asked, out: zip }, io)).toBe(0);
    const files = unzipped(readFileSync(zip));
    expect([...files.keys()]).toEqual(["breach.json", "entries.csv", "README.txt"]);
    expect(files.get("entries.csv")).toContain("session.read");
    expect(JSON.parse(files.get("breach.json") ?? "").actors).toEqual(report.actors);
    expect((await listed(data, { action: "audit.exported" })).map(({ reason }) => reason)).toContain(
      "laptop stolen",
    );
    await expect(auditExport({ ...asked, out: join(data, "breach.pdf") }, io)).rejects.toThrow(/\.zip/);
  });
});

describe("what has expired", () => {
  it("cdr verify and cdr show say so instead of failing on an empty body", async () => {
    const { data, cdrs } = await leftLog();
    const id = cdrs[0]?.id ?? "";
    const store = openSqliteStoreNow(join(data, "log.db"));
    const kinds = ["session.ended", "cdr.issued"] as const;
    const declared = store.emptying.eventNow(kinds, 0, store.lastOffset, AT);
    store.commitNow({ events: declared ? [declared] : [] });
    for (const kind of kinds) store.emptying.stepNow(kind, 0, store.lastOffset, () => false);
    await store.close();
    const one = captured();
    expect(await cdrVerify({ data, id, samples: true, progress: false }, one.io)).toBe(1);
    expect(one.out.stdout).toMatch(/^cdr-s3-3: expired/);
    const shown = captured();
    expect(await cdrShow({ data, id }, shown.io)).toBe(1);
    expect(shown.out.stderr).toContain("has expired");
    const all = captured();
    expect(await cdrVerify({ data, all: true, samples: true, progress: false }, all.io)).toBe(0);
    expect(all.out.stdout).toMatch(
      /^(\d) CDRs: 0 same, 0 different, 0 rated under other rules, \1 expired$/m,
    );
    const unknown = captured();
    expect(await cdrShow({ data, id: "cdr-s9-9" }, unknown.io)).toBe(1);
    expect(unknown.out.stderr).toContain("there is no CDR");
  });
});

/** Reads the archive by its central directory, as any reader does. */
function unzipped(bytes: Buffer): Map<string, string> {
  const end = bytes.lastIndexOf(Buffer.from("504b0506", "hex"));
  const files = new Map<string, string>();
  let at = bytes.readUInt32LE(end + 16);
  for (let n = bytes.readUInt16LE(end + 10); n > 0; n -= 1) {
    const packed = bytes.readUInt32LE(at + 20);
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    files.set(name, inflateRawSync(bytes.subarray(start, start + packed)).toString("utf8"));
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return files;
}
