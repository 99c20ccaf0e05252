/** The audit trail out of the log, oldest first, by the index over types: what else the log holds costs nothing. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Event, EventType } from "../model/event.ts";
import { AUDIT_TYPES, type AuditLine, auditLine } from "../rules/audit-line.ts";
import type { AuditQuery } from "../web/audit.ts";

const PAGE = 500;

type Reader = Pick<SqliteReader, "factsOfType">;

/** Every line after `query.after` that the query asks for. */
export async function* auditLines(reader: Reader, query: AuditQuery = {}): AsyncGenerator<AuditLine> {
  const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY, actor, action } = query;
  for await (const event of inOrder(reader, AUDIT_TYPES, query.after ?? 0)) {
    if (event.atMs < fromMs || event.atMs >= toMs) continue;
    const line = auditLine(event);
    if (!line || (actor !== undefined && line.actor !== actor)) continue;
    if (action === undefined || line.action === action || line.action.startsWith(`${action}.`)) yield line;
  }
}

/** At most `limit` lines; `through` is the `after` of the next question when there are more. */
export async function auditPage(
  reader: Reader,
  query: AuditQuery & { limit: number },
): Promise<{ entries: AuditLine[]; more: boolean }> {
  const entries: AuditLine[] = [];
  for await (const line of auditLines(reader, query)) {
    if (entries.length === query.limit) return { entries, more: true };
    entries.push(line);
  }
  return { entries, more: false };
}

/** Facts of several types, merged by offset. */
async function* inOrder(reader: Reader, types: readonly EventType[], after: number): AsyncGenerator<Event> {
  const next = (type: EventType, from: number) => ({
    type,
    at: 0,
    page: reader.factsOfType(type, from, PAGE),
  });
  const sources = types.map((type) => next(type, after));
  for (;;) {
    let first: (typeof sources)[number] | undefined;
    for (const source of sources) {
      const head = source.page[source.at];
      if (head && head.offset < (first?.page[first.at]?.offset ?? Number.POSITIVE_INFINITY)) first = source;
    }
    const event = first?.page[first.at];
    if (!first || !event) return;
    yield event;
    first.at += 1;
    if (first.at < first.page.length || first.page.length < PAGE) continue;
    await nextTurn();
    Object.assign(first, next(first.type, event.offset));
  }
}
