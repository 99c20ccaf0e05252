/**
 * What is done with a subject, in the one thread or process that writes: found, held, erased. An erasure is a fact
 * first, then a line of the journal, then done: whatever is killed on the way, the next opening finishes it.
 */
import { join } from "node:path";
import { appendErasure, JOURNAL_FILE, readErasures } from "../identity/erasure-journal.ts";
import type { RawToken } from "../identity/raw-token.ts";
import type { SubjectStore } from "../identity/subject-store.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { EventOf, NewEvent } from "../model/event.ts";
import type { ErasureReport, KeptItem, SubjectTrace } from "../model/subject.ts";
import { type BooksClock, keptAfterErasure } from "../rules/erasure.ts";

/** What the erasing site says of itself. */
export interface ErasureGround {
  /** ISO 3166-1 alpha-2: whose bookkeeping law binds. */
  country: string;
  books: BooksClock;
  quarantineDays: number;
  /** Whether summaries go to a cloud. */
  isForwarded: boolean;
  tokenFile: string | null;
}

export type SubjectAsk =
  | { what: "find"; token: RawToken }
  | { what: "trace"; subject: string }
  | { what: "erase"; subject: string; actor: string; reason: string; preview: boolean; ground: ErasureGround }
  | { what: "hold"; subject: string; actor: string; reason: string; untilMs: number | null }
  | { what: "release"; subject: string };

export interface SubjectFound extends SubjectTrace {
  subject: string | null;
}

/** `unknown`: no such subject, or erased. `held`: a legal hold stands in the way. `full`: the disk takes nothing. */
export type SubjectRefusal =
  | { refused: "unknown" }
  | { refused: "held"; reason: string; until: string | null }
  | { refused: "full" };

export interface SubjectAnswers {
  find: SubjectFound;
  trace: SubjectFound | SubjectRefusal;
  erase: ErasureReport | SubjectRefusal;
  hold: { subject: string; until: string | null } | SubjectRefusal;
  release: { subject: string; released: boolean };
}

export interface SubjectPlace {
  subjects: SubjectStore;
  reader: SqliteReader;
  dir: string;
  nowMs: number;
  /** Durable when it answers true; false when the disk takes nothing. */
  commit(event: NewEvent): boolean;
}

export const NOTHING: SubjectTrace = { sessions: [], open: [], cdrs: [], last_billed_ms: null, groups: [] };

export function subjectWork<What extends SubjectAsk["what"]>(
  place: SubjectPlace,
  ask: Extract<SubjectAsk, { what: What }>,
): SubjectAnswers[What];
export function subjectWork(place: SubjectPlace, ask: SubjectAsk): SubjectAnswers[SubjectAsk["what"]] {
  const { subjects, reader, nowMs } = place;
  if (ask.what === "find") {
    const subject = subjects.find(ask.token);
    return { subject, ...(subject === null ? NOTHING : reader.subjectTrace(subject)) };
  }
  const { subject } = ask;
  if (ask.what === "release") return { subject, released: subjects.holds.release(subject) };
  if (!subjects.has(subject)) return { refused: "unknown" };
  switch (ask.what) {
    case "trace":
      return { subject, ...reader.subjectTrace(subject) };
    case "hold": {
      const { reason, actor, untilMs } = ask;
      subjects.holds.put(subject, { reason, actor, sinceMs: nowMs, untilMs });
      return { subject, until: isoOf(untilMs) };
    }
    case "erase":
      return erase(place, ask);
  }
}

function erase(
  place: SubjectPlace,
  { subject, actor, reason, preview, ground }: Extract<SubjectAsk, { what: "erase" }>,
): ErasureReport | SubjectRefusal {
  const { subjects, reader, dir, nowMs } = place;
  const hold = subjects.holds.on(subject, nowMs);
  if (hold) return { refused: "held", reason: hold.reason, until: isoOf(hold.untilMs) };
  const kept = keptOf(reader.subjectTrace(subject), ground, nowMs);
  if (preview) return { subject, erased: false, kept };
  const body = { token_ref: subject, payer: subjects.payerOf(subject), ground: reason, kept };
  const key = `subject.erased:${subject}`;
  if (!place.commit({ type: "subject.erased", atMs: nowMs, station: null, key, body }))
    return { refused: "full" };
  const line = {
    subject: subjects.journalNameOf(subject),
    at: new Date(nowMs).toISOString(),
    actor,
    ground: reason,
  };
  appendErasure(join(dir, JOURNAL_FILE), line);
  subjects.erase(subject);
  return { subject, erased: true, kept };
}

function keptOf(trace: SubjectTrace, ground: ErasureGround, nowMs: number): KeptItem[] {
  const { country, books, quarantineDays, isForwarded, tokenFile } = ground;
  const scope = {
    sessions: trace.sessions.length,
    open: trace.open.length,
    cdrs: trace.cdrs.length,
    lastBilledMs: trace.last_billed_ms,
    groups: trace.groups,
    isForwarded,
    tokenFile,
  };
  return keptAfterErasure(scope, { country, books, quarantineDays, nowMs });
}

/**
 * Erases again whoever was erased and is here once more, because a kill came between or the store is of an older
 * backup. Before anything is served. Returns how many. A hold does not bind here: they were erased before.
 */
export function replayErasures(
  subjects: SubjectStore,
  reader: Pick<SqliteReader, "factsOfType">,
  dir: string,
): number {
  const gone = new Set(readErasures(join(dir, JOURNAL_FILE)).map(({ subject }) => subject));
  for (let after = 0; ; ) {
    const facts = reader.factsOfType("subject.erased", after, 1000) as EventOf<"subject.erased">[];
    for (const { body } of facts) if (body.token_ref) gone.add(subjects.journalNameOf(body.token_ref));
    const last = facts.at(-1);
    if (!last) break;
    after = last.offset;
  }
  if (gone.size === 0) return 0;
  const back = subjects.refs().filter((ref) => gone.has(subjects.journalNameOf(ref)));
  for (const ref of back) subjects.erase(ref);
  return back.length;
}

const isoOf = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
