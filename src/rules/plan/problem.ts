/**
 * What a plan is made from: the vehicles that are plugged in, what the circuits leave for charging over time, prices.
 *
 * A vehicle's rate has the unit of its connector: A per used line for AC, kW for DC; `ampsPerUnit` and `kwPerUnit` say
 * what one unit draws. Times are ms of one clock (epoch in the gateway); series are steps that hold until the next one.
 */
import type { PerLine } from "../../model/circuit.ts";

export interface PlanVehicle {
  id: string;
  /** Index into `circuits`. */
  circuit: number;
  /** Grid lines it loads, as bits (1 for L1, 2 for L2, 4 for L3). */
  lines: number;
  /** A on each of its lines for one unit of rate. */
  ampsPerUnit: number;
  /** kW for one unit of rate. */
  kwPerUnit: number;
  /** Largest rate of car and connector. */
  max: number;
  /** What more it may want, by how likely: rising kWh from now on, falling likelihood. One entry when it is certain. */
  needs: readonly Likely[];
  /** kWh it wants in the whole stay: what its share is a part of. */
  askedKwh: number;
  /** kWh it has got in this stay. */
  gotKwh: number;
  /** Not before: expected, not there yet. Absent: it is there. */
  fromMs?: number;
  /** Until when it may be there, by how likely: rising times, falling likelihood. One entry when it is certain. */
  stays: readonly Stays[];
  /** Its class: a kWh missing at departure counts this many times. 1 for all when there are no classes. */
  weight: number;
  /** Its rate at present. */
  rate: number;
  /** A running vehicle is not lowered below this rate for a small gain: it would stop. 0: none. */
  keep: number;
  /** Rate it keeps for the first `firstMs` whatever the rest of the plan wants (fairness floor); within all limits. */
  floor: number;
}

export interface Likely {
  /** kWh. */
  upToKwh: number;
  /** Probability that it wants what lies between the entry before and this one. */
  likely: number;
}

export interface Stays {
  untilMs: number;
  /** Probability that it is still there between the entry before and this one. */
  likely: number;
}

/** Room for charging on a circuit from `fromMs` on: limit less forecast of other load. Null: not limited. */
export interface RoomStep {
  fromMs: number;
  lineA: PerLine | null;
  kw: number | null;
}

export interface PlanCircuit {
  id: string;
  /** -1 for a root; before its children. */
  parent: number;
  /** By time, the first at or before the start of the plan. Empty: no limit. */
  room: readonly RoomStep[];
}

/** A conductor that carries a sum of vehicles' currents at different angles: |sum c * I * e^(j * angle)| <= limit. */
export interface Phasor {
  id: string;
  limitA: number;
  terms: readonly PhasorTerm[];
}

export interface PhasorTerm {
  /** Index into `vehicles`. */
  vehicle: number;
  coefficient: number;
  angleDeg: number;
}

export interface PriceStep {
  fromMs: number;
  perKwh: number;
}

/** A charge for the highest mean import of a window (15 minutes in most contracts). */
export interface DemandCharge {
  perKw: number;
  /** Highest window of the billing period so far: up to there nothing more is due. */
  billedKw: number;
  windowMs: number;
  /** kWh imported in the window under way. */
  usedKwh: number;
  /** Import besides charging, kW, as steps; empty when only charging is billed. */
  otherKw: readonly { fromMs: number; kw: number }[];
}

export interface PlanGoals {
  /** Extra worth of a kWh, at most, for vehicles that need little and leave at a certain time: more of them get all. */
  fill: number;
  /** kWh a vehicle asks for up to which it gets all of `fill`; beyond, less and less. */
  fillKwh: number;
  /** Extra worth of the first `basePart` of what a vehicle asks for that may leave early: nobody is left with nothing. */
  base: number;
  basePart: number;
  /** What a kWh at the end of the plan is worth less than one now where departure is certain. Small beside prices if any. */
  early: number;
  /** What a kWh at the end of a vehicle's own stay is worth less than one now: who leaves soon goes first. */
  soon: number;
  /** What a running vehicle's rate below `keep` costs, in hours of the energy that it lacks there. */
  keep: number;
  /** Extra worth of a kWh to a vehicle that would have nothing at a certain departure, falling to 0 with its share. */
  share: number;
  /** What a change of rate from now to the first interval and to the second costs, in hours of the energy between them. */
  smooth: number;
}

export interface PlanProblem {
  startMs: number;
  /** How long the plan's first rates should hold: about the time to the next plan. */
  firstMs: number;
  vehicles: readonly PlanVehicle[];
  circuits: readonly PlanCircuit[];
  phasors: readonly Phasor[];
  /** Empty: energy costs the same at all times. */
  price: readonly PriceStep[];
  demand: DemandCharge | null;
  goals: PlanGoals;
  /** Columns that the program may have at most; departures and changes are brought together until it fits. */
  maxColumns: number;
}

/** Energy first; of plans with the same energy one that leaves nobody with little, fills many, and charges early. */
export const ENERGY_FIRST: PlanGoals = {
  fill: 0.2,
  fillKwh: 3,
  base: 0,
  basePart: 0.5,
  early: 0.5,
  soon: 0.05,
  keep: 0.01,
  share: 0.12,
  smooth: 0,
};

/** Whether its departure and its need are known. */
export function isCertain({ stays, needs }: PlanVehicle): boolean {
  return stays.length === 1 && needs.length === 1;
}

/** When it is gone for certain. */
export function lastMs({ stays }: PlanVehicle): number {
  return stays[stays.length - 1]?.untilMs ?? Number.NEGATIVE_INFINITY;
}

/** Most that it may want, kWh. */
export function mostKwh({ needs }: PlanVehicle): number {
  return needs[needs.length - 1]?.upToKwh ?? 0;
}

/** The step of a series that holds at `atMs`; undefined before the first. */
export function stepAt<T extends { fromMs: number }>(series: readonly T[], atMs: number): T | undefined {
  let lo = 0;
  let hi = series.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if ((series[mid] as T).fromMs <= atMs) lo = mid + 1;
    else hi = mid;
  }
  return series[lo - 1];
}
