/** One recorded day as a depot: whose arrivals it takes, which stations it needs, which cars fit the record. */

import { PHASE_ORDERS } from "../model/circuit.ts";
import { ID_PATTERN } from "../model/ids.ts";
import type { Scenario, UnnamedStation, Visit } from "./plan.ts";
import { createRandom } from "./random.ts";
import {
  type RecordedSession,
  type Recording,
  ReplayError,
  type RowFault,
  readRecording,
} from "./replay-file.ts";
import { fixedZone, isTimeZone } from "./time-text.ts";
import { carFor, type StationSize } from "./uncontrolled.ts";

export interface ReplayOptions {
  file: string;
  /** `YYYY-MM-DD`; the day with the most arrivals when absent. */
  day?: string;
  /** IANA name; the file's own offset when absent. */
  timeZone?: string;
  voltageV: number;
}

export interface Replay extends Scenario {
  day: string;
  /** What a reader should know of how the record was taken, one sentence each. */
  notes: string[];
}

/** Throws `ReplayError` with the rows that are wrong, or with the days that there are. */
export function loadReplay(options: ReplayOptions): Replay {
  const { file, timeZone } = options;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw new ReplayError(
      `--time-zone ${timeZone} is not a known time zone. Write one such as America/Los_Angeles.`,
    );
  }
  if (options.day !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(options.day)) {
    throw new ReplayError(`--day ${options.day} is not a date. Write it as YYYY-MM-DD.`);
  }
  const recording = readRecording(file, timeZone ?? null);
  const day = options.day ?? busiestDay(recording);
  const notes: string[] = [];
  refuseBadRows(recording, day, notes);
  const records = withoutRepeats(
    recording.sessions.filter((s) => s.date === day),
    notes,
  );
  const [first] = records;
  if (!first) throw new ReplayError(`${file} has no arrivals on ${day}. ${daysThereAre(recording)}`);
  if (recording.assumedUtc)
    notes.push("Times without an offset were read as UTC; --time-zone says otherwise.");
  const scenario = stationsFor(records, options.voltageV, notes);
  return { ...scenario, day, notes, timeZone: timeZone ?? fixedZone(first.offsetMin) };
}

function counts(recording: Recording): [string, number][] {
  const byDay = new Map<string, number>();
  for (const { date } of recording.sessions) byDay.set(date, (byDay.get(date) ?? 0) + 1);
  return [...byDay].sort(([a], [b]) => (a < b ? -1 : 1));
}

function busiestDay(recording: Recording): string {
  return counts(recording).reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0] as [string, number])[0];
}

function daysThereAre(recording: Recording): string {
  const days = counts(recording);
  const [first] = days;
  const last = days.at(-1);
  if (!first || !last) return "It has no readable session at all.";
  const text = days.map(([day, n]) => `${day} (${n})`);
  const list = text.length <= 12 ? text : [...text.slice(0, 6), "...", ...text.slice(-6)];
  return `It has ${days.length} day${days.length > 1 ? "s" : ""}, ${first[0]} to ${last[0]}, with arrivals: ${list.join(", ")}.`;
}

function describe(fault: RowFault): string {
  return `${fault.row}, column "${fault.column}": saw ${fault.seen}. ${fault.fix}`;
}

/** Rows of another day are left out with a note; a row of this day, or of no readable day, refuses the file. */
function refuseBadRows(recording: Recording, day: string, notes: string[]): void {
  const here = recording.faults.filter((f) => day === "" || f.date === day || f.date === null);
  if (here.length > 0) {
    const more = here.length > 10 ? `\n  ... and ${here.length - 10} more` : "";
    const list = here.slice(0, 10).map((f) => `\n  ${describe(f)}`);
    throw new ReplayError(`${recording.file} has rows that cannot be replayed:${list.join("")}${more}`);
  }
  const [other] = recording.faults;
  if (other)
    notes.push(`Left out ${recording.faults.length} bad values on other days, first ${describe(other)}`);
}

function withoutRepeats(records: RecordedSession[], notes: string[]): RecordedSession[] {
  const seen = new Map<string, RecordedSession[]>();
  const kept: RecordedSession[] = [];
  for (const record of records) {
    const same = seen.get(record.sessionId) ?? [];
    const repeat = same.find(
      (s) =>
        s.station === record.station &&
        s.arrivalMs === record.arrivalMs &&
        s.departureMs === record.departureMs &&
        s.deliveredWh === record.deliveredWh,
    );
    if (repeat) {
      notes.push(`${record.row} repeats ${repeat.row} and was left out.`);
      continue;
    }
    seen.set(record.sessionId, [...same, record]);
    const sessionId = same.length > 0 ? `${record.sessionId}#${same.length + 1}` : record.sessionId;
    kept.push({ ...record, sessionId });
  }
  return kept.sort((a, b) => a.arrivalMs - b.arrivalMs || (a.sessionId < b.sessionId ? -1 : 1));
}

/** Names that belong to other clients of the broker, or to the grid meter. */
const RESERVED = new Set(["flows", "wall", "bridge", "cli", "grid-1"]);

/** An id of the contract made from what the record calls a station, never one that is taken. */
function stationId(name: string, taken: Set<string>): string {
  const plain =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 30) || "station";
  const base = RESERVED.has(plain) ? `${plain}-cp` : plain;
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
  if (!ID_PATTERN.test(id)) throw new ReplayError(`station "${name}" gives no usable id (${id})`);
  taken.add(id);
  return id;
}

interface Lane {
  id: string;
  freeFromMs: number;
  size: StationSize;
  visits: Visit[];
}

/** Overlapping stays at one station take a second simulated one beside it; nothing is shifted in time. */
function stationsFor(
  records: RecordedSession[],
  voltageV: number,
  notes: string[],
): Omit<Scenario, "timeZone"> {
  const taken = new Set<string>();
  const lanes = new Map<string, Lane[]>();
  const random = createRandom(0x1add);
  let clampedVisits = 0;
  for (const record of records) {
    const { size, car, clamped } = carFor(
      record.deliveredWh,
      record.departureMs - record.arrivalMs,
      voltageV,
    );
    const own = lanes.get(record.station) ?? [];
    lanes.set(record.station, own);
    let lane = own.find((l) => l.freeFromMs <= record.arrivalMs);
    if (!lane) {
      lane = { id: stationId(record.station, taken), freeFromMs: 0, size, visits: [] };
      own.push(lane);
      if (own.length > 1) {
        notes.push(
          `${record.row}: the stay overlaps another at station "${record.station}"; it is simulated at ${lane.id} beside it.`,
        );
      }
    }
    lane.freeFromMs = record.departureMs;
    if (size.maxMa > lane.size.maxMa) lane.size = size;
    if (clamped) clampedVisits++;
    lane.visits.push({
      id: record.sessionId,
      station: lane.id,
      arrivalMs: record.arrivalMs,
      departureMs: record.departureMs,
      tokenUid: random.hex(14).toUpperCase(),
      car,
      recordedWh: record.deliveredWh,
      ...(clamped ? { clamped } : {}),
    });
  }
  if (clampedVisits > 0) {
    notes.push(
      `${clampedVisits} recorded stays took more than the largest simulated charger gives; they cannot finish.`,
    );
  }
  const all = [...lanes.values()].flat().sort((a, b) => (a.id < b.id ? -1 : 1));
  const stations = all.map(
    ({ id, size }, i): UnnamedStation => ({
      id,
      ...size,
      // Every third station starts at another line, as installers wire them so that single-phase cars spread.
      phaseOrder: PHASE_ORDERS[i % 3] ?? "L1L2L3",
      registerWh: Math.round(random.between(10_000, 20_000_000)),
    }),
  );
  const visits = all
    .flatMap((lane) => lane.visits.map((visit) => fitted(visit, lane.size)))
    .sort((a, b) => a.arrivalMs - b.arrivalMs || (a.id < b.id ? -1 : 1));
  return { stations, visits };
}

/** A car at a DC station charges with DC, whatever it would have needed. */
function fitted(visit: Visit, size: StationSize): Visit {
  if (size.kind !== "dc") return visit;
  const { car } = visit;
  if (car.maxMa >= size.minMa && car.phases === 3) return visit;
  return { ...visit, car: { ...car, phases: 3, maxMa: size.maxMa } };
}
