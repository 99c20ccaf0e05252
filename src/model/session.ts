/**
 * A session is our record of one stay at an EVSE; it may join several transactions of the station. What
 * `session.ended` carries is the whole input of rating: a bill outlives its samples.
 */
import type { TariffVersion } from "./tariff.ts";

/** What a moment of a session counts as. `gap` overlays: no message for a while, so unobserved. */
export const SESSION_STATES = [
  "charging",
  "suspended_ev",
  "suspended_evse",
  "faulted",
  "gap",
  "finishing",
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** An interval in one state, in ms since the epoch on the session's clock. */
export interface StateInterval {
  state: SessionState;
  from_ms: number;
  to_ms: number;
  /** For a gap: the state on both of its sides, which it is billed as. Absent when they differ: not billed. */
  under?: Exclude<SessionState, "gap">;
}

/** A stretch of register readings on one meter that proves energy: `to_wh - from_wh`. */
export interface RegisterSegment {
  meter_serial: string | null;
  from_wh: number;
  to_wh: number;
  from_ms: number;
  to_ms: number;
}

/** Session energy proven up to an instant; kept around quarter hours and state changes, so tariffs can interpolate. */
export interface EnergyReading {
  at_ms: number;
  energy_wh: number;
}

/** Prices per kWh or hour that a tariff's `price_source` gave, for the time of the session. */
export interface PriceSeriesPart {
  series: string;
  /** Decimal text, in order, without overlap; a hole is time without a price. */
  points: { from_ms: number; to_ms: number; price: string }[];
}

/** Signed meter values of a session (OCMF). The blobs hold the token's UID: the log keeps where they lie. */
export interface SignedEvidence {
  encoding_method: "OCMF";
  /** Null when nobody has registered the meter's key. */
  public_key: string | null;
  meter_serial: string;
  /** In order; `nature` as OCPI 2.2.1 SignedValue. `sha256` is of the ciphertext in the sealed store. */
  values: { nature: "Start" | "End" | "Intermediate"; sealed_ref: string; sha256: string }[];
  verified: boolean;
  /** Why not, in the reader's words; empty when verified. */
  reasons: string[];
  /** Register digits as the meter wrote them, kWh or Wh in `unit`. */
  begin: { value: string; unit: string; time: string } | null;
  end: { value: string; unit: string; time: string } | null;
}

/** What happened that a reader of the bill should know. */
export const SESSION_FLAGS = [
  "METER_RESET",
  "METER_ROLLOVER",
  "METER_REPLACED",
  "REGISTER_SESSION_RELATIVE",
  "CLOCK_SKEW",
  "CLOCK_UNSET",
  "SEQ_GAP",
  "UNOBSERVED_TIME",
  "START_MISSING",
  "STOP_MISSING",
  "STATION_REBOOTED",
  "REGISTER_AFTER_STOP",
  "DUPLICATE_STOP_DIFFERS",
] as const;
export type SessionFlag = (typeof SESSION_FLAGS)[number];

/** Why a session waits for a person instead of becoming a bill. */
export interface Hold {
  code:
    | "IMPLAUSIBLE_ENERGY"
    | "NO_REGISTER"
    | "START_UNKNOWN"
    | "NEGATIVE_ENERGY"
    | "REGISTER_MODE_UNCLEAR"
    | "NO_TARIFF"
    | "NO_PRICE"
    | "NO_COMPONENT"
    | "SIGNATURE_INVALID"
    | "SIGNATURE_KEY_UNKNOWN"
    | "CLOCK_UNSYNCHRONISED";
  detail: string;
}

export interface SessionRecord {
  session_id: string;
  station: string;
  evse: number;
  token_ref: string | null;
  /** What the token list said when the session got its token. Absent in records of logs that had no such list. */
  token_group?: string | null;
  vehicle?: string | null;
  tx_refs: string[];
  /** IANA zone of the site: what a tariff means by a time of day. */
  time_zone: string;
  started_ms: number;
  ended_ms: number;
  /** Which clock the instants above are on, and how far the station's clock stood from ours. */
  clock: "station" | "gateway";
  clock_offset_ms: number;
  closed_by: "station" | "gateway";
  stop_reason: string;
  energy_wh: number;
  /** Absent: registers. */
  energy_source?: "signed" | "registers";
  signed?: SignedEvidence;
  /** Absent when the tariff takes no prices from a series. */
  prices?: PriceSeriesPart[];
  /** Register growth seen beyond the stop register: reported, not billed. Absent when there was none. */
  residue_wh?: number;
  segments: RegisterSegment[];
  readings: EnergyReading[];
  intervals: StateInterval[];
  durations_s: Record<SessionState, number>;
  /** Of `charging`: with less than the car would take, because a setpoint bound it. Absent: none was in force. */
  throttled_s?: number;
  interruptions: number;
  flags: SessionFlag[];
  held: Hold[];
  tariff: TariffVersion | null;
}
