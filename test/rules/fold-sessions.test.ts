import { describe, expect, it } from "vitest";
import { DepotLog, of, onlySession, run, START_MS } from "./depot-events.ts";

/** Plugged at 0, charging 60..660 at 20 kW-ish (3000 Wh), full at 660, stopped at 780, gone at 900. */
function ordinary(): DepotLog {
  return DepotLog.started()
    .status("occupied", { at: 0, state: "ev_connected" })
    .start({ at: 60, wh: 10_000, state: "charging" })
    .samples({ from: 120, to: 660, every: 60, wh: 10_300, stepWh: 300, ref: "t1" })
    .status("occupied", { at: 660, state: "suspended_ev" })
    .samples({ from: 720, to: 780, every: 60, wh: 13_000, stepWh: 0, ref: "t1" })
    .stop({ at: 780, wh: 13_000, reason: "local" })
    .status("available", { at: 900 });
}

describe("an ordinary session", () => {
  const emitted = run(ordinary().events);
  it("starts once, named by epoch and the offset of its start", () => {
    expect(of("session.started", emitted)).toEqual([
      {
        session_id: "s3-4",
        evse: 1,
        token_ref: "tok-a",
        tx_ref: "t1",
        tariff_hash: "a".repeat(64),
        started_ms: START_MS + 60_000,
      },
    ]);
    expect(emitted.map((e) => e.key)).toEqual(["session.started:s3-4", "session.ended:s3-4"]);
  });
  it("ends at the unplug with the register difference and every second in one state", () => {
    const session = onlySession(ordinary());
    expect(session).toMatchObject({
      token_ref: "tok-a",
      tx_refs: ["t1"],
      started_ms: START_MS + 60_000,
      ended_ms: START_MS + 900_000,
      clock: "station",
      closed_by: "station",
      stop_reason: "local",
      energy_wh: 3000,
      durations_s: {
        charging: 600,
        suspended_ev: 120,
        suspended_evse: 0,
        faulted: 0,
        gap: 0,
        finishing: 120,
      },
      interruptions: 0,
      flags: [],
      held: [],
    });
    expect(session.segments).toEqual([
      {
        meter_serial: null,
        from_wh: 10_000,
        to_wh: 13_000,
        from_ms: START_MS + 60_000,
        to_ms: START_MS + 780_000,
      },
    ]);
  });
  it("keeps readings that end at the billed energy", () => {
    const { readings } = onlySession(ordinary());
    expect(readings[0]).toEqual({ at_ms: START_MS + 60_000, energy_wh: 0 });
    expect(readings.at(-1)).toEqual({ at_ms: START_MS + 780_000, energy_wh: 3000 });
  });
});

describe("how a session ends", () => {
  const stopped = () =>
    DepotLog.started()
      .status("occupied", { at: 0 })
      .start({ at: 0, wh: 0, state: "charging" })
      .stop({ at: 600, wh: 2000, reason: "remote" });
  it("waits for the unplug, at most the finishing limit", () => {
    const session = onlySession(stopped().ticks(660, 1800));
    expect(session).toMatchObject({
      ended_ms: START_MS + 1_500_000,
      closed_by: "station",
      stop_reason: "remote",
    });
    expect(session.durations_s.finishing).toBe(900);
  });
  it("bills no parking that no one saw: without a sign of the car the stop is the end", () => {
    const log = DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 600, wh: 2000 });
    expect(onlySession(log)).toMatchObject({ ended_ms: START_MS + 600_000, durations_s: { finishing: 0 } });
  });
  it("ends at once when the car itself was pulled", () => {
    const log = DepotLog.started()
      .status("occupied", { at: 0 })
      .start({ at: 0, wh: 0 })
      .stop({ at: 600, wh: 2000, reason: "ev_disconnected" });
    expect(onlySession(log).ended_ms).toBe(START_MS + 600_000);
  });
  it("ends a stopped session when the next transaction begins", () => {
    const emitted = run(stopped().start({ at: 700, ref: "t2", wh: 2000 }).events);
    expect(of("session.ended", emitted)).toMatchObject([
      { tx_refs: ["t1"], ended_ms: START_MS + 700_000, closed_by: "station", flags: [] },
    ]);
    expect(of("session.started", emitted)).toHaveLength(2);
  });
  it("parking after the stop counts on in the next state only until the unplug", () => {
    const session = onlySession(stopped().status("available", { at: 630, ts: 630 }).tick(4000));
    expect(session.intervals.map((i) => [i.state, (i.to_ms - i.from_ms) / 1000])).toEqual([
      ["charging", 600],
      ["finishing", 30],
    ]);
  });
});

describe("missing messages", () => {
  it("a start that never came: the first register seen is the baseline", () => {
    const log = DepotLog.started()
      .sample({ at: 0, wh: 50_000, ref: "t9" })
      .samples({ from: 60, to: 300, every: 60, wh: 50_100, stepWh: 100, ref: "t9" })
      .stop({ at: 360, ref: "t9", wh: 50_600 });
    expect(onlySession(log)).toMatchObject({
      session_id: "s3-3",
      token_ref: null,
      energy_wh: 600,
      flags: ["START_MISSING"],
      held: [],
    });
  });
  it("a start that came late stands before what was seen", () => {
    const log = DepotLog.started()
      .sample({ at: 60, wh: 10_200, ref: "t1", seq: 1 })
      .start({ at: 61, ts: 0, wh: 10_000, seq: 0 })
      .stop({ at: 120, wh: 10_400, seq: 2 });
    expect(onlySession(log)).toMatchObject({
      token_ref: "tok-a",
      started_ms: START_MS,
      energy_wh: 400,
      flags: [],
      held: [],
    });
  });
  it("a stop that never came: the next transaction closes at the last register", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000 })
      .sample({ at: 60, wh: 1200, ref: "t1" })
      .sample({ at: 120, wh: 1400, ref: "t1" })
      .start({ at: 600, ref: "t2", wh: 1500 });
    expect(onlySession(log)).toMatchObject({
      tx_refs: ["t1"],
      closed_by: "gateway",
      stop_reason: "next_transaction",
      energy_wh: 400,
      ended_ms: START_MS + 120_000,
      flags: ["STOP_MISSING"],
    });
  });
  it("silence for a day closes it; only the ticks say so", () => {
    const log = DepotLog.started().start({ at: 0, wh: 1000 }).sample({ at: 60, wh: 1300, ref: "t1" });
    expect(of("session.ended", run(log.ticks(60, 86_400).events))).toEqual([]);
    expect(onlySession(log.tick(86_460))).toMatchObject({
      stop_reason: "timeout",
      closed_by: "gateway",
      energy_wh: 300,
      flags: ["STOP_MISSING"],
    });
  });
  it("a late stop after that is a correction, not a second session", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000 })
      .sample({ at: 60, wh: 1300, ref: "t1" })
      .start({ at: 600, ref: "t2", wh: 1500 })
      .stop({ at: 700, ts: 200, wh: 1500, ref: "t1", reason: "local" })
      .stop({ at: 701, ts: 200, wh: 1500, ref: "t1", reason: "local" });
    const emitted = run(log.events);
    expect(of("session.ended", emitted)).toHaveLength(1);
    expect(of("session.corrected", emitted)).toEqual([
      {
        session_id: "s3-3",
        what: "late_stop",
        detail: "the stop came (local) at 1500 Wh; closed at 1300 Wh",
      },
    ]);
  });
  it("unplugged without a stop: waits for the stop, then closes at the unplug", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .sample({ at: 60, wh: 200, ref: "t1" })
      .status("available", { at: 90 });
    expect(of("session.ended", run(log.ticks(120, 360).events))).toEqual([]);
    expect(onlySession(log.tick(420))).toMatchObject({
      stop_reason: "ev_disconnected",
      ended_ms: START_MS + 90_000,
      flags: ["STOP_MISSING"],
    });
  });
  it("a stop for an unknown transaction is an orphan, held, nothing billable", () => {
    const log = DepotLog.started().stop({ at: 0, ref: "ghost", wh: 9000, token: "tok-x" });
    expect(of("session.ended", run(log.tick(240).events))).toEqual([]);
    const session = onlySession(log.tick(300).tick(900));
    expect(session).toMatchObject({
      session_id: "s3-3",
      energy_wh: 0,
      tx_refs: ["ghost"],
      token_ref: "tok-x",
      closed_by: "gateway",
    });
    expect(session.held.map((h) => h.code)).toEqual(["START_UNKNOWN"]);
  });
  it("a stop before its start is parked and joined", () => {
    const log = DepotLog.started()
      .stop({ at: 600, wh: 3000, seq: 1 })
      .start({ at: 601, ts: 0, wh: 1000, seq: 0 })
      .tick(1000);
    expect(onlySession(log)).toMatchObject({ energy_wh: 2000, closed_by: "station", flags: [], held: [] });
    expect(onlySession(log).ended_ms - onlySession(log).started_ms).toBe(600_000);
  });
  it("a stop without a usable id joins the open session of its EVSE", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000 })
      .sample({ at: 60, wh: 1200, ref: "t1" })
      .stop({ at: 120, ref: "-1", wh: 1400 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 400, tx_refs: ["t1", "-1"], closed_by: "station" });
  });
  it("a stop from before the open session is not forced into it", () => {
    const log = DepotLog.started()
      .start({ at: 100, wh: 5000 })
      .stop({ at: 200, ts: 50, ref: "older", wh: 4900 })
      .tick(600)
      .stop({ at: 700, wh: 6000 });
    const ended = of("session.ended", run(log.events));
    expect(ended.map((s) => [s.tx_refs[0], s.held[0]?.code ?? null, s.energy_wh])).toEqual([
      ["older", "START_UNKNOWN", 0],
      ["t1", null, 1000],
    ]);
  });
});

describe("history out of order", () => {
  it("an older transaction neither ends the open session nor joins it; its stop is held", () => {
    const log = DepotLog.started();
    log.boot = null;
    log
      .start({ at: 1000, wh: 5000 })
      .start({ at: 1001, ts: 100, ref: "older", wh: 4000 })
      .update({ at: 1002, ts: 200, ref: "older", wh: 4500 })
      .sample({ at: 1003, ts: 300, ref: "older", wh: 4600 })
      .stop({ at: 1004, ts: 400, ref: "older", wh: 4700 })
      .tick(1400)
      .stop({ at: 1500, wh: 6000 });
    const emitted = run(log.events);
    expect(of("session.started", emitted)).toHaveLength(1);
    expect(
      of("session.ended", emitted).map((s) => [s.tx_refs, s.energy_wh, s.held.map((h) => h.code)]),
    ).toEqual([
      [["older"], 0, ["START_UNKNOWN"]],
      [["t1"], 1000, []],
    ]);
  });
});

describe("repetitions", () => {
  it("a duplicate start is one session with one id", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000 })
      .start({ at: 5, ts: 0, wh: 1000 })
      .stop({ at: 60, wh: 1200 });
    expect(of("session.started", run(log.events))).toHaveLength(1);
    expect(onlySession(log).energy_wh).toBe(200);
  });
  it("a duplicate start after the end opens nothing", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000 })
      .stop({ at: 60, wh: 1200 })
      .start({ at: 65, ts: 0, wh: 1000 });
    expect(of("session.started", run(log.events))).toHaveLength(1);
  });
  it("a reused transaction id after the end is another session", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000, ref: "1" })
      .stop({ at: 60, wh: 1200, ref: "1" })
      .start({ at: 600, wh: 1200, ref: "1" })
      .stop({ at: 660, wh: 1300, ref: "1" });
    expect(of("session.ended", run(log.events)).map((s) => s.energy_wh)).toEqual([200, 100]);
  });
  it("a duplicate stop with another register: the first wins, flagged", () => {
    const log = DepotLog.started()
      .status("occupied", { at: 0 })
      .start({ at: 0, wh: 1000 })
      .stop({ at: 60, wh: 1200 })
      .stop({ at: 62, ts: 60, wh: 1250 })
      .status("available", { at: 90 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 200, flags: ["DUPLICATE_STOP_DIFFERS"] });
  });
  it("and after the session is closed it is a correction", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000 })
      .stop({ at: 60, wh: 1200 })
      .stop({ at: 62, ts: 60, wh: 1250 });
    expect(of("session.corrected", run(log.events))).toMatchObject([{ what: "duplicate_stop_differs" }]);
    expect(onlySession(log).energy_wh).toBe(200);
  });
  it("a status repeated out of its time neither unplugs nor starts anything", () => {
    const log = DepotLog.started()
      .status("available", { at: 0, seq: 0 })
      .status("occupied", { at: 10, seq: 1 })
      .start({ at: 20, wh: 0, seq: 2 })
      .status("available", { at: 30, ts: 0, seq: 0 })
      .ticks(60, 600)
      .stop({ at: 610, wh: 100, seq: 3 })
      .status("available", { at: 620, seq: 4 });
    expect(onlySession(log)).toMatchObject({ closed_by: "station", energy_wh: 100 });
  });
});

describe("reboots", () => {
  const charging = () =>
    DepotLog.started().start({ at: 0, wh: 1000 }).sample({ at: 60, wh: 1200, ref: "t1" });
  it("the transaction resumes: one session", () => {
    const log = charging()
      .reboot("b2", 120)
      .update({ at: 180, wh: 1300, state: "charging" })
      .ticks(240, 600)
      .stop({ at: 610, wh: 2000 });
    expect(onlySession(log)).toMatchObject({
      energy_wh: 1000,
      closed_by: "station",
      flags: expect.arrayContaining(["STATION_REBOOTED"]),
    });
  });
  it("without a resume it closes at the last register before the boot", () => {
    const session = onlySession(charging().reboot("b2", 120).status("occupied", { at: 125 }).ticks(180, 480));
    expect(session).toMatchObject({
      stop_reason: "reboot",
      closed_by: "gateway",
      energy_wh: 200,
      ended_ms: START_MS + 60_000,
    });
    expect(session.flags).toEqual(["STOP_MISSING", "STATION_REBOOTED"]);
  });
  it("messages of the earlier boot that come after are not another boot", () => {
    const log = charging()
      .reboot("b2", 120)
      .sample({ at: 121, ts: 90, wh: 1250, ref: "t1", boot: "b1", seq: 2 })
      .update({ at: 130, wh: 1300 })
      .stop({ at: 140, wh: 1300 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 300, flags: ["STATION_REBOOTED"] });
  });
});

describe("states, gaps and interruptions", () => {
  it("keeps fault, throttling and the driver's pause apart", () => {
    const session = onlySession(
      DepotLog.started()
        .status("occupied", { at: 0 })
        .start({ at: 0, wh: 0, state: "charging" })
        .status("occupied", { at: 100, state: "suspended_evse" })
        .status("occupied", { at: 200, state: "charging" })
        .status("faulted", { at: 300, fault: "GroundFailure" })
        .status("occupied", { at: 350 })
        .status("occupied", { at: 400, state: "suspended_ev" })
        .stop({ at: 500, wh: 2000 })
        .status("available", { at: 520 }),
    );
    expect(session.durations_s).toEqual({
      charging: 250,
      suspended_evse: 100,
      faulted: 50,
      suspended_ev: 100,
      gap: 0,
      finishing: 20,
    });
    expect(session.interruptions).toBe(1);
  });
  it("a status that comes late takes its place in time", () => {
    const session = onlySession(
      DepotLog.started()
        .start({ at: 0, wh: 0, state: "charging", seq: 0 })
        .status("occupied", { at: 200, state: "charging", seq: 2 })
        .status("occupied", { at: 201, ts: 100, state: "suspended_evse", seq: 1 })
        .stop({ at: 300, wh: 1000, seq: 3 })
        .status("available", { at: 300, seq: 4 }),
    );
    expect(session.durations_s).toMatchObject({ charging: 200, suspended_evse: 100 });
  });
  it("more than three sample intervals of silence are a gap, billed as what both sides say", () => {
    const session = onlySession(
      DepotLog.started()
        .start({ at: 0, wh: 0, state: "charging" })
        .samples({ from: 10, to: 100, every: 10, wh: 50, stepWh: 50, ref: "t1" })
        .samples({ from: 400, to: 450, every: 10, wh: 2000, stepWh: 50, ref: "t1" })
        .stop({ at: 460, wh: 2300 }),
    );
    expect(session.intervals.map((i) => [i.state, (i.to_ms - i.from_ms) / 1000, i.under])).toEqual([
      ["charging", 100, undefined],
      ["gap", 300, "charging"],
      ["charging", 60, undefined],
    ]);
    expect(session).toMatchObject({ interruptions: 1, flags: expect.arrayContaining(["UNOBSERVED_TIME"]) });
  });
  it("a gap that ends in another state is billed as neither", () => {
    const session = onlySession(
      DepotLog.started()
        .start({ at: 0, wh: 0, state: "charging" })
        .samples({ from: 10, to: 100, every: 10, wh: 50, stepWh: 50, ref: "t1" })
        .status("occupied", { at: 400, state: "suspended_ev" })
        .stop({ at: 420, wh: 2000, reason: "ev_disconnected" }),
    );
    expect(session.intervals[1]).toEqual({
      state: "gap",
      from_ms: START_MS + 100_000,
      to_ms: START_MS + 400_000,
    });
  });
  it("samples that were only delayed fill the gap again", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0, state: "charging" })
      .samples({ from: 10, to: 100, every: 10, wh: 50, stepWh: 50, ref: "t1" });
    log.add("station.disconnected", 101, { reason: "keepalive" });
    log.add("station.connected", 399, { address: "x", protocol: "tcp" });
    log.sample({ at: 400, wh: 2000, ref: "t1", seq: 40 });
    for (let ts = 110; ts <= 390; ts += 10) {
      log.sample({ at: 401, ts, wh: 500 + (ts - 100) * 5, ref: "t1", seq: ts / 10 });
    }
    const session = onlySession(log.stop({ at: 410, wh: 2050, seq: 41 }));
    expect(session.durations_s).toMatchObject({ gap: 0, charging: 410 });
    expect(session).toMatchObject({ energy_wh: 2050, interruptions: 0 });
    expect(session.flags).toEqual([]);
  });
  it("a lost link counts sooner; a station that never samples is not missed", () => {
    const quiet = DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 7200, wh: 9000 });
    expect(onlySession(quiet).durations_s.gap).toBe(0);
    const lost = DepotLog.started().start({ at: 0, wh: 0 });
    lost.add("station.disconnected", 100, { reason: "tcp reset" });
    lost.add("station.connected", 190, { address: "x", protocol: "tcp" });
    expect(onlySession(lost.stop({ at: 200, wh: 900 })).durations_s.gap).toBe(200);
  });
  it("a number that never comes is flagged, one that comes late is not", () => {
    const base = () =>
      DepotLog.started().start({ at: 0, wh: 0, seq: 10 }).sample({ at: 10, wh: 10, ref: "t1", seq: 12 });
    expect(onlySession(base().stop({ at: 20, wh: 20, seq: 13 })).flags).toEqual(["SEQ_GAP"]);
    const filled = base().sample({ at: 12, ts: 5, wh: 5, ref: "t1", seq: 11 });
    expect(onlySession(filled.stop({ at: 20, wh: 20, seq: 13 })).flags).toEqual([]);
  });
});

describe("what never opens a session", () => {
  it("meter stations, the station itself, unknown EVSEs, samples without a transaction", () => {
    const log = DepotLog.started();
    log.sample({ at: 0, wh: 100, evse: 0, ref: "t1" });
    log.sample({ at: 1, wh: 100, evse: 7, ref: "t1" }).start({ at: 2, wh: 100, evse: 7 });
    log.sample({ at: 3, wh: 100 }).status("occupied", { at: 4, state: "charging" });
    log.station = "grid";
    log.sample({ at: 5, wh: 100, ref: "t1" }).start({ at: 6, wh: 5 });
    expect(of("session.started", run(log.events))).toEqual([]);
  });
});
