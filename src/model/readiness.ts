/** Whether a vehicle will have what it needs when it leaves, and if not, why. */
import type { EvseId } from "./ids.ts";

/**
 * `ready`: it has what it wants, or stopped drawing by itself and nobody said that it needs more. `on_track`: it will. `at_risk`: by the plan it will not, or something is in the way.
 * `impossible`: not even at full rate from now on. `guest`: nobody knows when it leaves, so nothing can be late.
 */
export const READINESS_STATES = ["ready", "on_track", "at_risk", "impossible", "guest"] as const;
export type ReadinessState = (typeof READINESS_STATES)[number];

/**
 * What is in the way. `not_drawing`: it is offered current and takes none. `too_short`: from now to its departure there
 * is not enough time at full rate. `limit`: a circuit that the plan is bound by (`detail` names it). `higher_class`:
 * others go first. `no_plan`: nothing can be told, vehicles share alike. `may_leave_early`: like stays ended earlier.
 */
export const READINESS_CAUSES = [
  "offline",
  "faulted",
  "not_drawing",
  "too_short",
  "limit",
  "higher_class",
  "may_leave_early",
  "no_plan",
] as const;
export type ReadinessCauseCode = (typeof READINESS_CAUSES)[number];

export interface ReadinessCause {
  code: ReadinessCauseCode;
  /** A circuit and line; null where the code says all. */
  detail: string | null;
}

export interface Readiness {
  evse: EvseId;
  vehicle: string | null;
  class: string | null;
  state: ReadinessState;
  /** As said, else as half of the stays like it ended; null for a guest. Depot time, ms. */
  departMs: number | null;
  /** Whether somebody said so. */
  isSaid: boolean;
  wantedKwh: number;
  /** Whether somebody said how much; else it is learnt from stays like it. */
  needIsSaid: boolean;
  deliveredKwh: number;
  /** At departure; null when no plan tells. */
  forecastKwh: number | null;
  /** Of what it wants, kWh that it will lack at departure by the plan, and cannot have even at full rate. */
  missingKwh: number;
  impossibleKwh: number;
  /** When charging must begin at the latest, at full rate and with a margin; null when it needs nothing or is a guest. */
  latestStartMs: number | null;
  /** When the plan has it charge next; null when never or without a plan. */
  plannedStartMs: number | null;
  /** The weightiest first. */
  causes: readonly ReadinessCause[];
}
