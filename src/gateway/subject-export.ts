/** The copy of a subject's data that they have a right to (GDPR Art. 15 and 20): a ZIP of JSON, CSV and a readme. */
import { csvOf } from "../documents/csv.ts";
import { zipOf } from "../documents/zip.ts";
import { readSubject, type SubjectHoldings } from "../identity/subject-reader.ts";
import type { Vault } from "../identity/vault.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Cdr } from "../model/cdr.ts";
import type { Event, EventType } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { readmeEn, readmeSv } from "./subject-readme.ts";

export interface ExportGround {
  reader: SqliteReader;
  /** `subjects.db` of the data directory. */
  subjectsFile: string;
  vault: Vault;
  site: string;
  nowMs: number;
}

const PAGE = 500;
/** What stations reported with the token, beside sessions: where and when it was read. */
const REPORTED: readonly EventType[] = [
  "token.decided",
  "transaction.started",
  "transaction.updated",
  "transaction.ended",
];

interface SubjectFiles {
  sessions: SessionRecord[];
  running: object[];
  bills: Cdr[];
  readings: object[];
}

/** Undefined when there is no such subject. Only what is theirs goes in: pseudonyms of others never meet here. */
export async function exportSubject(ground: ExportGround, subject: string): Promise<Uint8Array | undefined> {
  const holdings = readSubject(ground.subjectsFile, ground.vault, subject);
  if (!holdings) return undefined;
  const files = await filesOf(ground.reader, subject);
  const { sealed } = holdings;
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const about = {
    sessions: files.sessions.length,
    bills: files.bills.length,
    readings: files.readings.length,
    records: sealed.length,
    site: ground.site,
    at: new Date(ground.nowMs).toISOString(),
  };
  const entries = {
    "LÄSMIG.txt": readmeSv(about),
    "README.txt": readmeEn(about),
    "subject.json": json(subjectOf(subject, holdings, about.at)),
    "sessions.json": json([...files.sessions, ...files.running]),
    "sessions.csv": csvOf(sessionRows(files.sessions), { bom: true }),
    "bills.json": json(files.bills),
    "bills.csv": csvOf(billRows(files.bills), { bom: true }),
    "token-readings.json": json(files.readings),
    // A ref may begin with a hyphen, which a command would take for an option.
    ...Object.fromEntries(sealed.map(({ ref, bytes }) => [`signed-records/record-${ref}.txt`, bytes])),
  };
  return zipOf(
    Object.entries(entries).map(([name, content]) => ({ name, content })),
    ground.nowMs,
  );
}

function subjectOf(subject: string, { token, createdMs, payer, sealed }: SubjectHoldings, at: string) {
  return {
    exported_at: at,
    token,
    first_read: new Date(createdMs).toISOString(),
    pseudonyms: { billing: subject, upstream: payer },
    signed_records: sealed.map(({ ref }) => ref),
  };
}

async function filesOf(reader: SqliteReader, subject: string): Promise<SubjectFiles> {
  const sessions = new Map<string, SessionRecord>();
  const running = new Map<string, object>();
  const bills: Cdr[] = [];
  for await (const event of pages((after) => reader.subjectFacts(subject, after, PAGE))) {
    if (event.type === "session.started") running.set(event.body.session_id, event.body);
    if (event.type === "session.ended") sessions.set(event.body.session_id, event.body);
    if (event.type === "session.revised") sessions.set(event.body.session_id, event.body.record);
    if (event.type === "cdr.issued") bills.push(event.body);
  }
  for (const id of sessions.keys()) running.delete(id);
  const readings: { atMs: number; reading: object }[] = [];
  for (const type of REPORTED) {
    for await (const event of pages((after) => reader.factsOfType(type, after, PAGE))) {
      const { token_ref } = event.body as { token_ref?: string };
      if (token_ref !== subject) continue;
      const at = new Date(event.atMs).toISOString();
      readings.push({ atMs: event.atMs, reading: { at, type, station: event.station, ...event.body } });
    }
  }
  readings.sort((a, b) => a.atMs - b.atMs);
  return {
    sessions: [...sessions.values()],
    running: [...running.values()],
    bills,
    readings: readings.map(({ reading }) => reading),
  };
}

/** Page by page, with a turn of the loop between them: others read and deliver on this thread too. */
async function* pages(pageAfter: (after: number) => Event[]): AsyncGenerator<Event> {
  for (let after = 0; ; ) {
    const events = pageAfter(after);
    // Retention may have emptied a body.
    yield* events.filter(({ body }) => Object.keys(body).length > 0);
    const last = events.at(-1);
    if (!last) return;
    after = last.offset;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const iso = (ms: number) => new Date(ms).toISOString();

function sessionRows(sessions: readonly SessionRecord[]): string[][] {
  const head = ["session_id", "station", "evse", "started", "ended", "energy_wh", "token_group", "vehicle"];
  const rows = sessions.map((s) => [
    s.session_id,
    s.station,
    String(s.evse),
    iso(s.started_ms),
    iso(s.ended_ms),
    String(s.energy_wh),
    s.token_group ?? "",
    s.vehicle ?? "",
  ]);
  return [head, ...rows];
}

function billRows(bills: readonly Cdr[]): string[][] {
  const head = [
    "id",
    "session_id",
    "start",
    "end",
    "energy_kwh",
    "excl_vat",
    "incl_vat",
    "currency",
    "credits",
  ];
  const rows = bills.map((c) => [
    c.id,
    c.session_id,
    c.start_date_time,
    c.end_date_time,
    c.total_energy,
    c.total_cost.excl_vat,
    c.total_cost.incl_vat,
    c.currency,
    c.credit_reference_id ?? "",
  ]);
  return [head, ...rows];
}
