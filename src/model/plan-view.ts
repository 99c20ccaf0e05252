/**
 * What planning shows of itself: the plan that targets come from and, per vehicle, what was believed, what the plan gives
 * it and what it will have. Readiness is judged from this. Times are depot time, ms since the epoch; rates are A per used
 * line, AC side, also for DC.
 */
import type { DepartureSource, EvseNeed } from "./departure.ts";
import type { Target, TargetSource } from "./targets.ts";

/** One in ten lies below `p10`, half below `p50`, nine in ten below `p90`. */
export interface Quantiles {
  p10: number;
  p50: number;
  p90: number;
}

export interface PlanView {
  /** Null: no targets hold, vehicles share as if there were no plan. */
  source: TargetSource | null;
  /** When what the targets come from was made; null before the first. */
  madeMs: number | null;
  /** What building and solving the newest plan took, ms of real time; null before the first. */
  buildMs: number | null;
  solveMs: number | null;
  /** Why the newest attempt gave no plan; null when it did. */
  failed: string | null;
  /** Highest import of a window that the plan expects, kW; null without a demand charge. */
  peakKw: number | null;
  /** Interval `j` of `rates` is from `marks[j]` to `marks[j + 1]`. */
  marks: readonly number[];
  /** Everybody who is plugged in, in the order of the config. */
  vehicles: readonly PlannedEvse[];
}

export interface PlannedEvse
  extends Pick<EvseNeed, "evse" | "vehicle" | "group" | "class" | "weight" | "pluggedMs"> {
  /** As somebody said it; null when nobody did. */
  saidDepartMs: number | null;
  saidKwh: number | null;
  saidBy: DepartureSource | null;
  /** What is believed, and how many stays that was learnt from: 0 when it is an assumption. */
  departs: Quantiles;
  departExamples: number;
  wants: Quantiles;
  wantExamples: number;
  /** Said and not passed, or expected from others' stays; false: a guest, how long it stays is anybody's guess. */
  isExpected: boolean;
  /** It draws nothing of what it is offered: it has what it wants, or its own charger or timer holds it back. */
  holdsBack: boolean;
  deliveredKwh: number;
  /** kWh of the whole stay that it should have: as said, else the middle of what is believed. */
  wantedKwh: number;
  /** kWh of the whole stay that it will have at `departs.p50`; null when no plan names it. */
  forecastKwh: number | null;
  /** Of `wantedKwh`, what will be missing then; null when no plan names it. */
  missingKwh: number | null;
  /** Per interval of `marks`; empty when no plan names it. */
  rates: readonly number[];
  /** kW to the vehicle for one A on each of its lines. */
  kwPerA: number;
  minA: number;
  /** Largest rate of car and station. */
  maxA: number;
  /** What limits its rate in the plan now: circuit and line, or circuit and kW. */
  boundBy: readonly string[];
  /** As control has it now; null: none. */
  target: Target | null;
}
