/**
 * Reads what a report is made of from the log, in pages: facts by their type, power by the minute. A year is a matter
 * of seconds to minutes, so every page leaves the turn to others, and memory holds one page and what a row counts.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { PowerMinute } from "../log/minutes.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Event, EventOf, EventType } from "../model/event.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import type { SessionRecord } from "../model/session.ts";
import { completeCdr } from "../rules/older-cdr.ts";
import { createReport, type Report } from "../rules/report.ts";
import type { ReportBy } from "../rules/report-by.ts";
import { bucketsOf, dateIn } from "../rules/report-calendar.ts";
import { collectOutages, OUTAGE_TYPES, type Outages } from "../rules/report-outages.ts";
import { reportWords } from "../rules/report-texts.ts";
import type { ReportNote } from "../rules/report-words.ts";
import { endedStanding, isRevision, nextStanding, revisionKey, type Standing } from "../rules/standing.ts";

export type ReportReader = Pick<
  SqliteReader,
  | "factsOfType"
  | "factByKeyNow"
  | "lastOfType"
  | "span"
  | "lastBefore"
  | "sampledPower"
  | "keptPower"
  | "readHead"
>;

export interface LogReportQuery {
  /** `YYYY-MM-DD`, both inclusive; without `last` until the end of the log. */
  first: string;
  last?: string;
  by: ReportBy;
  /** IANA zone of the dates; that of the newest session when absent, UTC when there is none. */
  zone?: string;
  /** The EVSEs of the site; those with sessions when absent. */
  evses?: readonly EvseId[];
}

/** A report and what its reader should know, one English sentence each. */
export interface LogReport extends Report {
  notes: string[];
}

const PAGE = 100;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Sums of one block of minutes are held at a time. */
const BLOCK_MS = 6 * 3_600_000;
const SAMPLES = 5_000;
const EVSES = 50;
/** Stations commonly read every quarter of an hour at the least. */
const LONGEST_HOLD_MS = 15 * MINUTE_MS;
/** A bill follows its session at once; a credit comes later and looks its session up. */
const RECENT = 200;

/** `onProgress`: part of the reading that is done, 0 to 1. The first `by` is the report; `also` are made beside it. */
export async function reportFromLog(
  reader: ReportReader,
  query: LogReportQuery,
  also: readonly ReportBy[] = [],
  onProgress: (part: number) => void = () => {},
): Promise<{ report: LogReport; notes: ReportNote[]; others: Report[] }> {
  const zone = query.zone ?? newestSession(reader)?.time_zone ?? "UTC";
  const observed = reader.span() ?? { from_ms: 0, to_ms: 0 };
  const { first } = query;
  const until = query.last ?? dateIn(observed.to_ms, zone);
  const last = until < first ? first : until;
  const days = bucketsOf("day", first, last, zone);
  const [fromMs, toMs] = [days[0]?.from_ms ?? 0, days.at(-1)?.to_ms ?? 0];
  const head = reader.readHead().offset;

  const collected = collectOutages(fromMs, toMs);
  const heard = new Set<string>();
  for await (const event of factsOf(reader, OUTAGE_TYPES, 0)) {
    collected.take(event);
    if (event.station !== null) heard.add(event.station);
  }
  const outages = collected.done();
  const plan = { first, last, zone, observed, evses: query.evses ?? [] };
  const reports = [query.by, ...also].map((by) =>
    createReport({ ...plan, by }, lasting(outages, observed.to_ms)),
  );

  const recent = new Map<string, SessionRecord>();
  const open = new Set<string>();
  const evses = new Set(query.evses);
  const start = reader.lastBefore("fact", fromMs - DAY_MS);
  for await (const event of factsOf(reader, ["session.started", "session.ended", "cdr.issued"], start)) {
    onProgress(0.5 * ((event.offset - start) / Math.max(1, head - start)));
    if (event.type === "session.started") {
      if (event.body.started_ms < toMs) open.add(event.body.session_id);
    } else if (event.type === "session.ended") {
      const standing = standingNow(reader, event);
      if (!standing) continue;
      const { record } = standing;
      open.delete(record.session_id);
      remember(recent, record);
      heard.add(record.station);
      if (record.ended_ms < fromMs || record.started_ms >= toMs) continue;
      evses.add(evseId(record.station, record.evse));
      for (const report of reports) report.session(record, standing.state);
    } else if (event.type === "cdr.issued") {
      const cdr = completeCdr(event.body);
      if (Date.parse(cdr.end_date_time) < fromMs || Date.parse(cdr.start_date_time) >= toMs) continue;
      const session = recent.get(cdr.session_id) ?? sessionNow(reader, cdr.session_id);
      for (const report of reports) report.cdr(cdr, session);
    }
  }

  const stretch = {
    fromMs: Math.max(fromMs, observed.from_ms),
    toMs: Math.min(toMs, observed.to_ms + MINUTE_MS),
  };
  await eachMinute(reader, stretch, [...evses], (minuteMs, watts, part) => {
    onProgress(0.5 + 0.5 * part);
    for (const report of reports) report.minute(minuteMs, watts);
  });

  const [report, ...others] = reports.map((made) => made.done()) as [Report, ...Report[]];
  const notes = notesOn(report, { fromMs, toMs, observed, open: open.size });
  if (!query.evses) notes.push({ code: "evses_unnamed" });
  const silent = new Set((query.evses ?? []).map((id) => id.slice(0, id.lastIndexOf("/"))));
  for (const station of heard) silent.delete(station);
  if (silent.size > 0) notes.push({ code: "never_heard", stations: [...silent].slice(0, 10) });
  return { report: { ...report, notes: notes.map(reportWords("en").note) }, notes, others };
}

function notesOn(
  { total }: Report,
  at: { fromMs: number; toMs: number; observed: { from_ms: number; to_ms: number }; open: number },
): ReportNote[] {
  const { fromMs, toMs, observed, open } = at;
  const { held_sessions, held_energy_wh, voided_sessions } = total;
  const notes: ReportNote[] = [];
  if (observed.from_ms > fromMs) notes.push({ code: "log_begins", at_ms: observed.from_ms });
  if (observed.to_ms < toMs) notes.push({ code: "log_ends", at_ms: observed.to_ms });
  if (held_sessions > 0) notes.push({ code: "held", sessions: held_sessions, energy_wh: held_energy_wh });
  if (voided_sessions > 0) notes.push({ code: "voided", sessions: voided_sessions });
  if (open > 0) notes.push({ code: "open", sessions: open });
  if (total.peak_w === null && total.energy_wh > 0) notes.push({ code: "no_power" });
  return notes;
}

/** What still lasts has lasted until the end of the log. */
function lasting({ outages, reboots }: Outages, untilMs: number): Outages {
  return {
    outages: outages.map((o) => ({ ...o, to_ms: Math.min(o.to_ms, Math.max(untilMs, o.from_ms)) })),
    reboots,
  };
}

function newestSession(reader: ReportReader): SessionRecord | undefined {
  return (reader.lastOfType("session.ended") as EventOf<"session.ended"> | undefined)?.body;
}

/** What became of a session after its end; undefined when retention has emptied its record. */
function standingNow(
  reader: Pick<ReportReader, "factByKeyNow">,
  ended: EventOf<"session.ended">,
): Standing | undefined {
  const { session_id } = ended.body;
  if (session_id === undefined) return undefined;
  let standing = endedStanding(ended);
  for (let revision = 2; ; revision++) {
    const next = reader.factByKeyNow(revisionKey(session_id, revision));
    if (!next || !isRevision(next) || next.body.session_id === undefined) return standing;
    standing = nextStanding(standing, next);
  }
}

function sessionNow(reader: Pick<ReportReader, "factByKeyNow">, id: string): SessionRecord | undefined {
  const ended = reader.factByKeyNow(`session.ended:${id}`) as EventOf<"session.ended"> | undefined;
  return ended && standingNow(reader, ended)?.record;
}

function remember(recent: Map<string, SessionRecord>, session: SessionRecord): void {
  recent.set(session.session_id, session);
  if (recent.size <= RECENT) return;
  for (const oldest of recent.keys()) {
    recent.delete(oldest);
    break;
  }
}

/** Facts of some types in the order of the log. */
async function* factsOf(
  reader: Pick<ReportReader, "factsOfType">,
  types: readonly EventType[],
  after: number,
): AsyncGenerator<Event> {
  const queues = types.map((type) => ({ type, page: [] as Event[], at: 0, after, more: true }));
  for (;;) {
    let next: (typeof queues)[number] | undefined;
    for (const queue of queues) {
      if (queue.at === queue.page.length && queue.more) {
        queue.page = reader.factsOfType(queue.type, queue.after, PAGE);
        queue.at = 0;
        queue.after = queue.page.at(-1)?.offset ?? queue.after;
        queue.more = queue.page.length === PAGE;
        await nextTurn();
      }
      const [mine, least] = [queue.page[queue.at], next?.page[next.at]];
      if (mine && (!least || mine.offset < least.offset)) next = queue;
    }
    const event = next?.page[next.at];
    if (!next || !event) return;
    next.at++;
    yield event;
  }
}

/** The power of each EVSE in every minute that has a reading of any, in order of time within a block of hours. */
async function eachMinute(
  reader: Pick<ReportReader, "sampledPower" | "keptPower" | "lastBefore">,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  evses: readonly EvseId[],
  visit: (minuteMs: number, watts: ReadonlyMap<EvseId, number>, part: number) => void,
): Promise<void> {
  const power = heldPower();
  const startMs = Math.floor(fromMs / MINUTE_MS) * MINUTE_MS;
  for (let blockMs = startMs; blockMs < toMs; blockMs += BLOCK_MS) {
    const endMs = Math.min(toMs, blockMs + BLOCK_MS);
    const minutes = new Map<number, Map<EvseId, { sum: number; readings: number }>>();
    const take = ({ minute_ms, station, evse, sum_w, readings }: PowerMinute) => {
      if (minute_ms < blockMs || minute_ms >= endMs) return;
      const minute = minutes.get(minute_ms) ?? new Map<EvseId, { sum: number; readings: number }>();
      minutes.set(minute_ms, minute);
      const id = evseId(station, evse);
      const so = minute.get(id) ?? { sum: 0, readings: 0 };
      minute.set(id, { sum: so.sum + sum_w, readings: so.readings + readings });
    };
    // Samples first: retention may turn them into minutes meanwhile, and a reading met twice leaves the mean as it is.
    const through = reader.lastBefore("sample", endMs);
    for (let after = reader.lastBefore("sample", blockMs); after < through; after += SAMPLES) {
      for (const minute of reader.sampledPower(after, Math.min(through, after + SAMPLES))) take(minute);
      await nextTurn();
    }
    for (const [i, id] of evses.entries()) {
      const slash = id.lastIndexOf("/");
      const kept = reader.keptPower(id.slice(0, slash), Number(id.slice(slash + 1)), blockMs, endMs);
      for (const minute of kept) take(minute);
      if (i % EVSES === 0) await nextTurn();
    }
    for (const [minuteMs, readings] of [...minutes].sort(([a], [b]) => a - b)) {
      for (const [id, { sum, readings: n }] of readings) power.read(id, minuteMs, sum / n);
      visit(minuteMs, power.at(minuteMs), (minuteMs - startMs) / Math.max(1, toMs - startMs));
    }
  }
}

/**
 * The power of each EVSE between its readings: what it read last, for half as long again as it took to read twice. One
 * that reads every five minutes is in the sum of the minutes between, one that has fallen silent soon is not.
 */
function heldPower() {
  const last = new Map<EvseId, { watts: number; atMs: number; untilMs: number }>();
  return {
    read(id: EvseId, minuteMs: number, watts: number): void {
      const betweenMs = minuteMs - (last.get(id)?.atMs ?? Number.NEGATIVE_INFINITY);
      const holdMs = betweenMs <= LONGEST_HOLD_MS ? 1.5 * betweenMs : 0;
      last.set(id, { watts, atMs: minuteMs, untilMs: minuteMs + holdMs });
    },
    at(minuteMs: number): Map<EvseId, number> {
      const watts = new Map<EvseId, number>();
      for (const [id, read] of last) if (minuteMs <= read.untilMs) watts.set(id, read.watts);
      return watts;
    },
  };
}
