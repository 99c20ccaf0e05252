import { describe, expect, test } from "vitest";
import { circuit } from "../rules/allocation-cases.ts";
import { CAR, charging, createDepot, metered, offers, stations } from "./depot.ts";

describe("stations that do not play along", () => {
  test("an offline station's lease stays reserved, then its fallback", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(3) });
    depot.station("cp-1/1").disconnect();
    depot.station("cp-3/1").plug(CAR);
    await depot.run(30, () => expect(depot.allowedExcess()).toEqual([]));
    expect(depot.control.state().evses[0]).toMatchObject({ state: "offline", reason: "station_offline" });
    await depot.run(120, () => expect(depot.allowedExcess()).toEqual([]));
    expect(depot.control.state().evses[0]?.envelope_a).toBe(6);
    expect(offers(depot)).toEqual([6, 17, 17]);
    depot.station("cp-1/1").connect();
    await depot.run(90, () => expect(depot.allowedExcess()).toEqual([]));
    for (const a of offers(depot)) expect(a).toBeGreaterThan(12);
  });

  test("a station out of reach that was held at 0 may have restarted: its fallback is set aside at once", async () => {
    const depot = await charging(1, { circuits: [circuit("site", null, 34)], evses: stations(2) });
    expect(offers(depot)).toEqual([32, 0]);
    depot.station("cp-2/1").disconnect();
    await depot.run(10);
    depot.station("cp-2/1").reboot();
    await depot.run(120, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([28, 6]);
  });

  test("a station that restarts is at its fallback until it confirms again", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(2) });
    depot.deafen("cp-1", true);
    depot.station("cp-1/1").reboot();
    await depot.run(2);
    expect(depot.control.confirmedLimitA("cp-1", 1)).toBeNull();
    depot.deafen("cp-1", false);
    await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([20, 20]);
  });

  test("a car that ignores its limit is reported, and the others give way", async () => {
    const depot = createDepot({ circuits: [metered(48)], evses: stations(2) });
    depot.startGateway();
    depot.station("cp-1/1").plug({ ...CAR, ignoresLimits: true });
    depot.station("cp-2/1").plug(CAR);
    await depot.run(120);
    expect(depot.raised("limit_ignored").map((a) => a.alert.subject)).toEqual(["cp-1/1"]);
    expect(depot.station("cp-1/1").drawA).toBe(32);
    expect(depot.station("cp-2/1").drawA).toBeLessThanOrEqual(16);
    expect(depot.drawnExcess()).toEqual([]);
    depot.station("cp-1/1").unplug();
    await depot.run(20);
    expect(depot.alerts.at(-1)).toMatchObject({ state: "cleared", alert: { id: "limit_ignored:cp-1/1" } });
  });

  test("an overload that outlasts the reaction time though all is confirmed: alert, and the culprit is stopped", async () => {
    const depot = createDepot({ circuits: [metered(48)], evses: stations(2) });
    depot.startGateway();
    depot.station("cp-1/1").plug({ ...CAR, ignoresLimits: true });
    depot.station("cp-2/1").plug({ ...CAR, ignoresLimits: true });
    await depot.run(120);
    expect(depot.raised("circuit_overload").map((a) => a.alert.subject)).toContain("site/L1");
    expect(offers(depot)).toEqual([0, 0]);
  });

  test("a station that never confirms does not keep the culprit of an overload from being stopped", async () => {
    const depot = createDepot({ circuits: [metered(70)], evses: stations(3) });
    depot.startGateway();
    depot.deafen("cp-1", true);
    depot.station("cp-1/1").plug({ maxA: 16, phases: 3, ignoresLimits: true });
    depot.station("cp-2/1").plug({ ...CAR, ignoresLimits: true });
    depot.station("cp-3/1").plug({ ...CAR, ignoresLimits: true });
    await depot.run(90);
    expect(depot.raised("circuit_overload").map((a) => a.alert.subject)).toContain("site/L1");
    expect(offers(depot).slice(1)).toEqual([0, 0]);
  });

  test("a faulted EVSE is offered nothing, its share goes to the others", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(2) });
    depot.station("cp-1/1").faulted = true;
    await depot.run(40);
    expect(offers(depot)).toEqual([0, 32]);
    expect(depot.control.state().evses[0]).toMatchObject({ state: "faulted", reason: "faulted" });
  });

  test("current on a line the config does not know raises an alert and is counted there", async () => {
    const evses = stations(1, { phases: 1, phaseOrder: "L2L3L1" });
    const depot = createDepot({ circuits: [circuit("site", null, 40)], evses });
    depot.startGateway();
    depot.station("cp-1/1").plug({ maxA: 16, phases: 2 });
    await depot.run(60);
    expect(depot.raised("phase_mismatch").length).toBe(1);
    expect(depot.control.state().evses[0]?.lines).toEqual([2, 3]);
  });
});

describe("the meter", () => {
  test("silent for 5 s: no raises; for 60 s: only the fallbacks; back: no jump", async () => {
    const depot = await charging(2, { circuits: [metered(80)], evses: stations(3) });
    depot.silenceMeters(true);
    await depot.run(7);
    depot.station("cp-3/1").plug(CAR);
    const at = depot.nowS;
    await depot.run(45);
    for (const id of ["cp-1", "cp-2", "cp-3"])
      for (const l of depot.sentTo(id, at)) expect(l.limit_a).toBeLessThanOrEqual(id === "cp-3" ? 0 : 32);
    expect(depot.raised("meter_stale").length).toBe(1);
    await depot.run(30);
    expect(offers(depot).reduce((a, b) => a + b)).toBeLessThanOrEqual(18);
    expect(depot.control.state().evses[0]?.reason).toBe("meter_stale");
    depot.silenceMeters(false);
    const back = depot.nowS;
    await depot.run(10);
    expect(depot.sentTo("cp-1", back).every((l) => l.limit_a <= 18)).toBe(true);
    await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot).every((a) => a > 25)).toBe(true);
    expect(depot.alerts.at(-1)).toMatchObject({ state: "cleared", alert: { kind: "meter_stale" } });
  });

  test.each([
    ["NaN", () => [Number.NaN, 1, 1]],
    ["1e9", () => [1e9, 1e9, 1e9]],
    ["a word", () => "many"],
    ["one line of three", () => [1]],
    ["a flipped sign", (a: number[]) => a.map((x) => -x)],
  ] as [string, (a: number[]) => unknown][])(
    "%s from the meter is not believed: alert, no raises, then the safe budget",
    async (_, forge) => {
      const depot = await charging(1, { circuits: [metered(60)], evses: stations(2) });
      depot.setOther("site", [20, 20, 20]);
      await depot.run(15);
      depot.forgeMeter(forge);
      depot.station("cp-2/1").plug(CAR);
      await depot.run(50, () => expect(depot.allowedExcess()).toEqual([]));
      expect(depot.raised("meter_stale").length).toBe(1);
      await depot.run(30);
      expect(offers(depot).reduce((a, b) => a + b)).toBeLessThanOrEqual(12);
      depot.forgeMeter(null);
      await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
      expect(offers(depot).every((a) => a > 18)).toBe(true);
    },
  );

  test("a meter that reports every ten seconds is not stale in between, and raises go on", async () => {
    const depot = createDepot({ circuits: [metered(50)], evses: stations(2), meterS: 10 });
    depot.startGateway();
    await depot.run(60);
    for (const s of depot.stations.values()) s.plug(CAR);
    await depot.run(120, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([25, 25]);
    await depot.run(30, () => expect(depot.control.state().circuits[0]?.meter).toBe("fresh"));
  });

  test("own production makes room per line only where the settings say so", async () => {
    const sunny = async (exportIsRoom: boolean) => {
      const depot = createDepot({ circuits: [metered(20)], evses: stations(1), settings: { exportIsRoom } });
      depot.setOther("site", [-10, -5, -8]);
      depot.startGateway();
      await depot.run(15);
      depot.station("cp-1/1").plug(CAR);
      await depot.run(60);
      return depot.station("cp-1/1").drawA;
    };
    expect(await sunny(false)).toBe(20);
    expect(await sunny(true)).toBe(25);
  });
});

describe("starts, ends and clocks", () => {
  test("after a kill every station is at its fallback within its lease, and at no instant is a limit exceeded", async () => {
    const evses = stations(6, { fallbackA: 6 });
    const depot = await charging(4, { circuits: [circuit("site", null, 40)], evses });
    depot.killGateway();
    await depot.run(400, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([6, 6, 6, 6, 6, 6]);
  });

  test("a gateway that comes back raises nothing before stations confirm or their old leases end", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(3) });
    depot.station("cp-2/1").disconnect();
    depot.killGateway();
    await depot.run(5);
    depot.station("cp-1/1").unplug();
    depot.startGateway();
    depot.station("cp-3/1").plug(CAR);
    const at = depot.nowS;
    expect(depot.control.state().evses[1]).toMatchObject({ envelope_a: 32, reason: "safe_start" });
    await depot.run(40, () => expect(depot.allowedExcess()).toEqual([]));
    expect(depot.sentTo("cp-3", at).every((l) => l.limit_a <= 8)).toBe(true);
    await depot.run(120, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([0, 6, 32]);
    const revs = depot.sent.map((s) => s.limit.rev);
    expect(revs).toEqual(revs.toSorted((a, b) => a - b));
    expect(new Set(revs).size).toBe(revs.length);
  });

  test("the wall clock is set back an hour: leases, delays and revisions do not notice", async () => {
    const depot = await charging(2, { circuits: [metered(60)], evses: stations(2) });
    depot.stepClock(-3_600_000);
    await depot.run(90, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([30, 30]);
    const revs = depot.sent.map((s) => s.limit.rev);
    expect(revs).toEqual(revs.toSorted((a, b) => a - b));
    expect(depot.control.state().circuits[0]?.meter).toBe("fresh");
  });
});
