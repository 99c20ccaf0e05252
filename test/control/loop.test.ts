import { describe, expect, test } from "vitest";
import { type Allocation, allocate } from "../../src/rules/allocate.ts";
import { circuit } from "../rules/allocation-cases.ts";
import { CAR, charging, createDepot, metered, offers, stations } from "./depot.ts";

describe("sharing", () => {
  test("one car with ample room gets its maximum, an EVSE without a car holds nothing", async () => {
    const depot = await charging(1, { circuits: [circuit("site", null, 100)], evses: stations(2) });
    expect(depot.station("cp-1/1").drawA).toBe(32);
    expect(depot.station("cp-2/1").offerA()).toBe(0);
    const [first, second] = depot.control.state().evses;
    expect(first).toMatchObject({ state: "charging", limit_a: 32, confirmed_a: 32, reason: "station_max" });
    expect(second).toMatchObject({ state: "available", limit_a: 0, reason: "not_charging" });
    expect(depot.control.state().power).toEqual({ demandW: 22_080, offeredW: 22_080, curtailedW: 0 });
    expect(depot.failures).toEqual([]);
  });

  test("two cars share 40 A, and both say which line holds them", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(2) });
    expect(offers(depot)).toEqual([20, 20]);
    for (const e of depot.control.state().evses)
      expect(e).toMatchObject({ state: "limited", reason: "fair_share", bound_by: "site L1" });
    expect(depot.recorded.at(-1)).toMatchObject({ reason: "fair_share", bound_by: "site L1", fallback_a: 6 });
  });

  test("a third car takes its share: cuts first, its start only into room that is confirmed", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(3) });
    depot.station("cp-3/1").plug(CAR);
    await depot.run(90, () => expect(depot.allowedExcess()).toEqual([]));
    for (const a of offers(depot)) expect(a).toBeGreaterThan(12.3);
  });

  test("a car that uses one line of a three-phase EVSE leaves the others to its neighbour", async () => {
    const depot = createDepot({ circuits: [circuit("site", null, [40, 20, 20])], evses: stations(2) });
    depot.startGateway();
    depot.station("cp-1/1").plug({ maxA: 32, phases: 1 });
    await depot.run(60);
    depot.station("cp-2/1").plug(CAR);
    await depot.run(90, () => expect(depot.allowedExcess()).toEqual([]));
    expect(offers(depot)).toEqual([20, 20]);
  });

  test("nothing is recorded or sent again while nothing changes but renewals at half of the lease", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 40)], evses: stations(2) });
    await depot.run(60);
    const recorded = depot.recorded.length;
    const before = depot.sent.length;
    await depot.run(120);
    expect(depot.recorded.length).toBe(recorded);
    expect(depot.sent.length - before).toBe(8);
  });
});

describe("a large depot", () => {
  test("a backlog of readings is heard in slices: other work runs in between, and the tick knows all of it", async () => {
    const depot = createDepot({ circuits: [circuit("site", null, 10_000)], evses: stations(300) });
    depot.startGateway();
    const ts = new Date(depot.control.state().at_ms).toISOString();
    for (let n = 1; n <= 300; n++) {
      const payload = new TextEncoder().encode(JSON.stringify({ ts, current_a: [5, 5, 5] }));
      depot.control.note({ station: `cp-${n}`, evse: 1, kind: "meter", payload });
    }
    let turns = 0;
    let isOver = false;
    const other = () => {
      turns++;
      if (!isOver) setImmediate(other);
    };
    setImmediate(other);
    await depot.control.tick();
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(3);
    for (const e of depot.control.state().evses) expect(e.measured_a).toEqual([5, 5, 5]);
  });
});

describe("cuts before raises", () => {
  const full = () => charging(2, { circuits: [metered(80)], evses: stations(2) });

  test("the building takes 50 A more: every cut leaves in the tick that hears of it, none is raised", async () => {
    const depot = await full();
    const at = depot.nowS;
    depot.setOther("site", [50, 50, 50]);
    await depot.run(2);
    expect(depot.sentTo("cp-1", at).map((l) => l.limit_a)).toEqual([15]);
    expect(depot.sentTo("cp-2", at).map((l) => l.limit_a)).toEqual([15]);
    await depot.run(4);
    expect(depot.drawnExcess()).toEqual([]);
    await depot.run(30, () => expect(depot.allowedExcess()).toEqual([]));
  });

  test("a lost cut is repeated, and nobody is raised into its room", async () => {
    const depot = await full();
    await depot.run(10);
    depot.deafen("cp-1", true);
    depot.station("cp-2/1").disconnect();
    const at = depot.nowS;
    depot.setOther("site", [40, 40, 40]);
    await depot.run(14);
    const repeats = depot.sentTo("cp-1", at);
    expect(repeats.length).toBeGreaterThanOrEqual(2);
    expect(new Set(repeats.map((l) => l.rev)).size).toBe(repeats.length);
    expect(Math.max(...repeats.map((l) => l.limit_a))).toBeLessThan(32);
    depot.deafen("cp-1", false);
    await depot.run(10);
    expect(depot.station("cp-1/1").offerA()).toBeLessThan(10);
    expect(depot.sentTo("cp-2", at)).toEqual([]);
  });

  test("a circuit's limit lowered while it runs acts like a drop of room, in the same tick", async () => {
    const depot = await full();
    depot.control.setCircuitLimit("site", [30, 30, 30]);
    const at = depot.nowS;
    await depot.run(1);
    expect(depot.sentTo("cp-1", at).map((l) => l.limit_a)).toEqual([15]);
    expect(depot.sentTo("cp-2", at).map((l) => l.limit_a)).toEqual([15]);
    expect(() => depot.control.setCircuitLimit("site", [30, Number.NaN, 30])).toThrow("site L2");
    expect(() => depot.control.setCircuitLimit("attic", [30, 30, 30])).toThrow('no circuit "attic"');
  });

  test("room that comes back is given only after the raise delay", async () => {
    const depot = await full();
    depot.setOther("site", [50, 50, 50]);
    await depot.run(20);
    const at = depot.nowS;
    depot.setOther("site", [0, 0, 0]);
    await depot.run(9);
    expect(depot.sentTo("cp-1", at)).toEqual([]);
    await depot.run(30, () => expect(depot.allowedExcess()).toEqual([]));
    expect(depot.station("cp-1/1").offerA()).toBe(32);
  });

  test("room that swings around the minimum starts a paused car once in the minimum off-time", async () => {
    const depot = await charging(1, { circuits: [metered(40)], evses: stations(1) });
    const starts: number[] = [];
    let before = depot.station("cp-1/1").offerA();
    for (let i = 0; i < 600; i++) {
      depot.setOther("site", i % 20 < 10 ? [34.6, 0, 0] : [33.4, 0, 0]);
      await depot.run(1);
      const now = depot.station("cp-1/1").offerA();
      if (before === 0 && now > 0) starts.push(i);
      before = now;
    }
    expect(starts.length).toBeLessThanOrEqual(2);
    expect(depot.recorded.some((r) => r.limit_a === 0 && r.reason === "below_minimum")).toBe(true);
  });
});

describe("intents", () => {
  test("an intent lowers, is clamped with a reason, and ends by itself", async () => {
    const depot = await charging(2, { circuits: [circuit("site", null, 100)], evses: stations(2) });
    const until = (s: number) => depot.clock.nowMs() + s * 1000;
    const { control } = depot;
    expect(control.intent({ target: "cp-1/1", limitA: 10, untilMs: until(60) })).toMatchObject({
      accepted: true,
      limitA: 10,
      reason: "",
    });
    await depot.run(5);
    expect(offers(depot)).toEqual([10, 32]);
    expect(control.state().evses[0]).toMatchObject({ limit_a: 10, reason: "intent" });
    await depot.run(70);
    expect(offers(depot)).toEqual([32, 32]);

    expect(control.intent({ target: "site", limitA: 30, untilMs: until(600) }).accepted).toBe(true);
    await depot.run(5);
    expect(offers(depot)).toEqual([15, 15]);
  });

  test("what cannot hold is refused or clamped in words", async () => {
    const depot = await charging(0, { circuits: [circuit("site", null, 100)], evses: stations(1) });
    const { control } = depot;
    const now = depot.clock.nowMs();
    const ask = (target: string, limitA: number, untilMs: number) =>
      control.intent({ target, limitA, untilMs });
    expect(ask("cp-1/1", 99, now + 1e3)).toMatchObject({ limitA: 32, reason: "the EVSE's maximum is 32 A" });
    expect(ask("cp-1/1", 3, now + 1e3)).toMatchObject({ limitA: 0 });
    expect(ask("cp-1/1", 10, now + 1e12).untilMs).toBe(now + 86_400_000);
    expect(ask("site", 5000, now + 1e3)).toMatchObject({
      limitA: 100,
      reason: "the circuit's limit is 100 A",
    });
    expect(ask("site", 100, now + 1e3)).toMatchObject({ limitA: 100, reason: "" });
    expect(ask("cp-9/1", 10, now + 1e3)).toMatchObject({ accepted: false });
    expect(ask("cp-1/1", Number.NaN, now + 1e3)).toMatchObject({ accepted: false });
    expect(ask("cp-1/1", 10, now - 1)).toMatchObject({ accepted: false, limitA: null });
  });
});

describe("the pool", () => {
  test("an answer that never comes, a failure or nonsense: the same function runs here, the tick goes on", async () => {
    const answers: Record<string, () => Promise<Allocation>> = {
      never: () => new Promise(() => {}),
      failure: () => Promise.reject(new Error("thread died")),
      nonsense: () => Promise.resolve({ limitA: [99] } as unknown as Allocation),
    };
    for (const [name, allocate] of Object.entries(answers)) {
      const depot = await charging(2, {
        circuits: [circuit("site", null, 40)],
        evses: stations(2),
        allocate,
      });
      expect(offers(depot), name).toEqual([20, 20]);
      expect(depot.control.state().ticks.pooled, name).toBe(0);
    }
  });

  test("an answer that is late is not waited for, and that it fails then is no failure", async () => {
    let asked = 0;
    const depot = createDepot({
      circuits: [circuit("site", null, 40)],
      evses: stations(2),
      allocate: (input) => {
        asked += 1;
        if (asked > 1) return Promise.resolve(allocate(input));
        return new Promise((_, reject) => setTimeout(reject, 700, new Error("The task has been aborted")));
      },
    });
    depot.startGateway();
    await depot.run(1);
    expect(depot.control.state().ticks).toMatchObject({ late: 1, inline: 1, pooled: 0 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    await depot.run(1);
    expect(depot.control.state().ticks).toMatchObject({ late: 1, inline: 1, pooled: 1 });
    expect(depot.failures).toEqual([]);
  });

  test("a loop that was stopped drops the tick under way: nothing is sent, nothing has failed", async () => {
    const depot = createDepot({
      circuits: [circuit("site", null, 40)],
      evses: stations(2),
      allocate: () => new Promise((_, reject) => setTimeout(reject, 20, new Error("the pool is closed"))),
    });
    depot.startGateway();
    const tick = depot.control.tick();
    depot.control.stop();
    await tick;
    expect(depot.sent).toEqual([]);
    expect(depot.failures).toEqual([]);
  });

  test("an answer above the room, NaN or below the minimum does not pass the gate", async () => {
    for (const a of [1e6, Number.NaN, 3, Number.POSITIVE_INFINITY]) {
      const depot = createDepot({
        circuits: [circuit("site", null, 40)],
        evses: stations(3),
        allocate: async (input) => {
          const n = input.circuit.length;
          return {
            limitA: new Float64Array(n).fill(a),
            reason: new Uint8Array(n),
            boundBy: new Int32Array(n).fill(-1),
          };
        },
      });
      depot.startGateway();
      for (const s of depot.stations.values()) s.plug(CAR);
      await depot.run(60, () => expect(depot.allowedExcess()).toEqual([]));
      for (const { limit } of depot.sent) expect(limit.limit_a === 0 || limit.limit_a >= 6).toBe(true);
    }
  });
});
