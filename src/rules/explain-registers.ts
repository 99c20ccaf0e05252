/**
 * The registers behind a line: its energy within the session, put back onto the meters that proved it. Exact: a line
 * may begin or end between two readings, and then on a fraction of a Wh.
 */
import type Fraction from "fraction.js";
import type { Cdr, CdrLine } from "../model/cdr.ts";
import { exact, ratio } from "../model/money.ts";

/** Decimal text in Wh, as the meter counts. */
export interface ExplainedRegister {
  /** Null when the station names no meter. */
  meter_serial: string | null;
  from_wh: string;
  to_wh: string;
  /** The value was read between two readings of the meter, not on it. */
  from_interpolated?: true;
  to_interpolated?: true;
}

/** Empty when the line has no energy, or when no register proves it to the Wh (then the signed values do). */
export function registersOf(cdr: Cdr, line: CdrLine): ExplainedRegister[] {
  if (!line.energy) return [];
  const from = exact(line.energy.from_wh);
  const to = exact(line.energy.to_wh);
  const found: ExplainedRegister[] = [];
  let start = ratio(0, 1);
  for (const segment of metersOf(cdr)) {
    const end = start.add(segment.to).sub(segment.from);
    const first = start.compare(from) > 0 ? start : from;
    const last = end.compare(to) < 0 ? end : to;
    if (first.compare(last) < 0) {
      const inner = { begins: first.equals(from), ends: last.equals(to) };
      found.push({
        meter_serial: segment.serial,
        from_wh: decimal(segment.from.add(first).sub(start)),
        to_wh: decimal(segment.from.add(last).sub(start)),
        ...(inner.begins && line.energy.from_interpolated ? { from_interpolated: true as const } : {}),
        ...(inner.ends && line.energy.to_interpolated ? { to_interpolated: true as const } : {}),
      });
    }
    start = end;
  }
  return found;
}

interface MeterStretch {
  serial: string | null;
  from: Fraction;
  to: Fraction;
}

function metersOf(cdr: Cdr): MeterStretch[] {
  const stretches = cdr.registers.map(({ meter_serial, from_wh, to_wh }) => ({
    serial: meter_serial,
    from: ratio(from_wh, 1),
    to: ratio(to_wh, 1),
  }));
  const proven = cdr.registers.reduce((sum, { from_wh, to_wh }) => sum + to_wh - from_wh, 0);
  if (proven === cdr.energy_wh) return stretches;
  const signed = cdr.signed_data;
  const begin = signed?.begin && inWh(signed.begin.value, signed.begin.unit);
  if (!signed || !begin) return [];
  return [{ serial: signed.meter_serial, from: begin, to: begin.add(ratio(cdr.energy_wh, 1)) }];
}

/** Meters pad their digits with blanks. */
function inWh(value: string, unit: string): Fraction | undefined {
  const digits = value.trim();
  if (!/^\d+(\.\d+)?$/.test(digits)) return undefined;
  return unit === "kWh" ? exact(digits).mul(1000) : unit === "Wh" ? exact(digits) : undefined;
}

/** The shortest decimal, at most six digits after the point: ends of lines are decimals, so this loses nothing. */
function decimal(value: Fraction): string {
  return value.toString(6);
}
