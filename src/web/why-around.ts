/** What went on around a limit: readings, connection, states, alerts, orders, as of one time of the log. */
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Alert } from "../model/alert.ts";
import type { EventOf } from "../model/event.ts";
import type { GridOrdered } from "../model/grid-order.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import { type Ahead, ahead } from "../rules/departures/ahead.ts";
import { BOOKED_TYPES, book, emptyBook } from "../rules/departures/book.ts";
import type { Span } from "../rules/why/by-reason.ts";
import type { DepartureKnown, DepotKnown, ReadingSeen, WhyFacts } from "../rules/why/facts.ts";

export type AroundReader = Pick<SqliteReader, "factsBack" | "samplesBetween" | "sampleMsAt" | "lastBefore">;

/** As control counts readings. */
const READING_MS = 150_000;
/** Three ticks of the clock that a running gateway logs. */
const SILENCE_MS = 180_000;
/** A departure later than this limits nobody. */
const AHEAD_MS = 172_800_000;
/** Facts of a type that are looked at, back from a time. */
const FACTS = 500;

export function readingsBefore(
  reader: AroundReader,
  through: number,
  atMs: number,
): Record<string, ReadingSeen> {
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

export function connectionOf(reader: AroundReader, station: string, upTo: number): WhyFacts["connection"] {
  const last = (type: "station.connected" | "station.disconnected") =>
    reader.factsBack(type, upTo, FACTS * 4).find((event) => event.station === station);
  const [on, off] = [last("station.connected"), last("station.disconnected")];
  if (!on && !off) return null;
  const connected = (on?.offset ?? 0) > (off?.offset ?? 0);
  return { atMs: (connected ? on?.atMs : off?.atMs) ?? 0, connected };
}

/** A gateway that was killed says nothing of its end: a log without the tick of each minute does. */
export function gatewayOf(
  reader: AroundReader,
  upTo: number,
  through: number,
  atMs: number,
): WhyFacts["gateway"] {
  const [started] = reader.factsBack("gateway.started", upTo, 1);
  const [stopped] = reader.factsBack("gateway.stopped", upTo, 1);
  if (!started && !stopped) return null;
  const running = (started?.offset ?? 0) > (stopped?.offset ?? 0);
  const heardMs = Math.max(reader.sampleMsAt(through) ?? 0, started?.atMs ?? 0);
  if (running && atMs - heardMs > SILENCE_MS) return { atMs: heardMs, running: false };
  return { atMs: (running ? started?.atMs : stopped?.atMs) ?? 0, running };
}

/** When no gateway ran between two times, by the same signs as `gatewayOf`. */
export function awayBetween(reader: AroundReader, fromMs: number, toMs: number): Span[] {
  const upTo = reader.lastBefore("fact", toMs);
  const runs = (["gateway.started", "gateway.stopped"] as const)
    .flatMap((type) => reader.factsBack(type, upTo, FACTS * 4))
    .sort((a, b) => a.offset - b.offset);
  const gaps: Span[] = [];
  runs.forEach((run, i) => {
    const untilMs = runs[i + 1]?.atMs ?? toMs;
    if (untilMs <= fromMs || runs[i + 1]?.type === "gateway.stopped") return;
    if (run.type === "gateway.stopped") gaps.push({ fromMs: run.atMs, toMs: untilMs });
    else {
      const heardMs = Math.max(reader.sampleMsAt(reader.lastBefore("sample", untilMs)) ?? 0, run.atMs);
      if (untilMs - heardMs > SILENCE_MS) gaps.push({ fromMs: heardMs, toMs: untilMs });
    }
  });
  return gaps;
}

export function statusOf(
  reader: AroundReader,
  station: string,
  evse: number,
  upTo: number,
): WhyFacts["status"] {
  const found = (reader.factsBack("status.reported", upTo, FACTS * 4) as EventOf<"status.reported">[]).find(
    (event) => event.station === station && event.body.evse === evse,
  );
  if (!found) return null;
  const { connector_state, charging_state } = found.body;
  return { atMs: found.atMs, connector: connector_state, charging: charging_state ?? null };
}

/** Raised and not cleared by then, among the newest. */
export function alertsOf(reader: AroundReader, upTo: number): Alert[] {
  const cleared = new Map<string, number>();
  for (const event of reader.factsBack("alert.cleared", upTo, FACTS) as EventOf<"alert.cleared">[])
    if (!cleared.has(event.body.id)) cleared.set(event.body.id, event.offset);
  return (reader.factsBack("alert.raised", upTo, FACTS) as EventOf<"alert.raised">[])
    .filter((event) => (cleared.get(event.body.id) ?? 0) < event.offset)
    .map((event) => event.body);
}

/** In force at a time, each as it was last ordered. */
export function ordersOf(reader: AroundReader, upTo: number, atMs: number): GridOrdered[] {
  const ended = reader.factsBack("grid.order_ended", upTo, FACTS) as EventOf<"grid.order_ended">[];
  const over = new Set(ended.map(({ body }) => `${body.id} ${body.revision}`));
  const newest = new Map<string, GridOrdered>();
  for (const { body } of reader.factsBack("grid.ordered", upTo, FACTS) as EventOf<"grid.ordered">[])
    if (!newest.has(body.id)) newest.set(body.id, body);
  return [...newest.values()].filter(
    ({ id, revision, from, until }) =>
      !over.has(`${id} ${revision}`) &&
      Date.parse(from) <= atMs &&
      (until === null || Date.parse(until) > atMs),
  );
}

/** What was known by then of who leaves when. */
export function comingOf(reader: AroundReader, upTo: number, atMs: number, depot: DepotKnown | null): Ahead {
  const known = emptyBook();
  const facts = BOOKED_TYPES.flatMap((type) => reader.factsBack(type, upTo, FACTS));
  for (const event of facts.sort((a, b) => a.offset - b.offset)) book(known, event);
  return ahead(known, atMs, atMs + AHEAD_MS, depot?.zone ?? "UTC");
}

/** The next one of the vehicle, or of whoever is plugged in at the EVSE. */
export function departureOf({ all }: Ahead, id: EvseId, vehicle: string | null): DepartureKnown | null {
  const next = all.find((one) => (vehicle !== null && one.vehicle === vehicle) || one.evse === id);
  return next ? { id: next.id, atMs: next.departMs, energyWh: next.energyWh, socPct: next.socPct } : null;
}

/** Whether an alert is about the EVSE, its station, or a circuit or meter above it. */
export function subjectsOf(
  station: string,
  evse: number,
  depot: DepotKnown | null,
): (subject: string) => boolean {
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
