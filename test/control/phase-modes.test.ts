import { describe, expect, test } from "vitest";
import { PHASE_ORDERS } from "../../src/model/circuit.ts";
import { CAR, charging, createDepot, type Depot, metered, stations } from "./depot.ts";

const settings = { minOffS: 60, minOnS: 60, switchUpS: 120 };

const switching = (n: number, limitA: number) => ({
  circuits: [metered(limitA)],
  evses: stations(n, { switchesPhases: true, fallbackA: 0 }).map((e, i) => ({
    ...e,
    phaseOrder: PHASE_ORDERS[i % 3] ?? "L1L2L3",
  })),
  settings,
  voltageV: 230,
});

const running = (depot: Depot) => [...depot.stations.values()].filter((s) => s.drawA > 0).length;
const all = (depot: Depot) => [...depot.stations.values()];

describe("stations that can charge on one phase", () => {
  test("an order of 40.1 kW lets all twenty run on one phase where nine could on three", async () => {
    const depot = await charging(20, switching(20, 1000));
    depot.control.setCircuitPower("site", 40_100, "grid_order");
    let s = 0;
    await depot.run(300, () => {
      s++;
      if (s > 10) expect(depot.gridW("site"), `second ${s}`).toBeLessThanOrEqual(40_101);
    });
    expect(running(depot)).toBe(20);
    expect(depot.gridW("site")).toBeGreaterThan(35_000);
    expect(all(depot).some((x) => x.switchedUnderCurrent)).toBe(false);
    expect(depot.recorded.some((r) => r.reason === "phase_switch" && r.limit_a === 0)).toBe(true);
    for (const e of depot.control.state().evses) expect(e).toMatchObject({ phases: 1 });

    depot.control.setCircuitPower("site", null, "grid_order");
    await depot.run(300);
    for (const x of all(depot)) expect(x.switches).toBe(2);
    expect(depot.gridW("site")).toBeGreaterThan(400_000);
    expect(all(depot).some((x) => x.switchedUnderCurrent)).toBe(false);
  });

  test("with messages lost no line is ever overloaded on the way, and both lines are free only once they are proven so", async () => {
    const depot = await charging(6, { ...switching(6, 20), loss: 0.2, delayMs: 1500, seed: 3 });
    await depot.run(400, () => expect(depot.drawnExcess()).toEqual([]));
    expect(running(depot)).toBe(6);
    expect(all(depot).some((x) => x.switchedUnderCurrent)).toBe(false);
  });

  test("a station that says nothing of its phases is counted on all three lines and goes back to three", async () => {
    const depot = createDepot(switching(4, 15));
    depot.startGateway();
    for (const x of all(depot)) {
      x.knowsPhases = false;
      x.plug(CAR);
    }
    await depot.run(400, () => expect(depot.drawnExcess()).toEqual([]));
    for (const e of depot.control.state().evses) expect(e).toMatchObject({ phases: 3, lines: [1, 2, 3] });
  });

  test("a restarted station is on three phases until it is switched anew", async () => {
    const depot = await charging(6, switching(6, 20));
    await depot.run(200);
    expect(running(depot)).toBe(6);
    depot.station("cp-1/1").reboot();
    await depot.run(5);
    expect(depot.control.state().evses[0]?.lines).toEqual([1, 2, 3]);
    await depot.run(200, () => expect(depot.drawnExcess()).toEqual([]));
    expect(depot.control.state().evses[0]).toMatchObject({ phases: 1 });
  });

  test("a gateway that starts anew leaves those on one phase that charge on one", async () => {
    const depot = await charging(6, switching(6, 20));
    await depot.run(200);
    expect(running(depot)).toBe(6);
    const before = all(depot).map((x) => x.switches);
    depot.startGateway();
    await depot.run(60, () => expect(depot.drawnExcess()).toEqual([]));
    expect(all(depot).some((x) => x.switchedUnderCurrent)).toBe(false);
    expect(all(depot).map((x) => x.switches)).toEqual(before);
    expect(running(depot)).toBe(6);
    await depot.run(400, () => expect(depot.drawnExcess()).toEqual([]));
    expect(running(depot)).toBe(6);
  });

  test("with room for three phases nothing is switched, nor for a car that uses one", async () => {
    const depot = await charging(2, switching(2, 40));
    await depot.run(300);
    expect(all(depot).map((x) => x.switches)).toEqual([0, 0]);
    const single = await charging(0, switching(3, 10));
    for (const x of all(single)) x.plug({ ...CAR, phases: 1 });
    await single.run(300);
    expect(running(single)).toBe(3);
  });
});
