import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SessionRecord, StateInterval } from "../../src/model/session.ts";
import { Tariff } from "../../src/model/tariff.ts";
import { rate } from "../../src/rules/rate.ts";
import { START_MS, TARIFF } from "./depot-events.ts";

type Component = { type: string; price: string | number; vat?: string | number; step_size?: number };

function tariff(...elements: Component[][]): Tariff {
  return Tariff.parse({
    id: "t",
    currency: "EUR",
    elements: elements.map((price_components) => ({ price_components })),
  });
}

/** A session of consecutive stretches, in seconds. */
function session(
  energyWh: number,
  stretches: [StateInterval["state"], number, StateInterval["under"]?][],
): SessionRecord {
  let at = START_MS;
  const intervals = stretches.map(([state, seconds, under]): StateInterval => {
    const from_ms = at;
    at += seconds * 1000;
    return { state, from_ms, to_ms: at, ...(under ? { under } : {}) };
  });
  return {
    session_id: "s1-1",
    station: "cp-01",
    evse: 1,
    token_ref: null,
    tx_refs: ["t1"],
    time_zone: "Europe/Stockholm",
    started_ms: START_MS,
    ended_ms: at,
    clock: "station",
    clock_offset_ms: 0,
    closed_by: "station",
    stop_reason: "local",
    energy_wh: energyWh,
    segments: [],
    readings: [],
    intervals,
    durations_s: { charging: 0, suspended_ev: 0, suspended_evse: 0, faulted: 0, gap: 0, finishing: 0 },
    interruptions: 0,
    flags: [],
    held: [],
    tariff: TARIFF,
  };
}

const totals = (record: SessionRecord, t: Tariff): string[] => Object.values(rate(record, t).total_cost);
const minutes = (n: number): number => n * 60;

describe("worked examples of OCPI 2.2.1 and 2.3.0 (net, gross)", () => {
  it("0.50 per session (20 %) and 0.25 per kWh (10 %), 20 kWh", () => {
    const t = tariff([
      { type: "FLAT", price: 0.5, vat: 20 },
      { type: "ENERGY", price: 0.25, vat: 10 },
    ]);
    expect(totals(session(20_000, [["charging", 3600]]), t)).toEqual(["5.50", "6.10"]);
  });
  it("with parking at 2 per hour by the quarter hour: 40 minutes cost 45", () => {
    const t = tariff([
      { type: "FLAT", price: 0.5, vat: 20 },
      { type: "ENERGY", price: 0.25, vat: 10 },
      { type: "PARKING_TIME", price: 2, vat: 20, step_size: 900 },
    ]);
    const rated = rate(
      session(20_000, [
        ["charging", 3600],
        ["suspended_ev", minutes(40)],
      ]),
      t,
    );
    expect(Object.values(rated.total_cost)).toEqual(["7.00", "7.90"]);
    expect(rated.lines[2]).toEqual({
      dimension: "PARKING_TIME",
      element: 0,
      component: 2,
      measured: "0.6667",
      billed: "0.7500",
      billed_units: 2700,
      unit_price: "2",
      vat_percent: "20",
      amount: { excl_vat: "1.5000", incl_vat: "1.8000" },
    });
  });
  it("3 per hour, parking 5 per hour by 5 minutes: 150 and 42 minutes; only parking is rounded", () => {
    const t = tariff([
      { type: "TIME", price: 3, vat: 10, step_size: 420 },
      { type: "PARKING_TIME", price: 5, vat: 20, step_size: 300 },
    ]);
    const record = session(5000, [
      ["charging", minutes(150)],
      ["finishing", minutes(42)],
    ]);
    expect(totals(record, t)).toEqual(["11.25", "12.75"]);
  });
  it("time alone is rounded by its own step", () => {
    const t = tariff([{ type: "TIME", price: "1.20", step_size: 1800 }]);
    expect(totals(session(1, [["charging", minutes(35)]]), t)).toEqual(["1.20", "1.20"]);
    expect(totals(session(1, [["charging", minutes(30)]]), t)).toEqual(["0.60", "0.60"]);
  });
  it("energy is rounded up once to its step; an exact multiple stays; step 0 rounds nothing", () => {
    const at = (step_size: number, wh: number) =>
      rate(session(wh, [["charging", 60]]), tariff([{ type: "ENERGY", price: 1, step_size }])).lines[0]
        ?.billed;
    expect([at(500, 5400), at(500, 5500), at(0, 5401), at(1, 5401)]).toEqual([
      "5.500",
      "5.500",
      "5.401",
      "5.401",
    ]);
  });
});

describe("which time is billed", () => {
  const t = tariff([
    { type: "TIME", price: 3600 },
    { type: "PARKING_TIME", price: 36_000 },
  ]);
  it("what we hold back, faults and unexplained gaps are neither time nor parking", () => {
    const record = session(100, [
      ["charging", 1],
      ["suspended_evse", 1000],
      ["faulted", 1000],
      ["gap", 1000],
      ["suspended_ev", 2],
      ["finishing", 3],
    ]);
    expect(rate(record, t)).toMatchObject({ charging_s: 1, parking_s: 5, total_s: 3006 });
    expect(totals(record, t)).toEqual(["51.00", "51.00"]);
  });
  it("a gap whose sides agree is billed as they are", () => {
    const record = session(100, [
      ["charging", 1],
      ["gap", 7, "charging"],
      ["gap", 5, "suspended_ev"],
      ["gap", 9, "faulted"],
    ]);
    expect(rate(record, t)).toMatchObject({ charging_s: 8, parking_s: 5 });
  });
});

describe("choosing and summing", () => {
  it("the first element with a component for a dimension wins, per dimension", () => {
    const t = tariff(
      [{ type: "ENERGY", price: 1 }],
      [
        { type: "ENERGY", price: 9 },
        { type: "FLAT", price: 5 },
      ],
    );
    const { lines } = rate(session(1000, [["charging", 60]]), t);
    expect(lines.map((l) => [l.dimension, l.element, l.component, l.unit_price])).toEqual([
      ["FLAT", 1, 1, "5"],
      ["ENERGY", 0, 0, "1"],
    ]);
  });
  it("no VAT means that none applies, not zero percent", () => {
    const rated = rate(session(1000, [["charging", 60]]), tariff([{ type: "ENERGY", price: "0.335" }]));
    expect(rated.lines[0]).toMatchObject({
      vat_percent: null,
      amount: { excl_vat: "0.3350", incl_vat: "0.3350" },
    });
    expect(rated.total_cost.excl_vat).toBe("0.34");
  });
  it("a third of an hour does not drift", () => {
    const t = tariff([{ type: "TIME", price: 3 }]);
    expect(totals(session(1, [["charging", 1200]]), t)).toEqual(["1.00", "1.00"]);
    expect(totals(session(1, [["charging", 400]]), tariff([{ type: "TIME", price: 9 }]))).toEqual([
      "1.00",
      "1.00",
    ]);
  });
  it("a currency without a minor unit has none in its totals", () => {
    const t = { ...tariff([{ type: "ENERGY", price: "30.5" }]), currency: "JPY" };
    expect(totals(session(1000, [["charging", 60]]), t)).toEqual(["31", "31"]);
  });
  it("a dimension without a component costs nothing; a tariff is required", () => {
    const rated = rate(session(1000, [["charging", 60]]), tariff([{ type: "TIME", price: 0 }]));
    expect(rated).toMatchObject({ total_cost: { excl_vat: "0.00", incl_vat: "0.00" }, invalid: null });
    expect(() => rate({ ...session(1, []), tariff: null })).toThrow(/s1-1 has no tariff/);
  });
});

describe("nothing to bill", () => {
  const flat = tariff([
    { type: "FLAT", price: 5 },
    { type: "ENERGY", price: 1 },
  ]);
  it("zero energy and only the flat fee is INVALID", () => {
    expect(rate(session(0, [["charging", 30]]), flat).invalid).toMatch(/no energy/);
  });
  it("parking without energy is a bill where parking has a price", () => {
    const t = tariff([
      { type: "FLAT", price: 5 },
      { type: "PARKING_TIME", price: 2 },
    ]);
    const rated = rate(session(0, [["suspended_ev", 3600]]), t);
    expect(rated).toMatchObject({ invalid: null, total_cost: { excl_vat: "7.00" } });
  });
  it("start and stop in one second: a step counts only where something was measured", () => {
    const t = tariff([
      { type: "ENERGY", price: 1, step_size: 1000 },
      { type: "TIME", price: 1, step_size: 3600 },
    ]);
    const rated = rate(session(0, []), t);
    expect(rated.lines).toEqual([]);
    expect(rated.invalid).not.toBeNull();
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
  const record = fc
    .tuple(
      fc.nat(200_000),
      fc.array(
        fc.tuple(
          fc.constantFrom("charging", "suspended_ev", "suspended_evse"),
          fc.integer({ min: 1, max: 9999 }),
        ),
        {
          maxLength: 8,
        },
      ),
    )
    .map(([wh, stretches]) => session(wh, stretches as [StateInterval["state"], number][]));

  it("lines sum exactly to totals, gross is never below net, and rating again says the same", () => {
    fc.assert(
      fc.property(
        record,
        fc.array(fc.array(component, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
        (s, e) => {
          const t = tariff(...e);
          const rated = rate(s, t);
          expect(JSON.stringify(rate(JSON.parse(JSON.stringify(s)), t))).toBe(JSON.stringify(rated));
          for (const kind of ["excl_vat", "incl_vat"] as const) {
            // Ten-thousandths as big integers: an independent sum.
            const sum = rated.lines.reduce(
              (total, line) => total + BigInt(line.amount[kind].replace(".", "")),
              0n,
            );
            const cents = (sum + 50n) / 100n;
            expect(rated.total_cost[kind].replace(".", "")).toBe(cents.toString().padStart(3, "0"));
          }
          for (const line of rated.lines) {
            expect(Number(line.amount.incl_vat)).toBeGreaterThanOrEqual(Number(line.amount.excl_vat));
            expect(Number(line.billed)).toBeGreaterThanOrEqual(Number(line.measured));
          }
        },
      ),
      { numRuns: process.env.DEEP ? 10_000 : 200 },
    );
  });
});
