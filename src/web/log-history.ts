/**
 * Recent history from the log itself, so that charts work with no time-series database. Reads in short pages and gives
 * up after a bounded number of events: a question about a busy month must not hold up anything else.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { LogReader } from "../log/log-store.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Event, EventType } from "../model/event.ts";
import type { History, HistoryPoint, HistoryQuery } from "./sources.ts";

type Reader = Pick<LogReader, "head" | "read">;
/** A log that was pruned answers what is gone with one-minute aggregates. */
type HistoryReader = Reader & Pick<SqliteReader, "minutes">;

const HISTORY_TYPES = ["meter.sampled", "status.reported", "setpoint.sent"] as const satisfies EventType[];
const PAGE = 1_000;
const MAX_EVENTS = 500_000;

/** Points in order of time, then EVSE: the last value of each field in every step that has any. */
export async function historyFromLog(
  reader: HistoryReader,
  query: HistoryQuery,
  maxEvents = MAX_EVENTS,
): Promise<History> {
  const points = new Map<string, HistoryPoint & { startMs: number }>();
  if (!(await addMinutes(reader, points, query))) return finished(points, true);
  let after = await lastBefore(reader, query.fromMs);
  for (let seen = 0; seen < maxEvents; ) {
    const page = await readPage(reader, after, HISTORY_TYPES);
    for (const event of page.events) {
      if (event.atMs >= query.toMs) return finished(points, false);
      if (!add(points, event, query)) return finished(points, true);
    }
    if (page.through === after) return finished(points, false);
    seen += page.events.length;
    after = page.through;
  }
  return finished(points, true);
}

/** The newest facts of some types, newest first. Looks back in growing strides, since most of a log is samples. */
export async function recentFacts(
  reader: Reader,
  types: readonly EventType[],
  limit: number,
): Promise<Event[]> {
  let found: Event[] = [];
  let before = (await reader.head()).offset + 1;
  for (let stride = 1_000; before > 1 && found.length < limit; stride *= 4) {
    const after = Math.max(0, before - 1 - stride);
    const chunk: Event[] = [];
    for (let from = after; from < before - 1; ) {
      const page = await readPage(reader, from, types);
      chunk.push(...page.events.filter((event) => event.offset < before));
      if (page.through === from) break;
      from = page.through;
    }
    found = [...chunk, ...found].slice(-limit);
    before = after + 1;
  }
  return found.reverse();
}

async function readPage(reader: Reader, after: number, types: readonly EventType[]) {
  const page = await reader.read(after, { types, limit: PAGE });
  // A reader may answer without ever leaving this turn of the event loop; others want theirs.
  await nextTurn();
  return page;
}

/**
 * The offset after which everything learnt at or after `atMs` lies. Arrival rises with the offset but for clock steps,
 * so bisection finds the place without an index over every sample.
 */
export async function lastBefore(reader: Reader, atMs: number): Promise<number> {
  let low = 0;
  let high = (await reader.head()).offset;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const next = (await reader.read(middle, { limit: 1 })).events[0];
    if (next && next.atMs < atMs) low = next.offset;
    else high = middle;
  }
  return low;
}

/** Of what was pruned; false when there is more than was asked for. Samples that are still there come on top. */
async function addMinutes(
  reader: HistoryReader,
  points: Map<string, HistoryPoint & { startMs: number }>,
  { station, evse, fromMs, toMs, stepMs, limit }: HistoryQuery,
): Promise<boolean> {
  for (let next = fromMs; ; ) {
    const minutes = await reader.minutes(station, evse ?? null, next, toMs, PAGE);
    for (const { evse: of, minute_ms, energy_import_wh, power_w_mean } of minutes) {
      const point = pointAt(points, of, Math.max(minute_ms, fromMs), stepMs, limit);
      if (!point) return false;
      if (power_w_mean !== null) point.power_w = Math.round(power_w_mean);
      if (energy_import_wh !== null) point.energy_import_wh = energy_import_wh;
    }
    if (minutes.length < PAGE) return true;
    // The page may end between two EVSEs of a minute: that minute is read again.
    next = minutes.at(-1)?.minute_ms ?? toMs;
    await nextTurn();
  }
}

/** The point of an EVSE and step; undefined when one more would be too many. */
function pointAt(
  points: Map<string, HistoryPoint & { startMs: number }>,
  evse: number,
  atMs: number,
  stepMs: number,
  limit: number,
): HistoryPoint | undefined {
  const startMs = Math.floor(atMs / stepMs) * stepMs;
  const key = `${evse} ${startMs}`;
  const found = points.get(key);
  if (found || points.size >= limit) return found;
  const point = { ts: new Date(startMs).toISOString(), evse, startMs };
  points.set(key, point);
  return point;
}

function add(
  points: Map<string, HistoryPoint & { startMs: number }>,
  event: Event,
  query: HistoryQuery,
): boolean {
  if (event.station !== query.station || event.atMs < query.fromMs) return true;
  if (event.type !== "meter.sampled" && event.type !== "status.reported" && event.type !== "setpoint.sent") {
    return true;
  }
  const { evse } = event.body;
  if (evse === undefined || (query.evse !== undefined && evse !== query.evse)) return true;
  const point = pointAt(points, evse, event.atMs, query.stepMs, query.limit);
  if (!point) return false;
  Object.assign(point, valuesOf(event));
  return true;
}

function valuesOf(event: Event): Partial<HistoryPoint> {
  switch (event.type) {
    case "meter.sampled": {
      const { power_w, energy_import_wh, current_a, soc_pct } = event.body;
      return {
        ...(power_w !== undefined && { power_w }),
        ...(energy_import_wh !== undefined && { energy_import_wh }),
        ...(current_a !== undefined && { current_a }),
        ...(soc_pct !== undefined && { soc_pct }),
      };
    }
    case "status.reported": {
      const { connector_state, charging_state } = event.body;
      return { connector_state, ...(charging_state !== undefined && { charging_state }) };
    }
    case "setpoint.sent":
      return { limit_a: event.body.limit_a };
    default:
      return {};
  }
}

function finished(points: Map<string, HistoryPoint & { startMs: number }>, truncated: boolean): History {
  const ordered = [...points.values()].sort((a, b) => a.startMs - b.startMs || a.evse - b.evse);
  return { points: ordered.map(({ startMs: _, ...point }) => point), truncated };
}
