/** What a session of the fold takes along of the prices that its tariff names. */
import { describe, expect, it } from "vitest";
import type { EventBodies, NewEvent } from "../../src/model/event.ts";
import type { PriceComponent, TariffVersion } from "../../src/model/tariff.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { sessionsFold } from "../../src/rules/fold-sessions.ts";
import { readPrices } from "../../src/rules/price-points.ts";
import { DEPOT, DepotLog, energy, of, onlySession, run, START_MS } from "./depot-events.ts";
import { logLoop } from "./log-loop.ts";

const HOUR_S = 3600;
const DAY_S = 86_400;

function spot(on_missing: "hold" | "price" = "hold", over: Partial<PriceComponent> = {}): TariffVersion {
  const component = { ...energy("2.50"), price_source: { series: "spot-se3", on_missing }, ...over };
  return {
    hash: "5".repeat(64),
    body: { id: "spot", currency: "SEK", elements: [{ price_components: [component as PriceComponent] }] },
  };
}

const at = (s: number) => new Date(START_MS + s * 1000).toISOString();

/** Prices of `step` seconds each from second `from` on. */
function prices(
  from: number,
  all: string[],
  step = HOUR_S,
  series = "spot-se3",
): EventBodies["prices.published"] {
  const points = all.flatMap((price, i) =>
    price === "" ? [] : [{ from: at(from + i * step), to: at(from + (i + 1) * step), price }],
  );
  return { series, currency: "SEK", step_s: step, points, source: "test" };
}

const publish = (log: DepotLog, when: number, body: EventBodies["prices.published"]) =>
  log.add("prices.published", when, body, null);

/** Charges from 1800 to 5400 (half past to half past), unplugged at `gone`. */
function charge(log: DepotLog, gone = 5400): DepotLog {
  return log
    .status("occupied", { at: 1800, state: "ev_connected" })
    .start({ at: 1800, wh: 0, state: "charging" })
    .samples({ from: 1860, to: 5340, every: 60, wh: 100, stepWh: 100, ref: "t1" })
    .stop({ at: 5400, wh: 6000 })
    .status("available", { at: gone });
}

const points = (log: DepotLog) =>
  onlySession(log).prices?.map(({ series, points: p }) => [
    series,
    ...p.map(({ from_ms, to_ms, price }) => [(from_ms - START_MS) / 1000, (to_ms - START_MS) / 1000, price]),
  ]);

describe("the prices of a session", () => {
  it("are those that overlap it, whole", () => {
    const log = publish(DepotLog.started(spot()), -10, prices(-HOUR_S, ["1", "2", "3", "4"]));
    expect(points(charge(log))).toEqual([["spot-se3", [0, 3600, "2"], [3600, 7200, "3"]]]);
    expect(onlySession(log).held).toEqual([]);
  });
  it("are absent when its tariff takes none", () => {
    const log = charge(publish(DepotLog.started(), -10, prices(0, ["1", "2"])));
    expect(onlySession(log)).not.toHaveProperty("prices");
  });
  it("are the corrected ones when the correction comes before the end, and not when it comes after", () => {
    const log = publish(DepotLog.started(spot()), -10, prices(0, ["1", "2"]));
    log.status("occupied", { at: 1800, state: "ev_connected" }).start({ at: 1800, wh: 0, state: "charging" });
    publish(log, 3000, prices(0, ["1.5"]));
    log.stop({ at: 5400, wh: 6000 }).status("available", { at: 5400 });
    publish(log, 5401, prices(0, ["7", "8"]));
    expect(points(log)).toEqual([["spot-se3", [0, 3600, "1.5"], [3600, 7200, "2"]]]);
  });
  it("are in quarters where quarters correct an hour", () => {
    const log = publish(DepotLog.started(spot()), -10, prices(0, ["1", "2"]));
    publish(log, -5, prices(3600, ["9"], 900));
    expect(points(charge(log))).toEqual([["spot-se3", [0, 3600, "1"], [3600, 4500, "9"], [4500, 7200, "2"]]]);
  });
  it("are each of its own in the autumn night that has an hour twice", () => {
    const second = (utc: string) => (Date.parse(utc) - START_MS) / 1000;
    // 02:00+02:00 to 03:00+01:00 in Stockholm: two hours, one wall hour.
    const quarters = Array.from({ length: 8 }, (_, i) => ({
      at: String(i),
      from: `2026-10-25T02:${String((i % 4) * 15).padStart(2, "0")}+0${i < 4 ? 2 : 1}:00`,
      price: String(i),
    }));
    const read = readPrices(quarters, "SEK");
    if (!("points" in read)) throw new Error(JSON.stringify(read.faults));
    const known = { series: "spot-se3", currency: "SEK", step_s: 900, points: read.points, source: "test" };
    const log = publish(DepotLog.started(spot()), second("2026-10-24T12:00:00Z"), known)
      .start({ at: second("2026-10-25T00:20:00Z"), wh: 0, state: "charging" })
      .stop({ at: second("2026-10-25T01:50:00Z"), wh: 5000 });
    const session = onlySession(log);
    expect(session.held).toEqual([]);
    expect(session.prices?.[0]?.points.map((p) => p.price)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
  });
  it("were published before the restart: a snapshot at any event changes no byte", () => {
    const log = publish(DepotLog.started(spot()), -10, prices(0, ["1", "2"]));
    publish(log, -9, prices(0, ["3"], HOUR_S, "other"));
    charge(log).ticks(5400, 5700);
    const whole = JSON.stringify(run(log.events));
    for (let i = 0; i < log.events.length; i += 1)
      expect(JSON.stringify(run(log.events, undefined, (n) => n === i))).toBe(whole);
  });
});

describe("missing prices", () => {
  it("hold a session that has none, and name the time", () => {
    const session = onlySession(charge(DepotLog.started(spot())));
    expect(session.prices).toEqual([{ series: "spot-se3", points: [] }]);
    expect(session.held).toEqual([
      {
        code: "NO_PRICE",
        detail: `series "spot-se3" has no price from ${at(1800)} to ${at(5400)}; supply it`,
      },
    ]);
  });
  it("hold a session of which one half has a price, for the other half", () => {
    const log = charge(publish(DepotLog.started(spot()), -10, prices(0, ["1"])));
    expect(onlySession(log).held).toMatchObject([
      { code: "NO_PRICE", detail: expect.stringContaining(`from ${at(3600)} to ${at(5400)};`) },
    ]);
  });
  it("do not hold when the tariff has a price of its own for them", () => {
    const session = onlySession(charge(publish(DepotLog.started(spot("price")), -10, prices(0, ["1"]))));
    expect(session.held).toEqual([]);
    expect(session.prices?.[0]?.points).toHaveLength(1);
  });
  it("of the time after the stop matter to parking, not to energy", () => {
    const known = prices(0, ["1", "2"]);
    const parked = (tariff: TariffVersion) => {
      const log = publish(DepotLog.started(tariff), -10, known).status("occupied", {
        at: 5400,
        state: "ev_connected",
      });
      log.start({ at: 5400, wh: 0, state: "charging" }).stop({ at: 7000, wh: 5000 });
      return onlySession(log.status("available", { at: 7500 })).held.map((h) => h.code);
    };
    expect(parked(spot())).toEqual([]);
    expect(parked(spot("hold", { type: "PARKING_TIME" }))).toEqual(["NO_PRICE"]);
  });
  it("of a time of day that the component does not apply to are not missed", () => {
    const evening = { start_time: "18:00", end_time: "21:00" };
    const [element] = spot().body.elements;
    // In Stockholm the session lasts from 19:30 to 20:30.
    const held = (start_time: string) => {
      const elements = [
        { ...element, restrictions: { ...evening, start_time } },
        { price_components: [energy("1")] },
      ] as TariffVersion["body"]["elements"];
      const tariff = { ...spot(), body: { ...spot().body, elements } };
      const log = publish(DepotLog.started(tariff), -10, prices(3600, ["1"]));
      return onlySession(charge(log)).held.map(({ code }) => code);
    };
    expect(held("20:00")).toEqual([]);
    expect(held("18:00")).toEqual(["NO_PRICE"]);
  });
  it("do not hold a session that delivered nothing", () => {
    const log = DepotLog.started(spot()).start({ at: 0, wh: 500 }).stop({ at: 60, wh: 500 });
    expect(onlySession(log).held).toEqual([]);
  });
  it("are missing too when the series is in another currency", () => {
    const log = charge(publish(DepotLog.started(spot()), -10, { ...prices(0, ["1", "2"]), currency: "EUR" }));
    expect(onlySession(log).held.map((h) => h.code)).toEqual(["NO_PRICE"]);
  });
});

describe("a session that late data changes after its end", () => {
  const cutOff = (log: DepotLog) =>
    log
      .start({ at: 0, wh: 0, state: "charging" })
      .samples({ from: 60, to: 600, every: 60, wh: 100, stepWh: 100, ref: "t1" })
      .tick(90_000);
  const revised = (log: DepotLog) => {
    const loop = logLoop(() => [sessionsFold(DEPOT), billingFold({ site: "north", tzdata: "2026a" })]);
    for (const event of log.events) {
      loop.append(event as NewEvent);
      loop.settle();
    }
    const records = of("session.revised", loop.events).map(({ record }) => record);
    return records.map(({ held, prices: all }) => ({
      held: held.map(({ code }) => code),
      points: all?.[0]?.points.map((p) => [(p.from_ms - START_MS) / 1000, p.price]),
    }));
  };

  it("keeps the prices that it ended with, and takes the newest for the time that is new", () => {
    const log = cutOff(publish(DepotLog.started(spot()), -10, prices(0, ["1", "2", "3"])));
    publish(log, 90_010, prices(0, ["9", "8"]));
    log.stop({ at: 90_060, ts: 4000, wh: 4000, reason: "local" });
    expect(revised(log)).toEqual([
      {
        held: [],
        points: [
          [0, "1"],
          [3600, "8"],
        ],
      },
    ]);
  });
  it("keeps a hole that it was billed with, and fills one that it is held for", () => {
    const points = (on_missing: "hold" | "price") => {
      const log = cutOff(DepotLog.started(spot(on_missing)));
      publish(log, 90_010, prices(0, ["1", "2"]));
      return revised(log.stop({ at: 90_060, ts: 4000, wh: 4000, reason: "local" }));
    };
    expect(points("price")).toEqual([
      {
        held: [],
        points: [
          [600, "1"],
          [3600, "2"],
        ],
      },
    ]);
    expect(points("hold")).toEqual([
      {
        held: [],
        points: [
          [0, "1"],
          [3600, "2"],
        ],
      },
    ]);
  });
  it("has no more prices than it lasts when it turns out to be shorter", () => {
    const log = publish(DepotLog.started(spot()), -10, prices(0, ["1", "2"]))
      .start({ at: 0, wh: 0, state: "charging" })
      .samples({ from: 60, to: 4200, every: 60, wh: 100, stepWh: 100, ref: "t1" })
      .tick(95_000)
      .stop({ at: 95_060, ts: 3000, wh: 7100, reason: "local" });
    expect(revised(log).map(({ points: p }) => p)).toEqual([[[0, "1"]]]);
  });
});

describe("what the fold keeps", () => {
  /** The parts of the fold after these events. */
  function partsAfter(log: DepotLog) {
    const parts = new Map();
    const touched: string[] = [];
    const fold = sessionsFold(DEPOT);
    for (const event of log.events)
      fold.apply(parts, event, { emit: () => {}, touched: (part) => touched.push(part) });
    return { parts, touched };
  }

  it("are prices from 8 days ago to 14 days ahead", () => {
    const days = Array.from({ length: 40 }, (_, i) => String(i));
    const log = publish(DepotLog.started(spot()), 0, prices(-20 * DAY_S, days, DAY_S));
    const kept = partsAfter(log)
      .parts.get("prices:spot-se3")
      .points.map((p: unknown[]) => p[2]);
    expect(kept).toEqual(days.slice(12, 34));
  });
  it("is nothing of a series whose last price ended more than 8 days ago", () => {
    const log = publish(DepotLog.started(spot()), 0, prices(0, ["1"])).tick(HOUR_S + 8 * DAY_S - 60);
    expect(partsAfter(log).parts.has("prices:spot-se3")).toBe(true);
    const { parts, touched } = partsAfter(log.tick(HOUR_S + 8 * DAY_S));
    expect(parts.has("prices:spot-se3")).toBe(false);
    expect(touched.at(-1)).toBe("prices:spot-se3");
  });
  it("is bounded by 32 series beside those that tariffs name", () => {
    const log = DepotLog.started(spot());
    for (let i = 0; i < 40; i += 1) publish(log, i, prices(0, ["1"], HOUR_S, `s-${i}`));
    publish(log, 50, prices(0, ["1", "2"]));
    const names = [...partsAfter(log).parts.keys()].filter((name) => name.startsWith("prices:"));
    expect(names).toHaveLength(33);
    expect(names).toContain("prices:spot-se3");
    expect(of("session.ended", run(charge(log).events))[0]?.held).toEqual([]);
  });
});
