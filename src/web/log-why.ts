/**
 * Reads what is known of an EVSE around a time from the log. Setpoints have no index over stations, so the log is read
 * backwards in strides that grow, each leaving the turn to others, and no further than a bound.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { EventOf } from "../model/event.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import { type ReasonShare, timeByReason } from "../rules/why/by-reason.ts";
import { explainLimit, inForce } from "../rules/why/explain.ts";
import type { DepotKnown, LiveKnown, SetpointSeen, Why, WhyFacts } from "../rules/why/facts.ts";
import { type PlaceReader, placeOf, vehicleAt } from "./vehicle-place.ts";
import {
  type AroundReader,
  alertsOf,
  awayBetween,
  comingOf,
  connectionOf,
  departureOf,
  gatewayOf,
  ordersOf,
  readingsBefore,
  statusOf,
  subjectsOf,
} from "./why-around.ts";

export type WhyReader = PlaceReader &
  AroundReader &
  Pick<SqliteReader, "oldestSampleMs" | "lastPrune" | "readHead" | "span">;

export interface WhyQuestion {
  /** A station, or a vehicle: then where it is plugged in at that time. */
  name: string;
  /** All of the station when null. */
  evse: number | null;
  /** Depot time, ms since the epoch; null: the end of the log. */
  atMs: number | null;
  depot: DepotKnown | null;
}

/** Why there is no answer: `not_seen`: a vehicle of the depot that the kept log has at no EVSE; `pruned`: samples of then are gone; `fromMs`: the oldest that is kept. */
export type NoAnswer =
  | { no: "unknown"; name: string }
  | { no: "not_seen"; name: string }
  | { no: "not_plugged"; name: string; last: { station: string; evse: number; untilMs: number } | null }
  | { no: "pruned"; fromMs: number | null }
  | { no: "never_sent"; name: string };

export interface WhyAnswer {
  facts: WhyFacts[];
}

export interface PeriodAnswer {
  station: string;
  evse: number;
  /** Later than asked for where older samples are gone. */
  fromMs: number;
  toMs: number;
  shares: ReasonShare[];
}

const FIRST_STRIDE = 5_000;
const MAX_STRIDE = 20_000;
/** Rows that are read at the least, for the setpoints of others. */
const LEAST_ROWS = 40_000;
/** A limit that has not changed for so many rows is not looked for. */
const MOST_ROWS = 4_000_000;
const CHANGES_BEFORE = 5;
const CHANGES_AFTER = 5;
const AFTER_MS = 1_800_000;
/** Connections that are looked at to tell a station from a vehicle. */
const CONNECTIONS = 5_000;

type Setpoint = EventOf<"setpoint.sent">;
const seen = ({ atMs, body }: Setpoint): SetpointSeen => ({ atMs, body });

/** What is known, one entry for each EVSE that is meant; or why nothing is. */
export async function whyFromLog(reader: WhyReader, question: WhyQuestion): Promise<WhyAnswer | NoAnswer> {
  const atMs = question.atMs ?? reader.span()?.to_ms ?? 0;
  const place = meant(reader, question, atMs);
  if ("no" in place) return place;
  const gone = pruned(reader, atMs);
  if (gone) return gone;
  const facts: WhyFacts[] = [];
  for (const evse of place.evses ?? [null]) {
    const found = await factsOf(reader, place.station, evse, atMs, question.depot);
    facts.push(...found);
  }
  if (facts.length > 0) return { facts };
  // One in force may have been sent before what is kept.
  const lost = reader.lastPrune() !== undefined;
  return lost
    ? { no: "pruned", fromMs: reader.oldestSampleMs() ?? null }
    : { no: "never_sent", name: question.name };
}

/** How long each reason held between two times. */
export async function whyPeriodFromLog(
  reader: WhyReader,
  { name, evse, depot }: WhyQuestion,
  fromMs: number,
  toMs: number,
): Promise<PeriodAnswer[] | NoAnswer> {
  const place = meant(reader, { name, evse, atMs: toMs, depot }, toMs);
  if ("no" in place) return place;
  const gone = pruned(reader, toMs);
  if (gone) return gone;
  const startMs = Math.max(fromMs, reader.oldestSampleMs() ?? fromMs);
  const through = reader.lastBefore("sample", toMs);
  const from = reader.lastBefore("sample", startMs);
  const byEvse = new Map<number, SetpointSeen[]>();
  const { own } = await back(reader, from, place.station, null, 1);
  for (const s of own) byEvse.set(s.body.evse, [s]);
  for (let after = from; after < through; after += MAX_STRIDE) {
    const to = Math.min(through, after + MAX_STRIDE);
    for (const event of reader.samplesBetween("setpoint.sent", after, to, place.station) as Setpoint[])
      byEvse.set(event.body.evse, [...(byEvse.get(event.body.evse) ?? []), seen(event)]);
    await nextTurn();
  }
  const away = awayBetween(reader, startMs, toMs);
  const wanted = place.evses ?? [...byEvse.keys()].sort((a, b) => a - b);
  const answers = wanted.map((one) => ({
    station: place.station,
    evse: one,
    fromMs: startMs,
    toMs,
    shares: timeByReason(byEvse.get(one) ?? [], startMs, toMs, away),
  }));
  return answers.some((a) => a.shares.some((s) => s.reason !== null)) ? answers : { no: "never_sent", name };
}

/** The answers, live where the control loop's word of this instant is at hand. */
export function explained(
  { facts }: WhyAnswer,
  depot: DepotKnown | null,
  live: (id: EvseId) => LiveKnown | null = () => null,
): Why[] {
  return facts.flatMap((f) => {
    const why = explainLimit({ ...f, live: live(evseId(f.station, f.evse)) }, depot);
    return why ? [why] : [];
  });
}

/** A limit of then, or one that was in force without being sent anew, may have been among what was pruned. */
function pruned(reader: WhyReader, atMs: number): NoAnswer | undefined {
  const fromMs = reader.oldestSampleMs();
  if (reader.lastPrune() === undefined) return undefined;
  return fromMs === undefined || atMs < fromMs ? { no: "pruned", fromMs: fromMs ?? null } : undefined;
}

function meant(
  reader: WhyReader,
  { name, evse, depot }: WhyQuestion,
  atMs: number,
): { station: string; evses: number[] | null } | NoAnswer {
  const listed = depot?.evses.filter((e) => e.station === name).map((e) => e.evse) ?? [];
  if (listed.length > 0) return { station: name, evses: evse === null ? listed : [evse] };
  if (evse !== null || wasHeard(reader, name)) return { station: name, evses: evse === null ? null : [evse] };
  const place = placeOf(reader, name, atMs);
  if (place === undefined) return { no: depot?.vehicles.has(name) ? "not_seen" : "unknown", name };
  if (place.untilMs !== null && place.untilMs < atMs)
    return { no: "not_plugged", name, last: { ...place, untilMs: place.untilMs } };
  return { station: place.station, evses: [place.evse] };
}

function wasHeard(reader: WhyReader, station: string): boolean {
  const { offset } = reader.readHead();
  return (["station.connected", "station.announced"] as const).some((type) =>
    reader.factsBack(type, offset, CONNECTIONS).some((event) => event.station === station),
  );
}

/** Setpoints through an offset: of one EVSE (all of the station when null) the newest `many` of each, of all the newest. */
async function back(reader: WhyReader, through: number, station: string, evse: number | null, many: number) {
  const own: SetpointSeen[] = [];
  const newest = new Map<EvseId, SetpointSeen>();
  let rows = 0;
  for (
    let to = through, stride = FIRST_STRIDE;
    to > 0 && rows < MOST_ROWS;
    stride = Math.min(stride * 2, MAX_STRIDE)
  ) {
    const from = Math.max(0, to - stride);
    for (const event of (reader.samplesBetween("setpoint.sent", from, to) as Setpoint[]).reverse()) {
      const id = evseId(event.station ?? "", event.body.evse);
      if (!newest.has(id)) newest.set(id, seen(event));
      const mine = event.station === station && (evse === null || event.body.evse === evse);
      if (mine && own.filter((s) => s.body.evse === event.body.evse).length < many) own.unshift(seen(event));
    }
    rows += to - from;
    to = from;
    await nextTurn();
    if (rows >= LEAST_ROWS && own.length >= (evse === null ? 1 : many)) break;
    if (rows >= LEAST_ROWS * 10 && own.length > 0) break;
  }
  return { own, newest };
}

async function factsOf(
  reader: WhyReader,
  station: string,
  evse: number | null,
  atMs: number,
  depot: DepotKnown | null,
): Promise<WhyFacts[]> {
  const through = reader.lastBefore("sample", atMs + 1);
  const { own, newest } = await back(reader, through, station, evse, CHANGES_BEFORE + 1);
  const evses = evse === null ? [...new Set(own.map((s) => s.body.evse))].sort((a, b) => a - b) : [evse];
  const later = await following(reader, through, station, atMs);
  const readings = readingsBefore(reader, through, atMs);
  const upTo = reader.lastBefore("fact", atMs + 1);
  const connection = connectionOf(reader, station, upTo);
  const gateway = gatewayOf(reader, upTo, through, atMs);
  const alerts = alertsOf(reader, upTo);
  const orders = ordersOf(reader, upTo, atMs);
  const coming = comingOf(reader, upTo, atMs, depot);
  return evses.flatMap((of) => {
    const before = own.filter((s) => s.body.evse === of);
    if (!inForce(before, atMs)) return [];
    const after = later.filter((s) => s.body.evse === of).slice(0, CHANGES_AFTER);
    const about = subjectsOf(station, of, depot);
    const vehicle = vehicleAt(reader, station, of, atMs);
    return [
      {
        station,
        evse: of,
        atMs,
        vehicle,
        changes: [...before, ...after],
        setpoints: Object.fromEntries(newest),
        readings,
        connection,
        gateway,
        status: statusOf(reader, station, of, upTo),
        alerts: alerts.filter((a) => about(a.subject)),
        orders: orders.filter((o) => depot === null || about(o.circuit)),
        departure: departureOf(coming, evseId(station, of), vehicle),
        live: null,
      },
    ];
  });
}

async function following(reader: WhyReader, through: number, station: string, atMs: number) {
  const until = reader.lastBefore("sample", atMs + AFTER_MS);
  const found: SetpointSeen[] = [];
  for (let after = through; after < until; after += MAX_STRIDE) {
    const to = Math.min(until, after + MAX_STRIDE);
    found.push(...(reader.samplesBetween("setpoint.sent", after, to, station) as Setpoint[]).map(seen));
    await nextTurn();
  }
  return found;
}
