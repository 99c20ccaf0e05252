/**
 * Empties bodies of facts, and forgets minutes, that retention has let go. A fact's link covers the hash of its body, so
 * the chain holds without it; `facts.emptied` says first that bodies go, and the proof accepts no other that is missing.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { EventType, NewEvent } from "../model/event.ts";

/** Facts that one step looks at: short enough to stand between two batches. */
const STEP_FACTS = 200;
/** Minutes of one EVSE that go in a step. */
const STEP_MINUTES = 1_000;
const MINUTE_MS = 60_000;

export interface EmptyStep {
  emptied: number;
  /** Offset up to which everything was looked at. */
  through: number;
}

export interface EvseRef {
  station: string;
  evse: number;
}

export class Emptying {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  #sql(text: string): StatementSync {
    const known = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, known);
    return known;
  }

  /** The offset through which bodies of each type are declared emptied. */
  declared(): Map<EventType, number> {
    return declaredIn(this.#db);
  }

  /** The fact that declares it; undefined when no fact of these types lies between. */
  eventNow(kinds: readonly EventType[], after: number, through: number, atMs: number): NewEvent | undefined {
    const { n } = this.#sql(
      `SELECT count(*) AS n FROM fact WHERE type IN (${listOf(kinds)}) AND offset > ? AND offset <= ?`,
    ).get(after, through) as { n: number };
    if (n === 0) return undefined;
    const key = `facts.emptied:${through}:${kinds[0]}`;
    const body = { through, kinds: [...kinds], count: n };
    return { type: "facts.emptied", atMs, station: null, key, body };
  }

  /**
   * Empties bodies of one type after an offset, through another that is declared; up to 200 facts, in one transaction.
   * `keeps` spares a body: a legal hold. What goes is overwritten in the file too.
   * @throws the driver's error after a rollback.
   */
  stepNow(kind: EventType, after: number, through: number, keeps: (body: object) => boolean): EmptyStep {
    const rows = this.#sql(
      `SELECT offset, body FROM fact INDEXED BY fact_type WHERE type = ? AND offset > ? AND offset <= ?
        ORDER BY offset LIMIT ${STEP_FACTS}`,
    ).all(kind, after, through) as { offset: number; body: string | null }[];
    const seen = rows.length === STEP_FACTS ? (rows.at(-1)?.offset ?? through) : through;
    const going = rows.filter(({ body }) => body !== null && !keeps(JSON.parse(body) as object));
    if (going.length > 0)
      this.#shredding(() => {
        for (const { offset } of going) this.#sql("UPDATE fact SET body = NULL WHERE offset = ?").run(offset);
      });
    return { emptied: going.length, through: seen };
  }

  /** EVSE 0 is a meter of the site or the station itself. */
  evseAfter({ station, evse }: EvseRef): EvseRef | undefined {
    return this.#sql(
      `SELECT station, evse FROM sample_minute WHERE (station, evse) > (?, ?) ORDER BY station, evse LIMIT 1`,
    ).get(station, evse) as EvseRef | undefined;
  }

  /** Forgets up to 1,000 minutes of an EVSE that began before an instant; answers how many. */
  forgetMinutesNow({ station, evse }: EvseRef, beforeMs: number): number {
    const first = this.#sql(
      "SELECT min(minute_ms) AS ms FROM sample_minute WHERE station = ? AND evse = ?",
    ).get(station, evse) as { ms: number | null };
    if (first.ms === null || first.ms >= beforeMs) return 0;
    const until = Math.min(beforeMs, first.ms + STEP_MINUTES * MINUTE_MS);
    let gone = 0;
    this.#shredding(() => {
      const { changes } = this.#sql(
        "DELETE FROM sample_minute WHERE station = ? AND evse = ? AND minute_ms < ?",
      ).run(station, evse, until);
      gone = Number(changes);
    });
    return gone;
  }

  /** Pages that go free are overwritten too, which costs writes; what is freed inside of pages always is (schema.ts). */
  #shredding(work: () => void): void {
    this.#db.exec("PRAGMA secure_delete=ON; BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#db.exec("PRAGMA secure_delete=FAST");
    }
  }
}

const listOf = (kinds: readonly EventType[]) => kinds.map((kind) => `'${kind}'`).join(",");

/** The offset through which the log says that bodies of each type are emptied. */
export function declaredIn(db: DatabaseSync): Map<EventType, number> {
  const rows = db.prepare("SELECT body FROM fact WHERE type = 'facts.emptied' ORDER BY offset").all();
  const through = new Map<EventType, number>();
  for (const { body } of rows as { body: string | null }[]) {
    const said = JSON.parse(body ?? "{}") as { through?: number; kinds?: EventType[] };
    for (const kind of said.kinds ?? [])
      through.set(kind, Math.max(through.get(kind) ?? 0, said.through ?? 0));
  }
  return through;
}
