import { describe, expect, it } from "vitest";
import type { EvseSpec } from "../../src/model/circuit.ts";
import type { EventOf, NewEvent } from "../../src/model/event.ts";
import { type EvseId, evseId } from "../../src/model/ids.ts";
import { creditOf } from "../../src/rules/credit.ts";
import { revisionKey } from "../../src/rules/standing.ts";
import { type RecordedSession, readRecording } from "../../src/simulator/replay-file.ts";
import { reportFromLog } from "../../src/web/log-report.ts";
import { scratchDir } from "../log/sample-events.ts";
import { DEPOT, DepotLog, iso, START_MS, spec } from "../rules/depot-events.ts";
import { hasRecordings, recordedFile } from "../simulator/recorded.ts";
import { metered } from "../sinks/depot-events.ts";
import { foldedLog } from "./folded-log.ts";

const HOUR = 3_600_000;
const EVSES: EvseId[] = ["cp-01/1", "cp-01/2", "cp-02/1"];

/** From 19:00 of 2 March in Stockholm over midnight: 22 kWh in 6 hours, a fault on the way, then idle for an hour. */
function evening(): NewEvent[] {
  const log = DepotLog.started().hello({ at: 0 });
  log.start({ at: 0, wh: 1_000, state: "charging" });
  log.add("setpoint.sent", 60, {
    evse: 1,
    rev: 1,
    limit_a: 16,
    phases: 3,
    valid_for_s: 600,
    fallback_a: 6,
    reason: "fair_share",
  });
  log.samples({ from: 600, to: 6_000, every: 600, wh: 2_000, stepWh: 1_000 });
  log.status("faulted", { at: 6_100, fault: "Relay" }).status("occupied", { at: 6_400, state: "charging" });
  log.samples({ from: 6_600, to: 21_600, every: 600, wh: 11_500, stepWh: 460 });
  log.update({ at: 21_600, wh: 23_000, state: "suspended_ev" });
  for (let at = 22_200; at < 25_200; at += 600) log.sample({ at, wh: 23_000 });
  log.stop({ at: 25_200, wh: 23_000 }).status("available", { at: 25_200 }).tick(25_260);
  return log.events;
}

describe("a report from the log", () => {
  it("is what the folds made of what stations said", async () => {
    const store = await foldedLog(scratchDir(), evening(), DEPOT);
    const { report } = await reportFromLog(store, { first: "2026-03-02", by: "day", evses: EVSES });
    await store.close();
    expect([report.to, report.time_zone]).toEqual(["2026-03-03", "Europe/Stockholm"]);
    expect(report.rows.map((r) => r.key)).toEqual(["2026-03-02", "2026-03-03"]);
    const { total } = report;
    expect(total).toMatchObject({
      energy_wh: 22_000,
      sessions: 1,
      connected_ms: 7 * HOUR,
      charging_ms: 6 * HOUR - 300_000,
      idle_ms: HOUR,
      faulted_ms: 300_000,
      throttled_ms: 600_000,
      limited_ms: 600_000,
      interruptions: { "fault:Relay": 1 },
      faults: 1,
      down_ms: 300_000,
      peak_w: null,
    });
    // 22 kWh at 2.50 and 25 % VAT.
    expect(total.cost).toEqual([{ currency: "SEK", amount: "68.75", per_kwh: "3.1250" }]);
    expect(report.rows[0]?.energy_wh).toBeLessThan(22_000);
    expect(report.rows.reduce((sum, r) => sum + r.energy_wh, 0)).toBe(22_000);
    expect(report.notes.join("\n")).toContain("there is no peak");
    expect(report.notes.join("\n")).toContain("Never heard of, and so not counted as offline: cp-02.");
  });

  it("says what is still open and what is held, and counts neither", async () => {
    const log = DepotLog.started().hello({ at: 0 });
    log.start({ at: 0, wh: 1_000, state: "charging" }).stop({ at: 60, wh: 900_000 });
    log.status("available", { at: 60 });
    log.start({ at: 120, evse: 2, ref: "t2", wh: 0, state: "charging" });
    const store = await foldedLog(scratchDir(), log.events, DEPOT);
    const { report } = await reportFromLog(store, { first: "2026-03-02", by: "station" });
    await store.close();
    expect([report.total.sessions, report.total.held_sessions, report.total.energy_wh]).toEqual([0, 1, 0]);
    expect(report.total.cost).toEqual([]);
    expect(report.notes.filter((note) => /^1 (held|still open)/.test(note))).toHaveLength(2);
  });

  it("follows what a person decides: a bill that is taken back, a session that is voided", async () => {
    const dir = scratchDir();
    const store = await foldedLog(dir, evening(), DEPOT);
    const ask = { first: "2026-03-02", by: "day", evses: EVSES } as const;
    const [cdr] = store.factsOfType("cdr.issued", 0, 1) as EventOf<"cdr.issued">[];
    const [session] = store.factsOfType("session.ended", 0, 1) as EventOf<"session.ended">[];
    if (!cdr || !session) throw new Error("no bill");
    const later = (type: NewEvent["type"], key: string, body: object) =>
      store.commit({
        events: [{ type, atMs: START_MS + 90 * HOUR, station: "cp-01", key, body } as NewEvent],
      });
    await later("cdr.issued", "credit", creditOf(cdr.body, "wrong tariff"));
    const credited = (await reportFromLog(store, { ...ask, last: "2026-03-03" })).report;
    expect(credited.total).toMatchObject({ sessions: 1, energy_wh: 22_000 });
    expect([credited.total, ...credited.rows].map((r) => r.cost[0]?.amount)).toEqual([
      "0.00",
      "0.00",
      "0.00",
    ]);
    const { session_id } = session.body;
    await later("session.voided", revisionKey(session_id, 2), { session_id, revision: 2, held: [] });
    const voided = (await reportFromLog(store, { ...ask, last: "2026-03-03" })).report;
    expect(voided.total).toMatchObject({
      sessions: 0,
      voided_sessions: 1,
      energy_wh: 0,
      connected_ms: 7 * HOUR,
    });
    expect(voided.notes.join("\n")).toContain("1 voided by a person");
    await store.close();
  });

  it("has nothing but zeros for days before the log and for an empty log", async () => {
    const store = await foldedLog(scratchDir(), evening(), DEPOT);
    const { report } = await reportFromLog(store, { first: "2025-01-01", last: "2025-01-02", by: "day" });
    expect(report.total).toMatchObject({ energy_wh: 0, sessions: 0, evse_ms: 0, availability: null });
    await store.close();
    const empty = await foldedLog(scratchDir(), [], DEPOT);
    expect((await reportFromLog(empty, { first: "2026-03-02", by: "day" })).report.total.sessions).toBe(0);
    await empty.close();
  });

  it("finds the same peak in samples, in the minutes that stay of them, and in both", async () => {
    const events = Array.from({ length: 600 }, (_, i) => {
      const at = START_MS + i * 5_000;
      return [
        metered(at, "cp-01", 1, { power_w: 1_000 + i }),
        metered(at, "cp-02", 1, { power_w: 9_000 - 10 * i }),
        // The building's own meter is no charging.
        metered(at, "grid-1", 0, { power_w: 200_000 }),
      ];
    }).flat();
    const [began] = DepotLog.started().events;
    const store = await foldedLog(scratchDir(), began ? [began, ...events] : events, DEPOT);
    const ask = { first: "2026-03-02", by: "station", evses: EVSES, zone: "Europe/Stockholm" } as const;
    const peaks = async () => {
      const { report } = await reportFromLog(store, ask);
      return [report.total, ...report.rows].map((r) => [r.key, r.peak_w, r.peak_at]);
    };
    const before = await peaks();
    expect(before).toEqual([
      ["total", Math.round(10_000 - 9 * 5.5), iso(0)],
      ["cp-01", Math.round(1_000 + 593.5), iso(2_940)],
      ["cp-02", 8_945, iso(0)],
    ]);
    // The middle of a minute.
    await store.prune(20, START_MS + HOUR);
    expect(await peaks()).toEqual(before);
    await store.prune((await store.head()).offset, START_MS + HOUR);
    expect(await peaks()).toEqual(before);
    await store.close();
  });

  it("sums stations that read every five minutes at different minutes", async () => {
    const events = Array.from({ length: 24 }, (_, i) =>
      metered(START_MS + i * 150_000, i % 2 === 0 ? "cp-01" : "cp-02", 1, { power_w: 5_000 }),
    );
    const store = await foldedLog(scratchDir(), events, DEPOT);
    const ask = { first: "2026-03-02", by: "day", evses: EVSES, zone: "Europe/Stockholm" } as const;
    expect((await reportFromLog(store, ask)).report.total.peak_w).toBe(10_000);
    await store.close();
  });

  it("does not add what a station read long before to another", async () => {
    const events = Array.from({ length: 20 }, (_, i) =>
      metered(START_MS + i * 60_000, i < 10 ? "cp-01" : "cp-02", 1, { power_w: i === 9 ? 3_000 : 5_000 + i }),
    );
    const store = await foldedLog(scratchDir(), events, DEPOT);
    const ask = { first: "2026-03-02", by: "evse", evses: EVSES, zone: "Europe/Stockholm" } as const;
    const { report } = await reportFromLog(store, ask);
    // One minute in which both may have drawn, none later.
    expect(report.total.peak_w).toBe(3_000 + 5_010);
    expect(report.total.peak_at).toBe(iso(600));
    await store.close();
  });

  it("leaves the turn to others while it reads", async () => {
    const store = await foldedLog(scratchDir(), evening(), DEPOT);
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    let reading = true;
    const between = (async () => {
      while (reading) {
        await new Promise((resolve) => setImmediate(resolve));
        turns++;
      }
    })();
    await reportFromLog(store, { first: "2026-03-01", last: "2026-03-31", by: "day" });
    reading = false;
    await between;
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
    await store.close();
  });
});

/** Years later: a clock that says 2019 counts as never set. */
const LATER_MS = 2_557 * 24 * HOUR;

/** Stays of June at one EVSE each; those that overlap at a station take its next one. */
function june(sessions: readonly RecordedSession[]) {
  const lanes = new Map<string, number[]>();
  const stays = sessions
    .filter((s) => s.date.startsWith("2019-06"))
    .sort((a, b) => a.arrivalMs - b.arrivalMs)
    .map((s) => {
      const station = s.station.toLowerCase().replace(/[^a-z0-9]+/g, "-");
      const free = lanes.get(station) ?? [];
      lanes.set(station, free);
      const found = free.findIndex((untilMs) => untilMs < s.arrivalMs);
      const lane = found >= 0 ? found : free.length;
      free[lane] = s.departureMs;
      return {
        ...s,
        station,
        evse: lane + 1,
        fromMs: s.arrivalMs + LATER_MS,
        toMs: s.departureMs + LATER_MS,
      };
    });
  const evses = new Map<EvseId, EvseSpec>();
  for (const [station, lane] of lanes)
    lane.forEach((_, i) => void evses.set(evseId(station, i + 1), { ...spec(station, i + 1), maxA: 250 }));
  return { stays, evses };
}

function eventsOf(stays: ReturnType<typeof june>["stays"]): NewEvent[] {
  const events: NewEvent[] = [];
  stays.forEach(({ station, evse, fromMs, toMs, deliveredWh }, i) => {
    const from = (ms: number) => ({ evse, ts: new Date(ms).toISOString(), boot: null, seq: null });
    const add = (type: NewEvent["type"], atMs: number, body: object) =>
      void events.push({ type, atMs, station, key: null, body: { ...from(atMs), ...body } } as NewEvent);
    const tx = { tx_ref: `t${i}`, energy_import_wh: 5_000 };
    add("transaction.started", fromMs, { ...tx, charging_state: "charging", token_ref: "tok" });
    for (let ms = fromMs + 900_000; ms < toMs; ms += 900_000) {
      const wh = 5_000 + Math.floor((deliveredWh * (ms - fromMs)) / (toMs - fromMs));
      add("meter.sampled", ms, { context: "sample.periodic", energy_import_wh: wh });
    }
    add("transaction.ended", toMs, { ...tx, energy_import_wh: 5_000 + deliveredWh });
    add("status.reported", toMs, { connector_state: "available" });
  });
  return events.sort((a, b) => a.atMs - b.atMs);
}

describe.skipIf(!hasRecordings)("a recorded month", () => {
  it("adds up to exactly the sum of its sessions, by day, by station and in all", async () => {
    const { sessions } = readRecording(recordedFile("jpl"), null);
    const { stays, evses } = june(sessions);
    expect(stays.length).toBeGreaterThan(1_000);
    const store = await foldedLog(scratchDir(), eventsOf(stays), {
      evses,
      timeZone: "America/Los_Angeles",
      voltageV: 230,
    });
    const ask = { first: "2026-06-01", last: "2026-07-10", evses: [...evses.keys()] };
    const { report, others } = await reportFromLog(store, { ...ask, by: "day" }, ["station", "hour"]);
    await store.close();
    const sum = (of: (s: (typeof stays)[number]) => number) => stays.reduce((all, s) => all + of(s), 0);
    expect(report.total).toMatchObject({
      sessions: stays.length,
      held_sessions: 0,
      energy_wh: sum((s) => s.deliveredWh),
      connected_ms: sum((s) => s.toMs - s.fromMs),
    });
    expect(report.rows.reduce((all, r) => all + r.energy_wh, 0)).toBe(report.total.energy_wh);
    const [byStation, byHour] = others;
    expect(byHour?.rows.reduce((all, r) => all + r.energy_wh, 0)).toBe(report.total.energy_wh);
    for (const { key, energy_wh, sessions: count } of byStation?.rows ?? []) {
      const own = stays.filter((s) => s.station === key);
      expect([key, energy_wh, count]).toEqual([
        key,
        own.reduce((all, s) => all + s.deliveredWh, 0),
        own.length,
      ]);
    }
  });
});
