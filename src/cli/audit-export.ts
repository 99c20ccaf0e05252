/**
 * `laddport audit export`: what the supervisory authority asks for within 72 hours of a breach (GDPR article 33): who
 * did what and when, what else happened, whose data it touches, and whether the log can be relied on.
 */
import { csvOf } from "../documents/csv.ts";
import { zipOf } from "../documents/zip.ts";
import { LaddportError } from "../errors.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Event, EventType } from "../model/event.ts";
import type { AuditLine } from "../rules/audit-line.ts";
import type { AuditQuery } from "../web/audit.ts";
import { linesOf, queryOf } from "./audit.ts";
import { factsOf } from "./cdr-log.ts";
import { writeDocument } from "./document-files.ts";
import { openLog, proveLog } from "./log.ts";
import { type CommandIo, EXIT } from "./output.ts";
import { recordRead } from "./recorded.ts";

export interface AuditExportOptions {
  data: string;
  from: string;
  to: string;
  out: string;
  reason?: string;
}

/** What is not a deed, but helps to understand one. */
const AROUND = [
  "alert.raised",
  "alert.cleared",
  "station.connected",
  "station.disconnected",
  "message.quarantined",
] as const satisfies EventType[];

export async function auditExport(options: AuditExportOptions, io: CommandIo): Promise<number> {
  const { out } = options;
  if (!/\.(zip|json)$/.test(out))
    throw new LaddportError("LP803", `--out ${out} ends neither in .zip nor in .json`, {
      fix: "Name a file such as breach.zip.",
    });
  const { mark, verdict } = await proveLog(options, "facts");
  const reader = openLog(options.data);
  const query = queryOf(options);
  const entries = await linesOf(reader, query);
  const around = await eventsOf(reader, query, AROUND);
  const affected = await affectedBy(reader, query, entries);
  await reader.close();
  const detail = { from: options.from, to: options.to, lines: entries.length };
  await recordRead(options.data, { action: "audit.exported", reason: options.reason, detail }, io);
  const madeMs = Date.now();
  const report = {
    made_at: new Date(madeMs).toISOString(),
    from: options.from,
    to: options.to,
    log: { ok: verdict.damage.length === 0, mark: mark.state, facts: verdict.facts, damage: verdict.damage },
    actors: actorsOf(entries),
    affected,
    entries,
    around,
  };
  const json = `${JSON.stringify(report, null, 2)}\n`;
  writeDocument(
    out,
    out.endsWith(".json")
      ? json
      : zipOf(
          [
            { name: "breach.json", content: json },
            { name: "entries.csv", content: csvOf([HEAD, ...entries.map(row)], { bom: true }) },
            { name: "README.txt", content: README },
          ],
          madeMs,
        ),
  );
  io.stderr.write(`${entries.length} entries of ${report.actors.length} actors are in ${out}\n`);
  if (!report.log.ok) io.stderr.write("the chain of the log is broken: laddport audit verify says where\n");
  return report.log.ok ? EXIT.ok : EXIT.failed;
}

const HEAD = ["offset", "at", "actor", "action", "object", "reason", "detail"];

function row({ offset, at, actor, action, object, reason, detail }: AuditLine): string[] {
  return [String(offset), at, actor, action, object ?? "", reason ?? "", JSON.stringify(detail)];
}

interface Actor {
  actor: string;
  first: string;
  last: string;
  /** How often, by action. */
  actions: Record<string, number>;
}

function actorsOf(entries: readonly AuditLine[]): Actor[] {
  const actors = new Map<string, Actor>();
  for (const { actor, at, action } of entries) {
    const known = actors.get(actor) ?? { actor, first: at, last: at, actions: {} };
    known.last = at;
    known.actions[action] = (known.actions[action] ?? 0) + 1;
    actors.set(actor, known);
  }
  return [...actors.values()];
}

/** Facts of the stretch, without what stations said of themselves. */
async function eventsOf(reader: SqliteReader, query: AuditQuery, types: readonly EventType[]) {
  const found: { offset: number; at: string; type: EventType; station: string | null; body: object }[] = [];
  for await (const { offset, atMs, type, station, body } of within(reader, query, types))
    found.push({ offset, at: new Date(atMs).toISOString(), type, station, body });
  return found;
}

async function* within(
  reader: SqliteReader,
  { fromMs = 0, toMs = Number.POSITIVE_INFINITY }: AuditQuery,
  types: readonly EventType[],
): AsyncGenerator<Event> {
  for await (const event of factsOf(reader, types))
    if (event.atMs >= fromMs && event.atMs < toMs) yield event;
}

/** Pseudonyms of the people whose sessions were looked at by their ids, and of those who charged in the stretch. */
async function affectedBy(reader: SqliteReader, query: AuditQuery, entries: readonly AuditLine[]) {
  const read = new Set<string>();
  for (const { object, action } of entries) {
    if (object === null || !action.endsWith(".read")) continue;
    const sessionId = object.replace(/^cdr-/, "").replace(/-C$/, "");
    for (const id of new Set([sessionId, sessionId.replace(/-\d+$/, "")])) {
      const ended = await reader.factByKey(`session.ended:${id}`);
      const { token_ref } = (ended?.body ?? {}) as { token_ref?: string | null };
      if (token_ref) read.add(token_ref);
    }
  }
  const charged = new Set<string>();
  let sessions = 0;
  for await (const { body } of within(reader, query, ["session.ended"])) {
    sessions += 1;
    const { token_ref } = body as { token_ref?: string | null };
    if (token_ref) charged.add(token_ref);
  }
  return { read_token_refs: [...read], sessions_in_time: sessions, charged_token_refs: [...charged] };
}

const README = `Laddport: export for the report of a personal data breach (GDPR articles 33 and 34).

breach.json   log: whether the hash chain and the signed mark hold. actors: who did what, how often.
              affected: pseudonyms (token_ref) of people whose sessions were looked at, and of all who
              charged in that time. entries: every entry of the audit trail. around: alerts,
              connections and refused messages of the time.
entries.csv   the entries as a table.
A pseudonym leads to a person only through the subject store: laddport subject find, subject export.
The duty: tell the supervisory authority within 72 hours of becoming aware of the breach.


Laddport: utdrag för anmälan av en personuppgiftsincident (dataskyddsförordningen artikel 33 och 34).

breach.json   log: om hashkedjan och det signerade märket håller. actors: vem som gjort vad och hur ofta.
              affected: pseudonymer (token_ref) för dem vars laddningar någon tittat på, och för alla som
              laddade under tiden. entries: varje rad i granskningsloggen. around: larm,
              anslutningar och avvisade meddelanden under tiden.
entries.csv   raderna som tabell.
En pseudonym leder till en person bara genom registret: laddport subject find, subject export.
Plikten: anmäl till Integritetsskyddsmyndigheten inom 72 timmar från att incidenten upptäcktes.
`;
