import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isPriced,
  type LiveSite,
  laxityRates,
  liveProblem,
  plannedKwh,
  targetsOf,
} from "../../../src/rules/plan/live.ts";
import { rateAt } from "../../../src/rules/plan/read.ts";
import { believed, car, circuit, HOUR_MS, NOW_MS, need, plannedFor, site } from "./live-cases.ts";

const how = (part: object = {}) => ({
  nowMs: NOW_MS,
  madeMs: NOW_MS,
  untilMs: NOW_MS + 60_000,
  source: "plan" as const,
  isCapped: false,
  ...part,
});

async function targets(live: LiveSite, part: object = {}) {
  const plan = await plannedFor(live);
  const isCapped = isPriced(live);
  return targetsOf((i) => rateAt(plan, i, live.nowMs), live.cars, how({ isCapped, ...part })).of;
}

describe("a plan of who is plugged in now", () => {
  it("gives whoever leaves first what the others can wait for", async () => {
    const live = site([car(need("a/1", { inH: 1, kwh: 15 })), car(need("b/1", { inH: 8, kwh: 15 }))], 24);
    const plan = await plannedFor(live);
    expect(plannedKwh(plan, 0, 0.69, NOW_MS, NOW_MS + HOUR_MS)).toBeGreaterThan(14.9);
    expect(plannedKwh(plan, 1, 0.69, NOW_MS, NOW_MS + 8 * HOUR_MS)).toBeGreaterThan(14.9);
    expect((await targets(live)).get(live.cars[0]?.need.evse as never)).toMatchObject({ capA: null });
  });

  it("cheap from 02 to 05, leave at 07, 30 kWh: in the window, full by 07", async () => {
    const at = (h: number) => NOW_MS + h * HOUR_MS;
    const price = [
      { fromMs: NOW_MS, perKwh: 0.3 },
      { fromMs: at(5), perKwh: 0.1 },
      { fromMs: at(8), perKwh: 0.3 },
    ];
    const live = site([car(need("a/1", { inH: 10, kwh: 30 }))], 32, { price });
    const plan = await plannedFor(live);
    expect(plannedKwh(plan, 0, 0.69, at(5), at(8))).toBeCloseTo(30, 1);
    // Until then it is told to wait, though there is room.
    expect((await targets(live)).get("a/1" as never)).toMatchObject({ targetA: 0, capA: 0, urgent: false });
  });

  it("readiness comes before prices: too little time in the cheap hours starts at once", async () => {
    const at = (h: number) => NOW_MS + h * HOUR_MS;
    const price = [
      { fromMs: NOW_MS, perKwh: 0.5 },
      { fromMs: at(1), perKwh: 0.05 },
    ];
    const live = site([car(need("a/1", { inH: 2, kwh: 40 }))], 32, { price });
    const plan = await plannedFor(live);
    expect(plannedKwh(plan, 0, 0.69, NOW_MS, at(2))).toBeCloseTo(40, 1);
  });

  it("80 kW already billed: no penalty below it, and the window's mean counts", async () => {
    const demand = { perKw: 50, billedKw: 22, windowMs: 900_000, usedKwh: 0, otherKw: [] };
    const live = site([car(need("a/1", { inH: 2, kwh: 40 }))], 100, { demand });
    const plan = await plannedFor(live);
    expect(plannedKwh(plan, 0, 0.69, NOW_MS, NOW_MS + 2 * HOUR_MS)).toBeCloseTo(40, 1);
    expect(plan.peakKw).toBeCloseTo(22, 6);
  });

  it("departure unknown: it keeps half of its fair share beside a full circuit of certain departures", () => {
    const guest = car(need("g/1"));
    const bus = (k: number) => car(need(`b${k}/1`, { inH: 3, kwh: 60 }));
    const problem = liveProblem(site([guest, bus(1), bus(2)], 60));
    expect(problem.vehicles.map((v) => v.floor)).toEqual([10, 0, 0]);
  });

  it("departure passed, car present: a flexible guest, not infinitely urgent", async () => {
    const late = need("late/1", { pluggedMs: NOW_MS - 10 * HOUR_MS, source: "file" });
    const belief = believed({ ...late, departMs: NOW_MS - HOUR_MS });
    expect(belief.guest).toBe(true);
    const live = site([car(late, { belief }), car(need("bus/1", { inH: 1, kwh: 20 }))], 32);
    const of = await targets(live);
    expect(of.get("late/1" as never)).toMatchObject({ urgent: false });
    expect(of.get("bus/1" as never)?.targetA).toBeGreaterThan(of.get("late/1" as never)?.targetA as number);
  });

  it("goal impossible: urgent, all it can get, the others keep their floor", async () => {
    const live = site([car(need("bus/1", { inH: 0.5, kwh: 100, weight: 10 })), car(need("g/1"))], 40);
    const of = await targets(live);
    expect(of.get("bus/1" as never)).toMatchObject({ urgent: true, classWeight: 10 });
    expect(of.get("g/1" as never)?.targetA).toBeGreaterThanOrEqual(8);
    expect(of.get("bus/1" as never)?.targetA).toBeGreaterThanOrEqual(29.9);
  });

  it("a circuit in kW and a grid order with an end bound the plan", async () => {
    const power = [
      { fromMs: NOW_MS, limitW: 4_200 },
      { fromMs: NOW_MS + HOUR_MS, limitW: null },
    ];
    const live = site([car(need("a/1", { inH: 4, kwh: 30 }))], 32, { circuits: [circuit(32, { power })] });
    const plan = await plannedFor(live);
    expect(plannedKwh(plan, 0, 0.69, NOW_MS, NOW_MS + HOUR_MS)).toBeLessThanOrEqual(4.2 + 1e-6);
    expect(plannedKwh(plan, 0, 0.69, NOW_MS, NOW_MS + 4 * HOUR_MS)).toBeCloseTo(30, 1);
  });

  it("a DC charger's losses count against a limit in kW, not towards the vehicle's energy", async () => {
    const power = [{ fromMs: NOW_MS, limitW: 10_000 }];
    const dc = car(need("dc/1", { inH: 1, kwh: 50 }), { kwPerA: 0.9 * 0.69, gridKwPerA: 0.69 });
    const plan = await plannedFor(site([dc], 100, { circuits: [circuit(100, { power })] }));
    expect((plan.vehicles[0]?.rates[0] as number) * 0.69).toBeCloseTo(10, 3);
    expect(plannedKwh(plan, 0, dc.kwPerA, NOW_MS, NOW_MS + HOUR_MS)).toBeCloseTo(9, 3);
  });

  it("other load to come and stations out of reach leave that much less room", () => {
    const other = [
      { fromMs: NOW_MS, lineA: [10, 0, 0] as const, kw: 2.3 },
      { fromMs: NOW_MS + HOUR_MS, lineA: [20, 0, 0] as const, kw: 4.6 },
    ];
    const { circuits } = liveProblem(
      site([car(need("a/1"))], 50, { circuits: [circuit(50, { other, reservedA: [6, 6, 6] })] }),
    );
    expect(circuits[0]?.room.map(({ lineA }) => lineA)).toEqual([
      [34, 44, 44],
      [24, 44, 44],
    ]);
  });

  it("a rate below half of the minimum is none, one above it is the minimum", () => {
    const cars = [car(need("a/1")), car(need("b/1"))];
    const { of } = targetsOf((i) => [2.9, 3.1][i] as number, cars, how());
    expect([...of.values()].map(({ targetA }) => targetA)).toEqual([0, 6]);
  });

  it("says nothing of a car that it does not know", () => {
    const { of } = targetsOf(() => Number.NaN, [car(need("new/1"))], how());
    expect(of.size).toBe(0);
  });

  it("any depot: the plan and what stands in for it keep every line and kW, floors are within the room", async () => {
    const cars = fc.array(
      fc.record({
        inH: fc.option(fc.double({ min: 0.1, max: 20, noNaN: true }), { nil: undefined }),
        kwh: fc.option(fc.double({ min: 1, max: 80, noNaN: true }), { nil: undefined }),
        lines: fc.constantFrom(1, 2, 4, 7),
        weight: fc.constantFrom(1, 3, 10),
        rateA: fc.constantFrom(0, 6, 16),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const shape = fc.record({
      cars,
      limitA: fc.double({ min: 0, max: 120, noNaN: true }),
      limitW: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: null }),
      otherA: fc.double({ min: -10, max: 30, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ cars: list, limitA, limitW, otherA }) => {
        const all = list.map(({ inH, kwh, lines, weight, rateA }, k) => {
          const said = { ...(inH === undefined ? {} : { inH }), ...(kwh === undefined ? {} : { kwh }) };
          const kwPerA = lines === 7 ? 0.69 : 0.23;
          return car(need(`s${k}/1`, { ...said, weight }), { lines, rateA, kwPerA });
        });
        const other = [{ fromMs: NOW_MS, lineA: [otherA, otherA, otherA] as const, kw: otherA * 0.69 }];
        const power = [{ fromMs: NOW_MS, limitW }];
        const live = site(all, limitA, { circuits: [circuit(limitA, { other, power })] });
        const problem = liveProblem(live);
        const plan = await plannedFor(live);
        const roomA = Math.max(0, limitA - otherA);
        const roomKw = limitW === null ? Infinity : Math.max(0, limitW / 1000 - otherA * 0.69);
        const check = (rate: (i: number) => number) => {
          for (const line of [1, 2, 4])
            expect(all.reduce((sum, c, i) => sum + (c.lines & line ? rate(i) : 0), 0)).toBeLessThanOrEqual(
              roomA + 1e-4,
            );
          const kw = all.reduce((sum, c, i) => sum + rate(i) * c.kwPerA, 0);
          expect(kw).toBeLessThanOrEqual(roomKw + 1e-4);
        };
        check((i) => problem.vehicles[i]?.floor as number);
        for (const at of plan.marks.slice(0, -1)) check((i) => rateAt(plan, i, at));
        const rates = laxityRates(problem, all);
        check((i) => rates[i] as number);
      }),
      { numRuns: 40 },
    );
  });
});
