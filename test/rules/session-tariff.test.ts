/** Which tariff a session of the fold ends with: chosen with its token, frozen, the same when the log is folded again. */
import { expect, it } from "vitest";
import type { EventBodies, NewEvent } from "../../src/model/event.ts";
import type { TariffVersion } from "../../src/model/tariff.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { sessionsFold } from "../../src/rules/fold-sessions.ts";
import { DEPOT as DEPOT_OPTIONS, DepotLog, energy, of, onlySession, run, START_MS } from "./depot-events.ts";
import { logLoop } from "./log-loop.ts";

const version = (id: string, over: Partial<TariffVersion["body"]> = {}): TariffVersion => ({
  hash: id.padEnd(64, "0"),
  body: { id, currency: "SEK", elements: [{ price_components: [energy("2.50")] }], ...over },
});

const DEPOT = version("depot");
const CARE = version("care");
const BUS = version("bus");
const ADOPTED: EventBodies["tariff.adopted"] = {
  tariff: DEPOT,
  tariffs: [DEPOT, CARE, BUS],
  choice: [
    { tariff: "bus", vehicles: ["bus-7"] },
    { tariff: "care", groups: ["care"] },
  ],
  hash: "first",
};

const adopted = (body = ADOPTED) => DepotLog.started(null).add("tariff.adopted", -60, body, null);

it("a session gets the tariff of its token's cost centre, and says which cost centre and vehicle it was", () => {
  const log = adopted().start({ at: 0, wh: 0, group: "care", vehicle: "van-2" }).stop({ at: 600, wh: 1000 });
  expect(onlySession(log)).toMatchObject({ tariff: CARE, token_group: "care", vehicle: "van-2", held: [] });
  expect(of("session.started", run(log.events))).toMatchObject([{ tariff_hash: CARE.hash }]);
});

it("a token that the list does not know leaves the first tariff and no cost centre", () => {
  const log = adopted().start({ at: 0, wh: 0 }).stop({ at: 600, wh: 1000 });
  expect(onlySession(log)).toMatchObject({ tariff: DEPOT, token_group: null, vehicle: null });
});

it("a session that starts before its token arrives is chosen again when it comes, and only then", () => {
  const log = adopted()
    .start({ at: 0, wh: 0, token: "" })
    .update({ at: 60, wh: 100, token: "tok-b", vehicle: "bus-7" })
    .update({ at: 120, wh: 200, token: "tok-c", group: "care" })
    .stop({ at: 600, wh: 1000 });
  expect(of("session.started", run(log.events))).toMatchObject([
    { tariff_hash: DEPOT.hash, token_ref: null },
  ]);
  expect(onlySession(log)).toMatchObject({
    tariff: BUS,
    token_ref: "tok-b",
    token_group: null,
    vehicle: "bus-7",
  });
});

it("a start that is repeated with its token brings it too", () => {
  const log = adopted()
    .start({ at: 0, wh: 0, token: "" })
    .start({ at: 30, ts: 0, wh: 0, group: "care" })
    .stop({ at: 600, wh: 1000 });
  expect(onlySession(log)).toMatchObject({ tariff: CARE, token_ref: "tok-a", token_group: "care" });
});

it("a start that comes after its updates brings the token that counts", () => {
  const log = adopted()
    .update({ at: 60, wh: 100 })
    .start({ at: 90, ts: 0, wh: 0, group: "care" })
    .stop({ at: 600, wh: 1000 });
  expect(onlySession(log)).toMatchObject({ tariff: CARE, token_ref: "tok-a", token_group: "care" });
});

it("a tariff replaced in the middle of a session leaves the frozen one", () => {
  const dearer = version("care", { elements: [{ price_components: [energy("9")] }] });
  const next = { ...ADOPTED, tariffs: [DEPOT, { ...dearer, hash: "d".repeat(64) }], hash: "second" };
  const log = adopted()
    .start({ at: 0, wh: 0, group: "care" })
    .add("tariff.adopted", 300, next, null)
    .stop({ at: 600, wh: 1000 })
    .start({ at: 900, ref: "t2", wh: 1000, group: "care" })
    .stop({ at: 1200, ref: "t2", wh: 2000 });
  expect(of("session.ended", run(log.events)).map((s) => s.tariff?.hash)).toEqual([
    CARE.hash,
    "d".repeat(64),
  ]);
});

it("a token that comes after the tariffs were replaced chooses among those that the session began under", () => {
  const log = adopted()
    .start({ at: 0, wh: 0, token: "" })
    .add("tariff.adopted", 300, { tariff: DEPOT, tariffs: [DEPOT], choice: [], hash: "second" }, null)
    .update({ at: 360, wh: 600, token: "tok-b", group: "care" })
    .stop({ at: 600, wh: 1000 });
  expect(onlySession(log).tariff).toEqual(CARE);
});

it("a start that comes after the end brings the tariff of its token while nothing is billed, and not after", () => {
  const revised = (log: DepotLog) => {
    const loop = logLoop(() => [
      sessionsFold(DEPOT_OPTIONS),
      billingFold({ site: "north", tzdata: "2026a" }),
    ]);
    for (const event of log.events) {
      loop.append(event as NewEvent);
      loop.settle();
    }
    return of("session.revised", loop.events).map(({ record }) => record);
  };
  const orphan = adopted().stop({ at: 600, wh: 1000 }).ticks(660, 1200);
  expect(revised(orphan.start({ at: 1260, ts: 0, seq: 99, wh: 0, group: "care" }))).toMatchObject([
    { tariff: CARE, token_ref: "tok-a", token_group: "care", vehicle: null, energy_wh: 1000, held: [] },
  ]);
  const billed = adopted()
    .update({ at: 300, wh: 500 })
    .stop({ at: 600, wh: 1000 })
    .start({ at: 1260, ts: 0, seq: 99, wh: 0, group: "care" });
  expect(revised(billed)).toMatchObject([{ tariff: DEPOT, token_group: "care", energy_wh: 1000 }]);
});

it("a session for which no tariff is valid is held", () => {
  const later = version("later", { start_date_time: "2027-01-01T00:00:00Z" });
  const log = adopted({ tariff: later, tariffs: [later], choice: [], hash: "later" })
    .start({ at: 0, wh: 0 })
    .stop({ at: 600, wh: 1000 });
  const session = onlySession(log);
  expect(session.tariff).toBeNull();
  expect(session.held).toEqual([
    { code: "NO_TARIFF", detail: expect.stringContaining(new Date(START_MS).toISOString()) },
  ]);
});

it("a session that no element of its tariff has a price for is held, not left without a bill", () => {
  const bare = version("bare", {
    elements: [{ price_components: [energy("2.50")], restrictions: { min_kwh: "50" } }],
  });
  const log = DepotLog.started(bare).start({ at: 0, wh: 0 }).stop({ at: 600, wh: 1000 });
  expect(onlySession(log).held.map(({ code }) => code)).toEqual(["NO_COMPONENT"]);
});

it("a log with a single tariff of an earlier release folds as it did", () => {
  const log = DepotLog.started(DEPOT).start({ at: 0, wh: 0, group: "care" }).stop({ at: 600, wh: 1000 });
  expect(onlySession(log).tariff).toEqual(DEPOT);
});

it("folding again gives the same bytes, wherever a snapshot lies between", () => {
  const log = adopted()
    .start({ at: 0, wh: 0, token: "" })
    .add("tariff.adopted", 300, { tariff: BUS, tariffs: [BUS], choice: [], hash: "second" }, null)
    .update({ at: 360, wh: 600, token: "tok-b", group: "care" })
    .stop({ at: 600, wh: 1000 });
  const whole = JSON.stringify(run(log.events));
  for (let at = 0; at < log.events.length; at += 1)
    expect(JSON.stringify(run(log.events, undefined, (i) => i === at))).toBe(whole);
});
