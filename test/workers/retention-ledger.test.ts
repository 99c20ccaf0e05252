import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { proveLog } from "../../src/cli/log.ts";
import { Ledger, type LedgerOptions } from "../../src/workers/ledger.ts";
import { DEPOT_TARIFF } from "../cli/depot-log.ts";
import { scratchDir } from "../log/sample-events.ts";
import { accepted, ledgerOptions, message } from "./ledger-case.ts";

const DAY_MS = 86_400_000;
const T0 = Date.UTC(2026, 10, 22, 17);

/** The depot's clock at so many days after the first start; a minute a second. */
const clockAt = (days: number) => ({ realMs: Date.now(), depotMs: T0 + days * DAY_MS, speed: 60 });

async function running(options: LedgerOptions, days: number) {
  const ledger = new Ledger({ ...options, clock: clockAt(days) });
  const resumed = await ledger.start();
  let stopped = false;
  const stop = async () => {
    if (!stopped) await ledger.stop();
    stopped = true;
  };
  onTestFinished(stop);
  return { ledger, resumed, stop };
}

const tx = (seq: number, event: string, wh: number, over: object = {}) =>
  message("cp-001", "tx", {
    ts: new Date(T0 + seq * 60_000).toISOString(),
    boot: "b1",
    seq,
    event,
    tx_ref: "t1",
    energy_import_wh: wh,
    token: { uid: "04A2B3C4", type: "rfid" },
    ...over,
  });

const iso = (days: number) => new Date(T0 + days * DAY_MS).toISOString();

/** Facts by type: all of them, or those that have their bodies. */
function counted(data: string, what: "*" | "body" = "body"): Record<string, number> {
  const db = new DatabaseSync(join(data, "log.db"), { readOnly: true });
  const rows = db.prepare(`SELECT type, count(${what}) AS n FROM fact GROUP BY type`).all();
  db.close();
  return Object.fromEntries((rows as { type: string; n: number }[]).map(({ type, n }) => [type, n]));
}

const until = (what: () => boolean | Promise<boolean>) =>
  expect.poll(what, { timeout: 60_000, interval: 50 }).toBe(true);

it("a gateway whose clock moved on by years lets go of what has expired, also when new rules fold the log again", async () => {
  const options = ledgerOptions(scratchDir(), { tariffs: [DEPOT_TARIFF] });
  const first = await running(options, 0);
  const sent = (m: ReturnType<typeof tx>) => accepted(first.ledger, { ...m, atMs: T0 + 60_000 });
  await sent(tx(1, "started", 1_000, { charging_state: "charging" }));
  const ended = tx(2, "ended", 1_150, { reason: "local" });
  await sent(ended);
  await sent(
    message("cp-001", "status", {
      ts: new Date(T0 + 3 * 60_000).toISOString(),
      boot: "b1",
      seq: 3,
      connector_state: "available",
    }),
  );
  // One after the other, as their times are: facts of the first are in the log before those of the next.
  await until(() => (counted(options.dir)["cdr.issued"] ?? 0) === 1);
  // Its start will have expired on day 100, its end not yet.
  const straddling = (m: ReturnType<typeof tx>, days: number) =>
    accepted(first.ledger, { ...m, station: "cp-002", atMs: T0 + days * DAY_MS });
  await straddling(tx(1, "started", 500, { ts: iso(9.9), tx_ref: "t2", charging_state: "charging" }), 9.9);
  await until(() => (counted(options.dir)["session.started"] ?? 0) === 2);
  await straddling(tx(2, "ended", 700, { ts: iso(10.1), tx_ref: "t2", reason: "local" }), 10.1);
  const unplugged = { ts: iso(10.11), boot: "b1", seq: 3, connector_state: "available" };
  await straddling(message("cp-002", "status", unplugged), 10.11);
  await until(() => (counted(options.dir)["session.ended"] ?? 0) === 2);
  const db0 = new DatabaseSync(join(options.dir, "log.db"), { readOnly: true });
  const offsetOf = (sql: string) => (db0.prepare(sql).get() as { n: number | null }).n ?? 0;
  const last = offsetOf("SELECT max(offset) AS n FROM fact");
  await until(() => offsetOf("SELECT min(offset) AS n FROM fold") >= last);
  db0.close();
  await first.stop();

  const second = await running(options, 100);
  await until(() => {
    const { "transaction.started": starts, "transaction.ended": ends } = counted(options.dir);
    return starts === 0 && ends === 1;
  });
  const kept = counted(options.dir);
  expect(kept).toMatchObject({ "session.ended": 2, "transaction.started": 0, "transaction.ended": 1 });
  expect(kept["cdr.issued"]).toBeGreaterThanOrEqual(1);
  // The station sends again what it never saw acknowledged: known by its hash, although the body is gone.
  const rejected: unknown[] = [];
  second.ledger.on("rejected", (r) => rejected.push(r));
  await accepted(second.ledger, { ...ended, atMs: T0 + 100 * DAY_MS });
  expect(rejected).toEqual([]);
  await second.stop();
  const facts = counted(options.dir, "*");

  const db = new DatabaseSync(join(options.dir, "log.db"));
  db.exec("UPDATE fold SET version = 0");
  db.close();
  const third = await running(options, 101);
  await third.stop();
  const again = counted(options.dir, "*");
  for (const type of ["session.ended", "session.started", "session.corrected", "cdr.issued", "alert.raised"])
    expect([type, again[type]]).toEqual([type, facts[type]]);

  const fourth = await running(options, 9 * 366);
  await until(() => counted(options.dir)["cdr.issued"] === 0 && counted(options.dir)["session.ended"] === 0);
  await fourth.stop();
  expect(counted(options.dir)).toMatchObject({ "session.ended": 0, "cdr.issued": 0 });
  const { verdict } = await proveLog({ data: options.dir, signer: options.signerCertFile }, "both");
  expect(verdict.damage.filter(({ chain }) => chain !== "mark")).toEqual([]);
});
