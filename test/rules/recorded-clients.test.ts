/**
 * Sequences recorded from public charge point simulators (SAP/e-mobility-charging-stations-simulator 4.11.0,
 * solidstudiosh/ocpp-virtual-charge-point, shiv3/ocpp-cp-simulator), mapped onto our events.
 */
import { describe, expect, it } from "vitest";
import { DepotLog, of, onlySession, run, START_MS } from "./depot-events.ts";

/** OCPP 1.6 has neither boot ids nor sequence numbers. */
function unnumbered(): DepotLog {
  const log = DepotLog.started();
  log.boot = null;
  return log;
}

describe("e-mobility-charging-stations-simulator", () => {
  it("1.6, an ordinary charge: Preparing, Start, Charging, samples, Finishing, Stop, Available", () => {
    const log = unnumbered()
      .status("available", { at: 0 })
      .status("occupied", { at: 5, state: "ev_connected" })
      .start({ at: 6, wh: 0 })
      .status("occupied", { at: 7, state: "charging" })
      .samples({ from: 36, to: 126, every: 30, wh: 30, stepWh: 30, ref: "7" })
      .stop({ at: 130, wh: 122, reason: "local" });
    for (const event of log.events) if ("tx_ref" in event.body) event.body.tx_ref = "7";
    const session = onlySession(log.status("available", { at: 132 }));
    expect(session).toMatchObject({ energy_wh: 122, closed_by: "station", flags: [], held: [] });
    expect(session.durations_s).toMatchObject({ suspended_evse: 1, charging: 123, finishing: 2 });
  });
  it("1.6 ended by a signal sends the stop twice, once without a reason", () => {
    const log = unnumbered()
      .start({ at: 0, wh: 0 })
      .sample({ at: 30, wh: 60, ref: "t1" })
      .stop({ at: 40, wh: 66, reason: "local" })
      .stop({ at: 40, wh: 66 });
    const emitted = run(log.tick(400).events);
    expect(of("session.ended", emitted)).toMatchObject([{ energy_wh: 66, stop_reason: "local" }]);
    expect(of("session.corrected", emitted)).toEqual([]);
  });
  it("2.0.1 ended by a signal sends Ended twice under two numbers", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 100, seq: 0, state: "ev_connected" })
      .update({ at: 30, wh: 200, seq: 1, state: "charging" })
      .update({ at: 60, wh: 300, seq: 2, state: "charging" })
      .stop({ at: 70, wh: 330, seq: 3, reason: "local" })
      .stop({ at: 71, wh: 330, seq: 4, reason: "local" });
    const emitted = run(log.tick(400).events);
    expect(of("session.ended", emitted)).toMatchObject([{ energy_wh: 230 }]);
    expect(of("session.corrected", emitted)).toEqual([]);
  });
  it("1.6 samples after the stop with a register above it", () => {
    const log = unnumbered()
      .status("occupied", { at: 0 })
      .start({ at: 0, wh: 0 })
      .sample({ at: 30, wh: 50, ref: "t1" })
      .stop({ at: 40, wh: 66 })
      .sample({ at: 41, wh: 80, ref: "t1" });
    expect(onlySession(log.status("available", { at: 45 }))).toMatchObject({ energy_wh: 66, residue_wh: 14 });
  });
  it("1.6 back from a cut link: a live sample, then the stop of a minute ago, then older samples", () => {
    const log = unnumbered()
      .status("occupied", { at: 0 })
      .start({ at: 0, wh: 0, state: "charging" })
      .sample({ at: 15, wh: 20, ref: "t1" })
      .sample({ at: 30, wh: 40, ref: "t1" });
    log.add("station.disconnected", 45, { reason: "tcp reset" });
    log.add("station.connected", 95, { address: "x", protocol: "ws" });
    log
      .sample({ at: 105, wh: 214, ref: "t1" })
      .status("occupied", { at: 106, ts: 46, state: "suspended_ev" })
      .sample({ at: 106, ts: 46, wh: 61, ref: "t1", end: true })
      .stop({ at: 107, ts: 47, wh: 61, reason: "remote" })
      .sample({ at: 110, ts: 60, wh: 100, ref: "t1" })
      .sample({ at: 120, ts: 90, wh: 180, ref: "t1" })
      .status("available", { at: 121 });
    const session = onlySession(log);
    expect(session).toMatchObject({ energy_wh: 61, residue_wh: 153, closed_by: "station", held: [] });
    expect(session.durations_s).toMatchObject({ charging: 46, suspended_ev: 1, finishing: 74 });
    expect(session.readings.at(-1)).toEqual({ at_ms: START_MS + 47_000, energy_wh: 61 });
  });
  it("2.0.1 back after 136 s sends only Ended; its updates are lost", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0, seq: 0, state: "charging" })
      .update({ at: 30, wh: 150, seq: 1, state: "charging" })
      .update({ at: 60, wh: 300, seq: 2, state: "charging" });
    log.add("station.disconnected", 61, { reason: "tcp reset" });
    log.add("station.connected", 197, { address: "x", protocol: "ws" });
    log.stop({ at: 198, ts: 190, wh: 950, seq: 7, reason: "local" });
    expect(onlySession(log)).toMatchObject({
      energy_wh: 950,
      flags: ["SEQ_GAP", "UNOBSERVED_TIME"],
      interruptions: 1,
      durations_s: { charging: 60, gap: 130 },
    });
  });
  it("1.6 told to start a busy connector starts a second transaction and never stops the first", () => {
    const log = unnumbered()
      .start({ at: 0, wh: 0, ref: "7" })
      .sample({ at: 30, wh: 100, ref: "7" })
      .start({ at: 40, wh: 120, ref: "8" })
      .sample({ at: 60, wh: 200, ref: "8" })
      .sample({ at: 61, wh: 210, ref: "7" })
      .stop({ at: 90, wh: 300, ref: "8" });
    expect(of("session.ended", run(log.events))).toMatchObject([
      { tx_refs: ["7"], energy_wh: 100, closed_by: "gateway", flags: ["STOP_MISSING"] },
      { tx_refs: ["8"], energy_wh: 180, closed_by: "station" },
    ]);
  });
  it("2.0.1 racing with itself sends a second Started with the same id", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 100, seq: 0 })
      .update({ at: 1, seq: 1, wh: 100 })
      .start({ at: 2, wh: 101, seq: 2 })
      .stop({ at: 60, wh: 300, seq: 3 });
    expect(of("session.started", run(log.events))).toHaveLength(1);
    expect(onlySession(log)).toMatchObject({ energy_wh: 200, flags: [] });
  });
  it("meterStart begins at 0 in each session of 1.6 and goes on in 2.0.1", () => {
    const from = (a: number, b: number) =>
      of(
        "session.ended",
        run(
          unnumbered()
            .start({ at: 0, wh: a, ref: "a" })
            .stop({ at: 60, wh: a + 200, ref: "a" })
            .start({ at: 100, wh: b, ref: "b" })
            .stop({ at: 160, wh: b + 100, ref: "b" }).events,
        ),
      ).map((s) => s.energy_wh);
    expect(from(0, 0)).toEqual([200, 100]);
    expect(from(5000, 5200)).toEqual([200, 100]);
  });
});

describe("ocpp-virtual-charge-point", () => {
  it("2.0.1 numbers every message 0", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0, seq: 0 })
      .update({ at: 15, wh: 90, seq: 0, state: "charging" })
      .update({ at: 30, wh: 180, seq: 0, state: "charging" })
      .stop({ at: 45, wh: 250, seq: 0 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 250, flags: [], held: [] });
  });
  it("2.0.1 labels Wh as kWh: a thousand times too much is held", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .update({ at: 15, wh: 150_010 })
      .stop({ at: 30, wh: 300_020 });
    expect(onlySession(log).held.map((h) => h.code)).toEqual(["IMPLAUSIBLE_ENERGY"]);
  });
  it("drops its session with the link: a start, and no stop ever", () => {
    const log = unnumbered().start({ at: 0, wh: 9000 }).sample({ at: 15, wh: 9090, ref: "t1" });
    log.add("station.disconnected", 20, { reason: "tcp reset" });
    log.add("station.connected", 26, { address: "x", protocol: "ws" });
    log.status("available", { at: 27 }).ticks(60, 360);
    expect(onlySession(log)).toMatchObject({
      energy_wh: 90,
      closed_by: "gateway",
      stop_reason: "ev_disconnected",
      flags: expect.arrayContaining(["STOP_MISSING"]),
    });
  });
});

describe("ocpp-cp-simulator", () => {
  it("2.0.1 samples without a transaction belong to the open session", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 5000 })
      .sample({ at: 30, wh: 5100 })
      .sample({ at: 60, wh: 5200 })
      .stop({ at: 90, wh: 5300 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 300, flags: [] });
  });
  it("1.6 boots again after a cut link, says Charging, sends no more samples, stops 105 s later", () => {
    const log = unnumbered()
      .start({ at: 0, wh: 0, state: "charging" })
      .samples({ from: 10, to: 40, every: 10, wh: 20, stepWh: 20, ref: "t1" });
    log.add("station.disconnected", 45, { reason: "tcp reset" });
    log.add("station.connected", 95, { address: "x", protocol: "ws" });
    log.status("occupied", { at: 96, state: "charging" }).stop({ at: 200, wh: 248 });
    log.status("available", { at: 201 });
    const session = onlySession(log);
    expect(session).toMatchObject({
      energy_wh: 248,
      closed_by: "station",
      flags: ["UNOBSERVED_TIME"],
      held: [],
    });
    expect(session.durations_s).toMatchObject({ charging: 40, gap: 160 });
    expect(session.intervals.filter((i) => i.state === "gap").every((i) => i.under === "charging")).toBe(
      true,
    );
  });
});
