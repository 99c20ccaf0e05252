/** Where a vehicle is plugged in at a time, and which one is at an EVSE, by tokens' vehicles and session records. */
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { EventOf, TokenListing } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";

export type PlaceReader = Pick<SqliteReader, "factsBack" | "factsOfType" | "lastBefore">;

interface Place {
  station: string;
  evse: number;
  /** End of its session; null while it is open, as far as the log knows. */
  untilMs: number | null;
}

/** Facts that are looked at, each way. */
const FACTS = 3_000;

interface Named {
  offset: number;
  station: string;
  evse: number;
  vehicle: string;
}

/** The newest place of a vehicle by then; undefined when the log does not know it. */
export function placeOf(reader: PlaceReader, vehicle: string, atMs: number): Place | undefined {
  const during = endedAfter(reader, atMs).find((s) => s.vehicle === vehicle && s.started_ms <= atMs);
  if (during) return { station: during.station, evse: during.evse, untilMs: during.ended_ms };
  const named = namedBefore(reader, atMs, (n) => n.vehicle === vehicle);
  const ended = endedBefore(reader, atMs, (s) => s.vehicle === vehicle);
  if (named && (!ended || named.offset > ended.offset)) {
    const over = endedBefore(reader, atMs, (s) => s.station === named.station && s.evse === named.evse);
    const untilMs = over && over.offset > named.offset ? over.record.ended_ms : null;
    return { station: named.station, evse: named.evse, untilMs };
  }
  const { record } = ended ?? {};
  return record && { station: record.station, evse: record.evse, untilMs: record.ended_ms };
}

/** Null when nothing tells. */
export function vehicleAt(reader: PlaceReader, station: string, evse: number, atMs: number): string | null {
  const here = (s: { station: string; evse: number }) => s.station === station && s.evse === evse;
  const during = endedAfter(reader, atMs).find((s) => here(s) && s.started_ms <= atMs);
  if (during) return during.vehicle ?? null;
  const named = namedBefore(reader, atMs, here);
  const ended = endedBefore(reader, atMs, here);
  return named && named.offset > (ended?.offset ?? 0) ? named.vehicle : null;
}

/** Records of sessions that ended at or after a time, the earliest first. */
function endedAfter(reader: PlaceReader, atMs: number): SessionRecord[] {
  return (
    reader.factsOfType("session.ended", reader.lastBefore("fact", atMs), FACTS) as EventOf<"session.ended">[]
  )
    .map((event) => event.body)
    .filter((s) => s.ended_ms >= atMs);
}

function endedBefore(
  reader: PlaceReader,
  atMs: number,
  is: (record: SessionRecord) => boolean,
): { offset: number; record: SessionRecord } | undefined {
  const found = (
    reader.factsBack(
      "session.ended",
      reader.lastBefore("fact", atMs + 1),
      FACTS,
    ) as EventOf<"session.ended">[]
  ).find((event) => is(event.body));
  return found && { offset: found.offset, record: found.body };
}

/** The newest transaction, or token that was let in, whose token the list gives a vehicle. */
function namedBefore(reader: PlaceReader, atMs: number, is: (named: Named) => boolean): Named | undefined {
  const upTo = reader.lastBefore("fact", atMs + 1);
  let newest: Named | undefined;
  for (const type of ["transaction.started", "transaction.updated", "token.decided"] as const)
    for (const { offset, station, body } of reader.factsBack(type, upTo, FACTS)) {
      const { vehicle, evse, status } = body as TokenListing & { evse: number; status?: string };
      if (vehicle === undefined || status === "denied") continue;
      const named = { offset, station: station ?? "", evse, vehicle };
      if (!is(named)) continue;
      if (offset > (newest?.offset ?? 0)) newest = named;
      break;
    }
  return newest;
}
