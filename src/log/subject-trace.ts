/** What the log has of one subject, by the index over pseudonyms: the sessions and bills of others cost nothing. */
import type { SubjectTrace } from "../model/subject.ts";

/** As the index `fact_subject` says it; the planner takes it for nothing else. */
const OF_SUBJECT = `
  FROM fact WHERE coalesce(body->>'token_ref', body->>'cdr_token', body->'record'->>'token_ref') = ?1
    AND type IN ('session.started', 'session.ended', 'session.revised', 'cdr.issued')`;

/** Ids come from the facts' keys, so that no body is read. */
export const READ_SUBJECT_KEYS = `SELECT offset, type, at_ms, key ${OF_SUBJECT} ORDER BY offset`;
/** Whole facts of subject ?1 after offset ?2, at most ?3. */
export const READ_SUBJECT_FACTS = `
  SELECT offset, at_ms, type, station, key, body ${OF_SUBJECT} AND offset > ?2 ORDER BY offset LIMIT ?3`;
export const READ_GROUP = "SELECT body->>'token_group' AS token_group FROM fact WHERE offset = ?";
export const HAS_ENDED = "SELECT 1 FROM fact WHERE key = 'session.ended:' || ?";

export interface SubjectRow {
  offset: number;
  type: "session.started" | "session.ended" | "session.revised" | "cdr.issued";
  at_ms: number;
  key: string;
}

/** `hasEnded` is asked about sessions of which no end is among the rows; `groupAt` about the newest bill. */
export function traceOf(
  rows: readonly SubjectRow[],
  hasEnded: (sessionId: string) => boolean,
  groupAt: (offset: number) => string | null,
): SubjectTrace {
  const sessions = new Set<string>();
  const ended = new Set<string>();
  const cdrs: string[] = [];
  let newest: SubjectRow | undefined;
  for (const row of rows) {
    const [, sessionId = "", ...rest] = row.key.split(":");
    sessions.add(sessionId);
    if (row.type !== "session.started") ended.add(sessionId);
    if (row.type !== "cdr.issued") continue;
    newest = row;
    cdrs.push(cdrId(sessionId, rest));
  }
  const open = [...sessions].filter((id) => !ended.has(id) && !hasEnded(id));
  const group = newest ? groupAt(newest.offset) : null;
  return {
    sessions: [...sessions],
    open,
    cdrs,
    last_billed_ms: newest?.at_ms ?? null,
    groups: group === null ? [] : [group],
  };
}

/** Key: `cdr.issued:{session}[:{revision}][:credit]`. */
function cdrId(sessionId: string, rest: readonly string[]): string {
  const credit = rest.at(-1) === "credit";
  const revision = rest.find((part) => /^\d+$/.test(part));
  return `cdr-${sessionId}${revision === undefined ? "" : `-${revision}`}${credit ? "-C" : ""}`;
}
