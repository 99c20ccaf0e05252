/**
 * CDRs and sessions of older releases lack fields that a reader counts on. What follows from the rest is filled in for
 * reading; the log keeps what it has, and verifying compares with that.
 */
import type { Cdr, CdrLine } from "../model/cdr.ts";
import { exact, fixed, minorDigits } from "../model/money.ts";
import type { SessionRecord } from "../model/session.ts";
import { sumOf } from "./explain.ts";

const NOTHING = { excl_vat: "0.0000", incl_vat: "0.0000" };

/** The CDR with every field; one that has them all comes back equal. */
export function completeCdr(stored: Cdr): Cdr {
  const cdr = stored as Omit<Cdr, "lines"> & Partial<Cdr>;
  const filled: Partial<Cdr> = {
    time_zone: "UTC",
    charging_periods: [],
    total_fixed_cost: NOTHING,
    total_energy_cost: NOTHING,
    total_time_cost: NOTHING,
    total_parking_cost: NOTHING,
    total_reservation_cost: NOTHING,
    energy_source: "registers",
    unbilled_time: [],
    registers: [],
    flags: [],
    warnings: [],
  };
  return {
    ...filled,
    ...cdr,
    ...asked(stored),
    lines: (cdr.lines ?? []).map((line) => completeLine(line, cdr)),
  } as Cdr;
}

/**
 * Older totals were in the currency's minor unit, and that was asked for: what is now the exact total and, beside it,
 * the rounding to what is asked for. A total that is no rounded sum of its lines is left as it stands.
 */
function asked(cdr: Cdr): Pick<Cdr, "total_cost" | "payable"> {
  if (cdr.payable) return { total_cost: cdr.total_cost, payable: cdr.payable };
  const digits = minorDigits(cdr.currency);
  const sum = sumOf(cdr.lines ?? []);
  const rounded = (side: "excl_vat" | "incl_vat") =>
    exact(fixed(exact(sum[side]), digits)).equals(exact(cdr.total_cost[side]));
  const total_cost = rounded("excl_vat") && rounded("incl_vat") ? sum : cdr.total_cost;
  const amount = fixed(exact(cdr.total_cost.incl_vat), digits);
  const rounding = fixed(exact(amount).sub(exact(total_cost.incl_vat)), 4);
  return { total_cost, payable: { amount, rounding } };
}

function completeLine(line: CdrLine, cdr: Partial<Cdr>): CdrLine {
  const { start_date_time, end_date_time } = cdr;
  const billed_units = String(line.billed_units ?? unitsOf(line));
  return {
    ...line,
    from: line.from ?? (start_date_time as string),
    to: line.to ?? (end_date_time as string),
    billed_units,
    ...wholeEnergy(line, cdr),
    measured_units: line.measured_units ?? (line.measured === line.billed ? billed_units : unitsOf(line)),
    vat_percent: line.vat_percent ?? null,
  };
}

/** The only line of energy is about all of it. */
function wholeEnergy(line: CdrLine, { energy_wh, lines = [] }: Partial<Cdr>): Pick<CdrLine, "energy"> {
  const only = lines.filter(({ dimension }) => dimension === "ENERGY").length === 1;
  if (line.dimension !== "ENERGY" || line.energy || !only) return {};
  return { energy: { from_wh: "0", to_wh: String(energy_wh) } };
}

/** Whole Wh or seconds, from what is shown: hours have four decimals, which is finer than a second. */
function unitsOf({ dimension, measured }: CdrLine): string {
  const factor = dimension === "ENERGY" ? 1000 : dimension === "FLAT" ? 1 : 3600;
  return fixed(exact(measured).mul(factor), 0);
}

/** The session with every field that rating reads. */
export function completeSession(stored: SessionRecord, timeZone: string): SessionRecord {
  const filled: Partial<SessionRecord> = {
    time_zone: timeZone,
    segments: [],
    readings: [],
    intervals: [],
    flags: [],
    held: [],
    tariff: null,
  };
  return { ...filled, ...stored } as SessionRecord;
}
