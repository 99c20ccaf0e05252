import { describe, expect, it } from "vitest";
import type { Cdr, Price } from "../../src/model/cdr.ts";
import type { Event, EventOf, NewEvent } from "../../src/model/event.ts";
import type { Fold } from "../../src/model/fold.ts";
import { exact, fixed } from "../../src/model/money.ts";
import { creditOf } from "../../src/rules/credit.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { sessionsFold } from "../../src/rules/fold-sessions.ts";
import { RATING } from "../../src/rules/rate.ts";
import { revisionKey } from "../../src/rules/standing.ts";
import { verifyCdr } from "../../src/rules/verify-cdr.ts";
import { DEPOT, DepotLog, START_MS, TARIFF } from "./depot-events.ts";
import { logLoop } from "./log-loop.ts";

const CONTEXT = { site: "north", tzdata: "2026a" };
const plus = (amount: string, digits = 4) => fixed(exact(amount).add(1), digits);
const both = ({ excl_vat, incl_vat }: Price) => ({ excl_vat: plus(excl_vat), incl_vat: plus(incl_vat) });

/** A release whose rules gave another bill for the same session: one unit of the currency more. */
function earlierRelease(): Fold<never> {
  const now = billingFold(CONTEXT);
  const rated = (cdr: Cdr): Cdr => ({
    ...cdr,
    lines: cdr.lines.map((line, i) => (i === 0 ? { ...line, amount: both(line.amount) } : line)),
    total_cost: both(cdr.total_cost),
    total_energy_cost: both(cdr.total_energy_cost),
    payable: { ...cdr.payable, amount: plus(cdr.payable.amount, 2) },
    rules: { ...cdr.rules, version: `${RATING.version}-earlier` },
  });
  return {
    ...now,
    apply: (parts, event, out) =>
      now.apply(parts, event, {
        ...out,
        emit: (e) => out.emit(e.type === "cdr.issued" ? { ...e, body: rated(e.body) } : e),
      }),
  };
}

/** Bills by the earlier release until `kill`, which is the upgrade: the log stays, the rules are today's. */
function upgradable() {
  let upgraded = false;
  const loop = logLoop(() => {
    const billing = upgraded ? billingFold(CONTEXT) : earlierRelease();
    upgraded = true;
    return [sessionsFold(DEPOT), billing];
  });
  const appendAll = (events: readonly Event[]) => {
    for (const event of events) {
      loop.append(event as NewEvent);
      loop.settle();
    }
  };
  return { loop, appendAll };
}

const cutOff = () =>
  DepotLog.started(TARIFF)
    .start({ at: 0, wh: 1000, state: "charging" })
    .samples({ from: 60, to: 600, every: 60, wh: 1100, stepWh: 100, ref: "t1" })
    .tick(90_000);

const cdrs = (events: readonly Event[]): Cdr[] =>
  events.filter((event) => event.type === "cdr.issued").map(({ body }) => body as Cdr);

describe("a credit under other rules than those of the bill", () => {
  it("late data takes back what was issued, and bills by the rules of today", () => {
    const { loop, appendAll } = upgradable();
    const day = cutOff();
    appendAll(day.events);
    loop.kill();
    appendAll(day.stop({ at: 90_060, ts: 1200, wh: 3000 }).events.slice(-1));
    const [first, credit, second, ...more] = cdrs(loop.events);
    if (!first || !credit || !second) throw new Error("three CDRs expected");
    expect(more).toEqual([]);
    // 1 kWh at 2.50 and 25 % VAT, and what the earlier release had beside it.
    expect(first).toMatchObject({ payable: { amount: "4.13" }, rules: { version: "rate-2-earlier" } });
    expect(credit).toEqual(creditOf(first, "late stop"));
    expect(credit.total_cost.incl_vat).toBe(`-${first.total_cost.incl_vat}`);
    expect(second).toMatchObject({ payable: { amount: "6.25" }, rules: { version: RATING.version } });
    const proof = { records: [], original: first, tariffHash: TARIFF.hash, tzdata: CONTEXT.tzdata };
    expect(verifyCdr(credit, proof).outcome).toBe("same");
  });

  it("late data that is quicker than the bill waits for it", () => {
    const { loop } = upgradable();
    const day = cutOff();
    for (const event of day.stop({ at: 90_060, ts: 1200, wh: 3000 }).events) loop.append(event as NewEvent);
    loop.settle();
    const types = loop.events
      .map(({ type }) => type)
      .filter((t) => /^(cdr|session\.(ended|revised))/.test(t));
    expect(types).toEqual(["session.ended", "cdr.issued", "session.revised", "cdr.issued", "cdr.issued"]);
    const revised = loop.events.find(({ type }) => type === "session.revised") as EventOf<"session.revised">;
    expect(revised.body.bill).toEqual(cdrs(loop.events)[0]);
  });

  it("late data of a session that had no bill is billed at once, and nothing is taken back", () => {
    const flat = { ...TARIFF, body: { ...TARIFF.body, elements: [{ price_components: [FLAT] }] } };
    const day = DepotLog.started(flat)
      .start({ at: 0, wh: 1000, state: "charging" })
      .samples({ from: 60, to: 600, every: 60, wh: 1000, stepWh: 0, ref: "t1" })
      .tick(90_000)
      .stop({ at: 90_060, ts: 1200, wh: 3000 });
    const loop = logLoop(() => [sessionsFold(DEPOT), billingFold(CONTEXT)]);
    for (const event of day.events) loop.append(event as NewEvent);
    loop.settle();
    expect(cdrs(loop.events).map(({ id, payable }) => [id, payable.amount])).toEqual([
      ["cdr-s3-3-2", "9.00"],
    ]);
  });

  it("a person's credit takes back the CDR that it carries", () => {
    const { loop, appendAll } = upgradable();
    appendAll(cutOff().events);
    loop.kill();
    const [first] = cdrs(loop.events);
    const ended = loop.events.find(({ type }) => type === "session.ended") as EventOf<"session.ended">;
    if (!first) throw new Error("no bill");
    const { session_id } = ended.body;
    loop.append({
      type: "cdr.credited",
      atMs: START_MS + 95_000_000,
      station: "cp-01",
      key: revisionKey(session_id, 2),
      body: {
        session_id,
        revision: 2,
        cdr: first.id,
        record: ended.body,
        bill_revision: 1,
        bill: first,
        by: "anna",
        reason: "charged by mistake",
      },
    });
    loop.settle();
    expect(cdrs(loop.events)).toEqual([first, creditOf(first, "credited by the operator")]);
  });

  it("an order without the CDR, as earlier logs have it, takes back the record rated again", () => {
    const { loop, appendAll } = upgradable();
    loop.kill();
    const day = cutOff().stop({ at: 90_060, ts: 1200, wh: 3000 });
    appendAll(day.events);
    const revised = loop.events.find(({ type }) => type === "session.revised") as EventOf<"session.revised">;
    const { bill: _, ...without } = revised.body;
    const emitted: NewEvent[] = [];
    const out = { emit: (e: NewEvent) => void emitted.push(e), touched: () => {} };
    billingFold(CONTEXT).apply(new Map<string, never>(), { ...revised, body: without }, out);
    expect(emitted.map(({ body }) => body)).toEqual(cdrs(loop.events).slice(1));
  });
});

const FLAT = { type: "FLAT", price: "9", step_size: 1 } as const;
