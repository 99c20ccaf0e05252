/** What the ledger thread writes of cost centres and tariffs. */
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { SubjectStore } from "../../src/identity/subject-store.ts";
import { readKek, Vault } from "../../src/identity/vault.ts";
import type { Tariff } from "../../src/model/tariff.ts";
import { Ledger, type LedgerOptions } from "../../src/workers/ledger.ts";
import { scratchDir } from "../log/sample-events.ts";
import { accepted, ledgerOptions, logged, message } from "./ledger-case.ts";

const tariff = (id: string, price = "2.50"): Tariff => ({
  id,
  currency: "SEK",
  elements: [{ price_components: [{ type: "ENERGY", price, step_size: 1 }] }],
});

const TOKEN = { uid: "04AABBCC", type: "rfid" };

function know(options: LedgerOptions, group: string): void {
  const store = new SubjectStore(join(options.dir, "subjects.db"), new Vault(readKek(options.kekFile)));
  store.known.replace([{ ...TOKEN, status: "accepted", validUntilMs: null, group, vehicle: "bus-7" }]);
  store.close();
}

async function running(options: LedgerOptions): Promise<Ledger> {
  const ledger = new Ledger(options);
  await ledger.start();
  onTestFinished(() => ledger.stop());
  return ledger;
}

const tx = (event: string, seq: number, over: object = {}) =>
  message("cp-001", "tx", { ts: new Date().toISOString(), boot: "b1", seq, event, tx_ref: "t1", ...over });

const bodies = async (options: LedgerOptions, type: string) =>
  (await logged(options)).filter((event) => event.type === type).map((event) => event.body);

it("a start and a decision carry the cost centre and the vehicle of their token", async () => {
  const options = ledgerOptions(scratchDir());
  know(options, "transport");
  const ledger = await running(options);
  await accepted(
    ledger,
    message("cp-001", "authorize", { ts: new Date().toISOString(), ref: "q", token: TOKEN }),
  );
  await accepted(ledger, tx("started", 1, { token: TOKEN, energy_import_wh: 0 }));
  await accepted(ledger, tx("updated", 2));
  const listing = { token_group: "transport", vehicle: "bus-7" };
  expect(await bodies(options, "token.decided")).toMatchObject([listing]);
  expect(await bodies(options, "transaction.started")).toMatchObject([listing]);
  expect(await bodies(options, "transaction.updated")).toEqual([
    expect.not.objectContaining({ vehicle: "bus-7" }),
  ]);
});

it("a message that comes again after the list changed is a repetition, not a conflict", async () => {
  const options = ledgerOptions(scratchDir());
  know(options, "transport");
  const ledger = await running(options);
  const rejected: unknown[] = [];
  ledger.on("rejected", (r) => rejected.push(r));
  const start = tx("started", 1, { token: TOKEN, energy_import_wh: 0 });
  await accepted(ledger, start);
  know(options, "care");
  await accepted(ledger, { ...start, payload: Buffer.from(start.payload) });
  expect(await bodies(options, "transaction.started")).toMatchObject([{ token_group: "transport" }]);
  const other = JSON.parse(Buffer.from(start.payload).toString());
  await accepted(ledger, message("cp-001", "tx", { ...other, energy_import_wh: 5 }));
  expect(rejected).toMatchObject([{ code: "KEY_CONFLICT" }]);
});

it("tariffs and rules are adopted once, again when either changes, and again when they change back", async () => {
  const options = ledgerOptions(scratchDir());
  const first = {
    tariffs: [tariff("depot"), tariff("care")],
    tariffChoice: [{ tariff: "care", groups: ["care"] }],
  };
  const starts = [
    first,
    first,
    { ...first, tariffChoice: [] },
    { ...first, tariffs: [tariff("depot"), tariff("care", "9")] },
    first,
  ];
  for (const over of starts) {
    const ledger = new Ledger({ ...options, ...over });
    await ledger.start();
    await ledger.stop();
  }
  const adopted = (await bodies(options, "tariff.adopted")) as {
    hash: string;
    tariffs: object[];
    choice: object[];
  }[];
  expect(adopted).toHaveLength(4);
  expect(new Set(adopted.map(({ hash }) => hash)).size).toBe(3);
  expect(adopted[3]?.hash).toBe(adopted[0]?.hash);
  expect(adopted[0]).toMatchObject({
    tariff: { body: { id: "depot" } },
    tariffs: [{ body: { id: "depot" } }, { body: { id: "care" } }],
    choice: first.tariffChoice,
  });
});
