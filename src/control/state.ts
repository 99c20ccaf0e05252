/** What the control loop shows of itself: for live topics, pages and metrics. */

import type { ChargingState, ConnectorState } from "../model/messages.ts";
import type { TargetSource } from "../model/targets.ts";

export type EvseWord = "charging" | "limited" | "waiting" | "standby" | "available" | "offline" | "faulted";

export interface CircuitState {
  id: string;
  /** A for L1, L2, L3, as all triples here. */
  limit_a: number[];
  /** By the circuit's meter; null without a believable reading. */
  measured_a: number[] | null;
  other_load_a: number[];
  /** Sum of the limits last sent. */
  allocated_a: number[];
  /** Sum of the envelopes: the most that may be drawn by command. */
  envelope_a: number[];
  headroom_a: number[];
  /** The lowest limit in W that holds here, charging and other load together; null without one. */
  limit_w: number | null;
  limit_reason: "grid_order" | "power_limit" | null;
  /** By the circuit's meter, W; its own word or current times voltage. Null without a believable reading. */
  power_w: number | null;
  /** W of everything but charging; negative is own production beyond other load. Null before the first tick. */
  other_load_w: number | null;
  /** W that may be drawn by command. */
  envelope_w: number | null;
  /** Most by which one line may be loaded more than another, A; null without such a limit. */
  unbalance_a: number | null;
  meter: "none" | "fresh" | "frozen" | "stale";
  meter_age_s: number | null;
}

export interface EvseState {
  station: string;
  evse: number;
  state: EvseWord;
  /** Last limit sent in this run. */
  limit_a: number | null;
  confirmed_a: number | null;
  envelope_a: number;
  /** On the grid's lines; null without a fresh reading. */
  measured_a: number[] | null;
  /** As the station said last; null until it did. */
  connector_state: ConnectorState | null;
  charging_state: ChargingState | null;
  power_w: number | null;
  energy_import_wh: number | null;
  soc_pct: number | null;
  /** Phases it is told to charge on. */
  phases: number;
  /** Grid lines it is counted on, 1 to 3. */
  lines: number[];
  /** A per used line: below this it gets 0. */
  min_a: number;
  /**
   * A per used line that it could use by its car, its station and flows, if there were room and whatever the plan says:
   * 0 without a car, the minimum for a car that sleeps, less than the station's maximum for one that tapers.
   */
  max_a: number;
  /** What the plan wants for it, A, and which plan; null without one. */
  target_a: number | null;
  plan: TargetSource | null;
  /** Its vehicle's priority class; null for none. */
  class: string | null;
  reason: string;
  bound_by: string | null;
}

export interface ControlState {
  at_ms: number;
  circuits: CircuitState[];
  evses: EvseState[];
  /** Of all EVSEs, at nominal voltage: what they ask for, are offered, and of what they ask are not offered. */
  power: { demandW: number; offeredW: number; curtailedW: number };
  /** `cycle_ms`: real time from the look to the last limit of the latest tick. */
  ticks: { ticks: number; pooled: number; inline: number; late: number; period_ms: number; cycle_ms: number };
}
