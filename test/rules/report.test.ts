import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Event } from "../../src/model/event.ts";
import type { SessionRecord, StateInterval } from "../../src/model/session.ts";
import { cdrOf } from "../../src/rules/cdr.ts";
import { createReport, type ReportPlan } from "../../src/rules/report.ts";
import { collectOutages, type Outages } from "../../src/rules/report-outages.ts";
import type { ReportRow } from "../../src/rules/report-tally.ts";
import { ended } from "../sinks/depot-events.ts";
import { DepotLog, energy, run, START_MS } from "./depot-events.ts";

const HOUR = 3_600_000;
/** Midnight of 2 March 2026 in Stockholm. */
const DAY_MS = Date.UTC(2026, 2, 1, 23);
const PLAN: ReportPlan = {
  first: "2026-03-02",
  last: "2026-03-03",
  zone: "Europe/Stockholm",
  by: "day",
  observed: { from_ms: DAY_MS, to_ms: DAY_MS + 48 * HOUR },
  evses: ["cp-01/1", "cp-01/2", "cp-02/1"],
};
const NONE: Outages = { outages: [], reboots: [] };
const CONTEXT = { site: "ringon", tzdata: "2026a" };
const TARIFF = {
  hash: "a".repeat(64),
  body: {
    id: "depot",
    currency: "SEK",
    elements: [
      {
        price_components: [
          energy("2.50", "25"),
          { type: "PARKING_TIME" as const, price: "12", step_size: 1 },
          { type: "FLAT" as const, price: "5", step_size: 1 },
        ],
      },
    ],
  },
};

/** Charges for `hours` from `from` (hours after the first midnight), 10 kWh an hour, then stands idle for one. */
function overnight(from: number, hours: number, extra: Partial<SessionRecord> = {}): SessionRecord {
  const started_ms = DAY_MS + from * HOUR;
  const full_ms = started_ms + hours * HOUR;
  return ended({
    session_id: `s${from}`,
    station: "cp-01",
    started_ms,
    ended_ms: full_ms + HOUR,
    energy_wh: hours * 10_000,
    readings: [
      { at_ms: started_ms, energy_wh: 0 },
      { at_ms: full_ms, energy_wh: hours * 10_000 },
    ],
    intervals: [
      { state: "charging", from_ms: started_ms, to_ms: full_ms },
      { state: "suspended_ev", from_ms: full_ms, to_ms: full_ms + HOUR },
    ],
    tariff: TARIFF,
    ...extra,
  });
}

describe("a session over midnight", () => {
  it("is split by its readings and intervals, and counts on the day it ended", () => {
    const report = createReport(PLAN, NONE);
    report.session(overnight(22, 6), "billed");
    const { rows, total } = report.done();
    expect(rows.map((r) => [r.key, r.energy_wh, r.sessions, r.charging_ms, r.idle_ms])).toEqual([
      ["2026-03-02", 20_000, 0, 2 * HOUR, 0],
      ["2026-03-03", 40_000, 1, 4 * HOUR, HOUR],
    ]);
    expect([total.energy_wh, total.sessions, total.connected_ms]).toEqual([60_000, 1, 7 * HOUR]);
    expect(total.charging_share).toBe(Math.round((6 / 144) * 10_000) / 10_000);
  });

  it("splits its bill by its lines: energy with the energy, parking with the parking, the fee at the start", () => {
    const session = overnight(22, 6);
    const cdr = cdrOf(session, CONTEXT);
    if (!cdr) throw new Error("no bill");
    const report = createReport(PLAN, NONE);
    report.session(session, "billed");
    report.cdr(cdr, session);
    const { rows, total } = report.done();
    // 60 kWh at 2.50 with 25 % tax, one hour parked at 12, 5 to begin with. Parking is spread over its line.
    expect(cdr.payable.amount).toBe("204.50");
    expect(total.cost).toEqual([{ currency: "SEK", amount: "204.50", per_kwh: "3.4083" }]);
    const amounts = rows.map((r) => Number(r.cost[0]?.amount));
    expect(amounts[0]).toBeGreaterThanOrEqual(62.5 + 5);
    expect((amounts[0] ?? 0) + (amounts[1] ?? 0)).toBeCloseTo(204.5, 2);
  });

  it("takes a credit back where the session was", () => {
    const session = overnight(22, 6);
    const cdr = cdrOf(session, CONTEXT);
    if (!cdr) throw new Error("no bill");
    const minus = (text: string) => (text.startsWith("-") || Number(text) === 0 ? text : `-${text}`);
    const credit = {
      ...cdr,
      id: "credit",
      credit: true as const,
      credit_reference_id: cdr.id,
      payable: { amount: minus(cdr.payable.amount), rounding: "0.0000" },
      lines: cdr.lines.map((line) => ({
        ...line,
        amount: { excl_vat: minus(line.amount.excl_vat), incl_vat: minus(line.amount.incl_vat) },
      })),
    };
    const report = createReport(PLAN, NONE);
    report.session(session, "billed");
    report.cdr(cdr, session);
    report.cdr(credit, session);
    const { rows, total } = report.done();
    expect([...rows, total].map((r) => r.cost[0]?.amount)).toEqual(["0.00", "0.00", "0.00"]);
  });
});

it("of a log that began within a session no share is told: it would be more than all", () => {
  const observed = { from_ms: DAY_MS + 28 * HOUR, to_ms: DAY_MS + 29 * HOUR };
  const report = createReport({ ...PLAN, observed }, NONE);
  report.session(overnight(22, 6), "billed");
  expect(report.done().total).toMatchObject({
    connected_ms: 7 * HOUR,
    evse_ms: 3 * HOUR,
    connected_share: null,
    charging_share: null,
  });
});

it("names held sessions apart: their time counts, their energy and bill do not", () => {
  const held = overnight(1, 2, { held: [{ code: "IMPLAUSIBLE_ENERGY", detail: "too much" }] });
  const report = createReport(PLAN, NONE);
  report.session(held, "held");
  const { total } = report.done();
  expect([total.sessions, total.held_sessions, total.energy_wh, total.held_energy_wh]).toEqual([
    0, 1, 0, 20_000,
  ]);
  expect(total.connected_ms).toBe(3 * HOUR);
  const settled = createReport(PLAN, NONE);
  settled.session(held, "billed");
  expect(settled.done().total).toMatchObject({ sessions: 1, held_sessions: 0, energy_wh: 20_000 });
  const voided = createReport(PLAN, NONE);
  voided.session(held, "voided");
  expect(voided.done().total).toMatchObject({
    sessions: 0,
    held_sessions: 0,
    voided_sessions: 1,
    energy_wh: 0,
    held_energy_wh: 0,
    connected_ms: 3 * HOUR,
  });
});

describe("rows by", () => {
  const made = (by: ReportPlan["by"]) => {
    const report = createReport({ ...PLAN, by }, NONE);
    report.session(overnight(1, 2), "billed");
    report.session(overnight(8, 3, { evse: 2, ...{ token_group: "vans" } }), "billed");
    return report.done();
  };

  it("station and EVSE have the time of their own EVSEs, also of those that nobody used", () => {
    expect(made("station").rows.map((r) => [r.key, r.energy_wh, r.evse_ms / HOUR])).toEqual([
      ["cp-01", 50_000, 96],
      ["cp-02", 0, 48],
    ]);
    expect(made("evse").rows.map((r) => [r.key, r.sessions, r.evse_ms / HOUR])).toEqual([
      ["cp-01/1", 1, 48],
      ["cp-01/2", 1, 48],
      ["cp-02/1", 0, 48],
    ]);
  });

  it("group share the time of the whole site, and have no faults of their own", () => {
    expect(made("group").rows.map((r) => [r.key, r.energy_wh, r.evse_ms / HOUR, r.availability])).toEqual([
      ["-", 20_000, 144, null],
      ["vans", 30_000, 144, null],
    ]);
  });

  it("anything but time sum up to the total too", () => {
    for (const by of ["station", "evse", "group"] as const) {
      const { rows, total } = made(by);
      expect(rows.reduce((sum, r) => sum + r.energy_wh, 0)).toBe(total.energy_wh);
      expect(rows.reduce((sum, r) => sum + r.sessions, 0)).toBe(total.sessions);
    }
  });
});

/** What the real fold says about a log, as the report reads it. */
function outagesIn(log: DepotLog, hours = 24): Outages {
  const book = collectOutages(START_MS - 60_000, START_MS + hours * HOUR);
  const emitted = run(log.events);
  const all = [...log.events, ...emitted] as Event[];
  for (const event of all.sort((a, b) => a.atMs - b.atMs)) book.take(event);
  return book.done();
}

function totalWith(outages: Outages, session?: SessionRecord): ReportRow {
  const report = createReport({ ...PLAN, by: "evse" }, outages);
  if (session) report.session(session, "billed");
  return report.done().total;
}

describe("causes count once", () => {
  it("a fault that recovers", () => {
    const log = DepotLog.started()
      .hello({ at: 0 })
      .status("faulted", { at: 100, fault: "GroundFailure" })
      .status("faulted", { at: 160, fault: "GroundFailure" })
      .status("available", { at: 700 });
    const total = totalWith(outagesIn(log));
    expect(total.interruptions).toEqual({ "fault:GroundFailure": 1 });
    expect([total.faults, total.down_ms]).toEqual([1, 600_000]);
    expect(total.mtbf_h).toBe(143.8);
    expect(total.mtbf_at_least_h).toBe(null);
    expect(total.availability).toBe(0.9988);
  });

  it("a lost link, over the whole station, though readings are missing too", () => {
    const log = DepotLog.started().hello({ at: 0 });
    log.add("station.connected", 0, { address: "10.0.0.1", protocol: "tcp" });
    log.add("station.disconnected", 100, { reason: "keepalive" }).ticks(120, 600);
    log.add("station.connected", 700, { address: "10.0.0.1", protocol: "tcp" });
    const silent = ended({
      station: "cp-01",
      started_ms: START_MS,
      ended_ms: START_MS + 1_000_000,
      intervals: [
        { state: "charging", from_ms: START_MS, to_ms: START_MS + 90_000 },
        { state: "gap", from_ms: START_MS + 90_000, to_ms: START_MS + 710_000, under: "charging" },
        { state: "charging", from_ms: START_MS + 710_000, to_ms: START_MS + 1_000_000 },
      ],
    });
    const total = totalWith(outagesIn(log), silent);
    expect(total.interruptions).toEqual({ offline: 1 });
    // Two EVSEs were not to be had for ten minutes.
    expect(total.down_ms).toBe(1_200_000);
    expect([total.faults, total.mtbf_h, total.mtbf_at_least_h]).toEqual([0, null, 143.7]);
    expect(totalWith(NONE, silent).interruptions).toEqual({ meter_gap: 1 });
  });

  it("a reboot, with the lost link and the gap that belong to it", () => {
    const log = DepotLog.started().hello({ at: 0 });
    log.add("station.connected", 0, { address: "10.0.0.1", protocol: "tcp" });
    log.add("station.disconnected", 100, { reason: "closed" }).ticks(120, 300);
    log.add("station.connected", 310, { address: "10.0.0.1", protocol: "tcp" });
    log.reboot("b2", 311).hello({ at: 900 });
    const silent = ended({
      station: "cp-01",
      started_ms: START_MS,
      ended_ms: START_MS + 1_000_000,
      intervals: [{ state: "gap", from_ms: START_MS + 90_000, to_ms: START_MS + 320_000, under: "charging" }],
    });
    const total = totalWith(outagesIn(log), silent);
    expect(total.interruptions).toEqual({ reboot: 1 });
    expect(total.down_ms).toBe(2 * 210_000);
  });

  it("nothing that happens to a meter of the site", () => {
    const log = DepotLog.started().hello({ at: 0 });
    log.add("station.disconnected", 100, { reason: "closed" }, "grid-1").ticks(120, 600);
    const outages = outagesIn(log);
    expect(outages.outages.map((o) => o.station)).toEqual(["grid-1"]);
    const report = createReport({ ...PLAN, by: "station" }, outages);
    const { rows, total } = report.done();
    expect([rows.map((r) => r.key), total.interruptions]).toEqual([["cp-01", "cp-02"], {}]);
  });

  it("a fault that lasts beyond the report is down until its end and began once", () => {
    const log = DepotLog.started().hello({ at: 0 }).status("faulted", { at: 3600, fault: "Relay" });
    const total = totalWith(outagesIn(log));
    expect(total.interruptions).toEqual({ "fault:Relay": 1 });
    expect(total.down_ms).toBe(DAY_MS + 48 * HOUR - (START_MS + HOUR));
  });
});

it("has the peak of the site's sum, and of each row its own", () => {
  const report = createReport(PLAN, NONE);
  report.minute(
    DAY_MS,
    new Map([
      ["cp-01/1", 7_000],
      ["cp-02/1", 4_000],
    ]),
  );
  report.minute(DAY_MS + 30 * HOUR, new Map([["cp-01/1", 9_000]]));
  const { rows, total } = report.done();
  expect([total.peak_w, total.peak_at]).toEqual([11_000, "2026-03-01T23:00:00.000Z"]);
  expect(rows.map((r) => r.peak_w)).toEqual([11_000, 9_000]);
});

describe("adding days", () => {
  const SUMS = [
    "energy_wh",
    "held_energy_wh",
    "sessions",
    "held_sessions",
    "connected_ms",
    "charging_ms",
    "suspended_ev_ms",
    "suspended_evse_ms",
    "throttled_ms",
    "limited_ms",
    "idle_ms",
    "faulted_ms",
    "gap_ms",
    "evse_ms",
    "down_ms",
    "faults",
  ] as const satisfies (keyof ReportRow)[];
  const cents = (row: ReportRow) => Math.round(Number(row.cost[0]?.amount ?? 0) * 100);

  const session = fc
    .record({
      from: fc.integer({ min: -20 * HOUR, max: 31 * 24 * HOUR }),
      states: fc.array(
        fc.record({
          state: fc.constantFrom("charging", "suspended_ev", "suspended_evse", "faulted", "gap"),
          ms: fc.integer({ min: 1, max: 20 * HOUR }),
          wh: fc.integer({ min: 0, max: 90_000 }),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      throttled_s: fc.option(fc.nat(20_000), { nil: undefined }),
      held: fc.boolean(),
      evse: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ from, states, throttled_s, held, evse }): SessionRecord => {
      const started_ms = DAY_MS + from;
      let [atMs, wh] = [started_ms, 0];
      const readings = [{ at_ms: atMs, energy_wh: 0 }];
      const intervals = states.map((s): StateInterval => {
        const from_ms = atMs;
        atMs += s.ms;
        wh += s.wh;
        readings.push({ at_ms: atMs, energy_wh: wh });
        return { state: s.state as StateInterval["state"], from_ms, to_ms: atMs };
      });
      return ended({
        station: "cp-01",
        evse,
        started_ms,
        ended_ms: atMs,
        energy_wh: wh,
        readings,
        intervals,
        ...(throttled_s === undefined ? {} : { throttled_s }),
        held: held ? [{ code: "NO_REGISTER", detail: "" }] : [],
        tariff: TARIFF,
      });
    });
  const outage = fc
    .record({
      from: fc.integer({ min: -HOUR, max: 31 * 24 * HOUR }),
      ms: fc.integer({ min: 1, max: 30 * HOUR }),
    })
    .map(({ from, ms }) => ({
      kind: "fault" as const,
      station: "cp-01",
      evse: 1,
      from_ms: DAY_MS + from,
      to_ms: DAY_MS + from + ms,
      cause: "fault:Relay",
    }));

  it("gives exactly the month, to the Wh, the millisecond and the cent, also where clocks change", () => {
    fc.assert(
      fc.property(
        fc.array(session, { maxLength: 6 }),
        fc.array(outage, { maxLength: 4 }),
        (sessions, outages) => {
          const over = (first: string, last: string, by: ReportPlan["by"]) => {
            // The clocks go forward on the 29th.
            const observed = { from_ms: DAY_MS, to_ms: DAY_MS + 29 * 24 * HOUR };
            const report = createReport({ ...PLAN, first, last, by, observed }, { outages, reboots: [] });
            for (const one of sessions) {
              report.session(one, one.held.length > 0 ? "held" : "billed");
              const cdr = cdrOf(one, CONTEXT);
              if (cdr) report.cdr(cdr, one);
            }
            return report.done();
          };
          const month = over("2026-03-02", "2026-03-31", "week");
          const days = over("2026-03-02", "2026-03-31", "day");
          const hours = over("2026-03-02", "2026-03-31", "hour");
          const single = days.rows.map(({ key }) => over(key, key, "station").total);
          for (const rows of [month.rows, days.rows, hours.rows, single]) {
            for (const field of SUMS)
              expect(
                rows.reduce((sum, row) => sum + (row[field] ?? 0), 0),
                field,
              ).toBe(month.total[field]);
            expect(rows.reduce((sum, row) => sum + cents(row), 0)).toBe(cents(month.total));
          }
        },
      ),
      { numRuns: process.env.DEEP ? 300 : 12 },
    );
  });
});
