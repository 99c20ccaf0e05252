/** The data map as rows, for the command, the page and the docs. */

import { EVENTS } from "../model/data-map.ts";
import type { DataEntry, Personal, Reader } from "../model/data-map-entry.ts";
import { FILES, LOG_TABLES, MEASUREMENTS, SUBJECT_TABLES, TOPICS } from "../model/data-map-stores.ts";
import { type KeptFigures, keptText } from "../rules/data-kept.ts";

export interface DataRow {
  store: "log event" | "subject store" | "log table" | "InfluxDB" | "MQTT topic" | "file";
  name: string;
  what: string;
  why: string;
  personal: Personal;
  kept: string;
  readers: readonly Reader[];
}

const STORES: readonly [DataRow["store"], Readonly<Record<string, DataEntry>>][] = [
  ["log event", EVENTS],
  ["subject store", SUBJECT_TABLES],
  ["log table", LOG_TABLES],
  ["InfluxDB", MEASUREMENTS],
  ["MQTT topic", TOPICS],
  ["file", FILES],
];

export function privacyRows(figures: KeptFigures, lang: "en" | "sv"): DataRow[] {
  return STORES.flatMap(([store, entries]) =>
    Object.entries(entries).map(([name, { what, why, personal, kept, readers }]) => ({
      store,
      name,
      what: what[lang],
      why: why[lang],
      personal,
      kept: keptText(kept, figures)[lang],
      readers,
    })),
  );
}
