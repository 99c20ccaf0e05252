/** What ended sessions teach of departures and needs, with what was said of each before it ended. */
import type { Departure } from "../../model/departure.ts";
import type { Event } from "../../model/event.ts";
import { type EvseId, evseId } from "../../model/ids.ts";
import type { SessionRecord } from "../../model/session.ts";
import { type Ahead, ahead } from "../departures/ahead.ts";
import { BOOKED_TYPES, book, emptyBook } from "../departures/book.ts";
import { departureFor } from "../departures/need.ts";
import { dateIn, dayStartMs } from "../report-calendar.ts";
import type { PastStay } from "./known-stays.ts";

/** What it is told, in the order of the log. */
export const TOLD_TYPES = ["session.ended", ...BOOKED_TYPES] as const;

/** A departure that was said for a stay lies no further ahead. */
const AHEAD_MS = 3 * 86_400_000;

/** Takes one fact after the other; gives the stay that a session was, null for all else. `zone`: IANA name. */
export function pastStays(zone: string, hourOf: (ms: number) => number) {
  const known = emptyBook();
  /** When what was said of an EVSE ended with the stay there: a session that began before was meant all the same. */
  const ended = new Map<string, number>();
  let coming: { date: string; through: number; ahead: Ahead } | null = null;

  const aheadOf = (fromMs: number): Ahead => {
    const date = dateIn(fromMs, zone);
    if (coming?.date !== date || coming.through !== known.through) {
      const from = dayStartMs(date, zone);
      coming = { date, through: known.through, ahead: ahead(known, from, from + AHEAD_MS, zone) };
    }
    return coming.ahead;
  };

  return (event: Event): PastStay | null => {
    if (event.type === "departures.removed" && event.body.source === "unplugged") {
      for (const id of event.body.ids ?? []) ended.set(id, event.atMs);
      return null;
    }
    if (event.type !== "session.ended") {
      if (event.type === "departures.set") for (const { id } of event.body.departures ?? []) ended.delete(id);
      book(known, event);
      return null;
    }
    return stayOf(event.body, hourOf, (evse, vehicle, fromMs) => {
      const all = aheadOf(fromMs);
      const meant = ({ id }: Departure) => (ended.get(id) ?? Number.POSITIVE_INFINITY) > fromMs;
      const ofEvse = new Map([[evse as string, (all.ofEvse.get(evse) ?? []).filter(meant)]]);
      return departureFor(evse, { vehicle, pluggedMs: fromMs, wish: null }, { ...all, ofEvse }, fromMs)
        ?.departure;
    });
  };
}

/** Null for a session that tells nothing: retention emptied its record, or a person has to look at it. */
function stayOf(
  session: Partial<SessionRecord>,
  hourOf: (ms: number) => number,
  saidOf: (evse: EvseId, vehicle: string | null, fromMs: number) => Departure | undefined,
): PastStay | null {
  const { station, evse, started_ms, ended_ms, energy_wh, intervals = [], held = [] } = session;
  if (station === undefined || evse === undefined || started_ms === undefined || ended_ms === undefined)
    return null;
  if (energy_wh === undefined || ended_ms <= started_ms || held.length > 0) return null;
  const id = evseId(station, evse);
  const vehicle = session.vehicle ?? null;
  const said = saidOf(id, vehicle, started_ms);
  const last = intervals.findLast(({ state }) => state !== "finishing" && state !== "gap");
  return {
    id,
    vehicle,
    group: session.token_group ?? null,
    source: said?.source ?? null,
    fromMs: started_ms,
    hour: hourOf(started_ms),
    departMs: said?.departMs ?? null,
    energyKwh: said?.energyWh == null ? null : said.energyWh / 1000,
    leftMs: ended_ms,
    gotKwh: energy_wh / 1000,
    full: last?.state === "suspended_ev",
  };
}
