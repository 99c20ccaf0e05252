/** The plan of a run: put together from who is there and what is believed of them, by the solver or without it. */
import { RANK } from "../allocate.ts";
import { buildPlan } from "../plan/build.ts";
import { byLaxity } from "../plan/by-laxity.ts";
import { floorPart, floorWeight } from "../plan/floor.ts";
import { planGoals } from "../plan/goals.ts";
import type { Limits } from "../plan/joint-room.ts";
import { lastMs, mostKwh, type PlanProblem, type PlanVehicle } from "../plan/problem.ts";
import type { LinearProgram, Solution } from "../plan/program.ts";
import { type Plan, rateAt, readPlan } from "../plan/read.ts";
import { shareOut } from "../plan/share-out.ts";
import { expectations } from "./expected.ts";
import type { Belief, Knowledge } from "./knowledge.ts";
import type { Site, Stay } from "./site.ts";

export interface Live {
  stay: Stay;
  leftKwh: number;
  gotKwh: number;
  rate: number;
}

export interface PlannerOptions {
  knowledge: Knowledge;
  estimates: boolean;
  minCurrent: boolean;
  /** Null when there is no answer in time. */
  solve(program: LinearProgram): Promise<Solution | null>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Days over which a higher peak has to pay for itself. */
const PEAK_DAYS = 3;
const REPLAN_SLOTS = 3;
/** Part of its fair rate that a vehicle keeps whose departure is known: without a minimum nothing else keeps it from starting anew. */
const KEEPS_RUNNING = 0.02;
const MOST_COLUMNS = 3000;

export function createPlanner(site: Site, options: PlannerOptions) {
  // Energy is not free: a plan waits for cheap hours and keeps the peak low.
  const priced = site.demandPerKw > 0 || site.energyPerKwh !== null;
  // Only a peak makes vehicles that are not there yet matter: what is put off meets them.
  const expected = site.demandPerKw > 0 ? expectations(site) : { came: () => undefined, from: () => [] };
  let plan: Plan | null = null;
  let indexOf = new Map<string, number>();
  let targets = new Map<string, number>();
  let plans = 0;
  const arrivals: number[] = [];
  const arrivedToday = (t: number) => {
    const day = Math.floor((t * site.slotMs) / DAY_MS);
    return arrivals.filter((a) => Math.floor((a * site.slotMs) / DAY_MS) === day).length;
  };
  let missed = 0;

  return {
    /** Plans made, and how often there was no answer: then laxity ruled until the next plan. */
    counts: () => ({ plans, missed }),
    due: (t: number, changed: boolean): boolean =>
      changed || plan === null || t * site.slotMs - plan.madeMs >= REPLAN_SLOTS * site.slotMs,
    async make(t: number, hungry: readonly Live[], limits: Limits, billedKw: number): Promise<void> {
      const now = problemOf(site, hungry, options, t, limits, priced, billedKw);
      const problem = { ...now, vehicles: [...now.vehicles, ...expected.from(t, arrivedToday(t))] };
      const { program, layout } = buildPlan(problem);
      const solution = await options.solve(program);
      plans++;
      targets = new Map();
      if (solution !== null) {
        plan = readPlan(problem, layout, solution);
        indexOf = new Map(plan.vehicles.map((v, i) => [v.id, i]));
        return;
      }
      missed++;
      plan = null;
      const vehicles = now.vehicles.map((v) => ({
        ...v,
        needKwh: mostKwh(v),
        hours: Math.max(0, lastMs(v) - now.startMs) / HOUR_MS,
      }));
      const rates = byLaxity(limits, vehicles, site.slotMs / HOUR_MS);
      targets = new Map(vehicles.map((v, i) => [v.id, rates[i] as number]));
    },
    /** The rate that is wanted for a vehicle in slot `t`; 0 for one that came after the plan. */
    target(id: string, t: number): number {
      if (plan === null) return targets.get(id) ?? 0;
      const i = indexOf.get(id);
      return i === undefined ? 0 : rateAt(plan, i, t * site.slotMs);
    },
    /** Whether more than the targets would cost money. */
    holdsBack: () => priced && plan !== null,
    arrived(t: number): void {
      arrivals.push(t);
    },
    /** A vehicle has left: only from then on may it be known when it did. */
    left: ({ stay, gotKwh }: Live): void => expected.came(stay, gotKwh),
    forget(): void {
      plan = null;
    },
  };
}

function problemOf(
  site: Site,
  hungry: readonly Live[],
  { knowledge, minCurrent }: PlannerOptions,
  t: number,
  limits: Limits,
  priced: boolean,
  billedKw: number,
): PlanProblem {
  const { slotMs } = site;
  const beliefs = hungry.map(({ stay, gotKwh }) => knowledge.of(stay, t, gotKwh));
  const fair = shareOut(
    limits,
    hungry.map(({ stay, gotKwh }, i) => {
      const { askedKwh, shortage } = beliefs[i] as Belief;
      return {
        ...drawsOf(stay),
        target: 0,
        cap: stay.max,
        min: 0,
        step: 0,
        rank: RANK.running,
        weight: stay.weight * (shortage === null ? 1 : floorWeight(askedKwh, gotKwh)),
      };
    }),
  );
  const shortage = beliefs[0]?.shortage ?? null;
  // Whoever waits for a cheap hour draws nothing before it.
  const running = priced ? 0 : KEEPS_RUNNING;
  const vehicles = hungry.map(({ stay, gotKwh, rate }, i): PlanVehicle => {
    const { stays, asked, askedKwh, shortage } = beliefs[i] as Belief;
    return {
      id: stay.id,
      ...drawsOf(stay),
      max: stay.max,
      needs: asked.map((a) => ({ upToKwh: Math.max(0, a.upToKwh - gotKwh), likely: a.likely })),
      askedKwh,
      gotKwh,
      stays: stays.map((s) => ({ untilMs: s.until * slotMs, likely: s.likely })),
      weight: stay.weight,
      rate,
      keep: minCurrent || priced ? stay.min : 0,
      floor: (shortage === null ? running : floorPart(shortage, gotKwh / askedKwh)) * (fair[i] as number),
    };
  });
  const end = Math.max(...vehicles.map(lastMs));
  const circuits = site.circuits.map((c) => {
    const from = c.room.findLastIndex((s) => s.fromMs <= t * slotMs);
    const to = c.room.findLastIndex((s) => s.fromMs < end);
    return { ...c, room: c.room.slice(Math.max(0, from), to + 1) };
  });
  return {
    startMs: t * slotMs,
    firstMs: REPLAN_SLOTS * slotMs,
    vehicles,
    circuits,
    phasors: limits.phasors,
    price: priceSteps(site, t, end),
    demand:
      site.demandPerKw > 0
        ? {
            perKw: site.demandPerKw * partOfPeak(site, t),
            billedKw,
            windowMs: slotMs,
            usedKwh: 0,
            otherKw: [],
          }
        : null,
    goals: planGoals(priced, shortage ?? 0),
    maxColumns: MOST_COLUMNS,
  };
}

/** A peak is paid once and used on all days that are left: a plan of one day bears a part of it. */
function partOfPeak({ slots, slotMs }: Site, t: number): number {
  const daysLeft = ((slots - t) * slotMs) / DAY_MS;
  return Math.min(1, PEAK_DAYS / Math.max(1, daysLeft));
}

function priceSteps({ energyPerKwh, slotMs }: Site, t: number, endMs: number) {
  const steps: { fromMs: number; perKwh: number }[] = [];
  for (let k = t; energyPerKwh !== null && k * slotMs < endMs && k < energyPerKwh.length; k++) {
    const perKwh = energyPerKwh[k] as number;
    if (steps.at(-1)?.perKwh !== perKwh) steps.push({ fromMs: k * slotMs, perKwh });
  }
  return steps;
}

export const drawsOf = ({ circuit, lines, ampsPerUnit, kwPerUnit }: Stay) => ({
  circuit,
  lines,
  ampsPerUnit,
  kwPerUnit,
});
