import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PerLine } from "../../src/model/circuit.ts";
import type { Event, NewEvent } from "../../src/model/event.ts";
import type { SessionRecord } from "../../src/model/session.ts";
import { createPoints, type PointOptions, type Points, pointTime } from "../../src/sinks/points.ts";
import { STATE_CODES, stateCode } from "../../src/sinks/states.ts";
import { ended, event, metered, placed, rated, T0 } from "./depot-events.ts";

const METERS = new Map<string, PerLine | null>([
  ["grid-1", [100, 100, 80]],
  ["sub-1", null],
]);

function open(extra: Partial<PointOptions> = {}): Points {
  return createPoints({ site: "ringon", meters: METERS, strings: true, ...extra });
}

/** The lines of some events, with every window closed at the end. */
function linesOf(events: NewEvent[], session?: SessionRecord, extra: Partial<PointOptions> = {}): string[] {
  const points = open(extra);
  const lines: string[] = [];
  const end = event("clock.ticked", Math.max(...events.map((e) => e.atMs)) + 3_600_000, null, { at: "" });
  for (const e of placed([...events, end])) points.apply(e, session, (line) => lines.push(line));
  expect(points.heldFrom()).toBeUndefined();
  return lines;
}

describe("evse", () => {
  it("is one point per EVSE and 10 s, at the window's start, with the last value of each field", () => {
    const lines = linesOf([
      metered(T0 + 1_000, "cp-001", 1, { power_w: 11_000.5, energy_import_wh: 1_000, soc_pct: 40 }),
      metered(T0 + 2_000, "cp-001", 2, { power_w: 0 }),
      event("setpoint.sent", T0 + 3_000, "cp-001", {
        evse: 1,
        rev: 1,
        limit_a: 16,
        phases: 3,
        valid_for_s: 60,
        fallback_a: 6,
        reason: "fair_share",
      }),
      metered(T0 + 9_999, "cp-001", 1, {
        power_w: 11_100,
        energy_import_wh: 1_030,
        current_a: [16, 15.9, 16.1],
        voltage_v: [230],
      }),
      metered(T0 + 10_000, "cp-001", 1, { energy_import_wh: 1_031, energy_export_wh: 2 }),
    ]);
    expect(lines).toEqual([
      `evse,evse=1,site=ringon,station=cp-001 power_w=11100,energy_import_wh=1030i,soc_pct=40,limit_a=16,current_l1_a=16,current_l2_a=15.9,current_l3_a=16.1,voltage_l1_v=230 ${T0}`,
      `evse,evse=2,site=ringon,station=cp-001 power_w=0 ${T0}`,
      `evse,evse=1,site=ringon,station=cp-001 energy_import_wh=1031i,energy_export_wh=2i ${T0 + 10_000}`,
    ]);
  });

  it("stands at the station's time, unless its clock cannot be right", () => {
    const at = (ts: string): number => pointTime(ts, T0);
    expect(at("2026-11-22T16:00:00Z")).toBe(T0 - 3_600_000);
    expect(at("2026-11-22T18:00:10+01:00")).toBe(T0 + 10_000);
    expect(at("2026-11-22T17:01:00Z")).toBe(T0);
    expect(at("1970-01-01T00:00:12Z")).toBe(T0);
    expect(at("nonsense")).toBe(T0);
  });
});

describe("site_power", () => {
  it("has the circuit's limit and the headroom of its tightest line, without binary tails", () => {
    const lines = linesOf([metered(T0, "grid-1", 0, { power_w: 40_000, current_a: [70.1, 60, 79.7] })]);
    expect(lines).toEqual([
      `site_power,meter=grid-1,site=ringon power_w=40000,current_l1_a=70.1,current_l2_a=60,current_l3_a=79.7,limit_a=80,headroom_a=0.3 ${T0}`,
    ]);
  });

  it("has no limit for a meter of no circuit, and is only for configured meters", () => {
    const lines = linesOf([
      metered(T0, "sub-1", 0, { power_w: 5 }),
      metered(T0, "cp-001", 0, { power_w: 6 }),
      metered(T0, "grid-1", 1, { power_w: 7 }),
    ]);
    expect(lines).toEqual([
      `site_power,meter=sub-1,site=ringon power_w=5 ${T0}`,
      `evse,evse=0,site=ringon,station=cp-001 power_w=6 ${T0}`,
      `evse,evse=1,site=ringon,station=grid-1 power_w=7 ${T0}`,
    ]);
  });
});

describe("evse_state", () => {
  const status = event("status.reported", T0 + 5, "cp-001", {
    evse: 2,
    ts: new Date(T0).toISOString(),
    boot: null,
    seq: null,
    connector_state: "faulted",
    fault_code: 'ground "fault"',
  });

  it("is written as reported, with the fault; and offline for the station", () => {
    expect(
      linesOf([
        status,
        event("station.disconnected", T0 + 9, "cp-001", { reason: "keepalive" }),
        event("station.connected", T0 + 10, "cp-001", { address: "10.0.0.7", protocol: "tls" }),
      ]),
    ).toEqual([
      `evse_state,evse=2,site=ringon,station=cp-001 state_code=7i,offline=false,fault_code="ground \\"fault\\"" ${T0}`,
      `evse_state,evse=0,site=ringon,station=cp-001 offline=true ${T0 + 9}`,
      `evse_state,evse=0,site=ringon,station=cp-001 offline=false ${T0 + 10}`,
    ]);
  });

  it("leaves texts out for a database that would make them 0", () => {
    expect(linesOf([status], undefined, { strings: false })[0]).toBe(
      `evse_state,evse=2,site=ringon,station=cp-001 state_code=7i,offline=false ${T0}`,
    );
  });

  it("has a number for every state", () => {
    expect(stateCode("available", undefined)).toBe(STATE_CODES.available);
    expect(stateCode("occupied", undefined)).toBe(STATE_CODES.ev_connected);
    expect(stateCode("occupied", "idle")).toBe(STATE_CODES.ev_connected);
    expect(stateCode("available", "idle")).toBe(STATE_CODES.available);
    expect(stateCode("occupied", "suspended_evse")).toBe(STATE_CODES.suspended_evse);
    expect(stateCode("faulted", "charging")).toBe(STATE_CODES.faulted);
    expect(stateCode("unavailable", "charging")).toBe(STATE_CODES.unavailable);
    expect(stateCode("reserved", undefined)).toBe(STATE_CODES.reserved);
  });
});

describe("session_end", () => {
  const series = "session_end,evse=1,site=ringon,station=cp-001,stop_reason=ev_disconnected";

  it("has the figures at the end, and the exact cost when the bill follows", () => {
    const session = ended();
    expect(linesOf([event("session.ended", T0, "cp-001", session), rated("104.13")], session)).toEqual([
      `${series} energy_wh=22345i,duration_s=3601i,charging_s=3000i,suspended_s=400i,idle_s=200i,interruptions=1i ${T0 + 3_600_500}`,
      `${series} cost_minor=10413i ${T0 + 3_600_500}`,
    ]);
  });

  it.each([
    ["0.29", "SEK", "29i"],
    ["-1.01", "EUR", "-101i"],
    ["1500", "JPY", "1500i"],
    ["1.235", "KWD", "1235i"],
  ])("writes %s %s as %s", (cost, currency, minor) => {
    expect(linesOf([rated(cost, currency)], ended())[0]).toBe(
      `${series} cost_minor=${minor} ${T0 + 3_600_500}`,
    );
  });

  it("costs what the newest bill says, and nothing when it was credited without one", () => {
    const session = ended();
    const credit = { ...rated("-104.13") };
    credit.body = { ...credit.body, credit: true, credit_reference_id: "cdr-1" } as typeof credit.body;
    const costs = (...bills: NewEvent[]) => linesOf(bills, session).map((line) => line.split(" ")[1]);
    expect(costs(rated("104.13"), credit, rated("120.00"))).toEqual([
      "cost_minor=10413i",
      "cost_minor=0i",
      "cost_minor=12000i",
    ]);
    expect(costs(rated("104.13"), credit).at(-1)).toBe("cost_minor=0i");
  });

  it("corrects the point of a revised session in its place", () => {
    const previous = ended();
    const record = ended({ energy_wh: 30_000, ended_ms: previous.ended_ms + 60_000, stop_reason: "local" });
    const revised = event("session.revised", T0 + 9_000_000, "cp-001", {
      session_id: previous.session_id,
      revision: 2,
      what: "late_stop",
      detail: "the stop came",
      previous,
      record,
      was_billed: true,
      bill_revision: 1,
    });
    const [line] = linesOf([revised], previous);
    expect(line).toMatch(new RegExp(`^${series} energy_wh=30000i,duration_s=3661i,.* ${previous.ended_ms}$`));
  });

  it("keeps station-made reasons out of the tags", () => {
    const session = ended({ stop_reason: "card 04A2B3 of Anna" });
    expect(linesOf([event("session.ended", T0, "cp-001", session)])[0]).toContain(",stop_reason=other ");
  });

  it("stops for a CDR whose session is not in the log, and passes over emptied bodies", () => {
    expect(() => linesOf([rated("1")])).toThrow(/no session\.ended in the log for CDR cdr-1/);
    const emptied = ["session.ended", "cdr.issued", "status.reported"].map(
      (type) => ({ type, atMs: T0, station: "cp-001", key: null, body: {} }) as unknown as NewEvent,
    );
    expect(linesOf(emptied)).toEqual([]);
  });
});

describe("no personal data", () => {
  it("lets nothing that names a session, token, transaction, car or meter through", () => {
    const secret = "SECRET";
    const lines = linesOf(
      [
        metered(T0, "cp-001", 1, { power_w: 1, tx_ref: secret, meter_serial: secret }),
        event(
          "session.ended",
          T0,
          "cp-001",
          ended({ session_id: secret, token_ref: secret, stop_reason: secret }),
        ),
        rated("1", "SEK", secret),
        event("transaction.started", T0, "cp-001", {
          evse: 1,
          ts: new Date(T0).toISOString(),
          boot: null,
          seq: null,
          tx_ref: secret,
          token_ref: secret,
        }),
      ],
      ended({ session_id: secret, token_ref: secret, tx_refs: [secret] }),
    );
    expect(lines).toHaveLength(3);
    expect(lines.join("\n")).not.toMatch(/SECRET|pseudonym|4711/);
  });
});

describe("windows", () => {
  it("wait for late samples, hold the cursor, and close by log time", () => {
    const points = open();
    const lines: string[] = [];
    const feed = (e: Event): void => points.apply(e, undefined, (line) => lines.push(line));
    const ts = new Date(T0 + 9_500).toISOString();
    const [a, b, c, d, e] = placed([
      metered(T0 + 1_000, "cp-001", 1, { power_w: 1 }),
      metered(T0 + 12_000, "cp-001", 1, { power_w: 3 }),
      metered(T0 + 14_999, "cp-001", 1, { power_w: 2, ts }),
      event("clock.ticked", T0 + 15_000, null, { at: "" }),
      event("clock.ticked", T0 + 25_000, null, { at: "" }),
    ]) as [Event, Event, Event, Event, Event];
    feed(a);
    feed(b);
    feed(c);
    expect(points.heldFrom()).toBe(1);
    expect(lines).toEqual([]);
    feed(d);
    expect(lines).toEqual([`evse,evse=1,site=ringon,station=cp-001 power_w=2 ${T0}`]);
    expect(points.heldFrom()).toBe(2);
    feed(e);
    expect(points.heldFrom()).toBeUndefined();
  });

  it("take an hour of one station's backlog whole, and stay bounded when it is too much", () => {
    const backlog = Array.from({ length: 3_600 }, (_, i) =>
      metered(T0 + i, "cp-001", 1, { power_w: i, ts: new Date(T0 - 3_600_000 + i * 1_000).toISOString() }),
    );
    const whole = linesOf(backlog);
    expect(whole).toHaveLength(360);
    expect(whole[1]).toMatch(/power_w=19 /);
    expect(linesOf(backlog, undefined, { maxOpenWindows: 7 })).toEqual(whole);
  });

  it("do not wait an hour when the clock is set back an hour", () => {
    const points = open();
    const lines: string[] = [];
    const events = placed([
      metered(T0, "cp-001", 1, { power_w: 1 }),
      metered(T0 - 3_600_000, "cp-001", 1, { power_w: 2 }),
      event("clock.ticked", T0 - 3_600_000 + 20_000, null, { at: "" }),
    ]);
    for (const e of events) points.apply(e, undefined, (line) => lines.push(line));
    expect(lines).toHaveLength(2);
    expect(points.heldFrom()).toBeUndefined();
  });

  it("give the same points after any restart from the held cursor (property)", () => {
    const step = fc.record({
      station: fc.constantFrom("cp-001", "cp-002", "grid-1"),
      evse: fc.integer({ min: 0, max: 2 }),
      gapMs: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 0, max: 4_000 }) },
        fc.integer({ min: -90_000, max: 90_000 }),
      ),
      lateMs: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 1_500 }) },
        fc.integer({ min: -20_000, max: 60_000 }),
      ),
      power: fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
      register: fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
      restart: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 9 }),
        (steps, every) => {
          let atMs = T0;
          const log = placed(
            steps.map(({ station, evse, gapMs, lateMs, power, register }) => {
              atMs += gapMs;
              return metered(atMs, station, evse, {
                ts: new Date(atMs - lateMs).toISOString(),
                ...(power !== undefined && { power_w: power }),
                ...(register !== undefined && { energy_import_wh: register }),
              });
            }),
          );
          log.push(...placed([event("clock.ticked", atMs + 3_600_000, null, { at: "" })], log.length + 1));

          const straight = new Map<string, string>();
          const points = open();
          for (const e of log) points.apply(e, undefined, (line) => store(straight, line));

          const restarted = new Map<string, string>();
          let from = 0;
          for (let end = every; ; end += every) {
            const run = open();
            for (const e of log.slice(from, end)) run.apply(e, undefined, (line) => store(restarted, line));
            from = (run.heldFrom() ?? Math.min(end, log.length) + 1) - 1;
            if (end >= log.length) break;
          }
          expect(from).toBe(log.length);
          expect(restarted).toEqual(straight);
        },
      ),
      { numRuns: process.env.DEEP ? 5_000 : 200 },
    );
  });
});

/** As InfluxDB keeps it: a field of a series at a time has one value, the last written. */
function store(database: Map<string, string>, line: string): void {
  const [series = "", fields = "", time = ""] = line.split(" ");
  for (const field of fields.split(",")) {
    const [name = "", value = ""] = field.split("=");
    database.set(`${series} ${time} ${name}`, value);
  }
}

describe("price", () => {
  const published = (points: { from: string; to: string; price: string }[], currency = "SEK") =>
    event("prices.published", T0, null, {
      series: "spot-se3",
      currency,
      step_s: 3600,
      points,
      source: "test",
    });

  it("is a point at the start of each price, in the minor unit, exact to six decimals", () => {
    const lines = linesOf([
      published([
        { from: "2026-11-22T23:00:00Z", to: "2026-11-23T00:00:00Z", price: "0.29" },
        { from: "2026-11-23T00:00:00Z", to: "2026-11-23T01:00:00Z", price: "-0.00125" },
      ]),
    ]);
    const at = (text: string) => Date.parse(text);
    expect(lines).toEqual([
      `price,area=spot-se3,site=ringon per_kwh_minor=29 ${at("2026-11-22T23:00:00Z")}`,
      `price,area=spot-se3,site=ringon per_kwh_minor=-0.125 ${at("2026-11-23T00:00:00Z")}`,
    ]);
  });
  it("is in whole units where the currency has no smaller one, and nothing of an emptied fact", () => {
    const yen = published(
      [{ from: "2026-11-22T23:00:00Z", to: "2026-11-23T00:00:00Z", price: "31.5" }],
      "JPY",
    );
    expect(linesOf([yen])[0]).toContain("per_kwh_minor=31.5 ");
    expect(linesOf([event("prices.published", T0, null, {} as never)])).toEqual([]);
  });
});
