/**
 * Files of departures: CSV whose first line names the columns, or a JSON list of objects with the same names. Each keeps
 * the line that it stands on.
 */
import { isMap, isScalar } from "yaml";
import { didYouMean } from "../config/faults.ts";
import type { GivenDeparture } from "../rules/departures/read.ts";
import { type CsvRows, csvRows, jsonItems, openList } from "./list-file.ts";

/** A file that is no list of departures at all. The message names file and line. */
export class NotDepartures extends Error {}

export const DEPARTURE_COLUMNS = [
  "id",
  "vehicle",
  "evse",
  "days",
  "depart",
  "energy_kwh",
  "energy_wh",
  "soc_pct",
  "class",
] as const;
const COLUMNS: readonly string[] = DEPARTURE_COLUMNS;

export interface DepartureFile {
  given: GivenDeparture[];
  /** Names of columns that say nothing here. */
  unused: string[];
}

/** @throws NotDepartures */
export function readDepartureFile(text: string, file: string): DepartureFile {
  const { body, isJson } = openList(text, file);
  return isJson ? fromJson(body, file) : fromCsv(body, file);
}

function fromCsv(text: string, file: string): DepartureFile {
  let csv: CsvRows;
  try {
    csv = csvRows(text);
  } catch (error) {
    throw new NotDepartures(`${file}: ${(error as Error).message}`);
  }
  const { names, rows } = csv;
  if (!names.includes("depart") || !(names.includes("vehicle") || names.includes("evse")))
    throw new NotDepartures(
      `${file}:1 has the columns ${names.join(", ") || "(none)"}; write vehicle,depart,energy_kwh, or vehicle,days,depart,energy_kwh for a timetable`,
    );
  const given = rows.map(({ line, cells }) => ({
    at: `${file}:${line}`,
    fields: Object.fromEntries(
      names.flatMap((name, i) => (COLUMNS.includes(name) && cells[i] ? [[name, cells[i]]] : [])),
    ),
  }));
  return { given, unused: unusedOf(names, `${file}:1`) };
}

/** Of columns that nobody asked for; one that is nearly a known one is refused: it would be left out in silence. */
function unusedOf(names: readonly string[], at: string): string[] {
  const unused = [...new Set(names)].filter((name) => !COLUMNS.includes(name));
  for (const name of unused) {
    const meant = didYouMean(name, COLUMNS);
    if (meant !== undefined && !names.includes(meant))
      throw new NotDepartures(`${at} has the column ${name}; did you mean ${meant}?`);
  }
  return unused;
}

function fromJson(text: string, file: string): DepartureFile {
  let items: ReturnType<typeof jsonItems>;
  try {
    items = jsonItems(text);
  } catch (error) {
    throw new NotDepartures(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (items === null)
    throw new NotDepartures(`${file}:1 is not a list; write [{"vehicle": ..., "depart": ...}, ...]`);
  const unused = new Set<string>();
  const given = items.map(({ line, item }, i) => {
    const at = `${file}:${line}`;
    if (!isMap(item)) throw new NotDepartures(`${at} item ${i + 1} is not an object with vehicle and depart`);
    const fields = Object.entries(item.toJSON() as Record<string, unknown>).map(([name, value]) => {
      const node = item.get(name, true);
      // As the digits are written: 120.10 is not another number than 120.1, but 0.1 + 0.2 would be.
      return [name.toLowerCase(), typeof value === "number" && isScalar(node) ? node.source : value] as const;
    });
    for (const name of unusedOf(
      fields.map(([name]) => name),
      at,
    ))
      unused.add(name);
    return { at, fields: Object.fromEntries(fields.filter(([name]) => COLUMNS.includes(name))) };
  });
  return { given, unused: [...unused] };
}
