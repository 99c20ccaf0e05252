/**
 * Time of a plan: building the program, solving it, reading it, for fleets over a day in quarters of an hour on a site
 * with panels of 20 connectors. Limits at 1: half of what all could draw. At 0.5: a quarter.
 *
 *     node test/bench/plan.ts [--json] [--fleets 100,300,1000]
 */
import { parseArgs } from "node:util";
import { buildPlan } from "../../src/rules/plan/build.ts";
import {
  ENERGY_FIRST,
  type PlanCircuit,
  type PlanProblem,
  type PlanVehicle,
} from "../../src/rules/plan/problem.ts";
import { readPlan } from "../../src/rules/plan/read.ts";
import { solve } from "../../src/workers/solve.ts";
import { seeded } from "../rules/allocation-cases.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, fleets: { type: "string", default: "100,300,1000" } },
});

const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;

function fleet(n: number, tightness: number, priced: boolean): PlanProblem {
  const random = seeded(n);
  const panels = Math.ceil(n / 20);
  const limit = (a: number) => [a, a, a] as const;
  const circuits: PlanCircuit[] = [
    { id: "site", parent: -1, room: [{ fromMs: 0, lineA: limit(n * 8 * tightness), kw: null }] },
    ...Array.from({ length: panels }, (_, p) => ({
      id: `panel ${p}`,
      parent: 0,
      room: [{ fromMs: 0, lineA: limit(200 * tightness), kw: null }],
    })),
  ];
  const vehicles = Array.from({ length: n }, (_, i): PlanVehicle => {
    const phases = i % 3 === 0 ? 3 : 1;
    const needKwh = 10 + 50 * random();
    return {
      id: String(i),
      circuit: 1 + Math.floor(i / 20),
      lines: phases === 3 ? 7 : 1 << (i % 3),
      ampsPerUnit: 1,
      kwPerUnit: 0.23 * phases,
      max: phases === 3 ? 16 : 32,
      needs: [{ upToKwh: needKwh, likely: 1 }],
      askedKwh: needKwh,
      gotKwh: 0,
      stays: [{ untilMs: QUARTER_MS * (8 + Math.floor(88 * random())), likely: 1 }],
      weight: i % 10 === 0 ? 10 : 1,
      rate: 0,
      keep: 0,
      floor: 0,
    };
  });
  return {
    startMs: 0,
    firstMs: QUARTER_MS,
    vehicles,
    circuits,
    phasors: [],
    price: priced
      ? Array.from({ length: 24 }, (_, h) => ({ fromMs: h * HOUR_MS, perKwh: 0.1 + 0.2 * random() }))
      : [],
    demand: priced ? { perKw: 15, billedKw: n, windowMs: QUARTER_MS, usedKwh: 0, otherKw: [] } : null,
    goals: priced ? { ...ENERGY_FIRST, early: 0.001, soon: 0.001 } : ENERGY_FIRST,
    maxColumns: 1e6,
  };
}

const results = [];
for (const n of (values.fleets as string).split(",").map(Number))
  for (const tightness of [1, 0.5])
    for (const priced of [false, true]) {
      const before = performance.now();
      const problem = fleet(n, tightness, priced);
      const { program, layout } = buildPlan(problem);
      const built = performance.now();
      const solved = await solve({ program, timeLimitMs: 60_000 });
      const done = performance.now();
      const missing =
        solved.status === "optimal"
          ? readPlan(problem, layout, solved).vehicles.reduce((sum, v) => sum + v.missingKwh, 0)
          : Number.NaN;
      results.push({
        vehicles: n,
        intervals: layout.grid.marks.length - 1,
        tightness,
        priced,
        columns: program.cost.length,
        rows: program.rowUpper.length,
        status: solved.status,
        build_ms: built - before,
        solve_ms: done - built,
        missing_kwh: missing,
      });
    }
if (values.json) console.log(JSON.stringify(results));
else {
  console.log("vehicles  intervals  limits  priced  columns    rows  build ms  solve ms  missing kWh");
  for (const r of results)
    console.log(
      String(r.vehicles).padStart(8),
      String(r.intervals).padStart(10),
      String(r.tightness).padStart(7),
      String(r.priced).padStart(7),
      String(r.columns).padStart(8),
      String(r.rows).padStart(7),
      r.build_ms.toFixed(0).padStart(9),
      r.solve_ms.toFixed(0).padStart(9),
      r.missing_kwh.toFixed(1).padStart(12),
    );
}
process.exitCode = results.every((r) => r.status === "optimal") ? 0 : 1;
