/**
 * Charge Detail Records in OCPI 2.2.1 shape (module CDRs, section 10.3), with the evidence that lets anyone rate them
 * again. Amounts and quantities are decimal text. A CDR is immutable: a correction is a credit CDR and a new one.
 */
import type { RegisterSegment, SessionFlag } from "./session.ts";
import type { TariffVersion } from "./tariff.ts";

export interface Price {
  excl_vat: string;
  incl_vat: string;
}

/** One line of the bill: the tariff component that applied, what was measured, what was billed, what it costs. */
export interface CdrLine {
  dimension: "ENERGY" | "TIME" | "PARKING_TIME" | "FLAT";
  element: number;
  component: number;
  /** kWh for ENERGY, hours for time, 1 for FLAT. */
  measured: string;
  billed: string;
  /** What `billed` shows rounded, exactly: whole Wh for ENERGY, whole seconds for time, 1 for FLAT. */
  billed_units?: number;
  unit_price: string;
  vat_percent: string | null;
  amount: Price;
}

export interface Cdr {
  id: string;
  session_id: string;
  start_date_time: string;
  end_date_time: string;
  /** Pseudonym of the token; null when the session was free and anonymous. */
  cdr_token: string | null;
  auth_method: "WHITELIST" | "AUTH_REQUEST";
  cdr_location: { id: string; evse_uid: string; connector_id: string };
  meter_id: string | null;
  currency: string;
  tariff: TariffVersion;
  lines: CdrLine[];
  total_cost: Price;
  /** kWh, three decimals: integer Wh shown exactly. */
  total_energy: string;
  energy_wh: number;
  /** Hours, four decimals. */
  total_time: string;
  total_parking_time: string;
  registers: RegisterSegment[];
  flags: SessionFlag[];
  /** Under which rules this was rated; verified under others it prints what differs and never rewrites. */
  rules: { version: string; rounding: string; tzdata: string };
}
