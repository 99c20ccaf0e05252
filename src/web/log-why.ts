/**
 * Reads what is known of an EVSE around a time from the log. Setpoints have no index over stations, so the log is read
 * backwards in strides that grow, each leaving the turn to others, and no further than a bound.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Alert } from "../model/alert.ts";
import type { EventOf } from "../model/event.ts";
import type { GridOrdered } from "../model/grid-order.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import { type ReasonShare, timeByReason } from "../rules/why/by-reason.ts";
import { explainLimit, inForce } from "../rules/why/explain.ts";
import type { DepotKnown, LiveKnown, ReadingSeen, SetpointSeen, Why, WhyFacts } from "../rules/why/facts.ts";
import { type PlaceReader, placeOf, vehicleAt } from "./vehicle-place.ts";

export type WhyReader = PlaceReader &
  Pick<
    SqliteReader,
    "samplesBetween" | "oldestSampleMs" | "sampleMsAt" | "lastPrune" | "lastBefore" | "readHead" | "span"
  >;

export interface WhyQuestion {
  /** A station, or a vehicle: then where it is plugged in at that time. */
  name: string;
  /** All of the station when null. */
  evse: number | null;
  /** Depot time, ms since the epoch; null: the end of the log. */
  atMs: number | null;
  depot: DepotKnown | null;
}

/** Why there is no answer: `pruned`: samples of then are gone; `fromMs`: the oldest that is kept. */
export type NoAnswer =
  | { no: "unknown"; name: string }
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
/** As control counts readings. */
const READING_MS = 150_000;
const ALERTS = 500;
/** Three ticks of the clock that a running gateway logs. */
const SILENCE_MS = 180_000;

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
  const wanted = place.evses ?? [...byEvse.keys()].sort((a, b) => a - b);
  const answers = wanted.map((one) => ({
    station: place.station,
    evse: one,
    fromMs: startMs,
    toMs,
    shares: timeByReason(byEvse.get(one) ?? [], startMs, toMs),
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
  if (place === undefined) return { no: "unknown", name };
  if (place.untilMs !== null && place.untilMs < atMs)
    return { no: "not_plugged", name, last: { ...place, untilMs: place.untilMs } };
  return { station: place.station, evses: [place.evse] };
}

function wasHeard(reader: WhyReader, station: string): boolean {
  const { offset } = reader.readHead();
  return (["station.connected", "station.announced"] as const).some((type) =>
    reader.factsBack(type, offset, ALERTS * 10).some((event) => event.station === station),
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
  return evses.flatMap((of) => {
    const before = own.filter((s) => s.body.evse === of);
    if (!inForce(before, atMs)) return [];
    const after = later.filter((s) => s.body.evse === of).slice(0, CHANGES_AFTER);
    const about = subjectsOf(station, of, depot);
    return [
      {
        station,
        evse: of,
        atMs,
        vehicle: vehicleAt(reader, station, of, atMs),
        changes: [...before, ...after],
        setpoints: Object.fromEntries(newest),
        readings,
        connection,
        gateway,
        status: statusOf(reader, station, of, upTo),
        alerts: alerts.filter((a) => about(a.subject)),
        orders: orders.filter((o) => depot === null || about(o.circuit)),
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

function readingsBefore(reader: WhyReader, through: number, atMs: number): Record<string, ReadingSeen> {
  const from = reader.lastBefore("sample", atMs - READING_MS);
  const readings: Record<string, ReadingSeen> = {};
  for (const { station, atMs: readMs, body } of reader.samplesBetween(
    "meter.sampled",
    from,
    through,
  ) as EventOf<"meter.sampled">[]) {
    if (body.current_a === undefined && body.power_w === undefined) continue;
    readings[evseId(station ?? "", body.evse)] = {
      atMs: readMs,
      currentA: body.current_a ?? null,
      powerW: body.power_w ?? null,
    };
  }
  return readings;
}

function connectionOf(reader: WhyReader, station: string, upTo: number): WhyFacts["connection"] {
  const last = (type: "station.connected" | "station.disconnected") =>
    reader.factsBack(type, upTo, ALERTS * 4).find((event) => event.station === station);
  const [on, off] = [last("station.connected"), last("station.disconnected")];
  if (!on && !off) return null;
  const connected = (on?.offset ?? 0) > (off?.offset ?? 0);
  return { atMs: (connected ? on?.atMs : off?.atMs) ?? 0, connected };
}

/** A gateway that was killed says nothing of its end: a log without the tick of each minute does. */
function gatewayOf(reader: WhyReader, upTo: number, through: number, atMs: number): WhyFacts["gateway"] {
  const [started] = reader.factsBack("gateway.started", upTo, 1);
  const [stopped] = reader.factsBack("gateway.stopped", upTo, 1);
  if (!started && !stopped) return null;
  const running = (started?.offset ?? 0) > (stopped?.offset ?? 0);
  const heardMs = Math.max(reader.sampleMsAt(through) ?? 0, started?.atMs ?? 0);
  if (running && atMs - heardMs > SILENCE_MS) return { atMs: heardMs, running: false };
  return { atMs: (running ? started?.atMs : stopped?.atMs) ?? 0, running };
}

function statusOf(reader: WhyReader, station: string, evse: number, upTo: number): WhyFacts["status"] {
  const found = (reader.factsBack("status.reported", upTo, ALERTS * 4) as EventOf<"status.reported">[]).find(
    (event) => event.station === station && event.body.evse === evse,
  );
  if (!found) return null;
  const { connector_state, charging_state } = found.body;
  return { atMs: found.atMs, connector: connector_state, charging: charging_state ?? null };
}

/** Raised and not cleared by then, among the newest. */
function alertsOf(reader: WhyReader, upTo: number): Alert[] {
  const cleared = new Map<string, number>();
  for (const event of reader.factsBack("alert.cleared", upTo, ALERTS) as EventOf<"alert.cleared">[])
    if (!cleared.has(event.body.id)) cleared.set(event.body.id, event.offset);
  return (reader.factsBack("alert.raised", upTo, ALERTS) as EventOf<"alert.raised">[])
    .filter((event) => (cleared.get(event.body.id) ?? 0) < event.offset)
    .map((event) => event.body);
}

/** In force at a time, each as it was last ordered. */
function ordersOf(reader: WhyReader, upTo: number, atMs: number): GridOrdered[] {
  const ended = reader.factsBack("grid.order_ended", upTo, ALERTS) as EventOf<"grid.order_ended">[];
  const over = new Set(ended.map(({ body }) => `${body.id} ${body.revision}`));
  const newest = new Map<string, GridOrdered>();
  for (const { body } of reader.factsBack("grid.ordered", upTo, ALERTS) as EventOf<"grid.ordered">[])
    if (!newest.has(body.id)) newest.set(body.id, body);
  return [...newest.values()].filter(
    ({ id, revision, from, until }) =>
      !over.has(`${id} ${revision}`) &&
      Date.parse(from) <= atMs &&
      (until === null || Date.parse(until) > atMs),
  );
}

/** Whether an alert is about the EVSE, its station, or a circuit or meter above it. */
function subjectsOf(station: string, evse: number, depot: DepotKnown | null): (subject: string) => boolean {
  const about = new Set<string>([station, evseId(station, evse)]);
  const byId = new Map(depot?.circuits.map((c) => [c.id, c]) ?? []);
  const spec = depot?.evses.find((e) => e.station === station && e.evse === evse);
  for (let c = byId.get(spec?.circuit ?? ""); c; c = byId.get(c.parent ?? "")) {
    about.add(c.id);
    for (const line of ["L1", "L2", "L3"]) about.add(`${c.id}/${line}`);
    if (c.meter !== null) about.add(c.meter);
  }
  return (subject) => about.has(subject);
}
