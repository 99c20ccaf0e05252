/** What `laddport ocmf verify` found out, as `--json` prints it. */
import type { SignedEnergy } from "../rules/ocmf/energy.ts";
import type { CheckedRecord } from "../rules/ocmf/transaction.ts";

export interface OcmfReport {
  parses: boolean;
  verified: boolean | null;
  /** Joined by commas where records differ; so are `curve` and `pagination`. */
  algorithm: string | null;
  curve: string | null;
  readings: {
    time: string | null;
    time_status: string | null;
    tx: string | null;
    value: string | null;
    unit: string | null;
    identifier: string | null;
    status: string | null;
  }[];
  pagination: string | null;
  billable: boolean;
  reasons: string[];
}

export function report(checked: readonly CheckedRecord[], energy: SignedEnergy): OcmfReport {
  const outcomes = checked.map(({ verification }) => verification.verified);
  return {
    parses: true,
    verified: outcomes.includes(false) ? false : outcomes.includes(null) ? null : true,
    algorithm: joined(checked.map(({ verification }) => verification.algorithm)),
    curve: joined(checked.map(({ verification }) => verification.curve)),
    readings: checked.flatMap(({ record }) =>
      record.readings.map((reading) => ({
        time: reading.time,
        time_status: reading.timeStatus,
        tx: reading.tx,
        value: reading.value,
        unit: reading.unit,
        identifier: reading.register,
        status: reading.status,
      })),
    ),
    pagination: joined(energy.pagination),
    billable: energy.billable,
    reasons: energy.reasons.map(({ concerns, text }) =>
      concerns === "time" ? `for time only: ${text}` : text,
    ),
  };
}

/** What is left to say of a file without readable records. */
export const unreadable = (reason: string): OcmfReport => ({
  parses: false,
  verified: null,
  algorithm: null,
  curve: null,
  readings: [],
  pagination: null,
  billable: false,
  reasons: [reason],
});

function joined(texts: readonly (string | null)[]): string | null {
  return [...new Set(texts.filter((text) => text !== null))].join(",") || null;
}
