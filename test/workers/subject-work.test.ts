/** Subjects in a running ledger: erased between batches, with nothing left on disk and nothing unbilled. */
import { appendFileSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { logVerify } from "../../src/cli/log.ts";
import { JOURNAL_FILE, readErasures } from "../../src/identity/erasure-journal.ts";
import { readKek, Vault } from "../../src/identity/vault.ts";
import type { EventOf } from "../../src/model/event.ts";
import { Ledger, type LedgerOptions } from "../../src/workers/ledger.ts";
import type { SubjectAsk } from "../../src/workers/subject-work.ts";
import { DEPOT_TARIFF } from "../cli/depot-log.ts";
import { hits, spellings } from "../identity/byte-scan.ts";
import { scratchDir } from "../log/sample-events.ts";
import { accepted, ledgerOptions, logged, message } from "./ledger-case.ts";

const TOKEN = { uid: "04D5A7C1E93B80", type: "rfid" };
const OTHER = { uid: "0499887766AA55", type: "rfid" };
const GROUND = {
  country: "SE",
  books: { booksYears: 7, fiscalYearEnd: "12-31", timeZone: "Europe/Stockholm" },
  quarantineDays: 30,
  isForwarded: true,
  tokenFile: null,
};
const START = Date.now() - 3_600_000;

async function started(over: Partial<LedgerOptions> = {}) {
  const options = ledgerOptions(scratchDir(), { tariffs: [DEPOT_TARIFF], ...over });
  return { options, ledger: await again(options) };
}

async function again(options: LedgerOptions): Promise<Ledger> {
  const ledger = new Ledger(options);
  await ledger.start();
  let running = true;
  const stop = ledger.stop.bind(ledger);
  ledger.stop = async () => {
    if (running) await stop();
    running = false;
  };
  onTestFinished(() => ledger.stop());
  return ledger;
}

const tx = (
  event: "started" | "updated" | "ended",
  seq: number,
  {
    station = "cp-001",
    at = seq,
    tx_ref = "t1",
    ...more
  }: Record<string, unknown> & { station?: string; at?: number; tx_ref?: string } = {},
) =>
  message(station, "tx", {
    ts: new Date(START + at * 600_000).toISOString(),
    boot: "b1",
    seq,
    event,
    tx_ref,
    energy_import_wh: 10_000 + seq * 1000,
    ...(event === "ended" ? { reason: "local" } : {}),
    ...more,
  });

const erasure = (subject: string, preview = false): Extract<SubjectAsk, { what: "erase" }> => ({
  what: "erase",
  subject,
  actor: "cli:anna",
  reason: "asked for it",
  preview,
  ground: GROUND,
});

async function billed(options: LedgerOptions, n: number) {
  const bills = async () =>
    (await logged(options)).filter((e) => e.type === "cdr.issued") as EventOf<"cdr.issued">[];
  await expect.poll(async () => (await bills()).length, { timeout: 20_000 }).toBe(n);
  return bills();
}

async function found(ledger: Ledger, token = TOKEN): Promise<string> {
  const { subject } = await ledger.subject({ what: "find", token });
  return subject as string;
}

function wrappedKey(options: LedgerOptions, subject: string): Buffer {
  const db = new DatabaseSync(join(options.dir, "subjects.db"), { readOnly: true });
  const row = db.prepare("SELECT dek FROM subject WHERE token_ref = ?").get(subject);
  db.close();
  return Buffer.from(row?.dek as Uint8Array);
}

/** The key itself, as it is in memory only. */
const bareKey = (options: LedgerOptions, subject: string, wrapped: Buffer) =>
  new Vault(readKek(options.kekFile)).unwrap(wrapped, `subject:${subject}`).export();

async function verified({ dir, signerCertFile }: LedgerOptions): Promise<boolean> {
  const silent = { write: () => undefined };
  return (
    (await logVerify(
      { data: dir, signer: signerCertFile, json: true },
      { stdout: silent, stderr: silent },
    )) === 0
  );
}

describe("erasure", () => {
  it("9: while the ledger runs the key goes, in no file a byte is left, and bills, chain and seals stand", async () => {
    const { options, ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    await accepted(ledger, tx("ended", 2, { token: TOKEN }));
    await accepted(ledger, tx("started", 1, { station: "cp-002", token: OTHER }));
    await accepted(ledger, tx("ended", 2, { station: "cp-002", token: OTHER }));
    await accepted(ledger, message("cp-002", "meter", { power_w: "much", card: TOKEN.uid }));
    const bills = JSON.stringify(await billed(options, 2));
    const subject = await found(ledger);
    const key = wrappedKey(options, subject);
    const bare = bareKey(options, subject, key);
    const lookup = new Vault(readKek(options.kekFile)).lookupOf(`rfid\n${TOKEN.uid}`);
    expect(hits(options.dir, [key]).length).toBeGreaterThan(0);

    const preview = await ledger.subject(erasure(subject, true));
    expect(preview).toMatchObject({
      erased: false,
      kept: [{ until: expect.stringMatching(/-12-31$/) }, {}, {}, {}],
    });
    expect(await found(ledger)).toBe(subject);
    const report = await ledger.subject(erasure(subject));
    expect(report).toEqual({ ...preview, erased: true });

    expect(hits(options.dir, [key, bare, lookup, ...spellings(TOKEN.uid)])).toEqual([]);
    expect(await ledger.subject({ what: "find", token: TOKEN })).toMatchObject({
      subject: null,
      sessions: [],
    });
    expect(JSON.stringify(await billed(options, 2))).toBe(bills);
    const other = await found(ledger, OTHER);
    expect(await ledger.subject({ what: "trace", subject: other })).toMatchObject({
      sessions: [expect.any(String)],
    });
    await ledger.stop();
    expect(await verified(options)).toBe(true);
    expect(hits(options.dir, [key, bare, lookup, ...spellings(TOKEN.uid)])).toEqual([]);
  });

  it("12: the journal and the log say whom it was, when, by whom and why, under keyed names", async () => {
    const { options, ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    const subject = await found(ledger);
    await ledger.subject(erasure(subject));
    const vault = new Vault(readKek(options.kekFile));
    expect(readErasures(join(options.dir, JOURNAL_FILE))).toEqual([
      {
        subject: vault.journalNameOf(subject),
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        actor: "cli:anna",
        ground: "asked for it",
      },
    ]);
    expect(readFileSync(join(options.dir, JOURNAL_FILE), "utf8")).not.toContain(subject);
    const fact = (await logged(options)).find((e) => e.type === "subject.erased");
    expect(fact?.body).toMatchObject({
      token_ref: subject,
      payer: vault.payerOf(subject),
      ground: "asked for it",
    });
    expect(await ledger.subject(erasure(subject))).toEqual({ refused: "unknown" });
  });

  it("41: an open session of an erased subject is rated and billed, and names nobody anew", async () => {
    const { options, ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    const subject = await found(ledger);
    const report = await ledger.subject(erasure(subject));
    expect(report).toMatchObject({
      kept: expect.arrayContaining([
        expect.objectContaining({ what: expect.stringMatching(/^running sessions: 1/) }),
      ]),
    });
    await accepted(ledger, tx("updated", 2, { token: TOKEN }));
    await accepted(ledger, tx("ended", 3, { token: TOKEN }));
    const [bill] = await billed(options, 1);
    expect(bill?.body).toMatchObject({ cdr_token: subject, energy_wh: 2000 });
    expect(await found(ledger)).toBeNull();
  });

  it("41: so too when the ledger was started again in between", async () => {
    const { options, ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    const subject = await found(ledger);
    await ledger.subject(erasure(subject));
    await ledger.stop();
    const next = await again(options);
    await accepted(next, tx("ended", 2, { token: TOKEN }));
    const [bill] = await billed(options, 1);
    expect(bill?.body.cdr_token).toBe(subject);
    expect(await found(next)).toBeNull();
  });

  it("42: who comes back is new, in the log, in bills and upstream", async () => {
    const { options, ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    await accepted(ledger, tx("ended", 2));
    const subject = await found(ledger);
    await ledger.subject(erasure(subject));
    await accepted(ledger, tx("started", 3, { token: TOKEN, tx_ref: "t2" }));
    await accepted(ledger, tx("ended", 4, { tx_ref: "t2" }));
    const bills = await billed(options, 2);
    const back = await found(ledger);
    expect(back).not.toBe(subject);
    expect(bills.map(({ body }) => body.cdr_token)).toEqual([subject, back]);
    expect(await ledger.subject({ what: "trace", subject: back })).toMatchObject({
      cdrs: [bills[1]?.body.id],
    });
  });

  it("a message that comes again after the erasure is known, and makes no subject of who is gone", async () => {
    const { options, ledger } = await started();
    const rejected: unknown[] = [];
    ledger.on("rejected", (r) => rejected.push(r));
    const authorize = message("cp-001", "authorize", {
      ts: new Date(START).toISOString(),
      boot: "b1",
      seq: 0,
      ref: "a1",
      token: TOKEN,
    });
    const messages = [authorize, tx("started", 1, { token: TOKEN }), tx("ended", 2, { token: TOKEN })];
    for (const m of messages) await accepted(ledger, m);
    await billed(options, 1);
    await ledger.subject(erasure(await found(ledger)));
    const before = (await logged(options)).filter((e) => e.type !== "clock.ticked").length;
    for (const m of messages) await accepted(ledger, m);
    expect(rejected).toEqual([]);
    expect(await found(ledger)).toBeNull();
    const events = (await logged(options)).filter((e) => e.type !== "clock.ticked");
    expect(events.slice(before).map(({ type }) => type)).toEqual([]);
  });

  it("43, 11: an older copy of the store is cleaned by the journal before it serves", async () => {
    const { options, ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    await accepted(ledger, tx("started", 1, { station: "cp-002", token: OTHER }));
    const [subject, other] = [await found(ledger), await found(ledger, OTHER)];
    await ledger.stop();
    const file = join(options.dir, "subjects.db");
    const backup = join(scratchDir(), "subjects.db");
    copyFileSync(file, backup);
    const key = wrappedKey(options, subject);
    const next = await again(options);
    await next.subject(erasure(subject));
    await next.stop();
    copyFileSync(backup, file);
    expect(hits(options.dir, [key]).length).toBeGreaterThan(0);
    const last = await again(options);
    expect(await found(last)).toBeNull();
    expect(await found(last, OTHER)).toBe(other);
    expect(hits(options.dir, [key])).toEqual([]);
  });

  it("18: a legal hold stands in its way", async () => {
    const { ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    const subject = await found(ledger);
    await ledger.subject({ what: "hold", subject, actor: "cli:anna", reason: "claim 7", untilMs: null });
    expect(await ledger.subject(erasure(subject))).toEqual({
      refused: "held",
      reason: "claim 7",
      until: null,
    });
    expect(await found(ledger)).toBe(subject);
    await ledger.subject({ what: "release", subject });
    expect(await ledger.subject(erasure(subject))).toMatchObject({ erased: true });
  });
});

describe("the journal", () => {
  it("keeps what follows a line that a power cut tore", async () => {
    const { options, ledger } = await started();
    await accepted(ledger, tx("started", 1, { token: TOKEN }));
    const subject = await found(ledger);
    appendFileSync(join(options.dir, JOURNAL_FILE), '{"subject":"abc","at":"2026');
    await ledger.subject(erasure(subject));
    expect(readErasures(join(options.dir, JOURNAL_FILE))).toHaveLength(1);
  });
});
