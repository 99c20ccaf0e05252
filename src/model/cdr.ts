/**
 * Charge Detail Records in OCPI 2.2.1 shape (mod_cdrs, CDR Object), with the evidence that lets anyone rate them again.
 * Amounts and quantities are decimal text. A CDR is immutable: a correction is a credit CDR and a new one.
 */
import type { PriceSeriesPart, RegisterSegment, SessionFlag, SignedEvidence } from "./session.ts";
import type { TariffVersion } from "./tariff.ts";

export interface Price {
  excl_vat: string;
  incl_vat: string;
}

/** What a price component charges for (OCPI 2.2.1, TariffDimensionType). */
export const TARIFF_DIMENSIONS = ["FLAT", "ENERGY", "TIME", "PARKING_TIME"] as const;
export type TariffDimension = (typeof TARIFF_DIMENSIONS)[number];

/**
 * One line of the bill: a stretch of the session, the tariff component that applied to it, what was measured, what was
 * billed, what it costs. `MIN_PRICE` and `MAX_PRICE` are what the tariff's limits add or take away: no component, no
 * quantity. The lines sum exactly to `total_cost`.
 */
export interface CdrLine {
  dimension: TariffDimension | "MIN_PRICE" | "MAX_PRICE";
  /** Present when the component belongs to a reservation. */
  reservation?: true;
  /** Where it stands in the tariff, counted from 0; null for the limits. */
  element: number | null;
  component: number | null;
  /** RFC 3339 UTC. */
  from: string;
  to: string;
  /** Session energy at both ends, Wh; of an ENERGY line only. */
  energy?: { from_wh: string; to_wh: string; from_interpolated?: true; to_interpolated?: true };
  /** kWh for ENERGY (three decimals or more), hours for time (four), 1 for FLAT. */
  measured: string;
  billed: string;
  /** What `measured` and `billed` show rounded, exactly: Wh for ENERGY, seconds for time, 1 for FLAT. */
  measured_units: string;
  billed_units: string;
  /** Per kWh, per hour or once, as the tariff writes it (or as its price series gives it). */
  unit_price: string;
  /** True when `unit_price` contains the tax (OCPI 2.3.0, Tariff.tax_included). */
  tax_included?: true;
  vat_percent: string | null;
  /** Four decimals each. */
  amount: Price;
}

/** OCPI 2.2.1, ChargingPeriod: what happened from its start until the next one starts. */
export interface ChargingPeriod {
  start_date_time: string;
  dimensions: { type: CdrDimensionType; volume: string }[];
  tariff_id: string;
}

export type CdrDimensionType =
  | "CURRENT"
  | "ENERGY"
  | "MAX_CURRENT"
  | "MAX_POWER"
  | "MIN_CURRENT"
  | "MIN_POWER"
  | "PARKING_TIME"
  | "POWER"
  | "RESERVATION_TIME"
  | "TIME";

/** Time of the session that nobody pays for, and why: the policy is part of the bill. */
export interface UnbilledTime {
  state: "suspended_evse" | "faulted" | "gap";
  seconds: number;
}

/** Why a reader should look twice: a price that no element gives, a price taken from the start of a long period. */
export interface RatingWarning {
  code:
    | "NO_COMPONENT"
    | "STRADDLES_PRICE_CHANGE"
    | "POWER_DERIVED"
    | "CURRENT_UNKNOWN"
    | "PRICE_MISSING"
    | "TAX_UNEXPLAINED";
  detail: string;
}

export interface Cdr {
  id: string;
  session_id: string;
  /** Present and true when all amounts are those of `credit_reference_id`, negated. */
  credit?: true;
  credit_reference_id?: string;
  /** Why it was credited, or what the new one corrects. */
  remark?: string;
  start_date_time: string;
  end_date_time: string;
  /** IANA zone that the tariff's times of day are in. */
  time_zone: string;
  /** Pseudonym of the token; null when the session was free and anonymous. */
  cdr_token: string | null;
  /** Cost centre of the token, as the depot's token list names it. */
  token_group?: string;
  auth_method: "WHITELIST" | "AUTH_REQUEST";
  cdr_location: { id: string; evse_uid: string; connector_id: string };
  meter_id: string | null;
  currency: string;
  tariff: TariffVersion;
  /** The prices that the tariff took from a series, as they were for this session. */
  prices?: PriceSeriesPart[];
  charging_periods: ChargingPeriod[];
  lines: CdrLine[];
  /** Exact sums of the lines, four decimals (the precision of OCPI's numbers). */
  total_cost: Price;
  total_fixed_cost: Price;
  total_energy_cost: Price;
  total_time_cost: Price;
  total_parking_cost: Price;
  total_reservation_cost: Price;
  /** What is asked for: `total_cost.incl_vat` in the currency's minor unit, and what that rounding added. */
  payable: { amount: string; rounding: string };
  /** kWh, three decimals: integer Wh shown exactly. */
  total_energy: string;
  energy_wh: number;
  /** Where the energy comes from: signed values outrank registers. */
  energy_source: "signed" | "registers";
  /** Hours, four decimals. */
  total_time: string;
  total_parking_time: string;
  unbilled_time: UnbilledTime[];
  registers: RegisterSegment[];
  signed_data?: SignedEvidence;
  flags: SessionFlag[];
  warnings: RatingWarning[];
  /** Under which rules this was rated; verified under others it prints what differs and never rewrites. */
  rules: { version: string; rounding: string; tzdata: string };
}
