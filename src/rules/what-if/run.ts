/**
 * Runs an instance slot by slot under the rules of production: a plan, made anew when a vehicle comes or goes, a limit
 * changes or some time has passed, hands targets to the fast layer, whose rates the vehicles draw.
 */
import type { DepotTrace } from "../../model/depot-instance.ts";
import { RANK } from "../allocate.ts";
import { byLaxity } from "../plan/by-laxity.ts";
import { buildPlan } from "../plan/build.ts";
import type { Limits } from "../plan/joint-room.ts";
import { lastMs, type PlanProblem, type PlanVehicle, stepAt } from "../plan/problem.ts";
import type { LinearProgram, Solution } from "../plan/program.ts";
import { type Plan, rateAt, readPlan } from "../plan/read.ts";
import { type Claim, shareOut } from "../plan/share-out.ts";
import { type Drawn, drawSlot } from "./draw.ts";
import { CERTAIN, type Knowledge, learned } from "./knowledge.ts";
import { policyGoals } from "./goals.ts";
import type { Site, Stay } from "./site.ts";

export interface RunOptions {
  /** The controller knows drivers' estimates, never the truth. */
  estimates: boolean;
  /** A connector gives 0 or at least its minimum. */
  minCurrent: boolean;
  /** `fair`: the fast layer alone. */
  policy: "plan" | "fair";
  /** Null when there is no answer in time. */
  solve(program: LinearProgram): Promise<Solution | null>;
  progress?(slot: number): void;
}

export interface Live {
  stay: Stay;
  leftKwh: number;
  gotKwh: number;
  rate: number;
}

export interface RunResult {
  trace: DepotTrace;
  /** kWh per stay, by index. */
  gotKwh: Float64Array;
  plans: number;
  /** Plans that could not be made; the fast layer's own rule went on. */
  missed: number;
}

const REPLAN_SLOTS = JSON.parse(process.env.X ?? "{}").replan ?? 3;
const EMPTY_KWH = 1e-6;

export async function runInstance(site: Site, options: RunOptions): Promise<RunResult> {
  const { slotMs } = site;
  const hours = slotMs / 3_600_000;
  const knowledge: Knowledge = options.estimates ? learned(1 / hours) : CERTAIN;
  if (process.env.PRE) for (const s of site.stays) knowledge.left(s, s.energyKwh, true);
  const rates = site.stays.map((s) => new Array<number>(s.depart - s.arrive).fill(0));
  const gotKwh = new Float64Array(site.stays.length);
  const arriving = [...site.stays].sort((a, b) => a.arrive - b.arrive || a.index - b.index);
  const changesAt = limitChanges(site);
  const goals = policyGoals(site, options.estimates);
  let active: Live[] = [];
  let next = 0;
  let planned: { plan: Plan; indexOf: Map<string, number> } | null = null;
  let plans = 0;
  let missed = 0;
  let billedKw = 0;

  for (let t = 0; t < site.slots; t++) {
    let changed = changesAt.has(t);
    const before = active.length;
    active = active.filter((live) => {
      if (live.stay.depart > t) return true;
      knowledge.left(live.stay, live.gotKwh, live.leftKwh <= EMPTY_KWH);
      return false;
    });
    changed ||= active.length !== before;
    for (; next < arriving.length && (arriving[next] as Stay).arrive <= t; next++) {
      const stay = arriving[next] as Stay;
      active.push({ stay, leftKwh: stay.energyKwh, gotKwh: 0, rate: 0 });
      changed = true;
    }
    const hungry = active.filter((live) => live.leftKwh > EMPTY_KWH);
    options.progress?.(t);
    if (hungry.length === 0) {
      planned = null;
      continue;
    }
    const limits = limitsAt(site, t, hungry);
    if (options.policy === "plan") {
      const due =
        changed || planned === null || t * slotMs - planned.plan.madeMs >= REPLAN_SLOTS * slotMs;
      if (due) {
        const problem = problemOf(site, hungry, knowledge, t, limits, goals, billedKw, REPLAN_SLOTS, options.minCurrent);
        if (process.env.LAX) {
          const q = JSON.parse(process.env.LAX);
          const rr = byLaxity(limits, problem.vehicles.map((v) => ({ ...v, needKwh: v.needs[q.n]?.upToKwh ?? v.needs[0]!.upToKwh, hours: ((v.stays[q.d]?.untilMs ?? v.stays[0]!.untilMs) - t * slotMs) / 3.6e6 })), hours);
          planned = { plan: { madeMs: t * slotMs, marks: [t * slotMs, 1e15], peakKw: null, vehicles: problem.vehicles.map((v, i) => ({ id: v.id, rates: Float64Array.of(rr[i]!), forecastKwh: 0, missingKwh: 0, boundBy: [] })) }, indexOf: new Map(problem.vehicles.map((v, i) => [v.id, i])) };
        } else {
        const { program, layout } = buildPlan(problem);
        const solution = await options.solve(program);
        plans++;
        if (solution === null) missed++;
        else {
          const plan = readPlan(problem, layout, solution);
          planned = { plan, indexOf: new Map(plan.vehicles.map((v, i) => [v.id, i])) };
        }
        }
      }
    }
    const claims = hungry.map((live): Claim => {
      const { stay } = live;
      const i = planned?.indexOf.get(stay.id);
      const target = planned === null || i === undefined ? 0 : rateAt(planned.plan, i, t * slotMs);
      const fillable = live.leftKwh / (stay.kwPerUnit * hours);
      const min = options.minCurrent ? Math.min(stay.min, stay.max) : 0;
      const useful = options.estimates ? stay.max : Math.min(stay.max, roundedUp(fillable, stay));
      return {
        ...drawsOf(stay),
        target,
        cap: Math.max(useful, min),
        min,
        step: stay.step,
        rank: rankOf(target, min, live.rate, planned !== null),
        weight: stay.weight,
      };
    });
    const drawn = drawSlot(limits, claims, hungry, slotMs);
    let importKw = 0;
    hungry.forEach((live, k) => {
      const { stay } = live;
      const { rate, full } = drawn[k] as Drawn;
      const kwh = rate * stay.kwPerUnit * hours;
      (rates[stay.index] as number[])[t - stay.arrive] = rate;
      live.gotKwh += kwh;
      live.leftKwh = full ? 0 : Math.max(0, live.leftKwh - kwh);
      live.rate = rate;
      gotKwh[stay.index] = live.gotKwh;
      importKw += rate * stay.kwPerUnit;
    });
    billedKw = Math.max(billedKw, importKw);
  }
  const trace: DepotTrace = {
    format: "depot-trace/1",
    instance: site.name,
    rates: Object.fromEntries(site.stays.map((s, i) => [s.id, rates[i] as number[]])),
  };
  return { trace, gotKwh, plans, missed };
}

const drawsOf = ({ circuit, lines, ampsPerUnit, kwPerUnit }: Stay) => ({
  circuit,
  lines,
  ampsPerUnit,
  kwPerUnit,
});

/** The fast layer counts in tenths of an ampere: an offer that is to fill a vehicle is rounded up. */
function roundedUp(rate: number, { step, ampsPerUnit }: Stay): number {
  if (step > 0) return Math.max(step, Math.floor(rate / step + 1e-6) * step);
  return (Math.ceil(rate * ampsPerUnit * 10 - 1e-9) / 10 + 1e-9) / ampsPerUnit;
}

function rankOf(target: number, min: number, rate: number, planned: boolean): number {
  if (min > 0 && planned && target < min * 0.5) return rate > 0 ? RANK.waiting : RANK.standby;
  return rate > 0 ? RANK.running : RANK.waiting;
}

function limitChanges(site: Site): Set<number> {
  const at = new Set<number>();
  for (const { room } of site.circuits) for (const step of room) at.add(Math.round(step.fromMs / site.slotMs));
  return at;
}

function limitsAt(site: Site, t: number, hungry: readonly Live[]): Limits {
  const n = site.circuits.length;
  const roomA = new Float64Array(n * 3).fill(Number.POSITIVE_INFINITY);
  const roomKw = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  site.circuits.forEach(({ room }, c) => {
    const step = stepAt(room, t * site.slotMs);
    if (step?.lineA) roomA.set(step.lineA, c * 3);
    if (step && step.kw !== null) roomKw[c] = step.kw;
  });
  return { parent: site.parent, roomA, roomKw, phasors: phasorsOf(site, hungry) };
}

/** Phasors over those who are there. */
function phasorsOf(site: Site, hungry: readonly Live[]) {
  if (site.phasors.length === 0) return [];
  const at = new Map(hungry.map((live, i) => [live.stay.connector, i]));
  return site.phasors.map((phasor) => ({
    ...phasor,
    terms: phasor.terms.flatMap((term) => {
      const vehicle = at.get(term.vehicle);
      return vehicle === undefined ? [] : [{ ...term, vehicle }];
    }),
  }));
}

function problemOf(
  site: Site,
  hungry: readonly Live[],
  knowledge: Knowledge,
  t: number,
  limits: Limits,
  goals: ReturnType<typeof policyGoals>,
  billedKw: number,
  firstSlots: number,
  minCurrent: boolean,
): PlanProblem {
  const { slotMs } = site;
  const fair = shareOut(
    limits,
    hungry.map(({ stay }) => ({
      ...drawsOf(stay),
      target: 0,
      cap: stay.max,
      min: 0,
      step: 0,
      rank: RANK.running,
      weight: stay.weight,
    })),
  );
  const vehicles = hungry.map(({ stay, gotKwh, rate }, i): PlanVehicle => {
    const { stays, asked, askedKwh } = knowledge.of(stay, t, gotKwh);
    return {
      id: stay.id,
      ...drawsOf(stay),
      max: stay.max,
      needs: asked.map((a) => ({ upToKwh: Math.max(0, a.upToKwh - gotKwh), likely: a.likely })),
      askedKwh,
      stays: stays.map((s) => ({ untilMs: s.until * slotMs, likely: s.likely })),
      weight: stay.weight,
      rate,
      keep: Math.max(minCurrent ? stay.min : 0, goals.keepPart * stay.max),
      floor: goals.floorPart * (fair[i] as number),
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
    firstMs: firstSlots * slotMs,
    vehicles,
    circuits,
    phasors: limits.phasors,
    price: priceSteps(site, t, end),
    demand:
      site.demandPerKw > 0
        ? { perKw: site.demandPerKw, billedKw, windowMs: slotMs, usedKwh: 0, otherKw: [] }
        : null,
    goals: goals.plan,
    maxColumns: 3000,
  };
}

function priceSteps({ energyPerKwh, slotMs }: Site, t: number, endMs: number) {
  const steps: { fromMs: number; perKwh: number }[] = [];
  for (let k = t; energyPerKwh !== null && k * slotMs < endMs && k < energyPerKwh.length; k++) {
    const perKwh = energyPerKwh[k] as number;
    if (steps.at(-1)?.perKwh !== perKwh) steps.push({ fromMs: k * slotMs, perKwh });
  }
  return steps;
}
