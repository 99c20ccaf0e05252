/** All that was said of departures and learned of vehicles, as the facts of the log leave it. */
import type { Departure, DepartureRecord, DepartureSource, TimetableLine } from "../../model/departure.ts";
import type { Event, EventType } from "../../model/event.ts";
import type { LearnedLimits } from "../../model/vehicle.ts";

export interface DepartureBook {
  /** By id. */
  dated: Map<string, Departure>;
  timetable: { lines: TimetableLine[]; source: DepartureSource };
  /** Days on which a line does not hold: `line@2026-11-26`. */
  skipped: Set<string>;
  /** By vehicle. */
  learned: Map<string, LearnedLimits>;
  /** Offset of the newest fact in it. */
  through: number;
}

export const BOOKED_TYPES = [
  "departures.set",
  "departures.removed",
  "timetable.set",
  "vehicle.learned",
] as const satisfies readonly EventType[];

/** What is past for so long says nothing of anybody who is plugged in. */
const KEPT_MS = 86_400_000;

export function emptyBook(): DepartureBook {
  return {
    dated: new Map(),
    timetable: { lines: [], source: "api" },
    skipped: new Set(),
    learned: new Map(),
    through: 0,
  };
}

/** Takes the next fact, in the order of the log. A body that retention emptied spoke of the past. */
export function book(known: DepartureBook, event: Event): void {
  if (event.offset <= known.through) return;
  known.through = event.offset;
  if (event.type === "departures.set") {
    for (const record of event.body.departures ?? [])
      known.dated.set(record.id, departureOf(record, event.body.source));
    forgetPast(known, event.atMs);
  } else if (event.type === "departures.removed") {
    for (const id of event.body.ids ?? [])
      if (!known.dated.delete(id) && id.includes("@")) known.skipped.add(id);
  } else if (event.type === "timetable.set") {
    known.timetable = { lines: event.body.lines ?? [], source: event.body.source };
  } else if (event.type === "vehicle.learned" && event.body.vehicle !== undefined) {
    const { vehicle, ...limits } = event.body;
    known.learned.set(vehicle, limits);
  }
}

function forgetPast(known: DepartureBook, nowMs: number): void {
  for (const [id, { departMs }] of known.dated) if (departMs < nowMs - KEPT_MS) known.dated.delete(id);
  const day = new Date(nowMs - 2 * KEPT_MS).toISOString().slice(0, 10);
  for (const id of known.skipped) if (id.slice(id.lastIndexOf("@") + 1) < day) known.skipped.delete(id);
}

export function departureOf(record: DepartureRecord, source: DepartureSource): Departure {
  const { id, vehicle = null, evse = null, depart, energy_wh, soc_pct, class: kind } = record;
  return {
    id,
    vehicle,
    evse,
    departMs: Date.parse(depart),
    energyWh: energy_wh ?? null,
    socPct: soc_pct ?? null,
    class: kind ?? null,
    source,
  };
}

/** Whether it was said before, by the same kind of sayer, and holds. */
export function isKnown({ dated }: DepartureBook, record: DepartureRecord, source: DepartureSource): boolean {
  const known = dated.get(record.id);
  return known !== undefined && JSON.stringify(known) === JSON.stringify(departureOf(record, source));
}
