import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SessionRecord, StateInterval } from "../../src/model/session.ts";
import type { Tariff } from "../../src/model/tariff.ts";
import { rateOcpi } from "../../src/rules/rate/ocpi.ts";
import { rateSession, ratingHolds } from "../../src/rules/rate.ts";
import { START_MS, TARIFF } from "./depot-events.ts";
import { el, minutes, ocpi, readings, session, tariff, tariffOf } from "./rate-cases.ts";

const totals = (record: SessionRecord, t: Tariff): string[] =>
  Object.values(rateSession(record, t).total_cost);
const charging = (seconds: number): [StateInterval["state"], number][] => [["charging", seconds]];

describe("a session from registers and states", () => {
  it("0.50 per session (20 %) and 0.25 per kWh (10 %), 20 kWh", () => {
    const t = tariff([
      { type: "FLAT", price: 0.5, vat: 20 },
      { type: "ENERGY", price: 0.25, vat: 10 },
    ]);
    expect(totals(session(20_000, charging(3600)), t)).toEqual(["5.5000", "6.1000"]);
  });
  it("parking at 2 per hour by the quarter hour: 40 minutes cost 45", () => {
    const t = tariff([{ type: "PARKING_TIME", price: 2, vat: 20, step_size: 900 }]);
    const record = session(20_000, [
      ["charging", 3600],
      ["suspended_ev", minutes(40)],
    ]);
    expect(rateSession(record, t).lines).toEqual([
      {
        dimension: "PARKING_TIME",
        element: 0,
        component: 0,
        from: "2026-03-02T19:00:00.000Z",
        to: "2026-03-02T19:40:00.000Z",
        measured: "0.6667",
        billed: "0.7500",
        measured_units: "2400",
        billed_units: "2700",
        unit_price: "2",
        vat_percent: "20",
        amount: { excl_vat: "1.5000", incl_vat: "1.8000" },
      },
    ]);
  });
  it("with priced parking only parking is rounded; time alone by its own step", () => {
    const t = tariff([
      { type: "TIME", price: 3, vat: 10, step_size: 420 },
      { type: "PARKING_TIME", price: 5, vat: 20, step_size: 300 },
    ]);
    const record = session(5000, [
      ["charging", minutes(150)],
      ["finishing", minutes(42)],
    ]);
    expect(totals(record, t)).toEqual(["11.2500", "12.7500"]);
    const time = tariff([{ type: "TIME", price: "1.20", step_size: 1800 }]);
    expect(totals(session(1, charging(minutes(35))), time)).toEqual(["1.2000", "1.2000"]);
    expect(totals(session(1, charging(minutes(30))), time)).toEqual(["0.6000", "0.6000"]);
  });
  it("energy is rounded up once to its step; an exact multiple stays; step 0 rounds nothing", () => {
    const at = (step_size: number, wh: number) =>
      rateSession(session(wh, charging(60)), tariff([{ type: "ENERGY", price: 1, step_size }])).lines[0]
        ?.billed;
    expect([at(500, 5400), at(500, 5500), at(0, 5401), at(1, 5401)]).toEqual([
      "5.500",
      "5.500",
      "5.401",
      "5.401",
    ]);
  });
  it("the first element with a component for a dimension wins, per dimension", () => {
    const t = tariff(
      [{ type: "ENERGY", price: 1 }],
      [
        { type: "ENERGY", price: 9 },
        { type: "FLAT", price: 5 },
      ],
    );
    const { lines } = rateSession(session(1000, charging(60)), t);
    expect(lines.map((l) => [l.dimension, l.element, l.component, l.unit_price])).toEqual([
      ["FLAT", 1, 1, "5"],
      ["ENERGY", 0, 0, "1"],
    ]);
  });
  it("no VAT means that none applies; what is asked for is in the minor unit", () => {
    const rated = rateSession(session(1000, charging(60)), tariff([{ type: "ENERGY", price: "0.335" }]));
    expect(rated.lines[0]).toMatchObject({
      vat_percent: null,
      amount: { excl_vat: "0.3350", incl_vat: "0.3350" },
    });
    expect(rated).toMatchObject({
      total_cost: { excl_vat: "0.3350" },
      payable: { amount: "0.34", rounding: "0.0050" },
    });
    const yen = { ...tariff([{ type: "ENERGY", price: "30.5" }]), currency: "JPY" };
    expect(rateSession(session(1000, charging(60)), yen).payable).toEqual({
      amount: "31",
      rounding: "0.5000",
    });
  });
  it("a third of an hour does not drift", () => {
    const t = tariff([{ type: "TIME", price: 3 }]);
    expect(totals(session(1, charging(1200)), t)).toEqual(["1.0000", "1.0000"]);
    const nine = tariff([{ type: "TIME", price: 9 }]);
    expect(totals(session(1, charging(400)), nine)).toEqual(["1.0000", "1.0000"]);
  });
  it("a tariff is required, and whole Wh", () => {
    expect(() => rateSession({ ...session(1, []), tariff: null })).toThrow(/s1-1 has no tariff/);
    expect(() => rateSession(session(-1, []))).toThrow(/s1-1 has -1 Wh/);
  });
  it("energy that the curve does not show is billed all the same: signed values outrank registers", () => {
    const t = tariff([{ type: "ENERGY", price: 1 }]);
    const low = readings(session(1000, charging(100)), [0, 0], [50, 400]);
    const high = readings(session(1000, charging(100)), [0, 0], [50, 1400]);
    expect([totals(low, t)[0], totals(high, t)[0]]).toEqual(["1.0000", "1.0000"]);
    const jump = readings(session(1000, charging(100)), [0, 300], [50, 1000]);
    expect(totals(jump, t)[0]).toBe("1.0000");
  });
});

describe("which time is billed", () => {
  const t = tariff([
    { type: "TIME", price: 3600 },
    { type: "PARKING_TIME", price: 36_000 },
  ]);
  it("what we hold back, faults and unexplained gaps are neither time nor parking, and listed", () => {
    const record = session(100, [
      ["charging", 1],
      ["suspended_evse", 1000],
      ["faulted", 1001],
      ["gap", 1002],
      ["suspended_ev", 2],
      ["finishing", 3],
    ]);
    expect(rateSession(record, t)).toMatchObject({
      charging_ms: 1000,
      parking_ms: 5000,
      total_ms: 3_009_000,
      unbilled_time: [
        { state: "suspended_evse", seconds: 1000 },
        { state: "faulted", seconds: 1001 },
        { state: "gap", seconds: 1002 },
      ],
    });
    expect(totals(record, t)).toEqual(["51.0000", "51.0000"]);
  });
  it("a gap whose sides agree is billed as they are", () => {
    const record = session(100, [
      ["charging", 1],
      ["gap", 7, "charging"],
      ["gap", 5, "suspended_ev"],
      ["gap", 9, "faulted"],
    ]);
    expect(rateSession(record, t)).toMatchObject({ charging_ms: 8000, parking_ms: 5000 });
  });
});

describe("nothing to bill, or not yet", () => {
  const flat = tariff([
    { type: "FLAT", price: 5 },
    { type: "ENERGY", price: 1 },
  ]);
  it("zero energy and only the flat fee is INVALID", () => {
    expect(rateSession(session(0, charging(30)), flat).invalid).toMatch(/no energy/);
  });
  it("parking without energy is a bill where parking has a price", () => {
    const t = tariff([
      { type: "FLAT", price: 5 },
      { type: "PARKING_TIME", price: 2 },
    ]);
    const rated = rateSession(session(0, [["suspended_ev", 3600]]), t);
    expect(rated).toMatchObject({ invalid: null, total_cost: { excl_vat: "7.0000" } });
  });
  it("start and stop in one second: a step counts only where something was measured", () => {
    const t = tariff([
      { type: "ENERGY", price: 1, step_size: 1000 },
      { type: "TIME", price: 1, step_size: 3600 },
    ]);
    const rated = rateSession(session(0, []), t);
    expect(rated.lines).toEqual([]);
    expect(rated.invalid).not.toBeNull();
  });
  it("no element that applies to anything costs nothing, warns and waits for a person", () => {
    const night = tariffOf([el([{ type: "ENERGY", price: 1 }], { start_time: "22:00", end_time: "06:00" })]);
    const record = session(1000, charging(60), {
      tariff: { hash: "n", body: night },
      from: "2026-03-02T12:00:00Z",
    });
    expect(rateSession(record)).toMatchObject({
      total_cost: { excl_vat: "0.0000" },
      unpriced: true,
      lines: [],
    });
    expect(rateSession(record).warnings.map((w) => w.code)).toEqual(["NO_COMPONENT"]);
    expect(ratingHolds(record).map((h) => h.code)).toEqual(["NO_COMPONENT"]);
    expect(ratingHolds({ ...record, tariff: TARIFF })).toEqual([]);
    expect(ratingHolds({ ...record, tariff: null })).toEqual([]);
  });
});

describe("properties", () => {
  const price = fc.tuple(fc.nat(9999), fc.nat(9999)).map(([a, b]) => `${a}.${String(b).padStart(4, "0")}`);
  const component = fc.record({
    type: fc.constantFrom("FLAT", "ENERGY", "TIME", "PARKING_TIME"),
    price,
    vat: fc.constantFrom("0", "6", "12.5", "25"),
    step_size: fc.constantFrom(0, 1, 60, 500, 900),
  });
  const restrictions = fc.constantFrom<object | undefined>(
    undefined,
    { start_time: "18:30", end_time: "19:15" },
    { start_time: "22:00", end_time: "06:00" },
    { day_of_week: ["TUESDAY", "SUNDAY"] },
    { min_kwh: 5 },
    { max_kwh: "7.5" },
    { max_duration: 3600 },
    { min_duration: 1801, end_date: "2026-03-04" },
  );
  const element = fc
    .tuple(fc.array(component, { minLength: 1, maxLength: 4 }), restrictions)
    .map(([components, limits]) => el(components, limits as Record<string, unknown> | undefined));
  const tariffs = fc.array(element, { minLength: 1, maxLength: 4 }).map((elements) => tariffOf(elements));
  const record = fc
    .tuple(
      fc.nat(200_000),
      fc.array(
        fc.tuple(
          fc.constantFrom("charging", "suspended_ev", "suspended_evse"),
          fc.integer({ min: 1, max: 9999 }),
        ),
        { maxLength: 8 },
      ),
    )
    .map(([wh, stretches]) => session(wh, stretches as [StateInterval["state"], number][]));
  const numRuns = process.env.DEEP ? 10_000 : 200;

  it("lines sum exactly to totals, gross is never below net, and rating again says the same", () => {
    fc.assert(
      fc.property(record, tariffs, (s, t) => {
        const rated = rateSession(s, t);
        const again = rateSession(JSON.parse(JSON.stringify(s)), JSON.parse(JSON.stringify(t)));
        expect(JSON.stringify(again)).toBe(JSON.stringify(rated));
        for (const kind of ["excl_vat", "incl_vat"] as const) {
          // Ten-thousandths as big integers: an independent sum.
          const sum = rated.lines.reduce(
            (total, line) => total + BigInt(line.amount[kind].replace(".", "")),
            0n,
          );
          expect(BigInt(rated.total_cost[kind].replace(".", ""))).toBe(sum);
        }
        for (const line of rated.lines) {
          expect(Number(line.amount.incl_vat)).toBeGreaterThanOrEqual(Number(line.amount.excl_vat));
          expect(Number(line.billed)).toBeGreaterThanOrEqual(Number(line.measured));
        }
      }),
      { numRuns },
    );
  });

  it("its own charging periods, rated as anybody's CDR, cost the same", () => {
    fc.assert(
      fc.property(record, tariffs, (s, t) => {
        const rated = rateSession(s, t);
        if (rated.charging_periods.length === 0) return;
        const theirs = rateOcpi(
          {
            time_zone: s.time_zone,
            start_date_time: new Date(s.started_ms).toISOString(),
            end_date_time: new Date(s.ended_ms).toISOString(),
            charging_periods: rated.charging_periods,
          },
          t,
        );
        expect([theirs.total_excl_tax, theirs.total_incl_tax]).toEqual(Object.values(rated.total_cost));
        expect(theirs.warnings.map((w) => w.code)).not.toContain("STRADDLES_PRICE_CHANGE");
      }),
      { numRuns },
    );
  });

  it("cutting the samples and states of a session differently never changes its total", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9999 }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), cuts, tariffs, (rate, seconds, t) => {
        // So many Wh a second, read at 0, 10,000 and at each cut.
        const whole = session(rate * 10_000, [["charging", 10_000]]);
        const at = [...new Set([0, ...seconds, 10_000])].sort((a, b) => a - b);
        const finer = readings(whole, ...at.map((s): [number, number] => [s, s * rate]));
        finer.intervals = at.slice(1).map((s, i) => ({
          state: "charging",
          from_ms: START_MS + (at[i] ?? 0) * 1000,
          to_ms: START_MS + s * 1000,
        }));
        const [a, b] = [rateSession(whole, t), rateSession(finer, t)];
        expect(b.total_cost).toEqual(a.total_cost);
        expect(b.charging_periods).toEqual(a.charging_periods);
      }),
      { numRuns },
    );
  });

  it("10,000 random sessions cost the same when they are rated again", () => {
    const tariffsOf = fc.sample(tariffs, { numRuns: 20, seed: 4 });
    const records = fc.sample(record, { numRuns: 10_000, seed: 5 });
    const rate = () => records.map((s, i) => rateSession(s, tariffsOf[i % 20] as Tariff).total_cost);
    expect(rate()).toEqual(rate());
  });

  it("rates what OCPI's example calls 115.2 Wh as 116, and by larger steps", () => {
    const cost = (step_size: number) =>
      rateOcpi(
        ocpi("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z", [
          ["2026-03-02T09:00:00Z", { ENERGY: "0.1152" }],
        ]),
        tariff([{ type: "ENERGY", price: 0.25, step_size }]),
      ).total_excl_tax;
    expect([cost(1), cost(25), cost(500)]).toEqual(["0.0290", "0.0313", "0.1250"]);
  });
});
