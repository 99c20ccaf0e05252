/** What signed records prove about one charging transaction, and whether it may be billed. */
import type Fraction from "fraction.js";
import { decimalText, wattHours } from "./quantity.ts";
import type { OcmfReading } from "./reading.ts";
import { type Reason, Reasons } from "./reasons.ts";
import { registerOf } from "./registers.ts";
import { type CheckedRecord, checkTransaction } from "./transaction.ts";

/** A reading of a transaction's first or last moment. */
export interface SignedReading extends OcmfReading {
  /** Exact decimal text in Wh; null when unit or value is missing. */
  wh: string | null;
}

export interface SignedEnergy {
  begin: SignedReading | null;
  end: SignedReading | null;
  /** Exact decimal text, end less begin of the same import register. Null when the readings do not give it, or TX=X voids it. */
  energy_wh: string | null;
  /** Energy may be billed. */
  billable: boolean;
  /** Time may be billed, too: also a synchronised or relative clock, and no EF=t. */
  time_billable: boolean;
  /** Status letters of TM at begin and end. */
  time_status: { begin: string | null; end: string | null };
  /** Of the meter, else of the gateway. */
  serial: string | null;
  /** PG of each record. */
  pagination: (string | null)[];
  reasons: Reason[];
}

const END = new Set(["E", "L", "R", "A", "P"]);

/**
 * Judges the records of one transaction in the order they were made: one that holds begin and end, or one for each.
 * Nothing is guessed: whatever does not fit is a reason, and each reason says whether it concerns energy or time.
 */
export function signedEnergy(...checked: readonly CheckedRecord[]): SignedEnergy {
  const reasons = new Reasons();
  const { serial } = checkTransaction(checked, reasons);
  const readings = checked.flatMap(({ record }) => record.readings);
  const { begin, end, steps } = bounds(readings, reasons);
  if (begin && end) {
    for (const concerns of exceptionsBefore(end, readings))
      reasons.add(concerns, "an exception (TX=X) voids every later reading");
    checkStates(readings.slice(readings.indexOf(begin), readings.indexOf(end) + 1), steps, reasons);
    checkTimes(begin, end, reasons);
  }
  const energy = begin && end ? difference(steps, reasons) : null;
  const voided = end !== null && exceptionsBefore(end, readings).some((concerns) => concerns !== "time");
  return {
    begin: begin && withWattHours(begin),
    end: end && withWattHours(end),
    energy_wh: energy && !voided ? decimalText(energy) : null,
    billable: reasons.allow("energy"),
    time_billable: reasons.allow("time"),
    time_status: { begin: begin?.timeStatus ?? null, end: end?.timeStatus ?? null },
    serial,
    pagination: checked.map(({ record }) => record.pagination),
    reasons: reasons.list,
  };
}

interface Bounds {
  begin: OcmfReading | null;
  end: OcmfReading | null;
  /** Readings of the same register from begin to end. */
  steps: OcmfReading[];
}

/** Begin and end of the import register; the reasons when there is not exactly one of each. */
function bounds(readings: readonly OcmfReading[], reasons: Reasons): Bounds {
  const registers = Map.groupBy(
    readings.filter(({ value, register }) => value !== null && register !== null),
    ({ register }) => registerOf(register ?? "").key,
  );
  const candidates = [...registers]
    .filter(([key]) => registerOf(key).direction === "import")
    .map(([, own]) => own);
  if (candidates.length === 0) {
    const seen = [...new Set(readings.map(({ register }) => register ?? "none"))].join(", ");
    reasons.add("both", `no reading of a register known for energy drawn (RI seen: ${seen})`);
  }
  const complete = candidates.filter((own) => own.some(isBegin) && own.some(isEnd));
  sameEnergy(complete, reasons);
  const own = complete[0] ?? candidates.find((some) => some.some(isBegin)) ?? candidates[0] ?? [];
  const begin = own.find(isBegin) ?? null;
  const end = own.findLast(isEnd) ?? null;
  const of = own[0] ? ` of register ${own[0].register}` : "";
  if (!begin) reasons.add("both", `no begin reading (TX=B)${of}`);
  if (!end) reasons.add("both", `no end reading (TX=E, L, R, A or P)${of}`);
  if (own.filter(isBegin).length > 1) reasons.add("both", "more than one begin reading (TX=B)");
  if (own.filter(isEnd).length > 1) reasons.add("both", "more than one end reading (TX=E, L, R, A or P)");
  if (!begin || !end) return { begin, end, steps: [] };
  const steps = own.slice(own.indexOf(begin), own.indexOf(end) + 1);
  if (steps.length === 0) reasons.add("both", "the end reading comes before the begin reading");
  return { begin, end, steps };
}

const isBegin = ({ tx }: OcmfReading) => tx === "B";
const isEnd = ({ tx }: OcmfReading) => tx !== null && END.has(tx);

/** Registers before and after the cable may differ by its loss; which of them is billed is not for us to choose. */
function sameEnergy(registers: readonly OcmfReading[][], reasons: Reasons): void {
  const energies = registers.map((own) => {
    const wh = [own.find(isBegin), own.findLast(isEnd)].map((reading) => reading && exactWh(reading));
    return wh[0] && wh[1] ? decimalText(wh[1].sub(wh[0])) : "unknown";
  });
  if (new Set(energies).size < 2) return;
  const each = registers.map((own, index) => `${own[0]?.register} ${energies[index]} Wh`);
  reasons.add("energy", `several registers of energy drawn differ: ${each.join(", ")}`);
}

/** TX=X: from here on energy, time or both (EF says which, else both) are of no use. */
function exceptionsBefore(
  end: OcmfReading,
  readings: readonly OcmfReading[],
): ("energy" | "time" | "both")[] {
  return readings
    .slice(0, readings.indexOf(end))
    .filter(({ tx }) => tx === "X")
    .map(({ errorFlags }) => {
      const flags = errorFlags.trim();
      return flags === "E" ? "energy" : flags === "t" ? "time" : "both";
    });
}

/** State and error flags of the billed register, and of readings that only tell of an event. */
function checkStates(between: readonly OcmfReading[], steps: readonly OcmfReading[], reasons: Reasons): void {
  for (const reading of between) {
    if (reading.value !== null && !steps.includes(reading)) continue;
    const { status, errorFlags, tx } = reading;
    const at = `at TX=${tx ?? "none"}`;
    if (status?.trim() !== "G") reasons.add("both", `meter state is not good ${at} (ST=${status ?? "none"})`);
    if (errorFlags.includes("E"))
      reasons.add("energy", `energy is flagged as unusable ${at} (EF=${errorFlags})`);
    if (errorFlags.includes("t")) reasons.add("time", `time is flagged as unusable ${at} (EF=${errorFlags})`);
  }
}

function checkTimes(begin: OcmfReading, end: OcmfReading, reasons: Reasons): void {
  if (begin.timeMs === null || end.timeMs === null) reasons.add("both", "a reading has no time (TM)");
  else if (end.timeMs < begin.timeMs)
    reasons.add("both", `the end (${end.time}) lies before the begin (${begin.time})`);
  if ((begin.eventCounter ?? end.eventCounter) !== (end.eventCounter ?? begin.eventCounter))
    reasons.add("both", `the event counter (EI) changed from ${begin.eventCounter} to ${end.eventCounter}`);
  // R at the end: the duration was measured lawfully from a begin that only an informative clock knew.
  const relative = end.timeStatus === "R" && (begin.timeStatus === "I" || begin.timeStatus === "R");
  if (relative || (begin.timeStatus === "S" && end.timeStatus === "S")) return;
  const seen = `${begin.timeStatus ?? "none"} at begin, ${end.timeStatus ?? "none"} at end`;
  reasons.add("time", `the clock is neither synchronised nor relative (TM status ${seen})`);
}

/** End less begin when every unit is an energy and the register never falls. */
function difference(steps: readonly OcmfReading[], reasons: Reasons): Fraction | null {
  let first: Fraction | undefined;
  let last: Fraction | undefined;
  for (const reading of steps) {
    const wh = exactWh(reading);
    if (!wh) {
      reasons.add("energy", `unit RU must be kWh or Wh; seen: ${JSON.stringify(reading.unit)}`);
      return null;
    }
    if (wh.s < 0n) reasons.add("energy", `the register is negative (${reading.value} ${reading.unit})`);
    if (last && wh.compare(last) < 0) {
      reasons.add("energy", `the register falls from ${decimalText(last)} to ${decimalText(wh)} Wh`);
      return null;
    }
    first ??= wh;
    last = wh;
  }
  return first && last ? last.sub(first) : null;
}

function exactWh({ value, unit }: OcmfReading): Fraction | undefined {
  return value === null || unit === null ? undefined : wattHours(value, unit);
}

function withWattHours(reading: OcmfReading): SignedReading {
  const wh = exactWh(reading);
  return { ...reading, wh: wh ? decimalText(wh) : null };
}
