/**
 * Wire contracts of the `in/` and `out/` topics (contract v1). Units end the field names; registers are integer Wh;
 * times are RFC 3339 UTC; unknown fields are ignored (and so never stored); a missing field means absent, never 0.
 * The JSON Schemas in docs/ are generated from these.
 */
import { z } from "zod";

const instant = z.iso.datetime({ offset: true });
const perPhase = (max: number) => z.array(z.number().min(-max).max(max)).min(1).max(3);

/** `(station, boot, seq)` names a message for ever: `seq` rises across all topics of a station within one `boot`. */
const numbered = {
  ts: instant,
  boot: z.string().min(1).max(64).optional(),
  seq: z.int().nonnegative().optional(),
};

/** A credential as a station reads it. It never leaves the door: what follows carries `token_ref`. */
export const Token = z.object({
  uid: z.string().min(1).max(64),
  type: z.enum(["rfid", "app", "emaid", "vin", "other"]).default("rfid"),
});
export type Token = z.infer<typeof Token>;

export const CHARGING_STATES = [
  "idle",
  "ev_connected",
  "charging",
  "suspended_ev",
  "suspended_evse",
] as const;
export const ChargingState = z.enum(CHARGING_STATES);
export type ChargingState = z.infer<typeof ChargingState>;

export const ConnectorState = z.enum(["available", "occupied", "reserved", "unavailable", "faulted"]);
export type ConnectorState = z.infer<typeof ConnectorState>;

/** Signed meter value beside the raw one. The blob may hold the token's UID: it goes to the sealed store only. */
const signed = z.object({
  format: z.literal("OCMF"),
  data: z.string().min(1).max(32_768),
  /** SubjectPublicKeyInfo of the meter's key: hex, base64 or PEM. Without it the key registered for the meter is used. */
  public_key: z.string().min(1).max(4_096).optional(),
});

export const Hello = z.object({
  ...numbered,
  /** A station's Last Will carries no boot and no seq, and `online: false`. */
  online: z.boolean(),
  vendor: z.string().max(64).optional(),
  model: z.string().max(64).optional(),
  firmware: z.string().max(64).optional(),
  meter_serial: z.string().max(64).optional(),
});

export const Meter = z.object({
  ...numbered,
  context: z
    .enum(["transaction.begin", "transaction.end", "sample.periodic", "sample.clock", "trigger", "other"])
    .default("sample.periodic"),
  energy_import_wh: z.int().nonnegative().optional(),
  energy_export_wh: z.int().nonnegative().optional(),
  power_w: z.number().min(-1e8).max(1e8).optional(),
  current_a: perPhase(1e5).optional(),
  voltage_v: perPhase(1e5).optional(),
  soc_pct: z.number().min(0).max(100).optional(),
  tx_ref: z.string().min(1).max(64).optional(),
  meter_serial: z.string().max(64).optional(),
  signed: signed.optional(),
});

/** What the vehicle says of its wishes, as ISO 15118 and OCPP 2.0.1 NotifyEVChargingNeeds bring them. For planning alone. */
const wishes = {
  departure: instant.optional(),
  /** Wh that it still wants, from this message on. */
  energy_request_wh: z.int().positive().max(5_000_000).optional(),
};

export const Status = z.object({
  ...numbered,
  connector_state: ConnectorState,
  charging_state: ChargingState.optional(),
  fault_code: z.string().max(64).optional(),
  ...wishes,
});

export const Tx = z.object({
  ...numbered,
  event: z.enum(["started", "updated", "ended"]),
  tx_ref: z.string().min(1).max(64),
  energy_import_wh: z.int().nonnegative().optional(),
  charging_state: ChargingState.optional(),
  token: Token.optional(),
  /** Why the transaction ended, as OCPP 2.0.1 ReasonEnumType in snake case: `local`, `ev_disconnected`, `reboot`, ... */
  reason: z.string().max(64).optional(),
  meter_serial: z.string().max(64).optional(),
  signed: signed.optional(),
  ...wishes,
});

export const Authorize = z.object({
  ...numbered,
  /** Chosen by the station; the answer repeats it. */
  ref: z.string().min(1).max(64),
  token: Token,
});

export const LimitConfirmation = z.object({
  ...numbered,
  rev: z.int().nonnegative(),
  limit_a: z.number().min(0).max(1e5),
  /** Phases it charges on; only from stations that can switch them. */
  phases: z.int().min(1).max(3).optional(),
});

export const IN_MESSAGES = {
  hello: Hello,
  meter: Meter,
  status: Status,
  tx: Tx,
  authorize: Authorize,
  limit: LimitConfirmation,
} as const;

export type Hello = z.infer<typeof Hello>;
export type Meter = z.infer<typeof Meter>;
export type Status = z.infer<typeof Status>;
export type Tx = z.infer<typeof Tx>;
export type Authorize = z.infer<typeof Authorize>;
export type LimitConfirmation = z.infer<typeof LimitConfirmation>;

/** Why a setpoint is what it is: the constraint that bound it (promise 8). */
export const LIMIT_REASONS = [
  "demand_met",
  "station_max",
  "circuit_limit",
  "fair_share",
  "below_minimum",
  "not_charging",
  "safe_start",
  "awaiting_confirmation",
  "meter_stale",
  "station_offline",
  "min_off_time",
  "intent",
  "faulted",
  /** The plan has it wait: energy is cheaper later, or who leaves sooner goes first. */
  "plan",
  /** A vehicle of a higher class has the room. */
  "higher_class",
  /** An order of the grid operator or an emergency input. */
  "grid_order",
  /** A circuit's limit in kW. */
  "power_limit",
  /** The lines would differ by more than is allowed. */
  "unbalance",
  /** Its turn among those that wait for a minimum is yet to come. */
  "rotation",
  /** Its number of phases is being switched. */
  "phase_switch",
  /** Waits a moment of its own after the gateway started, so that not all start at once. */
  "start_delay",
] as const;
export type LimitReason = (typeof LIMIT_REASONS)[number];

/** What the depot shares out or orders gives a car less than it would take. */
export const LIMITING_REASONS: ReadonlySet<LimitReason> = new Set<LimitReason>([
  "circuit_limit",
  "fair_share",
  "meter_stale",
  "intent",
  "plan",
  "higher_class",
  "grid_order",
  "power_limit",
  "unbalance",
]);

/** `out/{station}/{evse}/limit`: a lease. Never retained, counted from receipt on the station's monotonic clock. */
export const Limit = z.object({
  ts: instant,
  rev: z.int().nonnegative(),
  /** A per used phase, AC side. */
  limit_a: z.number().min(0),
  /** The same in watts, rounded down, for stations that take only those; for DC stations W to the car. */
  limit_w: z.number().min(0).optional(),
  /** Phases to charge on. A station that can switch follows it, at 0 A, and stays there until told or restarted. */
  phases: z.int().min(1).max(3),
  valid_for_s: z.number().positive(),
  /** What the station must fall back to when the lease runs out unrenewed. */
  fallback_a: z.number().min(0),
  reason: z.enum(LIMIT_REASONS),
  /** The circuit or line that bound it, for people: `row-a L2`. */
  bound_by: z.string().optional(),
});
export type Limit = z.infer<typeof Limit>;

export const Authorization = z.object({
  ref: z.string(),
  status: z.enum(["accepted", "denied"]),
  reason: z.string(),
});
export type Authorization = z.infer<typeof Authorization>;

/** `out/{station}/rejected`: the answer to input that was kept in quarantine. */
export const Rejected = z.object({
  code: z.string(),
  message: z.string(),
  /** JSON Pointer (RFC 6901) into the payload, where one applies. */
  pointer: z.string().optional(),
  ref: z.object({
    topic: z.string(),
    boot: z.string().optional(),
    seq: z.int().optional(),
  }),
});
export type Rejected = z.infer<typeof Rejected>;
