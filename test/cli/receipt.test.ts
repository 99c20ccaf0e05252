import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { cdrShow } from "../../src/cli/cdr.ts";
import { EXIT } from "../../src/cli/output.ts";
import { type ReceiptOptions, receipt } from "../../src/cli/receipt.ts";
import { type StatementOptions, statement } from "../../src/cli/statement.ts";
import { openSqliteStore } from "../../src/log/sqlite-store.ts";
import type { Cdr } from "../../src/model/cdr.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { billKey } from "../../src/rules/credit.ts";
import { revisionKey } from "../../src/rules/standing.ts";
import { creditFor, sampleCdr } from "../documents/sample-cdr.ts";
import { scratchDir } from "../log/sample-events.ts";
import { captured } from "./depot-log.ts";

/** A data directory whose log has these bills of one session: the first, then those of its revision. */
async function logOf(bills: readonly Cdr[]): Promise<string> {
  const dir = scratchDir();
  const store = await openSqliteStore(join(dir, "log.db"));
  const issued = bills.map((body, i): NewEvent => {
    const atMs = Date.parse(body.end_date_time);
    const key = billKey(body.session_id, i === 0 ? 1 : 2) + (body.credit ? ":credit" : "");
    return { type: "cdr.issued", atMs, station: "cp-07", key, body };
  });
  const voided: NewEvent = {
    type: "session.voided",
    atMs: 0,
    station: "cp-07",
    key: revisionKey("s4711-88123", 2),
    body: { session_id: "s4711-88123", revision: 2, by: "ops", reason: "test", held: [], since_ms: 0 },
  };
  await store.commit({ events: [...issued.slice(0, 1), voided, ...issued.slice(1)] });
  await store.close();
  return dir;
}

function capture() {
  const out = { stdout: "", stderr: "" };
  const into = (stream: "stdout" | "stderr") => ({
    write(text: string) {
      out[stream] += text;
    },
  });
  return { out, io: { stdout: into("stdout"), stderr: into("stderr") } };
}

async function runReceipt(options: ReceiptOptions) {
  const { out, io } = capture();
  return { exit: await receipt(options, io), ...out };
}

async function runStatement(options: StatementOptions) {
  const { out, io } = capture();
  return { exit: await statement(options, io), ...out };
}

const cdr = sampleCdr();
const credit = creditFor(cdr);
const replacement = sampleCdr({ id: "cdr-s4711-88123-2", remark: "replaces cdr-s4711-88123" });

describe("laddport receipt", () => {
  it("writes HTML to stdout, in the language asked for, and needs no config", async () => {
    const data = await logOf([cdr]);
    const { exit, stdout, stderr } = await runReceipt({ id: cdr.id, data, lang: "sv" });
    expect(exit).toBe(EXIT.ok);
    expect(stderr).toBe("");
    expect(stdout).toContain('<html lang="sv"');
    expect(stdout).toContain("Kvitto");
    expect(stdout).toContain("3\u00a0966,37\u00a0SEK");
  });

  it("writes the files that are named, and then nothing to stdout", async () => {
    const data = await logOf([cdr]);
    const [html, pdf] = [join(data, "r.html"), join(data, "r.pdf")];
    const { exit, stdout, stderr } = await runReceipt({ id: cdr.id, data, html, pdf });
    expect([exit, stdout]).toEqual([EXIT.ok, ""]);
    const shown = captured();
    await cdrShow({ data, id: cdr.id }, shown.io);
    const hash = /SHA-256 ([0-9a-f]{64})\n$/.exec(stderr)?.[1] as string;
    expect(shown.out.stderr).toBe(`${cdr.id}: SHA-256 ${hash}\n`);
    expect(readFileSync(html, "utf8")).toContain(hash);
    expect(readFileSync(html, "utf8")).toMatch(/^<!doctype html>/);
    expect(readFileSync(pdf, "latin1")).toMatch(/^%PDF-1\.7/);
  });

  it("by a session shows its newest bill, by its own id any, and says when one was taken back", async () => {
    const data = await logOf([cdr, credit, replacement]);
    const newest = await runReceipt({ id: cdr.session_id, data });
    expect(newest.stdout).toContain("replaces cdr-s4711-88123");
    expect(newest.stderr).toBe("");
    const old = await runReceipt({ id: cdr.id, data });
    expect(old.stderr).toBe(
      "cdr-s4711-88123 was taken back: laddport receipt cdr-s4711-88123-C shows the credit\n",
    );
    const taken = await runReceipt({ id: credit.id, data });
    expect(taken.stdout).toContain("Credit note");
  });

  it("says what to do when there is no such bill", async () => {
    const { exit, stdout, stderr } = await runReceipt({ id: "nope", data: await logOf([cdr]) });
    expect([exit, stdout]).toEqual([EXIT.failed, ""]);
    expect(stderr).toContain("there is no CDR nope, nor one of a session of that name; laddport cdr list");
  });

  it("writes over no folder, and names the file that it cannot write", async () => {
    const data = await logOf([cdr]);
    mkdirSync(join(data, "folder"));
    const over = (file: string) => runReceipt({ id: cdr.id, data, pdf: join(data, file) });
    await expect(over("folder")).rejects.toThrow(/folder is a folder/);
    await expect(over("missing/r.pdf")).rejects.toThrow(/Cannot write .*missing\/r\.pdf \(ENOENT\)/);
  });

  it("refuses a config that is named and missing", async () => {
    const data = await logOf([cdr]);
    await expect(runReceipt({ id: cdr.id, data, config: join(data, "no.yaml") })).rejects.toMatchObject({
      code: "LP300",
    });
  });
});

describe("laddport statement", () => {
  it("says in one sentence which bill does not add up, and what to do", async () => {
    const off = sampleCdr({ id: "cdr-off", payable: { amount: "3966.38", rounding: "-0.0015" } });
    const data = await logOf([off]);
    const refused = await runStatement({ month: "2026-11", data }).catch(String);
    expect(refused).toMatch(
      /^LP808 cdr-off does not add up: payable\.amount is "3966\.38", .*\. See laddport cdr/,
    );
    expect(refused).toContain("laddport cdr credit cdr-off");
  });

  it("prints the sums of a month, and the same as JSON and CSV", async () => {
    const data = await logOf([cdr, credit, replacement]);
    const csv = join(data, "november.csv");
    const text = await runStatement({ month: "2026-11", data });
    expect(text.stdout).toContain("to pay 3966.37 SEK");
    const { exit, stdout } = await runStatement({ month: "2026-11", data, json: true, csv, csvBom: true });
    expect(exit).toBe(EXIT.ok);
    const { currencies } = JSON.parse(stdout);
    expect(currencies).toHaveLength(1);
    expect(currencies[0]).toMatchObject({ currency: "SEK", payable: "3966.37", energy_wh: 1_021_421 });
    expect(currencies[0].bills.map((bill: { cdr_id: string }) => bill.cdr_id)).toEqual([
      cdr.id,
      replacement.id,
      credit.id,
    ]);
    const rows = parse(readFileSync(csv), { bom: true, columns: true }) as Record<string, string>[];
    expect(rows.map((row) => row.payable)).toEqual(["3966.37", "3966.37", "-3966.37"]);
  });

  it("says which months have bills when one has none", async () => {
    const { exit, stderr } = await runStatement({ month: "2026-10", data: await logOf([cdr]) });
    expect(exit).toBe(EXIT.failed);
    expect(stderr).toBe("nothing was billed in 2026-10; the months with bills are 2026-11 (UTC)\n");
    const empty = await runStatement({ month: "2026-10", group: "north", data: await logOf([]) });
    expect(empty.stderr).toBe("nothing was billed for group north in 2026-10; the log has no bills\n");
  });

  it("refuses what is no month, and a group together with a token", async () => {
    const data = await logOf([cdr]);
    for (const month of ["2026-13", "2026-1", "november", "2026-11-01"])
      await expect(runStatement({ month, data })).rejects.toMatchObject({ code: "LP803" });
    const both = { month: "2026-11", data, group: "a", tokenRef: "b" };
    await expect(runStatement(both)).rejects.toMatchObject({ code: "LP803" });
  });
});
