/** A finished row: shares, means and amounts from the counts. */
import { fixed, minorDigits, ratio } from "../model/money.ts";
import type { ReportRow, RowCost, Tally } from "./report-tally.ts";

const HOUR_MS = 3_600_000;

/** `own`: the row stands for EVSEs or for a time, so that faults and availability are its own. */
export function rowOf(key: string, tally: Tally, own: boolean): ReportRow {
  const { evse_ms, down_ms, faults, peak_ms } = tally;
  const operatingH = (evse_ms - down_ms) / HOUR_MS;
  return {
    key,
    energy_wh: tally.energy_wh,
    sessions: tally.sessions,
    held_sessions: tally.held_sessions,
    held_energy_wh: tally.held_energy_wh,
    voided_sessions: tally.voided_sessions,
    connected_ms: tally.connected_ms,
    charging_ms: tally.charging_ms,
    suspended_ev_ms: tally.suspended_ev_ms,
    suspended_evse_ms: tally.suspended_evse_ms,
    throttled_ms: tally.throttled_ms,
    limited_ms: tally.suspended_evse_ms + tally.throttled_ms,
    idle_ms: tally.idle_ms,
    faulted_ms: tally.faulted_ms,
    gap_ms: tally.gap_ms,
    evse_ms,
    down_ms: own ? down_ms : null,
    connected_share: shareOf(tally.connected_ms, evse_ms),
    charging_share: shareOf(tally.charging_ms, evse_ms),
    availability: own && evse_ms > 0 ? Math.floor(((evse_ms - down_ms) / evse_ms) * 10_000) / 10_000 : null,
    interruptions: Object.fromEntries([...tally.interruptions].sort(([a], [b]) => (a < b ? -1 : 1))),
    faults: own ? faults : null,
    mtbf_h: own && faults > 0 ? tenths(operatingH / faults) : null,
    mtbf_at_least_h: own && faults === 0 && evse_ms > 0 ? tenths(operatingH) : null,
    peak_w: own && peak_ms !== null ? Math.round(tally.peak_w) : null,
    peak_at: own && peak_ms !== null ? new Date(peak_ms).toISOString() : null,
    cost: [...tally.cost]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, minor]) => costOf(currency, minor, tally.energy_wh)),
  };
}

function costOf(currency: string, minor: bigint, energyWh: number): RowCost {
  const digits = minorDigits(currency);
  const amount = ratio(Number(minor), 10 ** digits);
  return {
    currency,
    amount: fixed(amount, digits),
    per_kwh: energyWh > 0 ? fixed(amount.div(ratio(energyWh, 1000)), 4) : null,
  };
}

/** Null where sessions lasted longer than the log knows of, since it began within them; clocks may differ by 1 %. */
function shareOf(part: number, whole: number): number | null {
  if (whole <= 0 || part > whole * 1.01) return null;
  return Math.min(1, Math.round((part / whole) * 10_000) / 10_000);
}

function tenths(hours: number): number {
  return Math.round(hours * 10) / 10;
}
