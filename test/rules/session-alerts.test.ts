import { describe, expect, it } from "vitest";
import { DepotLog, of, run, START_MS } from "./depot-events.ts";

function alerts(log: DepotLog): string[] {
  return run(log.events).flatMap((event) => {
    if (event.type === "alert.raised") return [`+${event.body.id} ${event.body.cause}`];
    if (event.type === "alert.cleared") return [`-${event.body.id} ${event.body.duration_s}s`];
    return [];
  });
}

describe("stations", () => {
  it("offline for a minute is an alert with its cause, cleared with the whole time away", () => {
    const log = DepotLog.started();
    log.add("station.disconnected", 10, { reason: "keepalive ran out" }).tick(60);
    expect(alerts(log)).toEqual([]);
    log.tick(120).tick(180).add("station.connected", 200, { address: "10.0.0.7", protocol: "tls" });
    expect(alerts(log)).toEqual(["+station_offline:cp-01 keepalive ran out", "-station_offline:cp-01 190s"]);
    const raised = run(log.events).find((e) => e.type === "alert.raised");
    expect(raised?.body).toMatchObject({ since_ms: START_MS + 10_000, severity: "critical" });
    expect(raised?.key).toBe(
      "alert.raised:station_offline:cp-01:4".replace(":4", `:${log.events.length - 2}`),
    );
  });
  it("a last will and the disconnect are one loss; a short one is none", () => {
    const log = DepotLog.started();
    log.hello({ at: 5, ts: -9999, online: false, boot: null });
    log.add("station.disconnected", 6, { reason: "tcp reset" });
    log.hello({ at: 20 }).tick(120);
    expect(alerts(log)).toEqual([]);
  });
  it("after a gateway start a station that does not come back is offline", () => {
    const log = DepotLog.started().hello({ at: 0 });
    log.add("gateway.started", 100, { version: "0", node: "24", epoch: 3 }, null);
    expect(alerts(log.tick(100).tick(160))).toEqual([
      "+station_offline:cp-01 not back since the gateway started",
    ]);
  });
  it("a fault is raised once and cleared with its duration, for an EVSE and for the station", () => {
    const log = DepotLog.started()
      .status("faulted", { at: 0, fault: "GroundFailure" })
      .status("faulted", { at: 10, fault: "GroundFailure" })
      .status("available", { at: 70 })
      .status("faulted", { at: 80, evse: 0 })
      .status("available", { at: 90, evse: 0 });
    expect(alerts(log)).toEqual([
      "+station_faulted:cp-01/1 GroundFailure",
      "-station_faulted:cp-01/1 70s",
      "+station_faulted:cp-01 the station reports a fault without a code",
      "-station_faulted:cp-01 10s",
    ]);
  });
});

describe("sessions", () => {
  const charging = () =>
    DepotLog.started()
      .start({ at: 0, wh: 0, state: "charging" })
      .samples({ from: 10, to: 60, every: 10, wh: 50, stepWh: 50, ref: "t1" });
  it("a fault while charging interrupts until charging goes on", () => {
    const log = charging()
      .status("faulted", { at: 65, fault: "OverTemperature" })
      .status("occupied", { at: 85, state: "charging" });
    expect(alerts(log)).toEqual([
      "+station_faulted:cp-01/1 OverTemperature",
      "+session_interrupted:cp-01/1 fault: OverTemperature",
      "-station_faulted:cp-01/1 20s",
      "-session_interrupted:cp-01/1 20s",
    ]);
  });
  it("silence while charging interrupts on the next tick, until it is heard again", () => {
    const log = charging().tick(120).tick(180).sample({ at: 200, wh: 900, ref: "t1" });
    expect(alerts(log)).toEqual([
      "+session_interrupted:cp-01/1 no message from the station",
      "-session_interrupted:cp-01/1 140s",
    ]);
  });
  it("a silence that no tick fell into is reported all the same", () => {
    expect(alerts(charging().sample({ at: 100, wh: 900, ref: "t1" }))).toEqual([
      "+session_interrupted:cp-01/1 no message from the station",
      "-session_interrupted:cp-01/1 40s",
    ]);
  });
  it("a silence that ends in a fault is two interruptions under two keys", () => {
    const log = charging().status("faulted", { at: 100, fault: "GroundFailure" });
    const raised = run(log.events).filter(
      (e) => e.type === "alert.raised" && e.body.kind === "session_interrupted",
    );
    expect(raised.map((e) => e.key)).toEqual([
      `alert.raised:session_interrupted:cp-01/1:${log.events.length}:silence`,
      `alert.raised:session_interrupted:cp-01/1:${log.events.length}:fault`,
    ]);
  });
  it("names a lost link as the cause", () => {
    const log = charging();
    log.add("station.disconnected", 62, { reason: "tcp reset" });
    expect(alerts(log.tick(120))).toEqual(["+session_interrupted:cp-01/1 link lost"]);
  });
  it("an interrupted session that ends clears its alert", () => {
    const log = charging().tick(120).start({ at: 150, ref: "t2", wh: 900 });
    expect(alerts(log).slice(0, 2)).toEqual([
      "+session_interrupted:cp-01/1 no message from the station",
      "-session_interrupted:cp-01/1 90s",
    ]);
  });
  it("no interruption while the car or the balance holds charging back", () => {
    const log = charging().status("occupied", { at: 61, state: "suspended_ev" }).tick(300).tick(600);
    expect(alerts(log)).toEqual([]);
  });
  it("a held session says why", () => {
    const log = DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 60, wh: 900_000 });
    const [alert] = of("alert.raised", run(log.events));
    expect(alert).toMatchObject({ id: "session_held:s3-3", kind: "session_held", subject: "s3-3" });
    expect(alert?.cause).toMatch(/^IMPLAUSIBLE_ENERGY: the register went from 0 to 900000 Wh within 60 s/);
  });
  it("waits begin again when the gateway was away, so queued stops still count", () => {
    const log = charging().status("available", { at: 70 });
    log.add("gateway.started", 4000, { version: "0", node: "24", epoch: 3 }, null);
    log.tick(4000).stop({ at: 4010, ts: 71, wh: 320 });
    expect(of("session.ended", run(log.events))).toMatchObject([{ closed_by: "station", energy_wh: 320 }]);
  });
});
