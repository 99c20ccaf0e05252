/** What ended sessions teach of departures and needs. */
import { evseId } from "../../model/ids.ts";
import type { SessionRecord } from "../../model/session.ts";
import type { SaidStay } from "./beliefs.ts";
import type { PastStay } from "./known-stays.ts";

/** What was said of a stay. */
export type Said = Pick<SaidStay, "departMs" | "energyKwh" | "source">;

export const NOTHING_SAID: Said = { departMs: null, energyKwh: null, source: null };

/** Null for a session that tells nothing: retention emptied its record, or a person has to look at it. */
export function pastStay(
  session: Partial<SessionRecord>,
  said: Said,
  hourOf: (ms: number) => number,
): PastStay | null {
  const { station, evse, started_ms, ended_ms, energy_wh, intervals = [], held = [] } = session;
  if (station === undefined || evse === undefined || started_ms === undefined || ended_ms === undefined)
    return null;
  if (energy_wh === undefined || ended_ms <= started_ms || held.length > 0) return null;
  const last = intervals.findLast(({ state }) => state !== "finishing" && state !== "gap");
  return {
    id: evseId(station, evse),
    vehicle: session.vehicle ?? null,
    group: session.token_group ?? null,
    ...said,
    fromMs: started_ms,
    hour: hourOf(started_ms),
    leftMs: ended_ms,
    gotKwh: energy_wh / 1000,
    full: last?.state === "suspended_ev",
  };
}
