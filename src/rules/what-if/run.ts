/**
 * Runs an instance slot by slot under the rules of production: a plan, made anew when a vehicle comes or goes, a limit
 * changes or some time has passed, hands targets to the fast layer, whose rates the vehicles draw.
 */
import type { DepotTrace } from "../../model/depot-instance.ts";
import { RANK } from "../allocate.ts";
import type { Limits } from "../plan/joint-room.ts";
import { stepAt } from "../plan/problem.ts";
import type { Claim } from "../plan/share-out.ts";
import { type Drawn, drawSlot } from "./draw.ts";
import { CERTAIN, learned } from "./knowledge.ts";
import { createPlanner, drawsOf, type Live, type PlannerOptions } from "./planner.ts";
import type { Site, Stay } from "./site.ts";

export interface RunOptions {
  /** The controller knows drivers' estimates, never the truth. */
  estimates: boolean;
  /** A connector gives 0 or at least its minimum. */
  minCurrent: boolean;
  /** `fair`: the fast layer alone. */
  policy: "plan" | "fair";
  /** Solves a plan's program; null when there is no answer in time. */
  solve: PlannerOptions["solve"];
  progress?(slot: number): void;
}

export interface RunResult {
  trace: DepotTrace;
  /** kWh per stay, by index. */
  gotKwh: Float64Array;
  plans: number;
  /** Plans that could not be made; laxity ruled instead. */
  missed: number;
}

const HOUR_MS = 3_600_000;
const EMPTY_KWH = 1e-6;
/** Less than this is not left for another slot: rounding would, and vehicles would start again for it. */
const DREGS_A = 0.3;

export async function runInstance(site: Site, options: RunOptions): Promise<RunResult> {
  const { slotMs } = site;
  const hours = slotMs / HOUR_MS;
  const knowledge = options.estimates ? learned(1 / hours) : CERTAIN;
  const planner = options.policy === "plan" ? createPlanner(site, { ...options, knowledge }) : null;
  const rates = site.stays.map((s) => new Array<number>(s.depart - s.arrive).fill(0));
  const gotKwh = new Float64Array(site.stays.length);
  const arriving = [...site.stays].sort((a, b) => a.arrive - b.arrive || a.index - b.index);
  const changesAt = limitChanges(site);
  let active: Live[] = [];
  let next = 0;
  let billedKw = 0;

  for (let t = 0; t < site.slots; t++) {
    options.progress?.(t);
    const before = active.filter((live) => live.leftKwh > EMPTY_KWH).length;
    active = active.filter((live) => {
      if (live.stay.depart > t) return true;
      knowledge.left(live.stay, live.gotKwh, live.leftKwh <= EMPTY_KWH);
      planner?.left(live);
      return false;
    });
    const came = next;
    for (; next < arriving.length && (arriving[next] as Stay).arrive <= t; next++) {
      const stay = arriving[next] as Stay;
      planner?.arrived(t);
      active.push({ stay, leftKwh: stay.energyKwh, gotKwh: 0, rate: 0 });
    }
    const hungry = active.filter((live) => live.leftKwh > EMPTY_KWH);
    if (hungry.length === 0) {
      planner?.forget();
      continue;
    }
    const changed = next > came || hungry.length !== before || changesAt.has(t);
    const limits = limitsAt(site, t, hungry);
    if (planner?.due(t, changed)) await planner.make(t, hungry, limits, billedKw);
    const claims = hungry.map((live) => {
      const target = planner === null ? null : planner.target(live.stay.id, t);
      return claimOf(live, target, planner?.holdsBack() ?? false, options, hours);
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
  return { trace, gotKwh, ...(planner?.counts() ?? { plans: 0, missed: 0 }) };
}

/** `target` is null without a plan; a plan that `holdsBack` wants no more than its targets drawn. */
function claimOf(
  live: Live,
  target: number | null,
  holdsBack: boolean,
  options: RunOptions,
  hours: number,
): Claim {
  const { stay, leftKwh, rate } = live;
  const min = options.minCurrent ? stay.min : 0;
  const fillable = leftKwh / (stay.kwPerUnit * hours);
  // Not rounded up: tenths of many vehicles, each day anew, would push up the peak that is billed.
  const most =
    holdsBack && target !== null && target < fillable - DREGS_A / stay.ampsPerUnit
      ? Math.min(stay.max, target)
      : stay.max;
  const useful = options.estimates ? most : Math.min(most, roundedUp(fillable, stay));
  return {
    ...drawsOf(stay),
    // Less than a step would be rounded down to nothing, and stop who runs.
    target: target !== null && target > 0 ? Math.max(target, stay.step) : 0,
    // Who cannot take the minimum is offered nothing.
    cap: useful > 0 && stay.max >= min ? Math.max(useful, min) : 0,
    min,
    step: stay.step,
    rank: rankOf(target, min, rate),
    weight: stay.weight,
  };
}

/** The fast layer counts in tenths of an ampere: an offer that is to fill a vehicle is rounded up. */
function roundedUp(rate: number, { step, ampsPerUnit }: Stay): number {
  if (rate < 1e-9) return 0;
  if (step > 0) return Math.max(step, Math.floor(rate / step + 1e-6) * step);
  return (Math.ceil(rate * ampsPerUnit * 10 - 1e-9) / 10 + 1e-9) / ampsPerUnit;
}

/** Whom the plan wants to wait gets a minimum only after those whom it wants to run. */
function rankOf(target: number | null, min: number, rate: number): number {
  if (min > 0 && target !== null && target < min / 2) return rate > 0 ? RANK.waiting : RANK.standby;
  return rate > 0 ? RANK.running : RANK.waiting;
}

function limitChanges(site: Site): Set<number> {
  const at = new Set<number>();
  for (const { room } of site.circuits)
    for (const step of room) at.add(Math.round(step.fromMs / site.slotMs));
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
  // Stays on one connector may overlap by a slot or more.
  const at = Map.groupBy(hungry.keys(), (i) => (hungry[i] as Live).stay.connector);
  return site.phasors.map((phasor) => ({
    ...phasor,
    terms: phasor.terms.flatMap((term) => {
      return (at.get(term.vehicle) ?? []).map((vehicle) => ({ ...term, vehicle }));
    }),
  }));
}
