/** The counts of one row of a report while it is made, and what the row says when it is done. */
import { USAGE_FIELDS, type Usage } from "./report-curve.ts";
import type { Standing } from "./standing.ts";

/** Amounts with their currency, decimal text. */
export interface RowCost {
  currency: string;
  amount: string;
  /** Amount over the energy of the row's sessions, four decimals; null without energy. */
  per_kwh: string | null;
}

/**
 * One row. Energies are whole Wh, times whole milliseconds: rows by time add up to the total exactly. Shares are 0 to 1
 * with four decimals, null where they mean nothing.
 */
export interface ReportRow extends Usage {
  /** Station, EVSE (`cp-01/1`), group, or a time such as `2026-03-29`; `total`. */
  key: string;
  /** Of a row by time: RFC 3339 UTC, `to` exclusive. */
  from?: string;
  to?: string;
  /** Sessions that ended here, held and voided ones not among them. */
  sessions: number;
  /** Sessions that wait for a person: their time counts above, their energy and cost do not. */
  held_sessions: number;
  held_energy_wh: number;
  /** Sessions that a person voided: their time counts above, nothing else. */
  voided_sessions: number;
  /** Time that the site held back: `suspended_evse_ms` + `throttled_ms`. */
  limited_ms: number;
  /** Time that there was: each EVSE's, while the log was written. */
  evse_ms: number;
  /** Of it: faulted or offline. Null where it cannot be told (by group). */
  down_ms: number | null;
  connected_share: number | null;
  charging_share: number | null;
  /** 1 - `down_ms` / `evse_ms`. */
  availability: number | null;
  /** How often, by cause: `fault:CODE`, `fault`, `offline`, `meter_gap`, `reboot`. */
  interruptions: Record<string, number>;
  faults: number | null;
  /** Operating hours over faults. Null when there was none: then `mtbf_at_least_h` says how long it held. */
  mtbf_h: number | null;
  mtbf_at_least_h: number | null;
  /** Highest sum of the stations' power over a minute, and when it began. Null when no power was recorded. */
  peak_w: number | null;
  peak_at: string | null;
  cost: RowCost[];
}

export interface Tally extends Usage {
  sessions: number;
  held_sessions: number;
  held_energy_wh: number;
  voided_sessions: number;
  evse_ms: number;
  down_ms: number;
  faults: number;
  interruptions: Map<string, number>;
  /** Minor units by currency. */
  cost: Map<string, bigint>;
  peak_w: number;
  peak_ms: number | null;
}

export function emptyTally(): Tally {
  return {
    energy_wh: 0,
    connected_ms: 0,
    charging_ms: 0,
    suspended_ev_ms: 0,
    suspended_evse_ms: 0,
    idle_ms: 0,
    faulted_ms: 0,
    gap_ms: 0,
    throttled_ms: 0,
    sessions: 0,
    held_sessions: 0,
    held_energy_wh: 0,
    voided_sessions: 0,
    evse_ms: 0,
    down_ms: 0,
    faults: 0,
    interruptions: new Map(),
    cost: new Map(),
    peak_w: 0,
    peak_ms: null,
  };
}

/** Adds what was used between two instants. Energy of a held session stands apart, that of a voided one nowhere. */
export function addUsage(tally: Tally, from: Usage, to: Usage, state: Standing["state"]): void {
  for (const field of USAGE_FIELDS) {
    const used = to[field] - from[field];
    if (field !== "energy_wh" || state === "billed" || state === "credited") tally[field] += used;
    else if (state === "held") tally.held_energy_wh += used;
  }
}

export function addCost(tally: Tally, currency: string, minor: bigint): void {
  tally.cost.set(currency, (tally.cost.get(currency) ?? 0n) + minor);
}

export function addInterruption(tally: Tally, cause: string): void {
  tally.interruptions.set(cause, (tally.interruptions.get(cause) ?? 0) + 1);
  if (cause === "fault" || cause.startsWith("fault:")) tally.faults++;
}

export function notePower(tally: Tally, watts: number, minuteMs: number): void {
  if (tally.peak_ms !== null && watts <= tally.peak_w) return;
  tally.peak_w = watts;
  tally.peak_ms = minuteMs;
}
