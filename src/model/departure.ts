/** When a vehicle must leave and with how much, as somebody said it; and what is wanted at an EVSE now. */
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
