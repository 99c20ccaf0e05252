/** Finds CDRs in a log, and what each came from. */
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Cdr } from "../model/cdr.ts";
import type { Event, EventOf, EventType } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { recentFacts } from "../web/log-history.ts";

export type Issued = EventOf<"cdr.issued">;

/** A record of a session and the event that carries it. */
export interface RecordSeen {
  offset: number;
  atMs: number;
  type: string;
  record: SessionRecord;
}

/** The CDR of this id, or the newest one of the session of this id that takes nothing back. */
export async function findCdr(reader: SqliteReader, id: string): Promise<Issued | undefined> {
  for (const key of [id, id.replace(/^cdr-/, "")]) {
    const found = (await reader.factByKey(`cdr.issued:${key}`)) as Issued | undefined;
    if (found?.body.id === id) return found;
  }
  let ofSession: Issued | undefined;
  for await (const issued of cdrsOf(reader)) {
    if (issued.body.id === id) return issued;
    if (issued.body.session_id === id && !issued.body.credit) ofSession = issued;
  }
  return ofSession;
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

/** Events that carry a session's record after its end: a person decided, or a late message changed it. */
const REVISING = ["hold.released", "session.revised"] as unknown as readonly EventType[];

/** Records of sessions that were revised, by session. */
export async function revisedRecords(reader: SqliteReader): Promise<Map<string, RecordSeen[]>> {
  const found = new Map<string, RecordSeen[]>();
  for await (const { offset, atMs, type, body } of factsOf(reader, REVISING)) {
    const { session_id, record } = body as unknown as { session_id: string; record?: SessionRecord };
    if (!record) continue;
    // A release keeps what the session was held for, and sets it aside.
    const billed = String(type) === "hold.released" ? { ...record, held: [] } : record;
    found.set(session_id, [...(found.get(session_id) ?? []), { offset, atMs, type, record: billed }]);
  }
  return found;
}

/**
 * The records that a CDR may come from, the likeliest first: a fold gives what it emits the time of what it came from,
 * and the newest record before the CDR is the next guess.
 */
export async function recordsBehind(
  reader: SqliteReader,
  { atMs, offset, body }: Issued,
  revised: ReadonlyMap<string, readonly RecordSeen[]>,
): Promise<RecordSeen[]> {
  const ended = await reader.factByKey(`session.ended:${body.session_id}`);
  const seen: RecordSeen[] = [
    ...(ended && hasRecord(ended) ? [{ ...ended, record: ended.body as SessionRecord }] : []),
    ...(revised.get(body.session_id) ?? []),
  ];
  const distance = (candidate: RecordSeen) => (candidate.atMs === atMs ? 0 : 1);
  return seen
    .filter((candidate) => candidate.offset < offset)
    .sort((a, b) => distance(a) - distance(b) || b.offset - a.offset);
}

/** Retention may have emptied the body. */
function hasRecord({ body }: Event): boolean {
  return "session_id" in body;
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

/** Newest first. */
export async function newestCdrs(reader: SqliteReader, limit: number): Promise<Issued[]> {
  return (await recentFacts(reader, ["cdr.issued"], limit)) as Issued[];
}

export function noCdr(id: string): string {
  return `there is no CDR ${id}, nor one of a session of that name; laddport cdr list shows those there are\n`;
}

/** The CDR that a credit takes back. */
export async function creditedBy(
  reader: SqliteReader,
  { credit_reference_id }: Cdr,
): Promise<Cdr | undefined> {
  return credit_reference_id === undefined ? undefined : (await findCdr(reader, credit_reference_id))?.body;
}
