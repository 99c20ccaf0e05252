/**
 * What a controller that knew everything beforehand could reach: the plan's own program over all sessions, minima left
 * out, so that no controller can do better. Days that share no session are solved apart.
 */
import { buildPlan } from "../../src/rules/plan/build.ts";
import type { PlanGoals, PlanProblem, PlanVehicle } from "../../src/rules/plan/problem.ts";
import { readPlan } from "../../src/rules/plan/read.ts";
import type { Site, Stay } from "../../src/rules/what-if/site.ts";
import { solve } from "../../src/workers/solve.ts";

const NOTHING_ELSE: PlanGoals = {
  fill: 0,
  fillKwh: 1,
  base: 0,
  basePart: 0,
  early: 0,
  soon: 0,
  keep: 0,
  share: 0,
  smooth: 0,
};
const TIME_LIMIT_MS = 120_000;

/** Stays that share no slot with those of another block. */
function blocksOf(stays: readonly Stay[]): Stay[][] {
  const blocks: Stay[][] = [];
  let end = -1;
  for (const stay of [...stays].sort((a, b) => a.arrive - b.arrive)) {
    if (stay.arrive >= end) blocks.push([]);
    blocks.at(-1)?.push(stay);
    end = Math.max(end, stay.depart);
  }
  return blocks;
}

function problemOf(
  site: Site,
  block: readonly Stay[],
  weight: number,
  price: PlanProblem["price"],
): PlanProblem {
  const startMs = Math.min(...block.map((s) => s.arrive)) * site.slotMs;
  return {
    startMs,
    firstMs: site.slotMs,
    vehicles: block.map(
      (s): PlanVehicle => ({
        id: s.id,
        circuit: s.circuit,
        lines: s.lines,
        ampsPerUnit: s.ampsPerUnit,
        kwPerUnit: s.kwPerUnit,
        max: s.max,
        needs: [{ upToKwh: s.energyKwh, likely: 1 }],
        askedKwh: s.energyKwh,
        gotKwh: 0,
        fromMs: s.arrive * site.slotMs,
        stays: [{ untilMs: s.depart * site.slotMs, likely: 1 }],
        weight,
        rate: 0,
        keep: 0,
        floor: 0,
      }),
    ),
    circuits: site.circuits,
    phasors: [],
    price,
    demand: null,
    goals: NOTHING_ELSE,
    maxColumns: Number.POSITIVE_INFINITY,
  };
}

async function solved(problem: PlanProblem) {
  const { program, layout } = buildPlan(problem);
  const solution = await solve({ program, timeLimitMs: TIME_LIMIT_MS });
  if (solution.status !== "optimal") throw new Error(`no bound: ${solution.status}, ${solution.detail}`);
  return readPlan(problem, layout, solution);
}

/** kWh. For sites without phasors. */
export async function mostEnergy(site: Site): Promise<number> {
  let kwh = 0;
  for (const block of blocksOf(site.stays)) {
    const { vehicles } = await solved(problemOf(site, block, 1, []));
    kwh += vehicles.reduce((sum, v) => sum + v.forecastKwh, 0);
  }
  return kwh;
}

export interface Profit {
  profit: number;
  peakKw: number;
  kwh: number;
}

/** Most revenue less energy and demand; a search over the peak, in which profit is concave, to a tenth of a kW. */
export async function mostProfit(site: Site, revenuePerKwh: number): Promise<Profit> {
  const prices = site.energyPerKwh ?? [];
  const steps = prices.flatMap((perKwh, t) =>
    t === 0 || prices[t - 1] !== perKwh ? [{ fromMs: t * site.slotMs, perKwh }] : [],
  );
  const blocks = blocksOf(site.stays);
  // A plan counts money in halves of the dearest kWh: so weighted, a missing kWh costs what it would bring.
  const weight = (0.5 * revenuePerKwh) / Math.max(...prices);
  const roots = site.circuits.flatMap(({ parent }, c) => (parent < 0 ? [c] : []));
  const at = async (peakKw: number): Promise<Profit> => {
    const circuits = site.circuits.map((c, i) =>
      roots.includes(i)
        ? {
            ...c,
            room: c.room.map((step) => ({ ...step, kw: Math.min(step.kw ?? peakKw, peakKw) })),
          }
        : c,
    );
    let profit = -peakKw * site.demandPerKw;
    let kwh = 0;
    for (const block of blocks) {
      const problem = problemOf({ ...site, circuits }, block, weight, steps);
      const { vehicles, marks } = await solved(problem);
      vehicles.forEach((v, i) => {
        const { kwPerUnit } = problem.vehicles[i] as PlanVehicle;
        v.rates.forEach((rate, j) => {
          const from = marks[j] as number;
          const drawn = (rate * kwPerUnit * ((marks[j + 1] as number) - from)) / 3_600_000;
          kwh += drawn;
          profit += drawn * (revenuePerKwh - (prices[Math.floor(from / site.slotMs)] ?? 0));
        });
      });
    }
    return { profit, peakKw, kwh };
  };
  const GOLDEN = (Math.sqrt(5) - 1) / 2;
  let low = 0;
  let high = Math.min(...roots.map((c) => site.circuits[c]?.room[0]?.kw ?? Number.POSITIVE_INFINITY));
  let a = await at(high - GOLDEN * (high - low));
  let b = await at(low + GOLDEN * (high - low));
  while (high - low > 0.1) {
    if (a.profit >= b.profit) {
      high = b.peakKw;
      b = a;
      a = await at(high - GOLDEN * (high - low));
    } else {
      low = a.peakKw;
      a = b;
      b = await at(low + GOLDEN * (high - low));
    }
  }
  return a.profit >= b.profit ? a : b;
}
