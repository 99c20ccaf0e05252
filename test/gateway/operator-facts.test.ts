import { expect, it, onTestFinished } from "vitest";
import { operatorFacts } from "../../src/gateway/operator-facts.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { Ledger } from "../../src/workers/ledger.ts";
import { scratchDir } from "../log/sample-events.ts";
import { ledgerOptions, logged } from "../workers/ledger-case.ts";

const prices = (key: string | null): NewEvent => ({
  type: "prices.published",
  atMs: Date.UTC(2026, 11, 1),
  station: null,
  key,
  body: {
    series: "spot",
    currency: "SEK",
    step_s: 3600,
    points: [{ from: "2026-12-01T00:00:00Z", to: "2026-12-01T01:00:00Z", price: "0.5" }],
    source: "test",
  },
});

it("takes facts of operators once for each key, durable when it answers, and lets nothing else through", async () => {
  const options = ledgerOptions(scratchDir());
  const ledger = new Ledger(options);
  await ledger.start();
  onTestFinished(() => ledger.stop());
  const appendFact = operatorFacts(ledger);
  const placed = await appendFact(prices("prices.published:spot:1"));
  expect(placed.duplicate).toBe(false);
  expect((await logged(options)).at(-1)).toMatchObject({
    ...prices("prices.published:spot:1"),
    offset: placed.offset,
  });
  expect(await appendFact(prices("prices.published:spot:1"))).toEqual({
    offset: placed.offset,
    duplicate: true,
  });
  const forged: NewEvent = {
    type: "token.decided",
    atMs: 0,
    station: "cp-001",
    key: "x",
    body: { evse: 1, ts: "", boot: null, seq: null, ref: "", token_ref: "", status: "accepted", reason: "" },
  };
  await expect(appendFact(forged)).rejects.toThrow(/token\.decided is no fact of an operator/);
  await expect(appendFact(prices(null))).rejects.toThrow(/needs a key/);
  expect((await logged(options)).filter(({ type }) => type === "prices.published")).toHaveLength(1);
});
