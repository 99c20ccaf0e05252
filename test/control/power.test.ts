import { describe, expect, test } from "vitest";
import { circuit } from "../rules/allocation-cases.ts";
import { type CarSpec, charging, createDepot, type Depot, metered, stations } from "./depot.ts";

/** What a depot draws once it has had the reaction time. */
async function settled(depot: Depot, seconds: number, limitW: number): Promise<void> {
  let s = 0;
  await depot.run(seconds, () => {
    s++;
    if (s > 10) expect(depot.gridW("site"), `second ${s}`).toBeLessThanOrEqual(limitW + 1);
  });
}

const twenty = () =>
  charging(20, {
    circuits: [metered(1000)],
    evses: stations(20, { fallbackA: 0 }),
    voltageV: 236,
    settings: { minOffS: 60, minOnS: 60 },
  });

describe("a limit in W", () => {
  test("an order of 40.1 kW for twenty 22 kW points holds at the meter within the reaction time, nine or fewer run", async () => {
    const depot = await twenty();
    expect(depot.gridW("site")).toBeGreaterThan(400_000);
    depot.control.setCircuitPower("site", 40_100, "grid_order");
    await settled(depot, 200, 40_100);
    const running = [...depot.stations.values()].filter((s) => s.drawA > 0).length;
    expect(running).toBeGreaterThanOrEqual(8);
    expect(running).toBeLessThanOrEqual(9);
    expect(depot.control.state().circuits[0]).toMatchObject({ limit_w: 40_100, limit_reason: "grid_order" });
    expect(depot.recorded.some((r) => r.reason === "grid_order")).toBe(true);
    depot.control.setCircuitPower("site", null, "grid_order");
    await depot.run(150);
    expect(depot.gridW("site")).toBeGreaterThan(400_000);
  });

  test("own production comes on top: 20 kW of sun let 60.1 kW charge under an order of 40.1 kW", async () => {
    const depot = await twenty();
    const sunA = -20_000 / 3 / 236;
    depot.setOther("site", [sunA, sunA, sunA]);
    depot.control.setCircuitPower("site", 40_100, "grid_order");
    await settled(depot, 240, 40_100);
    const chargingW = depot.drawn("site").reduce((sum, a) => sum + a, 0) * 236;
    expect(chargingW).toBeGreaterThan(50_000);
    expect(chargingW).toBeLessThanOrEqual(60_101);
  });

  test("an order of 0 W stops all charging, whatever the sun gives", async () => {
    const depot = await charging(3, { circuits: [metered(200)], evses: stations(3, { fallbackA: 0 }) });
    depot.setOther("site", [-50, -50, -50]);
    depot.control.setCircuitPower("site", 0, "grid_order");
    await depot.run(10);
    expect(depot.drawn("site")).toEqual([0, 0, 0]);
    await depot.run(60);
    expect(depot.drawn("site")).toEqual([0, 0, 0]);
    expect(depot.recorded.at(-1)).toMatchObject({ limit_a: 0, reason: "grid_order" });
  });

  test("the building's own load counts, and when it grows charging gives way within the reaction time", async () => {
    const depot = await charging(4, {
      circuits: [{ ...metered(1000), limitW: 60_000 }],
      evses: stations(4, { fallbackA: 0 }),
      voltageV: 230,
    });
    expect(depot.gridW("site")).toBeGreaterThan(55_000);
    depot.setOther("site", [40, 40, 40]);
    await settled(depot, 60, 60_000);
    expect(depot.gridW("site")).toBeGreaterThan(50_000);
    expect(depot.control.state().evses.map((e) => e.reason)).toContain("power_limit");
  });

  test("raises never leave for more than the room in W, with messages lost", async () => {
    const depot = createDepot({
      circuits: [{ ...metered(1000), limitW: 50_000 }, circuit("row", "site", 400)],
      evses: stations(6, { circuit: "row", fallbackA: 6 }),
      voltageV: 230,
      loss: 0.2,
      delayMs: 1500,
      seed: 4,
    });
    depot.startGateway();
    for (const s of depot.stations.values()) s.plug({ maxA: 32, phases: 3 });
    await depot.run(300, () => {
      const mayW = [...depot.stations.values()].reduce(
        (sum, s) => sum + Math.max(s.offerA(), s.drawA) * 690,
        0,
      );
      expect(mayW).toBeLessThanOrEqual(50_001);
    });
    expect(depot.gridW("site")).toBeGreaterThan(40_000);
  });

  test("what cannot be a limit is refused by name", async () => {
    const depot = await charging(1, { circuits: [metered(100)], evses: stations(1) });
    expect(() => depot.control.setCircuitPower("attic", 1000, "grid_order")).toThrow('no circuit "attic"');
    expect(() => depot.control.setCircuitPower("site", -1, "grid_order")).toThrow("-1 W is no limit");
    expect(() => depot.control.setCircuitPower("site", Number.NaN, "power_limit")).toThrow(RangeError);
  });

  test("the lowest of the configured limit and the orders holds", async () => {
    const depot = await charging(1, { circuits: [{ ...metered(100), limitW: 9000 }], evses: stations(1) });
    const limit = () => depot.control.state().circuits[0];
    expect(limit()).toMatchObject({ limit_w: 9000, limit_reason: "power_limit" });
    depot.control.setCircuitPower("site", 20_000, "grid_order");
    expect(limit()).toMatchObject({ limit_w: 9000, limit_reason: "power_limit" });
    depot.control.setCircuitPower("site", 5000, "grid_order");
    expect(limit()).toMatchObject({ limit_w: 5000, limit_reason: "grid_order" });
  });
});

describe("unbalance", () => {
  const SINGLE: CarSpec = { maxA: 32, phases: 1 };
  const site = { ...metered(200), unbalanceA: 20 };
  const three = stations(3, { phases: 1, fallbackA: 0 });
  const spread = () => {
    const lines = depot.lines("site");
    return Math.max(...lines) - Math.min(...lines);
  };
  let depot: Depot;

  test("three cars on L1 draw no more than 20 A above the lowest line", async () => {
    depot = await charging(3, { circuits: [site], evses: three }, SINGLE);
    await depot.run(60, () => expect(spread()).toBeLessThanOrEqual(20.01));
    expect(depot.lines("site")[0]).toBeGreaterThan(10);
    expect(depot.control.state().evses.map((e) => e.reason)).toContain("unbalance");
  });

  test("of a balanced trio one stops: the others are corrected within the reaction time", async () => {
    const orders = ["L1L2L3", "L2L3L1", "L3L1L2"] as const;
    const evses = three.map((e, i) => ({ ...e, phaseOrder: orders[i] ?? "L1L2L3" }));
    depot = await charging(3, { circuits: [site], evses }, SINGLE);
    expect(depot.lines("site")).toEqual([32, 32, 32]);
    depot.station("cp-2/1").unplug();
    let s = 0;
    await depot.run(120, () => {
      s++;
      if (s > 10) expect(spread(), `second ${s}`).toBeLessThanOrEqual(20.01);
    });
    expect(depot.lines("site")[0]).toBeGreaterThan(15);
  });

  test("no line is raised ahead of the others: neither while a station is out of reach nor at the start", async () => {
    const orders = ["L1L2L3", "L2L3L1", "L3L1L2"] as const;
    const evses = three.map((e, i) => ({ ...e, phaseOrder: orders[i] ?? "L1L2L3" }));
    depot = createDepot({ circuits: [site], evses, settings: { startDelayS: 60 } });
    for (const s of depot.stations.values()) s.plug(SINGLE);
    depot.startGateway();
    await depot.run(200, () => expect(spread()).toBeLessThanOrEqual(20.01));
    expect(depot.lines("site")).toEqual([32, 32, 32]);
    depot.station("cp-3/1").disconnect();
    let s = 0;
    await depot.run(300, () => {
      s++;
      // Its lease runs out after a minute and it stops.
      if (s < 55 || s > 80) expect(spread(), `second ${s}`).toBeLessThanOrEqual(20.01);
    });
    expect(depot.lines("site")[2]).toBe(0);
  });

  test("a car that takes no more though it is offered current loads no line", async () => {
    const orders = ["L1L2L3", "L2L3L1", "L3L1L2"] as const;
    const evses = three.map((e, i) => ({ ...e, phaseOrder: orders[i] ?? "L1L2L3" }));
    depot = await charging(3, { circuits: [site], evses }, SINGLE);
    depot.station("cp-2/1").plug({ maxA: 0, phases: 1 });
    let s = 0;
    await depot.run(120, () => {
      s++;
      if (s > 12) expect(spread(), `second ${s}`).toBeLessThanOrEqual(20.01);
    });
  });

  test("uneven though all were told: the building does it, and somebody is told", async () => {
    depot = await charging(1, { circuits: [site], evses: three }, SINGLE);
    depot.setOther("site", [60, 0, 0]);
    await depot.run(60);
    expect(depot.raised("phase_unbalance")).toHaveLength(1);
  });
});
