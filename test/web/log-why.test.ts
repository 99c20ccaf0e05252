import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteStore, type SqliteStore } from "../../src/log/sqlite-store.ts";
import type { EventBodies, NewEvent } from "../../src/model/event.ts";
import type { LimitReason } from "../../src/model/messages.ts";
import type { DepotKnown } from "../../src/rules/why/facts.ts";
import {
  explained,
  type NoAnswer,
  type WhyAnswer,
  type WhyQuestion,
  whyFromLog,
  whyPeriodFromLog,
} from "../../src/web/log-why.ts";
import { noAnswerText } from "../../src/web/why.ts";
import { circuit, evseSpec } from "../rules/allocation-cases.ts";
import { ended, event, metered, T0 } from "../sinks/depot-events.ts";

let store: SqliteStore;
const dir = mkdtempSync(join(tmpdir(), "laddport-why-"));
const S = 1000;
const fact = (made: NewEvent, key: string) => ({ ...made, key }) as NewEvent;

function setpoint(
  s: number,
  station: string,
  limit_a: number,
  reason: LimitReason,
  bound_by?: string,
): NewEvent {
  const lease = { evse: 1, rev: s, phases: 3, valid_for_s: 60, fallback_a: 6 };
  return event("setpoint.sent", T0 + s * S, station, {
    ...lease,
    limit_a,
    reason,
    ...(bound_by ? { bound_by } : {}),
  });
}

const started = (s: number, station: string, vehicle: string): NewEvent =>
  event("transaction.started", T0 + s * S, station, {
    evse: 1,
    ts: "",
    boot: null,
    seq: null,
    tx_ref: `tx-${s}`,
    vehicle,
  } as EventBodies["transaction.started"]);

/** An hour: cp-1 alone, then shared with cp-2; bus-7 leaves cp-1 after half an hour, bus-8 comes; cp-2 is cut off. */
beforeAll(async () => {
  store = await openSqliteStore(join(dir, "log.sqlite"));
  const events: NewEvent[] = [
    fact(event("gateway.started", T0, null, { version: "1", node: "24", epoch: 1 }), "g1"),
    fact(event("station.connected", T0 + S, "cp-1", { address: "a", protocol: "tcp" }), "c1"),
    fact(event("station.connected", T0 + S, "cp-2", { address: "a", protocol: "tcp" }), "c2"),
    fact(started(5, "cp-1", "bus-7"), "t1"),
    setpoint(10, "cp-1", 32, "station_max"),
    setpoint(600, "cp-1", 10, "fair_share", "row L1"),
    setpoint(600, "cp-2", 10, "fair_share", "row L1"),
  ];
  for (let s = 610; s < 3600; s += 10) {
    events.push(metered(T0 + s * S, "cp-1", 1, { current_a: [9.5, 9.5, 9.5] }));
    events.push(metered(T0 + s * S, "grid", 0, { current_a: [24, 20, 20] }));
    if (s === 1200)
      events.push(
        fact(
          event("alert.raised", T0 + s * S, null, {
            id: "circuit_overload:row/L1",
            kind: "circuit_overload",
            severity: "critical",
            subject: "row/L1",
            cause: "too much",
            since_ms: T0 + s * S,
          }),
          "a1",
        ),
      );
    const order = { id: "o1", revision: 1, circuit: "row" };
    if (s === 1500) {
      const from = new Date(T0 + 1600 * S).toISOString();
      const cap = { kind: "cap", power_w: 5000, from, until: null, source: "api" } as const;
      events.push(fact(event("grid.ordered", T0 + s * S, null, { ...order, ...cap }), "o1"));
    }
    if (s === 1000) {
      const departures = [
        { id: "d7", vehicle: "bus-7", depart: new Date(T0 + 9000 * S).toISOString(), energy_wh: 50_000 },
        { id: "e2", evse: "cp-2/1" as const, depart: new Date(T0 + 8000 * S).toISOString() },
      ];
      events.push(fact(event("departures.set", T0 + s * S, null, { departures, source: "api" }), "ds"));
      events.push(
        fact(
          event("timetable.set", T0 + s * S, null, {
            lines: [{ id: "l8", vehicle: "bus-8", days: ["su", "mo"], depart: "22:30" }],
            source: "api",
          }),
          "tt",
        ),
      );
    }
    if (s === 1700) {
      const over = { ...order, ended: new Date(T0 + s * S).toISOString(), why: "withdrawn" } as const;
      events.push(fact(event("grid.order_ended", T0 + s * S, null, over), "o1e"));
    }
    if (s === 1800)
      events.push(
        fact(
          event(
            "session.ended",
            T0 + s * S,
            "cp-1",
            ended({
              session_id: "s1",
              station: "cp-1",
              vehicle: "bus-7",
              started_ms: T0 + 5 * S,
              ended_ms: T0 + s * S,
            }),
          ),
          "session.ended:s1",
        ),
        setpoint(s, "cp-1", 0, "not_charging"),
      );
    if (s === 2000)
      events.push(
        fact(started(s, "cp-1", "bus-8"), "t2"),
        setpoint(s, "cp-1", 12, "circuit_limit", "row L1"),
      );
    if (s === 3000)
      events.push(fact(event("station.disconnected", T0 + s * S, "cp-2", { reason: "gone" }), "d1"));
  }
  await store.commit({ events });
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const depot: DepotKnown = {
  circuits: [{ ...circuit("row", null, 32), meter: "grid" }],
  evses: [evseSpec("cp-1", { circuit: "row" }), evseSpec("cp-2", { circuit: "row" })],
  nominalV: 230,
  vehicles: new Set(["bus-70"]),
  zone: "Europe/Stockholm",
};
const ask = (name: string, s: number | null, more: Partial<WhyQuestion> = {}) =>
  whyFromLog(store, { name, evse: null, atMs: s === null ? null : T0 + s * S, depot, ...more });
const whys = async (name: string, s: number | null, more: Partial<WhyQuestion> = {}) =>
  explained((await ask(name, s, more)) as WhyAnswer, more.depot === undefined ? depot : more.depot);

describe("why, from the log", () => {
  it("is the limit in force then with what bound it, who shared, other load and changes around", async () => {
    const [why] = await whys("cp-1", 1300);
    expect(why).toMatchObject({
      vehicle: "bus-7",
      limit_a: 10,
      reason: "fair_share",
      since: new Date(T0 + 600 * S).toISOString(),
      bound: { circuit: "row", line: 1, limit_a: 32, other_load_a: 14.5, sharers: 2, charging_a: 20 },
      measured: { current_a: 9.5 },
      alerts: [{ kind: "circuit_overload", subject: "row/L1" }],
    });
    expect(why?.changes.map((c) => [c.limit_a, c.in_force])).toEqual([
      [32, false],
      [10, true],
      [0, false],
      [12, false],
    ]);
  });

  it("finds a vehicle where it was then, and says where it was when it was nowhere", async () => {
    expect((await whys("bus-7", 1300))[0]).toMatchObject({ station: "cp-1", vehicle: "bus-7" });
    expect((await whys("bus-8", 2100))[0]).toMatchObject({
      station: "cp-1",
      reason: "circuit_limit",
      vehicle: "bus-8",
    });
    const gone = await ask("bus-7", 1900);
    expect(gone).toMatchObject({ no: "not_plugged", last: { station: "cp-1", evse: 1 } });
    expect("no" in gone && noAnswerText(gone, (ms) => `${(ms - T0) / S} s`)).toBe(
      "bus-7 was not plugged in then; before, it was at cp-1/1 until 1800 s.",
    );
    expect((await whys("cp-1", 1900))[0]?.vehicle).toBeNull();
  });

  it("knows who was to leave when, as it was said by then: a vehicle, an EVSE, a timetable", async () => {
    const next = async (name: string, s: number) => (await whys(name, s))[0]?.departure;
    expect(await next("cp-1", 900)).toBeNull();
    expect(await next("cp-1", 1300)).toMatchObject({ id: "d7", energy_wh: 50_000 });
    expect(await next("cp-2", 1300)).toMatchObject({ id: "e2" });
    // 22:30 in Stockholm on the Sunday of the log.
    expect((await next("cp-1", 2100))?.at).toBe("2026-11-22T21:30:00.000Z");
  });

  it("names orders of the grid side while they hold", async () => {
    const held = async (s: number) => (await whys("cp-1", s))[0]?.orders.map((o) => [o.id, o.power_w]);
    expect([await held(1550), await held(1650), await held(1750)]).toEqual([[], [["o1", 5000]], []]);
  });

  it("knows stations of a log without a config, and its end when no time is given", async () => {
    const [why] = await whys("cp-2", null, { depot: null });
    expect(why).toMatchObject({
      station: "cp-2",
      limit_a: 6,
      out_of_reach: { because: "station", lapsed: true },
    });
  });

  it("of a gateway that was killed says since when it is silent", async () => {
    const [why] = await whys("cp-1", 3590 + 200);
    expect(why?.out_of_reach).toMatchObject({
      because: "gateway",
      since: new Date(T0 + 3590 * S).toISOString(),
    });
  });

  it("before the first limit, and of names nobody knows, says so", async () => {
    expect(await ask("cp-2", 300)).toEqual({ no: "never_sent", name: "cp-2" });
    expect(await ask("bus-99", 300)).toEqual({ no: "unknown", name: "bus-99" });
    expect(noAnswerText({ no: "unknown", name: "bus-99" }, String)).toContain('"bus-99"');
    const idle = await ask("bus-70", 300);
    expect(idle).toEqual({ no: "not_seen", name: "bus-70" });
    expect(noAnswerText(idle as NoAnswer, String)).toBe(
      "The depot knows bus-70, but the log, as far as it is kept, has not seen it plugged in by then.",
    );
  });

  it("over a stretch of time says how long each reason held", async () => {
    const question = { name: "cp-1", evse: null, atMs: null, depot };
    const found = await whyPeriodFromLog(store, question, T0 + 600 * S, T0 + 3000 * S);
    expect(found).toMatchObject([
      {
        station: "cp-1",
        evse: 1,
        shares: [
          { reason: "fair_share", minutes: 20, mean_limit_a: 10 },
          { reason: "circuit_limit", minutes: 16.7, mean_limit_a: 12 },
          { reason: "not_charging", minutes: 3.3 },
        ],
      },
    ]);
  });
});

describe("a stretch of time without a gateway", () => {
  const START = { version: "1", node: "24", epoch: 1 };

  it("counts under no reason, whether it was stopped, was killed, or has not come back", async () => {
    const other = await openSqliteStore(join(dir, "away.sqlite"));
    const ticking = (from: number, to: number) =>
      Array.from({ length: (to - from) / 60 + 1 }, (_, i) => metered(T0 + (from + i * 60) * S, "cp-1", 1));
    await other.commit({
      events: [
        fact(event("gateway.started", T0, null, START), "g1"),
        fact(event("station.connected", T0, "cp-1", { address: "a", protocol: "tcp" }), "c1"),
        setpoint(0, "cp-1", 32, "station_max"),
        ...ticking(0, 600),
        fact(event("gateway.stopped", T0 + 600 * S, null, { reason: "SIGTERM" }), "s1"),
        fact(event("gateway.started", T0 + 1_200 * S, null, START), "g2"),
        setpoint(1_200, "cp-1", 10, "fair_share"),
        ...ticking(1_200, 1_800),
        // Killed, and back within three minutes; killed again, and back after ten.
        fact(event("gateway.started", T0 + 1_920 * S, null, START), "g3"),
        ...ticking(1_920, 2_400),
        fact(event("gateway.started", T0 + 3_000 * S, null, START), "g4"),
        ...ticking(3_000, 3_600),
      ],
    });
    const shares = async (from: number, to: number) => {
      const question = { name: "cp-1", evse: null, atMs: null, depot };
      const found = await whyPeriodFromLog(other, question, T0 + from * S, T0 + to * S);
      return Array.isArray(found)
        ? found[0]?.shares.map((s) => [s.reason, s.minutes, s.mean_limit_a])
        : found;
    };
    expect(await shares(0, 4_140)).toEqual([
      ["fair_share", 30, 10],
      ["no_gateway", 29, null],
      ["station_max", 10, 32],
    ]);
    expect(await shares(900, 1_500)).toEqual([
      ["no_gateway", 5, null],
      ["fair_share", 5, 10],
    ]);
    // As --at says of that time.
    for (const [s, ran] of [
      [300, true],
      [900, false],
      [1_860, true],
      [2_700, false],
      [3_700, true],
      [4_000, false],
    ] as const) {
      const [why] = explained(
        (await whyFromLog(other, { name: "cp-1", evse: null, atMs: T0 + s * S, depot })) as WhyAnswer,
        depot,
      );
      expect([s, why?.out_of_reach?.because !== "gateway"]).toEqual([s, ran]);
    }
    await other.close();
  });
});

describe("a time whose samples are gone", () => {
  it("is said with the oldest that is kept, also where a limit in force was sent before", async () => {
    const other = await openSqliteStore(join(dir, "pruned.sqlite"));
    await other.commit({
      events: [
        fact(event("station.connected", T0, "cp-1", { address: "a", protocol: "tcp" }), "c1"),
        setpoint(1, "cp-1", 32, "station_max"),
        metered(T0 + 2 * S, "cp-1", 1),
        metered(T0 + 900 * S, "cp-1", 1),
      ],
    });
    await other.prune(3, T0 + 950 * S);
    for (const s of [300, 1000]) {
      const none = await whyFromLog(other, { name: "cp-1", evse: null, atMs: T0 + s * S, depot });
      expect(none, `${s}`).toEqual({ no: "pruned", fromMs: T0 + 900 * S });
    }
    expect(noAnswerText({ no: "pruned", fromMs: 1 }, () => "12:00")).toBe(
      "Limits that were sent before 12:00 are not kept any more (retention.raw_days), and the one in force then is among them.",
    );
    await other.close();
  });
});
