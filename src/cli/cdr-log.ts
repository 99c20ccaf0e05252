/** Finds CDRs in a log, and what each came from. */
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Cdr } from "../model/cdr.ts";
import type { Event, EventOf, EventType } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { billKey } from "../rules/credit.ts";
import { revisionKey } from "../rules/standing.ts";
import { recentFacts } from "../web/log-history.ts";
import { openLog } from "./log.ts";

export type Issued = EventOf<"cdr.issued">;

/** A record of a session and the event that carries it. */
export interface RecordSeen {
  offset: number;
  atMs: number;
  type: EventType;
  record: SessionRecord;
}

/** What the log has of one session after its end: its records and its CDRs, each oldest first. */
interface Aftermath {
  records: RecordSeen[];
  bills: Issued[];
}

/** Everything stands under keys that follow from the session, so nothing is searched. */
async function aftermathOf(reader: SqliteReader, sessionId: string): Promise<Aftermath> {
  const found: Aftermath = { records: [], bills: [] };
  const take = async (key: string): Promise<Event | undefined> => {
    const event = await reader.factByKey(key);
    // Retention may have emptied the body.
    if (!event || !("session_id" in event.body)) return event;
    if (event.type === "cdr.issued") found.bills.push(event);
    const record = recordIn(event);
    if (record) found.records.push({ offset: event.offset, atMs: event.atMs, type: event.type, record });
    return event;
  };
  await take(`session.ended:${sessionId}`);
  await take(billKey(sessionId, 1));
  for (let revision = 2; await take(revisionKey(sessionId, revision)); revision += 1) {
    await take(`${billKey(sessionId, revision)}:credit`);
    await take(billKey(sessionId, revision));
  }
  return found;
}

/** A release keeps what the session was held for, and sets it aside. */
function recordIn(event: Event): SessionRecord | undefined {
  if (event.type === "session.ended") return event.body;
  if (event.type === "session.revised") return event.body.record;
  return event.type === "hold.released" ? { ...event.body.record, held: [] } : undefined;
}

/** The CDR of this id, or the newest one of the session of this id that takes nothing back. */
export async function findCdr(reader: SqliteReader, id: string): Promise<Issued | undefined> {
  const name = id.replace(/^cdr-/, "").replace(/-C$/, "");
  for (const sessionId of new Set([name, name.replace(/-\d+$/, "")])) {
    const { bills } = await aftermathOf(reader, sessionId);
    const found =
      bills.find(({ body }) => body.id === id) ??
      bills.findLast(({ body }) => body.session_id === id && !body.credit);
    if (found) return found;
  }
  return undefined;
}

/** Every CDR, oldest first. */
export async function* cdrsOf(reader: SqliteReader): AsyncGenerator<Issued> {
  for await (const event of factsOf(reader, ["cdr.issued"])) yield event as Issued;
}

/** All facts of some types after an offset, oldest first. */
export async function* factsOf(
  reader: SqliteReader,
  types: readonly EventType[],
  after = 0,
): AsyncGenerator<Event> {
  for (let from = after; ; ) {
    const { events, through } = await reader.read(from, { types });
    yield* events;
    if (through === from) return;
    from = through;
  }
}

/**
 * The records that a CDR may come from, the likeliest first: a fold gives what it emits the time of what it came from,
 * and the newest record before the CDR is the next guess.
 */
export async function recordsBehind(
  reader: SqliteReader,
  { atMs, offset, body }: Issued,
): Promise<RecordSeen[]> {
  const { records } = await aftermathOf(reader, body.session_id);
  const distance = (candidate: RecordSeen) => (candidate.atMs === atMs ? 0 : 1);
  return records
    .filter((candidate) => candidate.offset < offset)
    .sort((x, y) => distance(x) - distance(y) || y.offset - x.offset);
}

/** Where CDRs travelled: the summary that each was sealed in, and what the cloud said to it. */
export interface Sealed {
  epoch: number;
  seq: number;
  state: "sealed" | "acknowledged" | "rejected";
}

/** By CDR id, of CDRs issued after an offset. */
export async function summariesOf(reader: SqliteReader, after: number): Promise<Map<string, Sealed>> {
  const summaries = new Map<string, Sealed>();
  const byCdr = new Map<string, Sealed>();
  const types = ["summary.sealed", "summary.acknowledged", "summary.rejected"] as const;
  for await (const event of factsOf(reader, types, after)) {
    const { epoch, seq } = event.body as { epoch: number; seq: number };
    const name = `${epoch}/${seq}`;
    if (event.type === "summary.sealed") {
      const sealed: Sealed = { epoch, seq, state: "sealed" };
      summaries.set(name, sealed);
      for (const id of event.body.cdr_ids) byCdr.set(id, sealed);
      continue;
    }
    const sealed = summaries.get(name);
    if (sealed) sealed.state = event.type === "summary.acknowledged" ? "acknowledged" : "rejected";
  }
  return byCdr;
}

/** Newest first; without those whose body was emptied. */
export async function newestCdrs(reader: SqliteReader, limit: number): Promise<Issued[]> {
  const issued = (await recentFacts(reader, ["cdr.issued"], limit)) as Issued[];
  return issued.filter(({ body }) => "id" in body);
}

/** Why a CDR was not found: retention emptied it, or there never was one. */
export async function noCdr(data: string, id: string): Promise<string> {
  const reader = openLog(data);
  const expired = await isExpired(reader, id);
  await reader.close();
  return expired ? `${id} has expired: ${EXPIRED}\n` : unknownCdr(id);
}

export const EXPIRED = "retention has emptied it; its hashes in the chain are what is left";

/** Whether the log has the facts of a CDR, or of the session that it came from, without their bodies. */
export async function isExpired(reader: SqliteReader, id: string): Promise<boolean> {
  const name = id.replace(/^cdr-/, "").replace(/-C$/, "");
  const sessions = [name, name.replace(/-\d+$/, "")];
  const keys = sessions.flatMap((session) => [
    `session.ended:${session}`,
    billKey(session, Number(/-(\d+)$/.exec(name)?.[1] ?? 1)),
    billKey(session, 1),
  ]);
  const facts = await Promise.all(keys.map((key) => reader.factByKey(key)));
  return facts.some((fact) => fact !== undefined && Object.keys(fact.body).length === 0);
}

function unknownCdr(id: string): string {
  return `there is no CDR ${id}, nor one of a session of that name; laddport cdr list shows those there are\n`;
}

/** The CDR that a credit takes back. */
export async function creditedBy(
  reader: SqliteReader,
  { credit_reference_id }: Cdr,
): Promise<Cdr | undefined> {
  return credit_reference_id === undefined ? undefined : (await findCdr(reader, credit_reference_id))?.body;
}
