import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastRoom } from "../../../src/rules/plan/build.ts";
import { factorOf } from "../../../src/rules/plan/phasors.ts";
import { ENERGY_FIRST, type Phasor, type PlanCircuit } from "../../../src/rules/plan/problem.ts";
import { HOUR_MS, kwhBetween, planned, problem, vehicle } from "./plan-cases.ts";

describe("a plan", () => {
  it("gives each of two vehicles all it needs when the first to leave goes first", async () => {
    const p = problem(
      [vehicle({ id: "stays", needKwh: 14, departH: 4 }), vehicle({ id: "leaves", needKwh: 14, departH: 2 })],
      32,
    );
    const plan = await planned(p);
    expect(plan.vehicles.map((v) => v.missingKwh)).toEqual([expect.closeTo(0, 4), expect.closeTo(0, 4)]);
    expect(plan.vehicles[0]?.boundBy).toContain("site L1");
  });

  it("goal impossible: the most that is possible, a shortfall in kWh, and others keep their floor", async () => {
    const p = problem(
      [
        vehicle({ id: "bus", needKwh: 100, departH: 2, weight: 10 }),
        vehicle({ id: "pool", floor: 6, needKwh: 50 }),
      ],
      32,
    );
    const plan = await planned(p);
    expect(plan.vehicles[0]?.rates[0]).toBeCloseTo(26, 4);
    expect(plan.vehicles[0]?.missingKwh).toBeGreaterThan(80);
    expect(plan.vehicles[1]?.rates[0]).toBeCloseTo(6, 4);
  });

  it("priority bus arrives, circuit full: pool cars wait, and get their energy when it has left", async () => {
    const p = problem(
      [
        vehicle({ id: "pool", needKwh: 20, departH: 8, rate: 32 }),
        vehicle({ id: "bus", needKwh: 14, departH: 2, weight: 10 }),
      ],
      32,
    );
    const plan = await planned(p);
    expect(plan.vehicles[1]?.missingKwh).toBeCloseTo(0, 4);
    expect(kwhBetween(p, plan, 0, 0, 2 * HOUR_MS)).toBeLessThan(1);
    expect(plan.vehicles[0]?.missingKwh).toBeCloseTo(0, 4);
  });

  it("cheap from 02 to 05, leave at 07, 20 kWh: charged in the window, full by 07", async () => {
    const price = [
      { fromMs: 0, perKwh: 0.3 },
      { fromMs: 2 * HOUR_MS, perKwh: 0.1 },
      { fromMs: 5 * HOUR_MS, perKwh: 0.3 },
    ];
    const goals = { ...ENERGY_FIRST, early: 0.001, soon: 0.001 };
    const p = problem([vehicle({ needKwh: 20, departH: 7 })], 100, { price, goals });
    const plan = await planned(p);
    expect(kwhBetween(p, plan, 0, 2 * HOUR_MS, 5 * HOUR_MS)).toBeCloseTo(20, 3);
  });

  it("peak already billed: no penalty below it, and above it only what energy needs", async () => {
    const demand = { perKw: 15, billedKw: 5, windowMs: 900_000, usedKwh: 0, otherKw: [] };
    const goals = { ...ENERGY_FIRST, early: 0.001, soon: 0.001 };
    const below = problem([vehicle({ needKwh: 10, departH: 4 })], 100, { demand, goals });
    const plan = await planned(below);
    expect(plan.vehicles[0]?.missingKwh).toBeCloseTo(0, 4);
    for (let quarter = 0; quarter < 16; quarter++)
      expect(
        kwhBetween(below, plan, 0, quarter * 900_000, (quarter + 1) * 900_000),
        `quarter ${quarter}`,
      ).toBeLessThanOrEqual(5 / 4 + 1e-6);
    expect(plan.peakKw).toBeCloseTo(5, 3);
    const above = problem([vehicle({ needKwh: 24, departH: 4 })], 100, { demand, goals });
    expect((await planned(above)).peakKw).toBeCloseTo(6, 3);
  });

  it("the window under way counts the mean of what it has used and what is to come", async () => {
    const demand = { perKw: 15, billedKw: 4, windowMs: 900_000, usedKwh: 0.9, otherKw: [] };
    const goals = { ...ENERGY_FIRST, early: 0.001, soon: 0.001 };
    const p = problem([vehicle({ needKwh: 8, departH: 4 })], 100, { demand, goals, startMs: 600_000 });
    const plan = await planned(p);
    // 4 kW for a quarter of an hour is 1 kWh, of which 0.1 is left for five minutes.
    expect(kwhBetween(p, plan, 0, 600_000, 900_000)).toBeLessThanOrEqual(0.1 + 1e-6);
  });

  it("departure unlikely to be late: who may leave is served before who stays", async () => {
    const p = problem(
      [
        vehicle({ id: "stays", needKwh: 20, departH: 6 }),
        vehicle({
          id: "may leave",
          needKwh: 20,
          stays: [
            { untilMs: HOUR_MS, likely: 0.9 },
            { untilMs: 6 * HOUR_MS, likely: 0.2 },
          ],
        }),
      ],
      32,
    );
    const plan = await planned(p);
    expect(kwhBetween(p, plan, 1, 0, HOUR_MS)).toBeGreaterThan(kwhBetween(p, plan, 0, 0, HOUR_MS));
  });

  it("slots are epoch time: a lower limit from one instant on binds from there", async () => {
    const circuits: PlanCircuit[] = [
      {
        id: "site",
        parent: -1,
        room: [
          { fromMs: 0, lineA: [32, 32, 32], kw: null },
          { fromMs: HOUR_MS, lineA: [10, 10, 10], kw: null },
        ],
      },
    ];
    const p = problem([vehicle({ needKwh: 30 })], 32, { circuits });
    const plan = await planned(p);
    expect(kwhBetween(p, plan, 0, 0, HOUR_MS)).toBeCloseTo(32 * 0.23, 3);
    expect(kwhBetween(p, plan, 0, HOUR_MS, 4 * HOUR_MS)).toBeCloseTo(3 * 10 * 0.23, 3);
  });
});

const ANGLES = [30, -90, 150];

describe("random plans", () => {
  const trees = fc.record({
    panels: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 3 }),
    siteA: fc.integer({ min: 0, max: 90 }),
    laterA: fc.integer({ min: 0, max: 90 }),
    siteKw: fc.option(fc.integer({ min: 1, max: 30 })),
    phasorA: fc.option(fc.integer({ min: 5, max: 60 })),
    cars: fc.array(
      fc.record({
        panel: fc.nat(2),
        lines: fc.constantFrom(1, 2, 4, 3, 6, 7),
        dc: fc.boolean(),
        needKwh: fc.integer({ min: 1, max: 60 }),
        departMin: fc.integer({ min: 1, max: 600 }),
        weight: fc.constantFrom(1, 1, 10),
        rate: fc.integer({ min: 0, max: 32 }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    maxColumns: fc.constantFrom(20, 3000),
  });

  it("never exceed a limit, on any line, in kW or at an angle, and leave no vehicle more than it needs", async () => {
    await fc.assert(
      fc.asyncProperty(trees, async ({ panels, siteA, laterA, siteKw, phasorA, cars, maxColumns }) => {
        const circuits: PlanCircuit[] = [
          {
            id: "site",
            parent: -1,
            room: [
              { fromMs: 0, lineA: [siteA, siteA, siteA], kw: siteKw },
              { fromMs: HOUR_MS, lineA: [laterA, siteA, siteA], kw: siteKw },
            ],
          },
          ...panels.map((a, i) => ({
            id: `panel ${i}`,
            parent: 0,
            room: [{ fromMs: 0, lineA: [a, a, a] as const, kw: null }],
          })),
        ];
        const vehicles = cars.map((c, i) =>
          vehicle({
            id: `car ${i}`,
            circuit: 1 + (c.panel % panels.length),
            lines: c.dc ? 7 : c.lines,
            ampsPerUnit: c.dc ? 1000 / 690 : 1,
            kwPerUnit: c.dc ? 1 : 0.23 * ([0, 1, 1, 2, 1, 2, 2, 3][c.lines] ?? 0),
            needKwh: c.needKwh,
            departH: c.departMin / 60,
            weight: c.weight,
            rate: c.rate,
            keep: 6,
          }),
        );
        const phasors: Phasor[] =
          phasorA === null
            ? []
            : [0, 1].map((k) => ({
                id: `phase ${k}`,
                limitA: phasorA,
                terms: vehicles.map((_, v) => ({
                  vehicle: v,
                  coefficient: (v + k) % 2 === 0 ? 1 : -1,
                  angleDeg: ANGLES[v % 3] as number,
                })),
              }));
        const p = problem(vehicles, 0, { circuits, phasors, maxColumns });
        const plan = await planned(p);
        plan.vehicles.forEach((v, i) => {
          expect(v.forecastKwh).toBeLessThanOrEqual((vehicles[i]?.askedKwh ?? 0) + 1e-4);
        });
        for (let j = 0; j + 1 < plan.marks.length; j++) {
          const rate = (i: number) => plan.vehicles[i]?.rates[j] ?? 0;
          circuits.forEach((circuit, c) => {
            const room = leastRoom(p, c, plan.marks[j] as number, plan.marks[j + 1] as number);
            const below = vehicles.map((_, i) => i).filter((i) => c === 0 || vehicles[i]?.circuit === c);
            for (const line of [0, 1, 2] as const) {
              const amps = below
                .filter((i) => (vehicles[i]?.lines ?? 0) & (1 << line))
                .reduce((sum, i) => sum + rate(i) * (vehicles[i]?.ampsPerUnit ?? 0), 0);
              expect(amps, `${circuit.id} L${line + 1}`).toBeLessThanOrEqual(room.lineA[line] + 1e-4);
            }
            const kw = below.reduce((sum, i) => sum + rate(i) * (vehicles[i]?.kwPerUnit ?? 0), 0);
            expect(kw, circuit.id).toBeLessThanOrEqual(room.kw + 1e-4);
          });
          for (const phasor of phasors) {
            let [re, im] = [0, 0];
            for (const term of phasor.terms) {
              const amps = rate(term.vehicle) * (vehicles[term.vehicle]?.ampsPerUnit ?? 0);
              re += factorOf(term).re * amps;
              im += factorOf(term).im * amps;
            }
            expect(Math.hypot(re, im), phasor.id).toBeLessThanOrEqual(phasor.limitA + 1e-4);
          }
        }
      }),
      { numRuns: process.env.DEEP ? 500 : 60 },
    );
  });
});
