/**
 * A plan's problem from what is plugged in now, and targets from what the plan says. Rates are A per used line, AC side,
 * for AC and DC alike: the unit that control counts in.
 */
import type { PerLine } from "../../model/circuit.ts";
import type { EvseNeed } from "../../model/departure.ts";
import type { EvseId } from "../../model/ids.ts";
import type { Target, TargetSource, Targets } from "../../model/targets.ts";
import { RANK } from "../allocate.ts";
import type { Belief } from "./beliefs.ts";
import { leastRoom } from "./build.ts";
import { byLaxity } from "./by-laxity.ts";
import { liveGoals, URGENT_MS } from "./goals.ts";
import type { Limits } from "./joint-room.ts";
import type {
  DemandCharge,
  Likely,
  PlanProblem,
  PlanVehicle,
  PriceStep,
  RoomStep,
  Stays,
} from "./problem.ts";
import type { Plan } from "./read.ts";
import { shareOut } from "./share-out.ts";

export interface LiveCar {
  need: EvseNeed;
  belief: Belief;
  /** Index into `circuits`. */
  circuit: number;
  /** Grid lines it loads, as bits. */
  lines: number;
  /** kW to the vehicle, and from the grid, for one A on each of its lines. */
  kwPerA: number;
  gridKwPerA: number;
  /** A per used line: what it charges with at least, what car and station take at most, what it has now. */
  minA: number;
  maxA: number;
  rateA: number;
}

export interface LiveCircuit {
  id: string;
  /** -1 for a root; before its children. */
  parent: number;
  limitA: PerLine;
  /** Set aside for stations that cannot be reached. */
  reservedA: PerLine;
  /** Other load from a time on, per line and as power; the first step holds now. Empty: none. */
  other: readonly { fromMs: number; lineA: PerLine; kw: number }[];
  /** Limit as power from a time on, charging and other load together; null: none. */
  power: readonly { fromMs: number; limitW: number | null }[];
}

export interface LiveSite {
  nowMs: number;
  circuits: readonly LiveCircuit[];
  cars: readonly LiveCar[];
  price: readonly PriceStep[];
  demand: DemandCharge | null;
}

const HOUR_MS = 3_600_000;
/** About the time to the next plan. */
const FIRST_MS = 300_000;
/** What lies further ahead is planned when it is nearer. */
const HORIZON_MS = 48 * HOUR_MS;
const MOST_COLUMNS = 8000;

/** Whether energy later may be cheaper: then a plan's targets are all that is drawn. */
export const isPriced = ({ price, demand }: Pick<LiveSite, "price" | "demand">): boolean =>
  demand !== null || price.some(({ perKwh }) => perKwh !== price[0]?.perKwh);

export function liveProblem(site: LiveSite): PlanProblem {
  const { nowMs, cars } = site;
  const circuits = site.circuits.map((c) => ({ id: c.id, parent: c.parent, room: roomOf(c, nowMs) }));
  const priced = isPriced(site);
  const { plan: goals, floorPart, floorWeights } = liveGoals(priced, cars[0]?.belief.shortage ?? 0);
  const weights = floorWeights(
    cars.map(({ need, belief }) => ({
      belief,
      said: need.departMs !== null,
      gotKwh: need.deliveredWh / 1000,
    })),
  );
  const fair = fairRates(limitsNow({ circuits, startMs: nowMs }), cars, weights);
  return {
    startMs: nowMs,
    firstMs: FIRST_MS,
    vehicles: cars.map((car, i): PlanVehicle => {
      const { need, belief } = car;
      const gotKwh = need.deliveredWh / 1000;
      return {
        id: need.evse,
        ...drawsOf(car),
        max: car.maxA,
        needs: needsOf(belief, gotKwh),
        askedKwh: belief.askedKwh,
        gotKwh,
        stays: staysOf(belief, nowMs),
        weight: need.weight,
        rate: car.rateA,
        keep: car.minA,
        floor: floorPart(belief, need.departMs !== null, gotKwh) * (fair[i] as number),
      };
    }),
    circuits,
    phasors: [],
    price: site.price,
    demand: site.demand,
    goals,
    maxColumns: MOST_COLUMNS,
  };
}

const drawsOf = ({ circuit, lines, kwPerA, gridKwPerA }: LiveCar) => ({
  circuit,
  lines,
  ampsPerUnit: 1,
  kwPerUnit: kwPerA,
  gridKwPerUnit: gridKwPerA,
});

/** What more it may want, equal steps as one. */
function needsOf({ asked }: Belief, gotKwh: number): Likely[] {
  const more = asked.map(({ upToKwh, likely }) => ({ upToKwh: Math.max(0, upToKwh - gotKwh), likely }));
  return more.filter((step, k) => step.upToKwh > (more[k - 1]?.upToKwh ?? 0));
}

/** Until when it may be there, within the horizon, equal times as one. */
function staysOf({ stays }: Belief, nowMs: number): Stays[] {
  const there = stays.map(({ untilMs, likely }) => ({
    untilMs: Math.min(nowMs + HORIZON_MS, Math.max(nowMs + 1, Math.round(untilMs))),
    likely,
  }));
  return there.filter((step, k) => step.untilMs > (there[k - 1]?.untilMs ?? nowMs));
}

/** Limit less what others draw: as it is now for the time to the next plan, then as it is expected. */
function roomOf(c: LiveCircuit, nowMs: number): RoomStep[] {
  const starts = [...c.other, ...c.power].map(({ fromMs }) => fromMs).filter((ms) => ms > nowMs);
  const times = [...new Set([nowMs, ...starts])].sort((a, b) => a - b);
  const at = <T extends { fromMs: number }>(list: readonly T[], ms: number) =>
    list.findLast(({ fromMs }) => fromMs <= ms) ?? list[0];
  const steps: RoomStep[] = [];
  let last = "";
  for (const fromMs of times) {
    const other = at(c.other, fromMs);
    const limitW = at(c.power, fromMs)?.limitW ?? null;
    const on = (p: 0 | 1 | 2) => Math.max(0, c.limitA[p] - c.reservedA[p] - (other?.lineA[p] ?? 0));
    const lineA = [on(0), on(1), on(2)] as const;
    const kw = limitW === null ? null : Math.max(0, limitW / 1000 - (other?.kw ?? 0));
    const now = `${lineA.join()} ${kw}`;
    if (now !== last) steps.push({ fromMs, lineA, kw });
    last = now;
  }
  return steps;
}

function limitsNow({ circuits, startMs }: Pick<PlanProblem, "circuits" | "startMs">): Limits {
  const roomA = new Float64Array(circuits.length * 3);
  const roomKw = new Float64Array(circuits.length);
  circuits.forEach((_, c) => {
    const { lineA, kw } = leastRoom({ circuits }, c, startMs, startMs + 1);
    roomA.set(lineA, c * 3);
    roomKw[c] = kw;
  });
  return { parent: Int32Array.from(circuits, ({ parent }) => parent), roomA, roomKw, phasors: [] };
}

/** Max-min fair whatever their classes, as if all drew from the first ampere on. */
function fairRates(limits: Limits, cars: readonly LiveCar[], weights: readonly number[]): Float64Array {
  return shareOut(
    limits,
    cars.map((car, i) => ({
      ...drawsOf(car),
      target: 0,
      cap: car.maxA,
      min: 0,
      step: 0,
      rank: RANK.running,
      weight: weights[i] as number,
    })),
  );
}

/** Rates without a solver, per car. */
export function laxityRates(problem: PlanProblem, cars: readonly LiveCar[]): Float64Array {
  if (cars.length === 0) return new Float64Array(0);
  const vehicles = problem.vehicles.map((v, i) => ({
    ...v,
    needKwh: Math.max(0, v.askedKwh - v.gotKwh),
    hours: Math.max(0, (cars[i] as LiveCar).belief.departs.p50 - problem.startMs) / HOUR_MS,
  }));
  return byLaxity(limitsNow(problem), vehicles, FIRST_MS / HOUR_MS);
}

/** Targets at `nowMs` that hold until `untilMs`; `isCapped`: more than the targets would cost money. */
export function targetsOf(
  rates: (car: number) => number,
  cars: readonly LiveCar[],
  how: { nowMs: number; madeMs: number; untilMs: number; source: TargetSource; isCapped: boolean },
): Targets {
  const of = new Map<EvseId, Target>();
  cars.forEach((car, i) => {
    const rate = rates(i);
    if (Number.isNaN(rate)) return;
    const { need } = car;
    const urgent = isUrgent(car, how.nowMs);
    const targetA = offer(car, rate);
    of.set(need.evse, {
      targetA,
      capA: how.isCapped && !urgent ? targetA : null,
      weight: need.weight,
      urgent,
      class: need.class,
      classWeight: need.weight,
    });
  });
  return { madeMs: how.madeMs, untilMs: how.untilMs, source: how.source, of };
}

/** A plan knows no minimum: less than half of it is nothing, more is all of it. */
function offer({ minA, maxA }: LiveCar, rate: number): number {
  if (rate >= minA) return Math.min(rate, maxA);
  return rate > 0 && rate >= minA / 2 ? Math.min(minA, maxA) : 0;
}

/** It will leave with less than it wants unless it charges at once. Never one whose departure nobody can tell. */
function isUrgent({ need, belief, kwPerA, maxA }: LiveCar, nowMs: number): boolean {
  if (need.departMs === null || need.departMs <= nowMs || maxA <= 0) return false;
  const lacksKwh = belief.askedKwh - need.deliveredWh / 1000;
  if (lacksKwh <= 0) return false;
  const takesMs = (lacksKwh / (kwPerA * maxA)) * HOUR_MS;
  return belief.departs.p50 - nowMs - takesMs < URGENT_MS;
}

/** kWh that a plan gives vehicle `i` between two times. */
export function plannedKwh(plan: Plan, i: number, kwPerUnit: number, fromMs: number, toMs: number): number {
  const { marks } = plan;
  let kwh = 0;
  plan.vehicles[i]?.rates.forEach((rate, j) => {
    const ms = Math.min(toMs, marks[j + 1] as number) - Math.max(fromMs, marks[j] as number);
    if (ms > 0) kwh += (rate * kwPerUnit * ms) / HOUR_MS;
  });
  return kwh;
}
