import { describe, expect, it } from "vitest";
import type { SessionRecord } from "../../src/model/session.ts";
import type { Tariff } from "../../src/model/tariff.ts";
import { cdrOf } from "../../src/rules/cdr.ts";
import { rateOcpi } from "../../src/rules/rate/ocpi.ts";
import { rateSession, ratingHolds } from "../../src/rules/rate.ts";
import { el, minutes, readings, session, tariffOf } from "./rate-cases.ts";

/** Dimension, seconds or Wh, price of each line. */
const lines = (record: SessionRecord, t: Tariff) =>
  rateSession(record, t).lines.map((l) => [l.dimension, Number(l.measured_units), l.unit_price]);
const starts = (record: SessionRecord, t: Tariff): string[] =>
  rateSession(record, t).charging_periods.map((p) => p.start_date_time.slice(0, 16));
const time = (price: number, limits?: Record<string, unknown>) =>
  el([{ type: "TIME", price, step_size: 1 }], limits);
const energy = (price: number, limits?: Record<string, unknown>) =>
  el([{ type: "ENERGY", price, step_size: 1 }], limits);

describe("wall clock (Europe/Stockholm)", () => {
  const night = tariffOf([time(1, { start_time: "01:30", end_time: "02:30" }), time(2)]);
  it("autumn: the repeated hour is priced once each time it is lived through", () => {
    // 01:00 CEST to 04:00 CET, four hours.
    const record = session(1, [["charging", minutes(240)]], { from: "2026-10-24T23:00:00Z" });
    expect(lines(record, night)).toEqual([
      ["TIME", 1800, "2"],
      ["TIME", 3600, "1"],
      ["TIME", 1800, "2"],
      ["TIME", 1800, "1"],
      ["TIME", 5400, "2"],
    ]);
    expect(rateSession(record, night)).toMatchObject({ total_ms: 14_400_000, charging_ms: 14_400_000 });
  });
  it("spring: a window that begins in the missing hour begins when the clock has jumped", () => {
    // 01:00 CET to 04:00 CEST, two hours: the clock goes from 02:00 to 03:00.
    const record = session(1, [["charging", minutes(120)]], { from: "2026-03-29T00:00:00Z" });
    const early = tariffOf([time(1, { start_time: "02:30", end_time: "05:00" }), time(2)]);
    expect(lines(record, early)).toEqual([
      ["TIME", 3600, "2"],
      ["TIME", 3600, "1"],
    ]);
    const missing = tariffOf([time(1, { start_time: "02:15", end_time: "02:45" }), time(2)]);
    expect(lines(record, missing)).toEqual([["TIME", 7200, "2"]]);
  });
  it("midnight, weekend and year: a period starts there", () => {
    const t = tariffOf([
      time(1, { day_of_week: ["SATURDAY", "SUNDAY"] }),
      time(2, { start_date: "2027-01-01", end_date: "2027-01-02" }),
      time(3),
    ]);
    // Thursday 2026-12-31 22:00 to Saturday 02:00.
    const record = session(1, [["charging", minutes(28 * 60)]], { from: "2026-12-31T21:00:00Z" });
    expect(lines(record, t)).toEqual([
      ["TIME", 7200, "3"],
      ["TIME", 86_400, "2"],
      ["TIME", 7200, "1"],
    ]);
    expect(starts(record, t)).toEqual(["2026-12-31T21:00", "2026-12-31T23:00", "2027-01-01T23:00"]);
  });
  it("a window over midnight, one to 00:00, and equal times as the whole day", () => {
    const record = session(1, [["charging", minutes(180)]], { from: "2026-03-02T21:30:00Z" });
    const over = tariffOf([time(1, { start_time: "23:00", end_time: "01:00" }), time(2)]);
    expect(lines(record, over).map((l) => l[1])).toEqual([1800, 7200, 1800]);
    const until = tariffOf([time(1, { start_time: "23:00", end_time: "00:00" }), time(2)]);
    expect(lines(record, until).map((l) => l[1])).toEqual([1800, 3600, 5400]);
    const whole = tariffOf([time(1, { start_time: "23:00", end_time: "23:00" }), time(2)]);
    expect(lines(record, whole)).toEqual([["TIME", 10_800, "1"]]);
  });
  it("a zone with a half hour, and one that changes twice within weeks", () => {
    const t = tariffOf([time(1, { end_time: "12:00" }), time(2)]);
    const kolkata = session(1, [["charging", 7200]], {
      from: "2026-03-02T05:30:00Z",
      time_zone: "Asia/Kolkata",
    });
    expect(lines(kolkata, t).map((l) => l[1])).toEqual([3600, 3600]);
    // Morocco leaves +01 for Ramadan, 2026-02-15 to 03-22.
    const noon = (day: string) =>
      session(1, [["charging", 7200]], { from: `${day}T11:00:00Z`, time_zone: "Africa/Casablanca" });
    expect(lines(noon("2026-02-10"), t)).toEqual([["TIME", 7200, "2"]]);
    expect(lines(noon("2026-03-02"), t).map((l) => l[1])).toEqual([3600, 3600]);
    expect(lines(noon("2026-03-25"), t)).toEqual([["TIME", 7200, "2"]]);
  });
});

describe("energy and length of the session", () => {
  const blocks = tariffOf([energy(1, { max_kwh: 5 }), energy(2, { min_kwh: 5 })]);
  it("a kWh limit between two readings is found on the line between them, marked", () => {
    const record = readings(session(10_000, [["charging", 3600]]), [0, 0], [3600, 10_000]);
    const rated = rateSession(record, blocks);
    expect(rated.lines.map((l) => [l.measured_units, l.unit_price, l.energy])).toEqual([
      ["5000", "1", { from_wh: "0", to_wh: "5000", to_interpolated: true }],
      ["5000", "2", { from_wh: "5000", to_wh: "10000", from_interpolated: true }],
    ]);
    expect(rated.charging_periods.map((p) => p.start_date_time)).toEqual([
      "2026-03-02T18:00:00.000Z",
      "2026-03-02T18:30:00.000Z",
    ]);
  });
  it("min_kwh reached exactly at a reading: the new element applies from there, nothing interpolated", () => {
    const record = readings(session(6000, [["charging", 3600]]), [0, 0], [1800, 5000], [3600, 6000]);
    expect(rateSession(record, blocks).lines.map((l) => [l.measured_units, l.energy])).toEqual([
      ["5000", { from_wh: "0", to_wh: "5000" }],
      ["1000", { from_wh: "5000", to_wh: "6000" }],
    ]);
    expect(lines({ ...record, energy_wh: 5000, readings: record.readings.slice(0, 2) }, blocks)).toEqual([
      ["ENERGY", 5000, "1"],
    ]);
  });
  it("a jump of the register over several limits is cut at each of them", () => {
    const t = tariffOf([energy(1, { max_kwh: 1 }), energy(2, { max_kwh: "2.0005" }), energy(3)]);
    const record = readings(session(9000, [["charging", 3600]]), [0, 0], [1800, 0], [1800.001, 9000]);
    expect(lines(record, t)).toEqual([
      ["ENERGY", 1000, "1"],
      ["ENERGY", 1000.5, "2"],
      ["ENERGY", 6999.5, "3"],
    ]);
  });
  it("the first half hour is free: durations count elapsed time", () => {
    const t = tariffOf([time(0, { max_duration: 1800 }), time(2, { min_duration: 1800 })]);
    const record = session(1, [["charging", minutes(40)]]);
    expect(lines(record, t)).toEqual([
      ["TIME", 1800, "0"],
      ["TIME", 600, "2"],
    ]);
  });
  it("power is the average between two readings; swings over a limit are billed exactly", () => {
    const t = tariffOf([energy(1, { max_power: 16 }), energy(2)]);
    const record = readings(
      session(9000, [["charging", 1800]]),
      [0, 0],
      [600, 2000],
      [1200, 2000 + 2667],
      [1800, 9000],
    );
    expect(lines(record, t)).toEqual([
      ["ENERGY", 2000, "1"],
      ["ENERGY", 7000, "2"],
    ]);
    const rated = rateSession(record, t);
    expect(rated.warnings.map((w) => w.code)).toEqual(["POWER_DERIVED"]);
    expect(rated.charging_periods[1]?.dimensions.slice(2)).toEqual([
      { type: "MIN_POWER", volume: "16.00200000" },
      { type: "MAX_POWER", volume: "25.99800000" },
    ]);
  });
  it("five days with 100,000 readings that swing over max_power: exact, and as long as its changes", () => {
    const t = tariffOf([energy(0.2, { max_power: 16 }), energy(0.5)]);
    const record = session(0, [["charging", 432_000]]);
    let wh = 0;
    let low = 0;
    record.readings = Array.from({ length: 100_001 }, (_, i) => {
      const slow = Math.floor(i / 1000) % 2 === 0;
      if (i > 0) wh += slow ? 10 : 30;
      if (i > 0 && slow) low += 10;
      return { at_ms: record.started_ms + i * 4320, energy_wh: wh };
    });
    record.energy_wh = wh;
    const rated = rateSession(record, t);
    const cents = BigInt(low) * 2n + BigInt(wh - low) * 5n;
    expect(rated.total_cost.excl_vat).toBe(`${cents / 10_000n}.${String(cents % 10_000n).padStart(4, "0")}`);
    expect(rated.charging_periods.length).toBeLessThanOrEqual(102);
  });
  it("a stay of five days without restrictions is one period and one line", () => {
    const record = session(10_000, [
      ["charging", 7200],
      ["suspended_ev", 432_000],
    ]);
    const t = tariffOf([el([{ type: "PARKING_TIME", price: 0.1 }])]);
    expect(rateSession(record, t)).toMatchObject({ lines: [{ billed: "120.0000" }] });
    expect(starts(record, t)).toEqual(["2026-03-02T18:00", "2026-03-02T20:00"]);
  });
});

describe("prices from a series", () => {
  const spot = (source: object) =>
    tariffOf([el([{ type: "ENERGY", price: "3.00", vat: 25, price_source: { series: "SE3", ...source } }])]);
  const at = (second: number): number => Date.UTC(2026, 2, 2, 18) + second * 1000;
  const series = (...prices: [number, number, string][]) => [
    {
      series: "SE3",
      points: prices.map(([from, to, price]) => ({ from_ms: at(from), to_ms: at(to), price })),
    },
  ];
  const record = (prices: SessionRecord["prices"], t: Tariff) =>
    readings(
      session(2000, [["charging", 3600]], { tariff: { hash: "h", body: t }, ...(prices ? { prices } : {}) }),
      [0, 0],
      [3600, 2000],
    );
  it("is factor times the series plus an addition, exactly, cut where the series changes", () => {
    const t = spot({ factor: "1.05", add: "0.0123" });
    const rated = rateSession(record(series([-900, 900, "0.41237"], [900, 3600, "-0.1"]), t));
    expect(rated.lines.map((l) => [l.measured_units, l.unit_price, l.amount.excl_vat])).toEqual([
      ["500", "0.4452885", "0.2226"],
      ["1500", "-0.0927", "-0.1391"],
    ]);
    expect(rated.charging_periods).toHaveLength(2);
  });
  it("a hole holds the session: no CDR, and the hold says from when to when", () => {
    const t = spot({});
    const held = record(series([0, 900, "0.40"]), t);
    expect(ratingHolds(held)).toEqual([
      {
        code: "NO_PRICE",
        detail:
          'series "SE3" has no price from 2026-03-02T18:15:00.000Z to 2026-03-02T19:00:00.000Z; supply it',
      },
    ]);
    expect(rateSession(held).warnings.map((w) => w.code)).toEqual(["PRICE_MISSING"]);
    expect(cdrOf(held, { site: "north", tzdata: "2026a" })).toBeUndefined();
    expect(ratingHolds(record(undefined, t)).map((h) => h.code)).toEqual(["NO_PRICE"]);
  });
  it("or takes the component's own price, when the tariff says so", () => {
    const t = spot({ on_missing: "price" });
    const filled = record(series([0, 900, "0.40"]), t);
    expect(rateSession(filled).lines.map((l) => [l.measured_units, l.unit_price])).toEqual([
      ["500", "0.4"],
      ["1500", "3.00"],
    ]);
    expect(ratingHolds(filled)).toEqual([]);
    expect(cdrOf(filled, { site: "north", tzdata: "2026a" })?.prices).toEqual(filled.prices);
  });
  it("an imported period takes the price of its start", () => {
    const rated = rateOcpi(
      {
        time_zone: "Europe/Stockholm",
        start_date_time: "2026-03-02T18:00:00Z",
        end_date_time: "2026-03-02T19:00:00Z",
        charging_periods: [
          { start_date_time: "2026-03-02T18:00:00Z", dimensions: [{ type: "ENERGY", volume: 2 }] },
          { start_date_time: "2026-03-02T18:30:00Z", dimensions: [{ type: "ENERGY", volume: 1 }] },
        ],
        prices: series([0, 900, "0.40"], [900, 1800, "0.50"]),
      },
      spot({}),
    );
    expect(rated.total_excl_tax).toBe("0.8000");
    expect(rated.warnings.map((w) => w.code)).toEqual(["STRADDLES_PRICE_CHANGE", "PRICE_MISSING"]);
  });
  it("points that overlap are refused with their place", () => {
    const twice = record(series([0, 900, "1"], [800, 3600, "2"]), spot({}));
    expect(() => rateSession(twice)).toThrow(/^prices\[0\]\.points\[1\] is /);
    expect(ratingHolds(twice)).toEqual([
      { code: "NO_PRICE", detail: expect.stringMatching(/cannot be rated: prices\[0\]\.points\[1\]/) },
    ]);
    expect(cdrOf(twice, { site: "north", tzdata: "2026a" })).toBeUndefined();
  });
});

it("a CDR carries its time zone, periods, totals by kind, unbilled time and warnings", () => {
  const t = tariffOf([
    el([
      { type: "FLAT", price: 1, vat: 25 },
      { type: "ENERGY", price: 2, vat: 25 },
      { type: "TIME", price: 3, vat: 25 },
      { type: "PARKING_TIME", price: 4, vat: 25 },
    ]),
  ]);
  const record = session(
    1000,
    [
      ["charging", 3600],
      ["suspended_evse", 600],
      ["finishing", 1800],
    ],
    { tariff: { hash: "h", body: t } },
  );
  expect(cdrOf(record, { site: "north", tzdata: "2026a" })).toMatchObject({
    time_zone: "Europe/Stockholm",
    total_cost: { excl_vat: "8.0000", incl_vat: "10.0000" },
    total_fixed_cost: { excl_vat: "1.0000" },
    total_energy_cost: { excl_vat: "2.0000" },
    total_time_cost: { excl_vat: "3.0000" },
    total_parking_cost: { excl_vat: "2.0000" },
    payable: { amount: "10.00", rounding: "0.0000" },
    total_time: "1.6667",
    total_parking_time: "0.5000",
    unbilled_time: [{ state: "suspended_evse", seconds: 600 }],
    warnings: [],
  });
});
