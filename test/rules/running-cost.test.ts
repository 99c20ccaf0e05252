/** What a session costs so far is what it would be billed, at every moment of it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Event, NewEvent } from "../../src/model/event.ts";
import { exact } from "../../src/model/money.ts";
import type { RunningCost } from "../../src/model/running-cost.ts";
import { Tariff } from "../../src/model/tariff.ts";
import { cdrOf } from "../../src/rules/cdr.ts";
import { type SessionsPart, sessionsFold } from "../../src/rules/fold-sessions.ts";
import { runningCosts } from "../../src/rules/running-cost.ts";
import { tariffVersion } from "../../src/workers/folds.ts";
import { chaos } from "./chaos.ts";
import { DEPOT, DepotLog, of, START_MS } from "./depot-events.ts";

const runs = process.env.DEEP ? 5000 : 80;

/** All four dimensions, by day and night, with steps: every moment of a visit costs something of its own. */
const TARIFF = tariffVersion(
  Tariff.parse({
    id: "all",
    currency: "SEK",
    elements: [
      {
        price_components: [{ type: "ENERGY", price: "1.20", vat: "25", step_size: 1 }],
        restrictions: { start_time: "19:10", end_time: "06:00" },
      },
      {
        price_components: [
          { type: "FLAT", price: "5", vat: "25", step_size: 1 },
          { type: "ENERGY", price: "2.35", vat: "25", step_size: 100 },
          { type: "TIME", price: "3", vat: "25", step_size: 60 },
          { type: "PARKING_TIME", price: "20", vat: "12", step_size: 300 },
        ],
      },
    ],
  }),
);

/** Folds the events and tells what the session on EVSE 1 cost before each of them, at its time. */
function followed(events: readonly Event[], options = DEPOT) {
  const parts = new Map<string, SessionsPart>();
  const fold = sessionsFold(options);
  const costOf = runningCosts(options, parts);
  const emitted: NewEvent[] = [];
  const out = { emit: (event: NewEvent) => void emitted.push(event), touched: () => undefined };
  const before = events.map((event) => {
    const cost = costOf("cp-01", 1, event.atMs);
    fold.apply(parts, event, out);
    return cost;
  });
  return { parts, costOf, emitted, before };
}

const billed = (emitted: readonly NewEvent[]) => {
  const [record] = of("session.ended", emitted);
  if (!record) throw new Error("no session ended");
  return { record, cdr: cdrOf(record, { site: "x", tzdata: "x" }) };
};

function sumOf(cost: RunningCost) {
  const lines = (cost.lines_so_far ?? []).map(({ incl_vat }) => incl_vat);
  return [...lines, cost.lines_before?.incl_vat ?? "0"].reduce((sum, a) => sum.add(exact(a)), exact("0"));
}

/** A car that charges, pauses, stops and stays plugged until it leaves. */
const visit = fc.record({
  steps: fc.array(
    fc.record({ s: fc.integer({ min: 5, max: 400 }), share: fc.nat(100), pauses: fc.boolean() }),
    {
      minLength: 2,
      maxLength: 40,
    },
  ),
  finishing: fc.integer({ min: 1, max: 899 }),
  startWh: fc.nat(1_000_000),
});

describe("the running cost", () => {
  it("is the bill at the moment when the car leaves", () => {
    fc.assert(
      fc.property(visit, ({ steps, finishing, startWh }) => {
        const log = DepotLog.started(TARIFF);
        let [at, wh, pausing] = [0, startWh, false];
        log.status("occupied", { at, state: "charging" });
        log.start({ at, wh, state: "charging" });
        for (const step of steps) {
          at += step.s;
          if (!pausing) wh += Math.floor((step.s * 6 * step.share) / 100);
          log.sample({ at, wh, ref: "t1" });
          pausing = step.pauses;
          log.status("occupied", { at, state: pausing ? "suspended_ev" : "charging" });
        }
        log.stop({ at, wh, reason: "local" });
        log.status("available", { at: at + finishing });
        const { emitted, before } = followed(log.events);
        const { record, cdr } = billed(emitted);
        const last = before.at(-1);
        expect(record.held).toEqual([]);
        expect(record.ended_ms).toBe(START_MS + (at + finishing) * 1000);
        expect(last).toMatchObject({
          as_of: new Date(record.ended_ms).toISOString(),
          energy_wh: wh - startWh,
        });
        expect(last?.total_incl_vat).toBe(cdr?.total_cost.incl_vat ?? "0.0000");
        expect(last?.total_excl_vat).toBe(cdr?.total_cost.excl_vat ?? "0.0000");
      }),
      { numRuns: runs },
    );
  });

  it("is the bill when the gateway ends a session that fell silent, and stands still while it is silent", () => {
    const log = DepotLog.started(TARIFF).start({ at: 0, wh: 0, state: "charging" });
    log.samples({ from: 10, to: 600, every: 10, wh: 50, stepWh: 50, ref: "t1" });
    log.tick(3_600).tick(86_400 + 700);
    const { emitted, before } = followed(log.events);
    const { cdr } = billed(emitted);
    const [hour, day] = before.slice(-2);
    expect(hour).toEqual(day);
    expect(day).toMatchObject({ as_of: "2026-03-02T18:10:00.000Z", energy_wh: 3_000 });
    expect(day?.total_incl_vat).toBe(cdr?.total_cost.incl_vat);
  });

  it("counts no further than the time that a stopped car's parking is billed for", () => {
    const log = DepotLog.started(TARIFF).status("occupied", { at: 0, state: "charging" });
    log.start({ at: 0, wh: 0, state: "charging" }).sample({ at: 300, wh: 1_500, ref: "t1" });
    log.stop({ at: 600, wh: 3_000, reason: "local" }).tick(1_200).tick(9_000);
    const { emitted, before } = followed(log.events);
    const { cdr } = billed(emitted);
    expect(before.at(-2)?.as_of).toBe("2026-03-02T18:20:00.000Z");
    expect(before.at(-1)?.as_of).toBe("2026-03-02T18:25:00.000Z");
    expect(before.at(-1)?.total_incl_vat).toBe(cdr?.total_cost.incl_vat);
  });

  it("owes no flat fee before anything was delivered", () => {
    const flat = tariffVersion(
      Tariff.parse({
        id: "flat",
        currency: "SEK",
        elements: [
          {
            price_components: [
              { type: "FLAT", price: "5", step_size: 1 },
              { type: "ENERGY", price: "2", step_size: 1 },
            ],
          },
        ],
      }),
    );
    const log = DepotLog.started(flat).start({ at: 0, wh: 500, state: "charging" });
    log.sample({ at: 10, wh: 500, ref: "t1" }).sample({ at: 20, wh: 1_500, ref: "t1" }).tick(21);
    const [, , , second, last] = followed(log.events).before;
    expect(second).toMatchObject({ energy_wh: 0, total_incl_vat: "0.0000" });
    expect(last).toMatchObject({ energy_wh: 0 });
    const { costOf } = followed(log.events);
    expect(costOf("cp-01", 1, START_MS + 21_000)).toMatchObject({
      energy_wh: 1_000,
      total_incl_vat: "7.0000",
      lines_so_far: [{ dimension: "FLAT" }, { dimension: "ENERGY", billed: "1.000", incl_vat: "2.0000" }],
    });
  });

  it("has energy and no amount where the site has no tariff, and says which price is missing where one is", () => {
    const charging = (log: DepotLog) =>
      log.start({ at: 0, wh: 0, state: "charging" }).sample({ at: 60, wh: 700, ref: "t1" }).events;
    const free = followed(charging(DepotLog.started(null))).costOf("cp-01", 1, START_MS + 60_000);
    expect(free).toMatchObject({ energy_wh: 700 });
    expect(free).not.toHaveProperty("total_incl_vat");
    const spot = tariffVersion(
      Tariff.parse({
        id: "spot",
        currency: "SEK",
        elements: [
          {
            price_components: [
              { type: "ENERGY", price: "0.5", step_size: 1, price_source: { series: "spot" } },
            ],
          },
        ],
      }),
    );
    const unpriced = followed(charging(DepotLog.started(spot))).costOf("cp-01", 1, START_MS + 60_000);
    expect(unpriced).toMatchObject({ energy_wh: 700, held: ["NO_PRICE"] });
  });

  it("shows the newest lines of a long session and the sum of those before them", () => {
    const hourly = tariffVersion(
      Tariff.parse({
        id: "hourly",
        currency: "SEK",
        elements: Array.from({ length: 24 }, (_, hour) => ({
          price_components: [{ type: "ENERGY", price: `${hour + 1}.10`, step_size: 1 }],
          restrictions: {
            start_time: `${String(hour).padStart(2, "0")}:00`,
            end_time: hour === 23 ? "00:00" : `${String(hour + 1).padStart(2, "0")}:00`,
          },
        })),
      }),
    );
    const log = DepotLog.started(hourly).start({ at: 0, wh: 0, state: "charging" });
    log.samples({ from: 600, to: 30 * 3_600, every: 600, wh: 100, stepWh: 100, ref: "t1" });
    const cost = followed(log.events).costOf("cp-01", 1, START_MS + 30 * 3_600_000);
    expect(cost?.lines_so_far).toHaveLength(24);
    expect(cost?.lines_before?.count).toBeGreaterThan(0);
    expect(sumOf(cost as RunningCost).equals(exact(cost?.total_incl_vat ?? ""))).toBe(true);
  });

  it("never changes the session, never fails, and its lines sum to its total, whatever stations send", () => {
    fc.assert(
      fc.property(chaos, (events) => {
        const parts = new Map<string, SessionsPart>();
        const fold = sessionsFold(DEPOT);
        const costOf = runningCosts(DEPOT, parts);
        for (const event of events) {
          fold.apply(parts, event, { emit: () => undefined, touched: () => undefined });
          const state = JSON.stringify([...parts]);
          for (const [station, evse] of [...DEPOT.evses.values()].map((s) => [s.station, s.evse] as const)) {
            const cost = costOf(station, evse, event.atMs);
            if (cost?.total_incl_vat !== undefined)
              expect(sumOf(cost).equals(exact(cost.total_incl_vat))).toBe(true);
            expect(JSON.stringify(cost ?? null)).not.toContain("tok");
          }
          expect(JSON.stringify([...parts])).toBe(state);
        }
      }),
      { numRuns: runs },
    );
  });
});
