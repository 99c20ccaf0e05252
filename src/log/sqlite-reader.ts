/** Reading the log: short statements on a connection of one's own, so that no reader ever pins the WAL. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Event, type EventOf, type EventType, SAMPLE_TYPES } from "../model/event.ts";
import type { SubjectTrace } from "../model/subject.ts";
import { GENESIS } from "./chain.ts";
import { declaredIn } from "./emptying.ts";
import type { Head, LogReader, ReadOptions } from "./log-store.ts";
import {
  type PowerMinute,
  READ_KEPT_POWER,
  READ_MINUTES,
  READ_SAMPLED_POWER,
  type SampleMinute,
} from "./minutes.ts";
import { assertKnownSchema } from "./schema.ts";
import {
  HAS_ENDED,
  READ_GROUP,
  READ_SUBJECT_FACTS,
  READ_SUBJECT_KEYS,
  type SubjectRow,
  traceOf,
} from "./subject-trace.ts";

interface Row {
  offset: number;
  at_ms: number;
  type: EventType;
  station: string | null;
  key: string | null;
  body: string | null;
}

const COLUMNS = "offset, at_ms, type, station";
const DEFAULT_LIMIT = 1000;

/** A row whose body somebody else than the store wrote: it is no JSON. */
export class DamagedRow extends Error {
  constructor({ offset, type }: Row, options: ErrorOptions) {
    super(`the event at offset ${offset} (${type}) is damaged: its body is no JSON`, options);
    this.name = "DamagedRow";
  }
}

/** A row as an event. A body that retention emptied reads as `{}`. @throws DamagedRow. */
function eventOf(row: Row): Event {
  return {
    offset: row.offset,
    atMs: row.at_ms,
    type: row.type,
    station: row.station,
    key: row.key,
    body: row.body === null ? {} : bodyOf(row, row.body),
  } as Event;
}

function bodyOf(row: Row, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DamagedRow(row, { cause });
  }
}

export class SqliteReader implements LogReader {
  protected readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  protected statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** The last link of each chain and the last offset, as committed. */
  readHead(): Head & { factOffset: number; sampleOffset: number } {
    const fact = this.statement("SELECT offset, hash FROM fact ORDER BY offset DESC LIMIT 1").get() as
      | { offset: number; hash: string }
      | undefined;
    const sample = this.statement("SELECT offset, hash FROM sample ORDER BY offset DESC LIMIT 1").get() as
      | { offset: number; hash: string }
      | undefined;
    const pruned = sample ? undefined : this.lastPrune();
    return {
      offset: Math.max(fact?.offset ?? 0, sample?.offset ?? 0),
      factOffset: fact?.offset ?? 0,
      sampleOffset: sample?.offset ?? pruned?.through ?? 0,
      factHash: fact?.hash ?? GENESIS,
      sampleHash: sample?.hash ?? pruned?.digest ?? GENESIS,
    };
  }

  /** The newest pruned prefix and the last link of its chain. Rows of it may still be there. */
  lastPrune(): { through: number; digest: string } | undefined {
    const row = this.statement(
      "SELECT body FROM fact WHERE type='samples.pruned' ORDER BY offset DESC LIMIT 1",
    ).get() as { body: string } | undefined;
    return row && JSON.parse(row.body);
  }

  async head(): Promise<Head> {
    const { offset, factHash, sampleHash } = this.#consistent(() => this.readHead());
    return { offset, factHash, sampleHash };
  }

  async read(after: number, options: ReadOptions = {}): Promise<{ events: Event[]; through: number }> {
    return this.#consistent(() => this.readNow(after, options));
  }

  /** Synchronous form of `read` for threads that may wait for the disk. */
  readSync(after: number, limit: number): { events: Event[]; through: number } {
    return this.#consistent(() => this.readNow(after, { limit }));
  }

  /** The newest fact of a type that has its body. */
  lastOfType(type: EventType): Event | undefined {
    const row = this.statement(
      `SELECT ${COLUMNS}, key, body FROM fact WHERE type = ? AND body IS NOT NULL ORDER BY offset DESC LIMIT 1`,
    ).get(type) as Row | undefined;
    return row && eventOf(row);
  }

  /** The newest entry of the audit trail with this action. */
  lastAudit(action: string): EventOf<"audit.recorded"> | undefined {
    const row = this.statement(
      `SELECT ${COLUMNS}, key, body FROM fact WHERE type = 'audit.recorded' AND body->>'action' = ?
        ORDER BY offset DESC LIMIT 1`,
    ).get(action) as Row | undefined;
    return row && (eventOf(row) as EventOf<"audit.recorded">);
  }

  /** Facts of one type after an offset, in order, by the index over types: other facts cost nothing. */
  factsOfType(type: EventType, after: number, limit: number): Event[] {
    const rows = this.statement(
      `SELECT ${COLUMNS}, key, body FROM fact WHERE type = ? AND offset > ? AND body IS NOT NULL ORDER BY offset LIMIT ?`,
    ).all(type, after, limit) as unknown as Row[];
    return rows.map(eventOf);
  }

  /** Facts of one type through an offset, the newest first, by the index over types. */
  factsBack(type: EventType, through: number, limit: number): Event[] {
    const rows = this.statement(
      `SELECT ${COLUMNS}, key, body FROM fact WHERE type = ? AND offset <= ? AND body IS NOT NULL ORDER BY offset DESC LIMIT ?`,
    ).all(type, through, limit) as unknown as Row[];
    return rows.map(eventOf);
  }

  /** Samples of one type after an offset and through another, in order; of one station when it is named. */
  samplesBetween(type: EventType, after: number, through: number, station: string | null = null): Event[] {
    const rows = this.statement(
      `SELECT ${COLUMNS}, NULL AS key, body FROM sample
        WHERE offset > ?1 AND offset <= ?2 AND type = ?3 AND (?4 IS NULL OR station = ?4) ORDER BY offset`,
    ).all(after, through, type, station) as unknown as Row[];
    return rows.map(eventOf);
  }

  /** When the last sample through an offset arrived; undefined without any. */
  sampleMsAt(through: number): number | undefined {
    const row = this.statement("SELECT at_ms FROM sample WHERE offset <= ? ORDER BY offset DESC LIMIT 1").get(
      through,
    ) as { at_ms: number } | undefined;
    return row?.at_ms;
  }

  /** When the oldest sample that is kept arrived; undefined without any. */
  oldestSampleMs(): number | undefined {
    const row = this.statement("SELECT at_ms FROM sample ORDER BY offset LIMIT 1").get() as
      | { at_ms: number }
      | undefined;
    return row?.at_ms;
  }

  /** When the first and the last event of the log arrived; undefined for an empty log. */
  span(): { from_ms: number; to_ms: number } | undefined {
    const at = (table: string, order: string) =>
      this.statement(`SELECT at_ms FROM ${table} ORDER BY offset ${order} LIMIT 1`).get() as
        | { at_ms: number }
        | undefined;
    const ends = [at("fact", "ASC"), at("sample", "ASC"), at("fact", "DESC"), at("sample", "DESC")];
    const times = ends.flatMap((row) => (row ? [row.at_ms] : []));
    return times.length === 0 ? undefined : { from_ms: Math.min(...times), to_ms: Math.max(...times) };
  }

  /**
   * The offset of the last fact or sample that arrived before an instant, 0 when there is none. Arrival rises with the
   * offset (but for clock steps), so bisecting needs no index over every one.
   */
  lastBefore(table: "fact" | "sample", atMs: number): number {
    const at = this.statement(`SELECT offset, at_ms FROM ${table} WHERE offset >= ? ORDER BY offset LIMIT 1`);
    const first = at.get(0) as { offset: number; at_ms: number } | undefined;
    if (!first || first.at_ms >= atMs) return 0;
    let low = first.offset;
    let high = this.readHead().offset + 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const row = at.get(middle) as { offset: number; at_ms: number } | undefined;
      if (row && row.at_ms < atMs) low = row.offset;
      else high = middle;
    }
    return low;
  }

  /** Power readings of samples after an offset, through another, by minute of arrival. */
  sampledPower(after: number, through: number): PowerMinute[] {
    return this.statement(READ_SAMPLED_POWER).all(after, through) as unknown as PowerMinute[];
  }

  /** Power readings of pruned samples of one EVSE; both instants at whole minutes, the second exclusive. */
  keptPower(station: string, evse: number, fromMs: number, toMs: number): PowerMinute[] {
    return this.statement(READ_KEPT_POWER).all(station, evse, fromMs, toMs) as unknown as PowerMinute[];
  }

  protected readNow(after: number, { types, limit = DEFAULT_LIMIT, emptied = false }: ReadOptions) {
    const factTypes = types?.filter((t) => !SAMPLE_TYPES.has(t));
    const sampleTypes = types?.filter((t) => SAMPLE_TYPES.has(t));
    const samples =
      sampleTypes?.length === 0 ? [] : this.#rows("sample", after, null, limit, { types: sampleTypes });
    // A full page of samples bounds the facts that can belong to this page.
    const until = samples.length === limit ? (samples.at(-1)?.offset ?? null) : null;
    const facts =
      factTypes?.length === 0 ? [] : this.#rows("fact", after, until, limit, { types: factTypes, emptied });
    const rows = merge(facts, samples).slice(0, limit);
    const full = rows.length === limit;
    const through = full ? (rows.at(-1)?.offset ?? after) : Math.max(after, this.readHead().offset);
    return { events: rows.map(eventOf), through };
  }

  #rows(
    table: "fact" | "sample",
    after: number,
    until: number | null,
    limit: number,
    { types, emptied = true }: { types: EventType[] | undefined; emptied?: boolean },
  ) {
    const key = table === "fact" ? "key" : "NULL AS key";
    const typed = types ? `AND type IN (${types.map((t) => `'${t}'`).join(",")})` : "";
    const whole = emptied ? "" : "AND body IS NOT NULL";
    const bounded = until === null ? "" : "AND offset <= ?2";
    const sql = `SELECT ${COLUMNS}, ${key}, body FROM ${table} WHERE offset > ?1 ${bounded} ${typed} ${whole} ORDER BY offset LIMIT ${limit}`;
    const statement = this.statement(sql);
    return (until === null ? statement.all(after) : statement.all(after, until)) as unknown as Row[];
  }

  /** What is left of pruned samples in minutes that touch `fromMs` to `toMs`, oldest first; every EVSE when null. */
  async minutes(
    station: string,
    evse: number | null,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<SampleMinute[]> {
    const rows = this.statement(READ_MINUTES).all(station, evse, fromMs, toMs, limit);
    return rows as unknown as SampleMinute[];
  }

  /** Events of one station after an offset and through another, oldest first; facts and samples of these types. */
  async ofStation(
    station: string,
    types: readonly EventType[],
    after: number,
    through: number,
    limit: number,
  ): Promise<Event[]> {
    const select = (table: "fact" | "sample"): Row[] => {
      const named = types.filter((type) => SAMPLE_TYPES.has(type) === (table === "sample"));
      if (named.length === 0) return [];
      const key = table === "fact" ? "key" : "NULL AS key";
      const sql = `SELECT ${COLUMNS}, ${key}, body FROM ${table} WHERE offset > ?1 AND offset <= ?2 AND station = ?3 AND body IS NOT NULL
        AND type IN (${named.map((type) => `'${type}'`).join(",")}) ORDER BY offset LIMIT ${limit}`;
      return this.statement(sql).all(after, through, station) as unknown as Row[];
    };
    const rows = this.#consistent(() => merge(select("fact"), select("sample")));
    return rows.slice(0, limit).map(eventOf);
  }

  async factByKey(key: string): Promise<Event | undefined> {
    return this.factByKeyNow(key);
  }

  factByKeyNow(key: string): Event | undefined {
    const row = this.statement(`SELECT ${COLUMNS}, key, body FROM fact WHERE key = ?`).get(key) as
      | Row
      | undefined;
    return row && eventOf(row);
  }

  /** The sessions and bills under a pseudonym. */
  subjectTrace(tokenRef: string): SubjectTrace {
    const rows = this.statement(READ_SUBJECT_KEYS).all(tokenRef) as unknown as SubjectRow[];
    return traceOf(
      rows,
      (sessionId) => this.statement(HAS_ENDED).get(sessionId) !== undefined,
      (offset) => (this.statement(READ_GROUP).get(offset) as { token_group: string | null }).token_group,
    );
  }

  /** Starts, records and bills of the sessions under a pseudonym, after an offset, oldest first. */
  subjectFacts(tokenRef: string, after: number, limit: number): Event[] {
    const rows = this.statement(READ_SUBJECT_FACTS).all(tokenRef, after, limit);
    return (rows as unknown as Row[]).map(eventOf);
  }

  /** The offset through which the log says that bodies of a type have expired; 0 when it does not. */
  expiredThrough(type: EventType): number {
    return declaredIn(this.db).get(type) ?? 0;
  }

  /** SHA-256 of the body of a fact, base64url: there also when the body is gone. */
  bodyHashAt(offset: number): string | undefined {
    const row = this.statement("SELECT body_hash FROM fact WHERE offset = ?").get(offset) as
      | { body_hash: string }
      | undefined;
    return row?.body_hash;
  }

  /** The body text at an offset, as stored: what a duplicate is compared with. */
  bodyAt(offset: number): { type: string; body: string | null } | undefined {
    return (this.statement("SELECT type, body FROM sample WHERE offset = ?").get(offset) ??
      this.statement("SELECT type, body FROM fact WHERE offset = ?").get(offset)) as
      | { type: string; body: string | null }
      | undefined;
  }

  async attachment(offset: number): Promise<Uint8Array | undefined> {
    const row = this.statement("SELECT bytes FROM attachment WHERE offset = ?").get(offset) as
      | { bytes: Uint8Array }
      | undefined;
    return row?.bytes;
  }

  async cursor(name: string): Promise<number> {
    return this.cursorNow(name);
  }

  cursorNow(name: string): number {
    const row = this.statement("SELECT offset FROM cursor WHERE name = ?").get(name) as
      | { offset: number }
      | undefined;
    return row?.offset ?? 0;
  }

  async close(): Promise<void> {
    this.#statements.clear();
    this.db.close();
  }

  /** Several statements on one state of the file. */
  #consistent<T>(read: () => T): T {
    if (this.db.isTransaction) return read();
    this.db.exec("BEGIN");
    try {
      return read();
    } finally {
      this.db.exec("COMMIT");
    }
  }
}

function merge(a: Row[], b: Row[]): Row[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const out: Row[] = [];
  let i = 0;
  for (const row of b) {
    for (let next = a[i]; next && next.offset < row.offset; next = a[i]) {
      out.push(next);
      i += 1;
    }
    out.push(row);
  }
  return out.concat(a.slice(i));
}

/** A reader beside a running gateway, or on a stopped one's files. @throws SchemaTooNew. */
export function openSqliteReader(file: string): SqliteReader {
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec("PRAGMA busy_timeout=10000; PRAGMA cache_size=-2048");
  try {
    assertKnownSchema(db, file);
  } catch (error) {
    db.close();
    throw error;
  }
  return new SqliteReader(db);
}
