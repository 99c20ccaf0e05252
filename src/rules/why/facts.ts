/** What the log and the config say about one EVSE at one time, and the answer that `explainLimit` makes of it. */
import type { Alert } from "../../model/alert.ts";
import type { Circuit, EvseSpec } from "../../model/circuit.ts";
import type { EventBodies } from "../../model/event.ts";
import type { GridOrdered } from "../../model/grid-order.ts";
import type { LimitReason } from "../../model/messages.ts";
import type { TargetSource } from "../../model/targets.ts";

export interface SetpointSeen {
  /** Depot time, ms since the epoch. */
  atMs: number;
  body: EventBodies["setpoint.sent"];
}

export interface ReadingSeen {
  atMs: number;
  currentA: readonly number[] | null;
  powerW: number | null;
}

/** As the config has it; what is not known of a log without its config is absent. */
export interface DepotKnown {
  circuits: readonly Circuit[];
  evses: readonly EvseSpec[];
  nominalV: number;
  /** Ids of the vehicles that the config knows. */
  vehicles: ReadonlySet<string>;
  /** IANA zone of the site: what a timetable means. */
  zone: string;
}

/** What the running control loop knows better than the log: reasons change without a limit being sent anew. */
export interface LiveKnown {
  limitA: number | null;
  reason: LimitReason;
  boundBy: string | null;
  measuredA: readonly number[] | null;
  targetA: number | null;
  plan: TargetSource | null;
  class: string | null;
  circuits: readonly { id: string; limitA: readonly number[]; otherA: readonly number[] }[];
}

export interface WhyFacts {
  station: string;
  evse: number;
  atMs: number;
  vehicle: string | null;
  /** Of this EVSE around the time, oldest first. */
  changes: readonly SetpointSeen[];
  /** The newest of each EVSE by then, this one included, by `station/evse`; who changed long before may be missing. */
  setpoints: Readonly<Record<string, SetpointSeen>>;
  /** The newest reading of each EVSE and meter shortly before, by `station/evse`. */
  readings: Readonly<Record<string, ReadingSeen>>;
  /** The newest word on the station's connection by then. */
  connection: { atMs: number; connected: boolean } | null;
  /** The newest start or stop of the gateway by then. */
  gateway: { atMs: number; running: boolean } | null;
  status: { atMs: number; connector: string; charging: string | null } | null;
  /** Open at the time, about this EVSE, its station or a circuit. */
  alerts: readonly Alert[];
  /** In force at the time, on a circuit above it (on any without the config). */
  orders: readonly GridOrdered[];
  /** The next one that was known by then of its vehicle, or of whoever is plugged in there; null for none. */
  departure: DepartureKnown | null;
  live: LiveKnown | null;
}

export interface DepartureKnown {
  id: string;
  atMs: number;
  /** Wh and % wanted, as somebody said it. */
  energyWh: number | null;
  socPct: number | null;
}

/** Amperes per line; times RFC 3339. */
export interface Why {
  station: string;
  evse: number;
  at: string;
  vehicle: string | null;
  /** What it may draw then. */
  limit_a: number;
  /** Of the station; null without the config. */
  max_a: number | null;
  percent: number | null;
  reason: LimitReason;
  /** `row-a L2`, `row-a power` or null. */
  bound_by: string | null;
  bound: Bound | null;
  /** When the limit was sent. */
  since: string;
  fallback_a: number;
  class: string | null;
  target_a: number | null;
  plan: TargetSource | null;
  /** Not to be told anything: since when, and when its lease ended at the latest. */
  out_of_reach: {
    because: "station" | "gateway";
    since: string;
    lease_until: string;
    lapsed: boolean;
  } | null;
  measured: { at: string; current_a: number | null; power_w: number | null } | null;
  connector_state: string | null;
  charging_state: string | null;
  alerts: { kind: string; subject: string; cause: string; since: string }[];
  orders: Pick<GridOrdered, "id" | "kind" | "circuit" | "power_w" | "from" | "until" | "source">[];
  departure: { id: string; at: string; energy_wh: number | null; soc_pct: number | null } | null;
  /** Limits around the time, oldest first. */
  changes: { at: string; limit_a: number; reason: LimitReason; bound_by: string | null; in_force: boolean }[];
}

/** The circuit that bound it, then. */
export interface Bound {
  circuit: string;
  /** 1 to 3; null: its power as a whole. */
  line: number | null;
  /** As configured, reserve taken off; null without the config. */
  limit_a: number | null;
  limit_kw: number | null;
  /** Drawn there by anything but charging; null where nothing told. */
  other_load_a: number | null;
  /** EVSEs there that may draw, and their limits together. */
  sharers: number;
  charging_a: number;
}
