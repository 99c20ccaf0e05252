/** A real ledger on a scratch folder, and messages for it. */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { REAL_TIME } from "../../src/model/clock.ts";
import type { Event } from "../../src/model/event.ts";
import type { InKind } from "../../src/model/topics.ts";
import type { Ledger, LedgerOptions } from "../../src/workers/ledger.ts";
import type { RawMessage } from "../../src/workers/ledger-protocol.ts";

export function ledgerOptions(dir: string, over: Partial<LedgerOptions> = {}): LedgerOptions {
  const data = join(dir, "data");
  mkdirSync(data, { recursive: true });
  const file = (name: string, content: string) => {
    writeFileSync(join(dir, name), content, { mode: 0o600 });
    return join(dir, name);
  };
  const signer = issueCertificate({ purpose: "signer", name: "gateway" });
  return {
    site: "demo",
    dir: data,
    clock: REAL_TIME,
    evses: ["cp-001", "cp-002", "cp-003"].map((station) => ({
      station,
      evse: 1,
      circuit: "site",
      kind: "ac",
      minA: 6,
      maxA: 32,
      phases: 3,
      phaseOrder: "L1L2L3",
      fallbackA: 6,
      weight: 1,
      efficiency: 1,
    })),
    meters: ["grid-1"],
    timeZone: "Europe/Stockholm",
    voltageV: 230,
    registerModulusWh: [],
    finishingLimitMs: 900_000,
    tariffs: [],
    tariffChoice: [],
    tokenPolicy: "free",
    kekFile: file("kek", randomBytes(32).toString("base64")),
    signerCertFile: file("signer.pem", signer.certPem),
    signerKeyFile: file("signer.key", signer.keyPem),
    version: "0.0.0",
    rawDays: 14,
    clocks: {
      eventDays: 90,
      seriesMonths: 25,
      booksYears: 7,
      fiscalYearEnd: "12-31",
      auditMonths: 24,
      timeZone: "Europe/Stockholm",
    },
    quarantineDays: 30,
    billsCursor: null,
    timeSeries: [],
    ...over,
  };
}

export function message(station: string, kind: InKind, body: object, evse = 1): RawMessage {
  return { station, evse, kind, payload: Buffer.from(JSON.stringify(body)), atMs: Date.now() };
}

export function meter(station: string, seq: number, boot = "b1", over: object = {}): RawMessage {
  return message(station, "meter", {
    ts: "2026-11-22T17:00:10.250Z",
    boot,
    seq,
    energy_import_wh: 18_000_000 + seq,
    power_w: 11_000,
    ...over,
  });
}

/** Resolves when the message is acknowledged. */
export function accepted(ledger: Ledger, m: RawMessage): Promise<void> {
  return new Promise((resolve) => ledger.accept(m, resolve));
}

/** Everything in the log. */
export async function logged(options: LedgerOptions): Promise<Event[]> {
  const reader = openSqliteReader(join(options.dir, "log.db"));
  const all: Event[] = [];
  for (let after = 0; ; ) {
    const { events, through } = await reader.read(after, { limit: 10_000 });
    if (events.length === 0) break;
    all.push(...events);
    after = through;
  }
  await reader.close();
  return all;
}
