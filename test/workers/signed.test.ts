import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Event, EventBodies } from "../../src/model/event.ts";
import type { LedgerOptions } from "../../src/workers/ledger.ts";
import { Ledger } from "../../src/workers/ledger.ts";
import type { RawMessage } from "../../src/workers/ledger-protocol.ts";
import { everyByte } from "../log/every-byte.ts";
import { scratchDir } from "../log/sample-events.ts";
import { BEGIN, END, type Fields, METER, payload, signedText, signerOn } from "../rules/ocmf/signed.ts";
import { accepted, ledgerOptions, logged, message, meter } from "./ledger-case.ts";

const ID = "04A1B2C3D4E5F6";
const record = (changes: Fields) => signedText(payload({ ID, ...changes }));
const FIRST = record({ PG: "T7", RD: [BEGIN] });
const LAST = record({ PG: "T8", RD: [END] });

async function running(options: LedgerOptions): Promise<Ledger> {
  const ledger = new Ledger(options);
  await ledger.start();
  onTestFinished(() => ledger.stop());
  return ledger;
}

function tx(seq: number, event: "started" | "ended", signed: object, over: object = {}): RawMessage {
  return message("cp-001", "tx", {
    ts: event === "started" ? "2026-11-22T17:00:00Z" : "2026-11-22T18:00:00Z",
    boot: "b1",
    seq,
    event,
    tx_ref: "t1",
    energy_import_wh: event === "started" ? 100_500 : 112_500,
    token: { uid: ID, type: "rfid" },
    signed: { format: "OCMF", ...signed },
    ...over,
  });
}

const bodies = <T extends Event["type"]>(events: readonly Event[], type: T) =>
  events.filter((event) => event.type === type).map((event) => event.body as EventBodies[T]);

async function ended(options: LedgerOptions, count: number): Promise<EventBodies["session.ended"][]> {
  const of = async () => bodies(await logged(options), "session.ended");
  await expect.poll(async () => (await of()).length, { timeout: 30_000 }).toBe(count);
  return of();
}

describe("signed values at the door", () => {
  it("takes a message sent again as a duplicate, in one batch and after a restart; other bytes are a conflict", async () => {
    const options = ledgerOptions(scratchDir());
    const first = await running(options);
    const rejected: unknown[] = [];
    const started = () => tx(1, "started", { data: FIRST, public_key: METER.key });
    const sampled = () => meter("cp-001", 2, "b1", { signed: { format: "OCMF", data: FIRST } });
    first.on("rejected", (r) => rejected.push(r));
    await Promise.all([started(), sampled(), started(), sampled()].map((m) => accepted(first, m)));
    await first.stop();
    const second = await running(options);
    second.on("rejected", (r) => rejected.push(r));
    await Promise.all([started(), sampled()].map((m) => accepted(second, m)));
    expect(rejected).toEqual([]);
    const events = await logged(options);
    expect(bodies(events, "transaction.started")).toHaveLength(1);
    expect(bodies(events, "meter.sampled")).toHaveLength(1);

    await accepted(second, tx(1, "started", { data: LAST, public_key: METER.key }));
    await accepted(second, meter("cp-001", 2, "b1", { signed: { format: "OCMF", data: LAST } }));
    await accepted(second, meter("cp-001", 2));
    expect(rejected).toMatchObject(Array(3).fill({ code: "KEY_CONFLICT" }));
    // Two values, and three messages that were refused.
    expect(holders(options)).toHaveLength(5);
  });

  it("names the user of the record by the pseudonym of the token, and bills the session", async () => {
    const options = ledgerOptions(scratchDir());
    const ledger = await running(options);
    await accepted(ledger, tx(1, "started", { data: FIRST, public_key: METER.key }));
    await accepted(ledger, tx(2, "ended", { data: LAST, public_key: METER.key }));
    const [session] = await ended(options, 1);
    expect(session).toMatchObject({ energy_source: "signed", energy_wh: 12_250, signed: { verified: true } });
    const [start] = bodies(await logged(options), "transaction.started");
    expect(start?.token_ref).toMatch(/^[\w-]{22}$/);
    expect(start?.signed?.facts?.user).toBe(start?.token_ref);
  });

  it("seals a record under whoever holds the EVSE, else under the user it names, never under the one before", async () => {
    const options = ledgerOptions(scratchDir());
    const ledger = await running(options);
    const other = (ref: string, changes: Fields) => ({
      ...{ ts: "2026-11-22T19:00:00Z", tx_ref: ref, token: undefined },
      signed: { format: "OCMF", data: record({ PG: "T9", RD: [BEGIN], ...changes }) },
    });
    await accepted(ledger, tx(1, "started", { data: FIRST }));
    await accepted(ledger, tx(2, "started", {}, other("t2", { ID: "SOMEBODY" })));
    await accepted(ledger, tx(3, "started", {}, other("t3", { ID: "" })));
    const [first, second] = bodies(await logged(options), "transaction.started");
    expect(holders(options)).toEqual([
      first?.token_ref,
      second?.signed?.facts?.user,
      expect.stringMatching(/^day:/),
    ]);
    expect(second?.signed?.facts?.user).not.toBe(first?.token_ref);
  });

  it("checks values without a key against the accepted one of their meter", async () => {
    const options = ledgerOptions(scratchDir());
    const ledger = await running(options);
    await accepted(ledger, tx(1, "started", { data: FIRST, public_key: METER.key }));
    await accepted(ledger, tx(2, "ended", { data: LAST, public_key: METER.key }));
    await ended(options, 1);
    const again = { ts: "2026-11-22T19:00:00Z", tx_ref: "t2" };
    await accepted(ledger, tx(3, "started", { data: record({ PG: "T9", RD: [BEGIN] }) }, again));
    const later = { ...again, ts: "2026-11-22T20:00:00Z" };
    await accepted(ledger, tx(4, "ended", { data: record({ PG: "T10", RD: [END] }) }, later));
    const [, second] = await ended(options, 2);
    expect(second).toMatchObject({
      held: [],
      energy_source: "signed",
      signed: { verified: true, public_key: METER.key },
    });
    expect(bodies(await logged(options), "meter_key.accepted")).toHaveLength(1);
  });

  it("writes neither the record nor the identification in it to the log, readable or not", async () => {
    const options = ledgerOptions(scratchDir());
    const ledger = await running(options);
    const texts = [
      FIRST,
      // Each has the identification where an error message would quote it.
      ID,
      `{"ID":"${ID}"}`,
      `OCMF|["${ID}"]|{"SD":"00"}`,
      `OCMF|{"ID":{"uid":"${ID}"}}|{"SD":"00"}`,
      `OCMF|{"IS":["${ID}"]}|{"SD":"00"}`,
      `OCMF|{"LC":"${ID}"}|{"SD":"00"}`,
      `OCMF|{"RD":["${ID}"]}|{"SD":"00"}`,
      `OCMF|{"ID":"${ID}",|{"SD":"00"}`,
      `OCMF|${payload({ ID })}|{"SA":"ECDSA-secp256r1-SHA256","SD":"${ID}${ID}"}`,
      record({ RD: Array.from({ length: 600 }, () => ({})).with(0, BEGIN as never) }),
    ];
    for (const [i, data] of texts.entries())
      await accepted(
        ledger,
        meter("cp-001", i, "b1", { signed: { format: "OCMF", data, public_key: METER.key } }),
      );
    await accepted(ledger, tx(50, "started", { data: FIRST, public_key: METER.key }));
    await accepted(ledger, tx(51, "ended", { data: LAST, public_key: METER.key }));
    await ended(options, 1);
    await ledger.stop();
    const rows = everyByte(join(options.dir, "log.db"));
    expect(rows.length).toBeGreaterThan(10_000);
    expect(rows.includes("M-1")).toBe(true);
    for (const secret of [ID, FIRST, LAST, ...texts.slice(1)])
      for (const form of forms(secret)) {
        expect(rows.includes(form), `${form.slice(0, 60)} of ${secret.slice(0, 60)}`).toBe(false);
      }
  });

  it("keeps the fold alive whatever a meter calls itself", async () => {
    const options = ledgerOptions(scratchDir());
    const ledger = await running(options);
    const signer = signerOn();
    const of = (PG: string, RD: Fields[]) => ({
      data: signedText(payload({ PG, RD, MS: "__proto__" }), { signer }),
    });
    const key = { public_key: signer.key };
    await accepted(ledger, tx(1, "started", { ...of("T7", [BEGIN]), ...key }));
    await accepted(ledger, tx(2, "ended", { ...of("T8", [END]), ...key }));
    await ended(options, 1);
    await ledger.stop();
    const again = await running(options);
    await accepted(again, tx(3, "started", of("T9", [BEGIN]), { ts: "2026-11-22T19:00:00Z", tx_ref: "t2" }));
    await accepted(again, tx(4, "ended", of("T10", [END]), { ts: "2026-11-22T20:00:00Z", tx_ref: "t2" }));
    expect((await ended(options, 2)).map(({ held }) => held)).toEqual([[], []]);
  });
});

/** Whose key each sealed thing lies under, oldest first. */
function holders({ dir }: LedgerOptions): unknown[] {
  const db = new DatabaseSync(join(dir, "subjects.db"), { readOnly: true });
  const rows = db.prepare("SELECT holder FROM sealed ORDER BY rowid").all();
  db.close();
  return rows.map(({ holder }) => holder);
}

/** A text as it is, in hex and base64 (at each of three places in a longer text), and from its end. */
function forms(text: string): (string | Buffer)[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(4, -4),
  );
  const hex = bytes.toString("hex");
  const all = [text, hex, hex.toUpperCase(), ...base64, [...text].reverse().join("")];
  return [...all, ...all.map((form) => JSON.stringify(form).slice(1, -1))];
}
