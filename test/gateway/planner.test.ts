import { describe, expect, it } from "vitest";
import type { PastStay } from "../../src/rules/plan/known-stays.ts";
import { metered, stations } from "../control/depot.ts";
import { HOUR_MS, plannedDepot } from "./planned-depot.ts";

const TWO = { circuits: [metered(26)], evses: stations(2) };

/** One leaves in 40 minutes with 8 kWh, the other in five hours. */
async function earlyLeaver(withPlanner: boolean) {
  const rig = plannedDepot(TWO);
  await rig.run(15, withPlanner);
  rig.plug("cp-1/1", { inH: 2 / 3, kwh: 8 });
  rig.plug("cp-2/1", { inH: 5, kwh: 20 });
  await rig.run(40 * 60, withPlanner);
  return rig;
}

describe("the planner in a depot", () => {
  it("the early leaver is short without a plan and full with it; the other gets its own later", async () => {
    const alone = await earlyLeaver(false);
    expect(alone.kwh("cp-1/1")).toBeLessThan(6.5);
    const rig = await earlyLeaver(true);
    expect(rig.kwh("cp-1/1")).toBeGreaterThan(7.9);
    rig.unplug("cp-1/1");
    await rig.run(75 * 60);
    expect(rig.kwh("cp-2/1")).toBeGreaterThan(19.9);
    expect(rig.depot.drawnExcess()).toEqual([]);
    expect(rig.failures).toEqual([]);
  });

  it("whom the plan wants to wait gets no minimum before the one that leaves first has its rate", async () => {
    const rig = plannedDepot({ circuits: [metered(30)], evses: stations(4) });
    await rig.run(15);
    for (const k of [1, 2, 3]) rig.plug(`cp-${k}/1`, { inH: 10, kwh: 15 });
    await rig.run(10 * 60);
    rig.plug("cp-4/1", { inH: 1, kwh: 16 });
    await rig.run(8 * 60);
    expect(rig.planner.view().source).toBe("plan");
    // It needs 23 A of the 30 A for the hour: three minima of 6 A before it would leave it 12 A.
    expect(rig.depot.station("cp-4/1").drawA).toBeGreaterThan(20);
    await rig.run(52 * 60);
    expect(rig.kwh("cp-4/1")).toBeGreaterThan(15.5);
    expect(rig.depot.drawnExcess()).toEqual([]);
  });

  it("solver killed, late or silent: charging goes on with the last plan, then by laxity, limits kept", async () => {
    const rig = plannedDepot(TWO);
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 2, kwh: 20 });
    rig.plug("cp-2/1", { inH: 6, kwh: 30 });
    await rig.run(90);
    expect(rig.planner.view().source).toBe("plan");
    rig.setFate("killed");
    const drawn: number[] = [];
    for (let minute = 0; minute < 12; minute++) {
      await rig.run(60);
      expect(rig.depot.drawnExcess()).toEqual([]);
      expect(rig.depot.allowedExcess()).toEqual([]);
      drawn.push(rig.depot.station("cp-1/1").drawA + rig.depot.station("cp-2/1").drawA);
    }
    expect(Math.min(...drawn.slice(3))).toBeGreaterThan(20);
    expect(rig.planner.view()).toMatchObject({
      source: "previous",
      failed: expect.stringContaining("twice"),
    });
    rig.setFate("late");
    await rig.run(8 * 60);
    expect(rig.planner.view()).toMatchObject({ source: "laxity", failed: expect.stringContaining("late") });
    // Least laxity still prefers the one that leaves first.
    expect(rig.depot.station("cp-1/1").drawA).toBeGreaterThan(rig.depot.station("cp-2/1").drawA);
    expect(rig.depot.drawnExcess()).toEqual([]);
    rig.setFate("lives");
    await rig.run(180);
    expect(rig.planner.view()).toMatchObject({ source: "plan", failed: null });
    expect(new Set(rig.settled)).toEqual(new Set(["plan", "previous", "laxity"]));
  });

  it("a newcomer while the solver is dead: nobody's old plan holds, laxity counts it in", async () => {
    const rig = plannedDepot(TWO);
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 2, kwh: 20 });
    await rig.run(60);
    rig.setFate("killed");
    rig.plug("cp-2/1", { inH: 1, kwh: 15 });
    await rig.run(120);
    expect(rig.planner.view().source).toBe("laxity");
    expect(rig.target("cp-2/1")?.targetA).toBeGreaterThan(6);
    expect(rig.depot.drawnExcess()).toEqual([]);
  });

  it("planning that throws: no targets, everybody shares alike", async () => {
    const rig = plannedDepot(TWO, {
      prices: () => {
        throw new TypeError("broken");
      },
    });
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 1, kwh: 20 });
    rig.plug("cp-2/1", { inH: 6, kwh: 20 });
    await rig.run(120);
    expect(rig.failures[0]).toContain("broken");
    expect(rig.depot.drawnExcess()).toEqual([]);
    const drawn = ["cp-1/1", "cp-2/1"].map((id) => rig.depot.station(id).drawA);
    expect(Math.abs((drawn[0] as number) - (drawn[1] as number))).toBeLessThan(2);
    expect(Math.min(...drawn)).toBeGreaterThan(10);
  });

  it("waits for cheap hours although there is room, and is full when it leaves", async () => {
    const startMs = Date.UTC(2026, 4, 4, 6);
    const at = (h: number) => startMs + h * HOUR_MS;
    const prices = [
      { fromMs: at(0), perKwh: 0.4, isEstimate: false },
      { fromMs: at(1), perKwh: 0.1, isEstimate: false },
      { fromMs: at(2), perKwh: 0.4, isEstimate: false },
    ];
    const rig = plannedDepot(TWO, { prices: () => prices });
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 2.5, kwh: 12 });
    await rig.run(50 * 60);
    expect(rig.kwh("cp-1/1")).toBeLessThan(1);
    expect(rig.target("cp-1/1")).toMatchObject({ targetA: 0, capA: 0 });
    await rig.run(70 * 60);
    expect(rig.kwh("cp-1/1")).toBeGreaterThan(11.9);
  });

  it("plans anew when somebody comes, and in between hands on the plan that it has", async () => {
    const rig = plannedDepot({ circuits: [metered(100)], evses: stations(3) });
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 3, kwh: 20 });
    await rig.run(150);
    const first = rig.settled.length;
    rig.plug("cp-2/1", { inH: 3, kwh: 20 });
    await rig.run(8);
    expect(rig.settled.length).toBe(first + 1);
    await rig.run(120);
    expect(rig.settled.length).toBe(first + 1);
    expect(rig.target("cp-1/1")?.targetA).toBeGreaterThan(6);
    await rig.run(120);
    expect(rig.settled.length).toBeGreaterThan(first + 1);
  });

  it("plans anew when a station out of reach has fallen back and leaves its room to others", async () => {
    const rig = plannedDepot({ circuits: [metered(40)], evses: stations(2) });
    await rig.run(15);
    rig.plug("cp-2/1", { inH: 3, kwh: 90 });
    await rig.run(120);
    rig.depot.station("cp-2/1").disconnect();
    rig.plug("cp-1/1", { inH: 1, kwh: 20 });
    await rig.run(20);
    expect(rig.target("cp-1/1")?.targetA).toBeLessThan(12);
    await rig.run(80);
    expect(rig.depot.control.state().evses[1]).toMatchObject({ state: "offline", envelope_a: 6 });
    expect(rig.target("cp-1/1")?.targetA).toBeGreaterThan(25);
    expect(rig.depot.drawnExcess()).toEqual([]);
  });

  it.each([-1, 1])(
    "goes on when the wall clock jumps by %d h: no standstill, no limit exceeded, a plan for the new time",
    async (jumpH) => {
      const startMs = Date.UTC(2026, 4, 4, 6);
      const prices = () => [
        { fromMs: startMs - 24 * HOUR_MS, perKwh: 0.1, isEstimate: false },
        { fromMs: startMs + 24 * HOUR_MS, perKwh: 0.1, isEstimate: false },
      ];
      const rig = plannedDepot(TWO, { prices });
      await rig.run(15);
      rig.plug("cp-1/1", { inH: 3, kwh: 10 });
      rig.plug("cp-2/1", { inH: 3, kwh: 10 });
      await rig.run(300);
      const before = rig.kwh("cp-1/1") + rig.kwh("cp-2/1");
      rig.depot.stepClock(jumpH * HOUR_MS);
      await rig.run(120);
      const inTwoMinutes = rig.kwh("cp-1/1") + rig.kwh("cp-2/1") - before;
      // Half of 26 A on three lines: cars ramp anew where targets change.
      expect(inTwoMinutes).toBeGreaterThan((0.5 * (26 * 0.69)) / 30);
      await rig.run(120);
      expect(Math.abs(rig.depot.clock.nowMs() - (rig.planner.view().madeMs ?? 0))).toBeLessThan(240_000);
      expect(rig.depot.drawnExcess()).toEqual([]);
      expect(rig.failures).toEqual([]);
    },
  );

  it("shows what was said, what is believed, what each will have and what bounds it", async () => {
    const rig = plannedDepot(TWO);
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 1, kwh: 40, class: "bus", weight: 10 });
    rig.plug("cp-2/1");
    await rig.run(300);
    const [bus, guest] = rig.planner.view().vehicles;
    expect(bus).toMatchObject({
      class: "bus",
      saidKwh: 40,
      wantedKwh: 40,
      isExpected: true,
      boundBy: [expect.stringMatching(/^site L[123]$/)],
      target: { urgent: true },
    });
    const will = bus?.forecastKwh as number;
    expect(will).toBeGreaterThan(8);
    expect(will).toBeLessThan(18);
    expect(bus?.missingKwh).toBeCloseTo(40 - will, 6);
    expect(guest).toMatchObject({ saidDepartMs: null, departExamples: 0 });
    expect(guest?.target?.targetA).toBeGreaterThanOrEqual(6);
  });

  it("learns from stays that ended before it started", async () => {
    const startMs = Date.UTC(2026, 4, 4, 6);
    const stay = (day: number): PastStay => ({
      id: "cp-1/1",
      vehicle: "van-3",
      group: null,
      source: "file",
      fromMs: startMs - day * 24 * HOUR_MS,
      hour: 6,
      departMs: startMs - day * 24 * HOUR_MS + 8 * HOUR_MS,
      energyKwh: 20,
      leftMs: startMs - day * 24 * HOUR_MS + 6.5 * HOUR_MS,
      gotKwh: 12,
      full: true,
    });
    const rig = plannedDepot(TWO, { past: async () => Array.from({ length: 15 }, (_, d) => stay(15 - d)) });
    rig.planner.start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    rig.planner.stop();
    await rig.run(15);
    rig.plug("cp-1/1", { inH: 8, kwh: 20, vehicle: "van-3" });
    await rig.run(30);
    const [van] = rig.planner.view().vehicles;
    expect(van).toMatchObject({ departExamples: 15, wantExamples: 15 });
    expect((van?.departs.p50 as number) - (van?.pluggedMs as number)).toBeCloseTo(6.5 * HOUR_MS, -3);
    expect(van?.wants.p50).toBeCloseTo(12, 6);
  });
});
