/** When a vehicle must leave and with how much, as somebody said it; and what is wanted at an EVSE now. */
import { z } from "zod";
import type { EvseId } from "./ids.ts";

export const DEPARTURE_SOURCES = ["file", "api", "flow", "station"] as const;
export type DepartureSource = (typeof DEPARTURE_SOURCES)[number];

/** Of a vehicle wherever it plugs in, or of whoever is plugged in at an EVSE: exactly one of the two is named. */
export interface Departure {
  /** Chosen by who said it; the same id again replaces it. */
  id: string;
  vehicle: string | null;
  evse: EvseId | null;
  /** Depot time, ms since the epoch. */
  departMs: number;
  /** Wh it wants from the station, counted from plug-in; null when `socPct` says it, or nobody did. */
  energyWh: number | null;
  /** State of charge wanted, %; turned into energy where battery and present state of charge are known. */
  socPct: number | null;
  /** Overrides the class of the vehicle. */
  class: string | null;
  source: DepartureSource;
}

/** Fields of what is shown that tell when a vehicle leaves: not for displays that everybody sees. */
export const DEPARTURE_FIELDS = [
  "depart",
  "depart_is_said",
  "depart_source",
  "depart_expected",
  "depart_examples",
  "latest_start",
  "planned_start",
] as const;

/** Who is plugged in at an EVSE now and what is known of its wishes. */
export interface EvseNeed {
  evse: EvseId;
  /** Of the token that started it; null when unknown. */
  vehicle: string | null;
  /** Cost centre of the token; what departures are learnt by beside the vehicle. */
  group: string | null;
  /** Id of its class; null for none. */
  class: string | null;
  /** Weight of its class; 1 for none. */
  weight: number;
  /** Depot time of plug-in (or when it was first seen), ms. */
  pluggedMs: number;
  /** Wh since plug-in. */
  deliveredWh: number;
  /** As somebody said it; null when nobody did, or when it has passed. */
  departMs: number | null;
  /** Wh wanted in the whole stay, as somebody said it; null when nobody did. */
  energyWh: number | null;
  /** Who said it; null when nobody did. */
  source: DepartureSource | null;
  /** Limits of the vehicle known beforehand. */
  acPhases: 1 | 2 | 3 | null;
  acMaxA: number | null;
  dcMaxKw: number | null;
}

export const WEEKDAYS = ["mo", "tu", "we", "th", "fr", "sa", "su"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** What a departure and a timetable line say of whom and how much, as facts and the wire spell it. */
interface Wanted {
  id: string;
  /** Exactly one of the two. */
  vehicle?: string;
  evse?: EvseId;
  energy_wh?: number;
  soc_pct?: number;
  class?: string;
}

/** A dated departure. `depart`: RFC 3339 UTC. */
export interface DepartureRecord extends Wanted {
  depart: string;
}

/** Leaves on these weekdays at this local time of the site, `06:30`. */
export interface TimetableLine extends Wanted {
  days: Weekday[];
  depart: string;
}

/** Why a departure holds no longer: somebody took it back, or who stood at its EVSE was unplugged. */
export type RemovedBy = DepartureSource | "unplugged";

/** At most so many departures, or lines of a timetable, in one request. */
export const MAX_DEPARTURES = 2_000;

const amount = z.union([z.number(), z.string().max(20)]);
const wanted = {
  /** Names it: the same id again replaces it. Absent: vehicle or EVSE with the local date. */
  id: z.string().max(80).optional(),
  vehicle: z.string().max(80).optional(),
  /** `station/evse`, for whoever is plugged in there until it is unplugged. */
  evse: z.string().max(80).optional(),
  /** RFC 3339; without an offset in the site's time zone, and a time alone is the next one. In a timetable `06:30`. */
  depart: z.string().max(40),
  /** From the station, counted from plug-in. */
  energy_wh: amount.optional(),
  /** The same in kWh, decimal. */
  energy_kwh: amount.optional(),
  /** State of charge instead of an energy. */
  soc_pct: amount.optional(),
  /** Id of a class of the config. */
  class: z.string().max(80).optional(),
};

/** Empty as tables have it: with days it would be a line of the timetable, and must not be taken for one departure. */
const noDays = z
  .literal("", { error: "with days it is a line of the timetable, which is set by a timetable" })
  .optional();

/** What `POST /api/v1/departures` and the request `depart` take; texts as a table has them, where empty is absent. */
export const DeparturesRequest = z.object({
  departures: z
    .array(z.object({ ...wanted, days: noDays }))
    .max(MAX_DEPARTURES)
    .optional(),
  /** The whole weekly timetable anew. Not from flows, whose words expire. */
  timetable: z
    .array(z.object({ ...wanted, days: z.union([z.string().max(40), z.array(z.string().max(4)).max(7)]) }))
    .max(MAX_DEPARTURES)
    .optional(),
  source: z.enum(["file", "api"]).optional(),
});
export type DeparturesRequest = z.infer<typeof DeparturesRequest>;

/** `req/{client}/depart`: departures to set, or ids to take back in `remove`. */
export const DepartMessage = z.object({
  id: z.string().regex(/^[\w-]{1,64}$/),
  data: z.object({
    departures: DeparturesRequest.shape.departures,
    remove: z.array(z.string().max(80)).min(1).max(MAX_DEPARTURES).optional(),
  }),
});

/** What became of them. */
export interface DeparturesTaken {
  /** Ids that hold with what was said, in the order of the request. */
  departures: string[];
  /** Lines of the timetable; absent when none was given. */
  timetable?: number;
  /** Departures that were past already: left out. */
  passed: number;
  /** What was changed to fit, and what cannot be used yet, in words. */
  notes: string[];
  /** Whether any of them is less than was asked for. */
  clamped: boolean;
  /** Ids that hold no longer. */
  removed?: string[];
  /** True when all of it held already: nothing was appended. */
  known: boolean;
  log_offset: number | null;
}

export type DeparturesAnswer =
  | { taken: DeparturesTaken }
  | { refused: { code: "BAD_DEPARTURE" | "NO_SUCH_DEPARTURE" | "BUSY"; message: string; fix: string } };

/** A departure to come as it is shown to people. */
export interface DepartureShown {
  id: string;
  vehicle: string | null;
  evse: EvseId | null;
  /** RFC 3339 with the site's offset. */
  depart: string;
  energy_wh: number | null;
  soc_pct: number | null;
  class: string | null;
  source: DepartureSource;
  /** Id of the line of the timetable that it comes from; null for a dated one. */
  line: string | null;
  /** Where it applies now, and what was delivered there. */
  at: EvseId | null;
  delivered_wh: number | null;
  /** Why it says no energy; null when it does, or nobody asked for any. */
  note: string | null;
}

/** A vehicle as it is shown: its figures, and which of them were only learned. */
export interface VehicleShown {
  id: string;
  class: string | null;
  battery_kwh: number | null;
  ac_phases: 1 | 2 | 3 | null;
  ac_max_a: number | null;
  dc_max_kw: number | null;
  /** Names of the fields above that come from measurement. */
  learned: string[];
  next_depart: string | null;
  at: EvseId | null;
}
