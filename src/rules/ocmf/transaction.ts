/** Whether signed records belong together as one transaction (OCMF 1.4.1, "Signing and Verification Process"). */
import type { OcmfReading } from "./reading.ts";
import type { Reasons } from "./reasons.ts";
import type { Verification } from "./verify.ts";

/** The parts of a record that tell whether a transaction may be billed. */
export interface JudgedRecord {
  pagination: string | null;
  meter: { serial: string | null };
  gateway: { serial: string | null };
  /** `data`: the identification, or a pseudonym of it. */
  identification: { level: string | null; data: string | null };
  readings: readonly OcmfReading[];
}

export interface CheckedRecord<Record extends JudgedRecord = JudgedRecord> {
  record: Record;
  verification: Verification;
}

/** States of the user assignment that are errors (table 11). */
const FAILED_ASSIGNMENT = new Set(["MISMATCH", "INVALID", "OUTDATED", "UNKNOWN"]);

/** The serial of the meter, or of the gateway where the meter has none; null when records disagree or have none. */
export function checkTransaction(
  checked: readonly CheckedRecord[],
  reasons: Reasons,
): { serial: string | null } {
  for (const { record, verification } of checked) {
    const which = checked.length > 1 ? `${record.pagination ?? "record"}: ` : "";
    for (const reason of verification.reasons) reasons.add("both", `${which}${reason}`);
    for (const note of verification.notes) reasons.add("note", `${which}${note}`);
    const { level } = record.identification;
    if (level && FAILED_ASSIGNMENT.has(level.trim()))
      reasons.add("both", `${which}user assignment failed (IL=${level.trim()})`);
  }
  const records = checked.map(({ record }) => record);
  checkPagination(records, reasons);
  if (distinct(checked.map(({ verification }) => verification.key)).length > 1)
    reasons.add("both", "the records are signed with different public keys");
  // Before someone is identified a record may be without identification.
  if (distinct(records.map(({ identification }) => identification.data)).length > 1)
    reasons.add("both", "the records name different users (ID)");
  const gateways = distinct(records.map(({ gateway }) => gateway.serial));
  if (gateways.length > 1)
    reasons.add("both", `the records come from different gateways (GS): ${gateways.join(", ")}`);
  return { serial: commonSerial(records, reasons) };
}

function commonSerial(records: readonly JudgedRecord[], reasons: Reasons): string | null {
  const serials = records.map(({ meter, gateway }) => meter.serial?.trim() || gateway.serial?.trim() || null);
  const [serial, ...others] = distinct(serials);
  if (serial === undefined || serials.includes(null))
    reasons.add("both", "neither meter nor gateway has a serial number (MS, GS)");
  else if (others.length > 0)
    reasons.add("both", `the records are of different meters (MS): ${[serial, ...others].join(", ")}`);
  else return serial;
  return null;
}

function checkPagination(records: readonly JudgedRecord[], reasons: Reasons): void {
  let previous: bigint | undefined;
  for (const { pagination } of records) {
    const [, context, digits] = /^([TF])(\d{1,30})$/.exec(pagination?.trim() ?? "") ?? [];
    if (digits === undefined) {
      reasons.add("both", `pagination PG must be T and a number; seen: ${JSON.stringify(pagination)}`);
      return;
    }
    if (context !== "T") reasons.add("both", `pagination ${pagination} is fiscal, not of a transaction`);
    const page = BigInt(digits);
    if (previous !== undefined && page !== previous + 1n)
      reasons.add("both", `pagination is not consecutive: after ${context}${previous} comes ${pagination}`);
    previous = page;
  }
}

/** The different texts among those that say something. */
function distinct(texts: readonly (string | null)[]): string[] {
  return [...new Set(texts.map((text) => text?.trim() ?? "").filter((text) => text !== ""))];
}
