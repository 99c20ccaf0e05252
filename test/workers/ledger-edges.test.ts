/** What odd meters and odd tokens become between the door and the bill. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { EventOf, EventType } from "../../src/model/event.ts";
import { Ledger, type LedgerOptions } from "../../src/workers/ledger.ts";
import { scratchDir } from "../log/sample-events.ts";
import { TARIFF } from "../rules/depot-events.ts";
import { accepted, ledgerOptions, logged, message } from "./ledger-case.ts";

async function running(): Promise<{ options: LedgerOptions; ledger: Ledger; rejected: { code: string }[] }> {
  const options = ledgerOptions(scratchDir(), { tariffs: [TARIFF.body] });
  const ledger = new Ledger(options);
  const rejected: { code: string }[] = [];
  ledger.on("rejected", (answer) => rejected.push(answer));
  await ledger.start();
  onTestFinished(() => ledger.stop());
  return { options, ledger, rejected };
}

const MINUTE = 60_000;
const fromMs = Date.now() - 30 * MINUTE;
let seq = 0;
/** A message stamped so many minutes after the start. */
const at = (minutes: number, kind: "tx" | "meter" | "status", body: object, station = "cp-001") =>
  message(station, kind, {
    ts: new Date(fromMs + minutes * MINUTE).toISOString(),
    boot: "b1",
    seq: seq++,
    ...body,
  });
const start = (body: object = {}, station?: string) =>
  at(0, "tx", { event: "started", tx_ref: "t1", token: { uid: "04AABBCC" }, ...body }, station);
const stop = (body: object = {}, station?: string) =>
  at(20, "tx", { event: "ended", tx_ref: "t1", ...body }, station);

async function bodies<T extends EventType>(options: LedgerOptions, type: T): Promise<EventOf<T>["body"][]> {
  return (await logged(options)).filter((e) => e.type === type).map((e) => e.body as EventOf<T>["body"]);
}

/** The one session that these messages end. */
async function sessionOf(options: LedgerOptions): Promise<EventOf<"session.ended">["body"]> {
  await expect.poll(async () => (await bodies(options, "session.ended")).length, { timeout: 20_000 }).toBe(1);
  return (await bodies(options, "session.ended"))[0] as EventOf<"session.ended">["body"];
}

it("edge case 13: a register in kWh is refused or not seen, never taken for Wh", async () => {
  const { options, ledger, rejected } = await running();
  await accepted(ledger, start({ energy_import_wh: 18_234 }));
  await accepted(ledger, at(10, "meter", { energy_import_wh: 18.734 }));
  expect(rejected).toMatchObject([{ code: "SCHEMA" }]);
  await accepted(ledger, at(11, "meter", { energy_import_wh: "18734", unit: "Wh" }));
  expect(rejected).toMatchObject([{ code: "SCHEMA" }, { code: "SCHEMA" }]);
  await accepted(ledger, at(12, "meter", { energy_import_kwh: 9_999_999 }));
  await accepted(ledger, stop({ energy_import_wh: 19_234 }));
  await accepted(ledger, at(20, "status", { connector_state: "available" }));
  expect(await sessionOf(options)).toMatchObject({ energy_wh: 1_000, held: [] });
});

it("edge case 16: the register is that of the outlet; one of the inlet beside it is not looked at", async () => {
  const { options, ledger } = await running();
  await accepted(ledger, start({ energy_import_wh: 5_000, energy_import_inlet_wh: 700_000 }));
  const inlet = { location: "inlet", energy_import_inlet_wh: 703_400 };
  await accepted(ledger, at(10, "meter", { energy_import_wh: 6_500, ...inlet }));
  await accepted(ledger, stop({ energy_import_wh: 8_000, ...inlet }));
  await accepted(ledger, at(20, "status", { connector_state: "available" }));
  const session = await sessionOf(options);
  expect(session).toMatchObject({ energy_wh: 3_000, held: [] });
  expect(session.segments.map(({ from_wh, to_wh }) => [from_wh, to_wh])).toEqual([[5_000, 8_000]]);
});

it("edge case 44: a token with topic characters, a newline or 40 characters is a token like any other", async () => {
  const { options, ledger, rejected } = await running();
  const uids = [
    "laddport/v1/demo/in/cp-002/1/tx",
    "+/#",
    "$SYS/#",
    "a\nb\r\n\u0000c",
    "=HYPERLINK(1)'; DROP TABLE fact; --",
    "0123456789".repeat(4),
  ];
  const asked: object[] = [];
  ledger.on("authorization", (answer) => asked.push(answer));
  for (const [i, uid] of uids.entries()) {
    await accepted(
      ledger,
      message("cp-001", "authorize", { ts: new Date().toISOString(), ref: `r${i}`, token: { uid } }),
    );
    await accepted(ledger, start({ tx_ref: `t${i}`, token: { uid }, energy_import_wh: i }));
    await accepted(ledger, stop({ tx_ref: `t${i}`, energy_import_wh: i + 1 }));
  }
  expect(rejected).toEqual([]);
  expect(asked).toEqual(
    uids.map((_, i) => ({
      station: "cp-001",
      evse: 1,
      ref: `r${i}`,
      status: "accepted",
      reason: "policy_free",
    })),
  );
  const refs = (await bodies(options, "transaction.started")).map(({ token_ref }) => token_ref);
  expect(new Set(refs).size).toBe(uids.length);
  for (const ref of refs) expect(ref).toMatch(/^[\w-]{22}$/);
  await ledger.stop();
  const log = readdirSync(options.dir).map((name) => readFileSync(join(options.dir, name)));
  for (const uid of uids)
    for (const text of [uid, JSON.stringify(uid).slice(1, -1)])
      expect([uid, log.some((bytes) => text.length > 3 && bytes.includes(text))]).toEqual([uid, false]);
});
