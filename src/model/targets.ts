/** What the plan hands to the control loop: wishes that expire. Control works without them and stays within limits. */
import type { EvseId } from "./ids.ts";

/** `plan`: of the newest plan. `previous`: of an older one, because the newest is late. `laxity`: no plan could be had. */
export const TARGET_SOURCES = ["plan", "previous", "laxity"] as const;
export type TargetSource = (typeof TARGET_SOURCES)[number];

/** Amperes per used line, AC side, also for DC. */
export interface Target {
  /** Admitted before others share the rest. */
  targetA: number;
  /** No more than this although there is room: energy is cheaper later. Null: whatever is left over. */
  capA: number | null;
  /** Share of what is left over. */
  weight: number;
  /** It will miss its departure unless it charges now: its target goes before all others' minima. */
  urgent: boolean;
  /** Id of its priority class; null for none. */
  class: string | null;
  /** Of its class; higher goes first when not all minima fit. 1 for none. */
  classWeight: number;
}

export interface Targets {
  /** Depot time, ms since the epoch; after `untilMs` they hold no more. */
  madeMs: number;
  untilMs: number;
  source: TargetSource;
  of: ReadonlyMap<EvseId, Target>;
}
