/**
 * The energy of a session once more, from the register readings that the log still has: first and last of each stretch
 * in which the register only rises. Simpler than the fold that made the bill, and independent of it.
 */
import type { SessionRecord } from "../model/session.ts";

/** A register as the station sent it, in a sample or with a transaction. */
export interface RegisterSeen {
  ms: number;
  wh: number;
}

export interface RegisterProof {
  /** `unclear`: what happened to the meter cannot be told from readings alone. */
  result: "agrees" | "differs" | "unclear" | "none";
  readings: number;
  /** Null when there is no reading. */
  from_wh: number | null;
  to_wh: number | null;
  /** Sum of the rising stretches. */
  energy_wh: number;
  /** In words; empty when it agrees. */
  why: string;
}

/** Happenings that a bare list of readings does not show. */
const UNCLEAR = new Set([
  "METER_RESET",
  "METER_ROLLOVER",
  "METER_REPLACED",
  "REGISTER_SESSION_RELATIVE",
  "REGISTER_AFTER_STOP",
]);
/** Registers step back this far by the rounding of kWh with two decimals. */
const JITTER_WH = 10;

/** `seen` in any order; what lies outside of the session is left out here. */
export function proveRegisters(session: SessionRecord, seen: readonly RegisterSeen[]): RegisterProof {
  const [first, last] = [session.segments[0], session.segments.at(-1)];
  const within = seen
    .filter(({ ms }) => first && last && ms >= first.from_ms && ms <= last.to_ms)
    .sort((a, b) => a.ms - b.ms || a.wh - b.wh);
  const [begin, end] = [within[0], within.at(-1)];
  if (!begin || !end || !first || !last)
    return {
      result: "none",
      readings: 0,
      from_wh: null,
      to_wh: null,
      energy_wh: 0,
      why: "no reading is left",
    };
  const energyWh = risen(within);
  const proven = session.segments.reduce((sum, { from_wh, to_wh }) => sum + to_wh - from_wh, 0);
  const figures = { readings: within.length, from_wh: begin.wh, to_wh: end.wh, energy_wh: energyWh };
  if (energyWh === proven) return { result: "agrees", ...figures, why: "" };
  const flag = session.flags.find((code) => UNCLEAR.has(code));
  const why = `the readings rise by ${energyWh} Wh, the bill's registers by ${proven} Wh`;
  return flag || session.segments.length > 1
    ? { result: "unclear", ...figures, why: `${why} (${flag ?? "several stretches"})` }
    : { result: "differs", ...figures, why };
}

function risen(readings: readonly RegisterSeen[]): number {
  let sum = 0;
  let from = readings[0]?.wh ?? 0;
  let top = from;
  for (const { wh } of readings) {
    if (wh >= top) top = wh;
    else if (top - wh > JITTER_WH) {
      sum += top - from;
      from = wh;
      top = wh;
    }
  }
  return sum + top - from;
}
