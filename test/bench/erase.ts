/**
 * How long the running ledger takes to erase a subject with many sessions, in a log that has as many of others and a
 * sealed record for each: from the question to the key's bytes being off the disk, and what stations feel meanwhile.
 *
 *     npm run bench:erase -- [--sessions 10000] [--others 10000] [--json]
 */
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { SubjectStore } from "../../src/identity/subject-store.ts";
import { readKek, Vault } from "../../src/identity/vault.ts";
import { openLogNow, publicPemOf } from "../../src/log/open-log.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { Ledger, type LedgerOptions } from "../../src/workers/ledger.ts";
import { billsOf, DEPOT_TARIFF, twoVisits } from "../cli/depot-log.ts";
import { hits } from "../identity/byte-scan.ts";
import { run } from "../rules/depot-events.ts";
import { accepted, ledgerOptions, meter } from "../workers/ledger-case.ts";

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "10000" },
    others: { type: "string", default: "10000" },
    json: { type: "boolean", default: false },
  },
});
const [count, others] = [Number(values.sessions), Number(values.others)];
const TOKEN = { uid: "04D5A7C1E93B80", type: "rfid" };
const RECORD = Buffer.alloc(700, "signed by a meter ");

/** Start, record and bill of a session, in real bodies, under names of its own. */
function factsOf(n: number, tokenRef: string, events: readonly NewEvent[]): NewEvent[] {
  const id = `s${n}-1`;
  return events.map((event) => {
    const [type = ""] = (event.key ?? "").split(":");
    const body = JSON.parse(JSON.stringify(event.body)) as Record<string, unknown>;
    Object.assign(body, { session_id: id }, "token_ref" in body ? { token_ref: tokenRef } : {});
    if (event.type === "cdr.issued") Object.assign(body, { id: `cdr-${id}`, cdr_token: tokenRef });
    return { ...event, key: `${type}:${id}`, body } as NewEvent;
  });
}

function fill(options: LedgerOptions): string {
  const batch: NewEvent[] = [];
  const subjects = new SubjectStore(join(options.dir, "subjects.db"), new Vault(readKek(options.kekFile)));
  const key = createPrivateKey(readFileSync(options.signerKeyFile));
  const { store } = openLogNow(options.dir, { signerKey: () => key, publicPem: publicPemOf(key) });
  const visits = twoVisits().events;
  const made = [...run(visits), ...billsOf(visits)];
  const session = (["session.started", "session.ended", "cdr.issued"] as const).map(
    (type) => made.find((event) => event.type === type) as NewEvent,
  );
  const tokenRef = subjects.tokenRef(TOKEN, 0);
  for (let n = 0; n < count + others; n += 1) {
    // Mixed, as a depot's log is: theirs and others' lie on the same pages.
    const isTheirs =
      Math.floor(((n + 1) * count) / (count + others)) > Math.floor((n * count) / (count + others));
    const ref = isTheirs ? tokenRef : subjects.tokenRef({ uid: `04${n % 500}`, type: "rfid" }, 0);
    subjects.seal(ref, RECORD, 0);
    batch.push(...factsOf(n, ref, session));
    if (batch.length < 3000 && n < count + others - 1) continue;
    subjects.flush();
    store.commitNow({ events: batch.splice(0) });
  }
  subjects.close();
  void store.close();
  return tokenRef;
}
const scratch = mkdtempSync(join(tmpdir(), "laddport-erase-"));
try {
  const options = ledgerOptions(scratch, { tariffs: [DEPOT_TARIFF] });
  const subject = fill(options);
  const ledger = new Ledger(options);
  await ledger.start();
  const db = new DatabaseSync(join(options.dir, "subjects.db"), { readOnly: true });
  const key = Buffer.from(
    db.prepare("SELECT dek FROM subject WHERE token_ref = ?").get(subject)?.dek as Uint8Array,
  );
  db.close();
  await accepted(ledger, meter("cp-001", 1));

  let began = performance.now();
  const trace = await ledger.subject({ what: "trace", subject });
  const traceMs = performance.now() - began;

  began = performance.now();
  const ground = {
    country: "SE",
    books: { booksYears: 7, fiscalYearEnd: "12-31", timeZone: "Europe/Stockholm" },
    quarantineDays: 30,
    isForwarded: true,
    tokenFile: null,
  };
  const erased = ledger.subject({
    what: "erase",
    subject,
    actor: "bench",
    reason: "bench",
    preview: false,
    ground,
  });
  const puback = accepted(ledger, meter("cp-001", 2)).then(() => performance.now() - began);
  await erased;
  const eraseMs = performance.now() - began;
  const pubackMs = await puback;
  const left = hits(options.dir, [key]).length;
  const figures = {
    sessions: "sessions" in trace ? trace.sessions.length : 0,
    bills: "cdrs" in trace ? trace.cdrs.length : 0,
    others,
    trace_ms: Math.round(traceMs),
    erase_ms: Math.round(eraseMs),
    puback_behind_it_ms: Math.round(pubackMs),
    files_with_the_key: left,
  };
  await ledger.stop();
  console.log(values.json ? JSON.stringify(figures) : figures);
  if (left > 0 || figures.sessions !== count) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
