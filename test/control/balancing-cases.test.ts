/** Cases of load balancing that only the whole loop shows: control, stations, cars, meters and a link in virtual time. */
import { describe, expect, test } from "vitest";
import type { EvseId } from "../../src/model/ids.ts";
import type { Target } from "../../src/model/targets.ts";
import { circuit } from "../rules/allocation-cases.ts";
import { CAR, charging, createDepot, type Depot, metered, offers, stations } from "./depot.ts";

const stateOf = (depot: Depot, n: number) => depot.control.state().evses[n - 1];

describe("what cars do", () => {
  test("a car that draws 16 of 32 A lends the rest out, and has it back soon after it ramps up", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(2) });
    depot.station("cp-1/1").plug({ maxA: 8, phases: 3 });
    await depot.run(90);
    expect(depot.station("cp-2/1").drawA).toBeGreaterThan(29);
    depot.station("cp-1/1").plug(CAR);
    await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
    for (const a of offers(depot)) expect(a).toBeGreaterThan(19);
  });

  test("a car that tapers to 4 A keeps the offer of 6 A, the rest is used by the other", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 38)], evses: stations(2) });
    const car = depot.station("cp-1/1");
    for (const maxA of [28, 20, 12, 8, 4]) {
      car.plug({ maxA: Math.max(maxA, 6), phases: 3, tapersTo: maxA });
      await depot.run(40);
    }
    await depot.run(60);
    expect(car.drawA).toBe(4);
    expect(car.offerA()).toBeGreaterThanOrEqual(6);
    expect(car.offerA()).toBeLessThan(8);
    expect(depot.station("cp-2/1").drawA).toBeGreaterThan(29);
  });

  test("a car that does not restart after a pause is woken once; it starts, and is not paused again for the others' sake", async () => {
    const depot = await charging(1, {
      circuits: [metered(40)],
      evses: stations(2, { fallbackA: 0 }),
      settings: { minOffS: 30, minOnS: 30, wakeAfterS: 60 },
    });
    const car = depot.station("cp-1/1");
    car.plug({ ...CAR, oversleeps: true });
    depot.setOther("site", [36, 36, 36]);
    await depot.run(40);
    expect(car.drawA).toBe(0);
    depot.setOther("site", [0, 0, 0]);
    await depot.run(60);
    expect(car.drawA).toBe(0);
    await depot.run(100);
    expect(car.drawA).toBeGreaterThan(6);
    // Room for one minimum: the one that would not wake keeps it.
    depot.station("cp-2/1").plug(CAR);
    await depot.run(60);
    depot.setOther("site", [33, 33, 33]);
    await depot.run(40);
    expect(car.drawA).toBeGreaterThanOrEqual(6);
    expect(depot.station("cp-2/1").drawA).toBe(0);
  });

  test("a car that never wakes is woken once, then the others have its share", async () => {
    const depot = await charging(2, {
      circuits: [metered(38)],
      evses: stations(2, { fallbackA: 0 }),
      settings: { minOffS: 30, minOnS: 30, wakeAfterS: 60, wakePauseS: 10 },
    });
    const dead = depot.station("cp-1/1");
    depot.setOther("site", [36, 36, 36]);
    await depot.run(60);
    dead.plug({ maxA: 0, phases: 3 });
    depot.setOther("site", [0, 0, 0]);
    const at = depot.nowS;
    await depot.run(400);
    const offered = depot.sentTo("cp-1", at).map((l) => l.limit_a > 0);
    const wakes = offered.filter((on, i) => !on && offered[i - 1]).length;
    expect(wakes).toBe(1);
    expect(depot.station("cp-2/1").drawA).toBeGreaterThanOrEqual(31);
  });

  test("a two-phase car leaves the third line to its neighbour once it is seen, never before", async () => {
    const depot = createDepot({ circuits: [circuit("site", null, [64, 64, 32])], evses: stations(2) });
    depot.startGateway();
    await depot.run(15);
    depot.station("cp-1/1").plug({ maxA: 32, phases: 2 });
    depot.station("cp-2/1").plug(CAR);
    await depot.run(12);
    expect(stateOf(depot, 1)?.lines).toEqual([1, 2, 3]);
    await depot.run(90, () => expect(depot.allowedExcess()).toEqual([]));
    expect(stateOf(depot, 1)?.lines).toEqual([1, 2]);
    expect(offers(depot)).toEqual([32, 32]);
  });

  test("with L1 full a three-phase car is limited on all its lines", async () => {
    const depot = await charging(1, { circuits: [metered(40)], evses: stations(1) });
    depot.setOther("site", [30, 0, 0]);
    await depot.run(20);
    expect(depot.station("cp-1/1").drawA).toBe(10);
    expect(stateOf(depot, 1)).toMatchObject({ reason: "circuit_limit", bound_by: "site L1" });
  });
});

describe("what the depot does", () => {
  test("a raise and a drop in one tick: the drop leaves, the raise waits for its confirmation", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(2) });
    const until = depot.clock.nowMs() + 600_000;
    depot.control.intent({ target: "cp-1/1", limitA: 8, untilMs: until });
    const at = depot.nowS;
    await depot.run(1);
    expect(depot.sentTo("cp-1", at).map((l) => l.limit_a)).toEqual([8]);
    expect(depot.sentTo("cp-2", at)).toEqual([]);
    await depot.run(30, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([8, 32]);
  });

  test("an older command that arrives late changes nothing", async () => {
    const depot = await charging(1, { circuits: [metered(40)], evses: stations(1) });
    const old = depot.sent.find((s) => s.limit.limit_a === 6)?.limit;
    expect(old).toBeDefined();
    if (old) depot.station("cp-1/1").hear(old);
    expect(depot.station("cp-1/1").offerA()).toBe(32);
  });

  test("of cars that ignore their limits the one of the lowest class is stopped first", async () => {
    const evses = stations(3, { fallbackA: 0 });
    const depot = await charging(0, { circuits: [metered(60)], evses, sampleS: 1 });
    const of = new Map(
      evses.map((e, i) => [`${e.station}/1` as EvseId, target({ classWeight: [5, 1, 3][i] ?? 1 })]),
    );
    const now = depot.clock.nowMs();
    depot.control.setTargets({ madeMs: now, untilMs: now + 600_000, source: "plan", of });
    for (const s of depot.stations.values()) s.plug({ maxA: 32, phases: 3, ignoresLimits: true });
    const stopped: string[] = [];
    await depot.run(120, () => {
      for (const { station, limit } of depot.sent)
        if (limit.limit_a === 0 && limit.reason === "circuit_limit" && !stopped.includes(station))
          stopped.push(station);
    });
    expect(stopped[0]).toBe("cp-2");
    expect(depot.raised("circuit_overload").length).toBeGreaterThan(0);
  });

  test("every limit says the same in watts, rounded down, on the lines that are counted", async () => {
    const depot = await charging(1, { circuits: [metered(40)], evses: stations(1), voltageV: 226.6 });
    expect(depot.sentTo("cp-1").at(-1)).toMatchObject({ limit_a: 32, limit_w: Math.floor(32 * 3 * 226.6) });
    const single = await charging(0, {
      circuits: [metered(40)],
      evses: stations(1, { phases: 1 }),
      voltageV: 240,
    });
    single.station("cp-1/1").plug({ maxA: 32, phases: 1 });
    await single.run(60);
    // A voltage above the nominal one is not used to raise a limit.
    expect(single.sentTo("cp-1").at(-1)).toMatchObject({ limit_a: 32, limit_w: 7360 });
  });
});

const target = (of: Partial<Target> = {}): Target => ({
  targetA: 0,
  capA: null,
  weight: 1,
  urgent: false,
  class: null,
  classWeight: 1,
  ...of,
});

describe("the plan's targets", () => {
  const plan = (depot: Depot, of: Record<string, Partial<Target>>, untilS = 600) => {
    const now = depot.clock.nowMs();
    depot.control.setTargets({
      madeMs: now,
      untilMs: now + untilS * 1000,
      source: "plan",
      of: new Map(Object.entries(of).map(([id, t]) => [id as EvseId, target(t)])),
    });
  };
  const two = () => charging(2, { circuits: [circuit("site", null, 40)], evses: stations(2) });

  test("who has a target gets it before the rest is shared, and the setpoint says so", async () => {
    const depot = await two();
    plan(depot, { "cp-1/1": { targetA: 28, class: "bus" } });
    await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
    expect(depot.station("cp-1/1").offerA()).toBeGreaterThanOrEqual(28);
    const last = depot.recorded.filter((r) => r.class === "bus").at(-1);
    expect(last).toMatchObject({ target_a: 28, plan: "plan" });
    expect(stateOf(depot, 1)).toMatchObject({ target_a: 28, plan: "plan", class: "bus" });
    expect(stateOf(depot, 2)).toMatchObject({ target_a: null, plan: null, class: null });
  });

  test("a cap of 0 has a car wait once its minimum on-time is over, and the reason is the plan", async () => {
    const depot = await charging(2, {
      circuits: [circuit("site", null, 40)],
      evses: stations(2),
      settings: { minOnS: 120 },
    });
    plan(depot, { "cp-1/1": { capA: 0 } });
    await depot.run(10);
    expect(depot.station("cp-1/1").offerA()).toBe(6);
    await depot.run(120);
    expect(depot.station("cp-1/1").offerA()).toBe(0);
    expect(depot.station("cp-2/1").offerA()).toBe(32);
    expect(stateOf(depot, 1)).toMatchObject({ reason: "plan", limit_a: 0 });
    expect(stateOf(depot, 1)?.max_a).toBeGreaterThan(0);
  });

  test("targets end at their time whatever the clock is set to, and all share as before", async () => {
    const depot = await two();
    plan(depot, { "cp-1/1": { targetA: 30 } }, 60);
    await depot.run(30);
    expect(depot.station("cp-1/1").offerA()).toBeGreaterThanOrEqual(30);
    depot.stepClock(-3_600_000);
    await depot.run(60);
    expect(offers(depot)).toEqual([20, 20]);
    expect(stateOf(depot, 1)?.plan).toBeNull();
  });

  test("an urgent car that waits goes before the minimum of one that runs", async () => {
    const depot = await charging(1, {
      circuits: [circuit("site", null, 10)],
      evses: stations(2, { fallbackA: 0 }),
      settings: { minOnS: 30, minOffS: 30 },
    });
    depot.station("cp-2/1").plug(CAR);
    await depot.run(20);
    expect(offers(depot)).toEqual([10, 0]);
    plan(depot, { "cp-2/1": { targetA: 10, urgent: true } });
    await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
    expect(depot.station("cp-1/1").offerA()).toBe(0);
    expect(depot.station("cp-2/1").drawA).toBe(10);
  });

  test("nonsense in a plan changes nothing but that it is no plan: limits hold", async () => {
    const depot = await two();
    plan(depot, {
      "cp-1/1": { targetA: Number.NaN, capA: Number.NaN, weight: Number.NaN, classWeight: -1 },
      "cp-2/1": { targetA: Number.POSITIVE_INFINITY, weight: 0 },
      "no-such/1": { targetA: 5 },
    });
    await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
    expect(depot.failures).toEqual([]);
    expect(offers(depot)).toEqual([20, 20]);
  });
});

describe("after the power came back", () => {
  test("each EVSE's first raise waits a time of its own, and says so", async () => {
    const depot = createDepot({
      circuits: [circuit("site", null, 1000)],
      evses: stations(12),
      settings: { startDelayS: 120 },
    });
    for (const s of depot.stations.values()) s.plug(CAR);
    depot.startGateway();
    await depot.run(15);
    expect(depot.control.state().evses.map((e) => e.reason)).toContain("start_delay");
    const risenAt = new Map<string, number>();
    await depot.run(160, () => {
      for (const [id, s] of depot.stations)
        if (s.offerA() > 6 && !risenAt.has(id)) risenAt.set(id, depot.nowS);
    });
    expect(risenAt.size).toBe(12);
    expect(new Set(risenAt.values()).size).toBeGreaterThan(8);
  });

  test("every station out of reach and back again waits anew", async () => {
    const depot = await charging(6, {
      circuits: [circuit("site", null, 1000)],
      evses: stations(6),
      settings: { startDelayS: 60 },
    });
    await depot.run(60);
    expect(offers(depot)).toEqual(new Array(6).fill(32));
    for (const s of depot.stations.values()) s.disconnect();
    await depot.run(5);
    for (const s of depot.stations.values()) {
      s.reboot();
      s.connect();
    }
    const raised = () => [...depot.stations.values()].filter((s) => s.offerA() > 6).length;
    await depot.run(20);
    expect(raised()).toBeGreaterThan(0);
    expect(raised()).toBeLessThan(6);
    await depot.run(90);
    expect(raised()).toBe(6);
  });

  test("the site's ramp spreads raises over seconds", async () => {
    const depot = createDepot({
      circuits: [circuit("site", null, 1000)],
      evses: stations(10),
      settings: { siteRampA: 20 },
    });
    depot.startGateway();
    await depot.run(15);
    for (const s of depot.stations.values()) s.plug(CAR);
    let before = 0;
    await depot.run(90, () => {
      const sum = depot.control.state().evses.reduce((total, e) => total + (e.limit_a ?? 0), 0);
      expect(sum - before).toBeLessThanOrEqual(20.01);
      before = sum;
    });
    expect(before).toBe(320);
  });
});
