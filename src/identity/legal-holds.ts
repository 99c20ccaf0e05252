/** Legal holds: who is on one is neither erased nor forgotten by retention. */
import type { SubjectFile } from "./subject-file.ts";

export interface LegalHold {
  reason: string;
  actor: string;
  /** ms since the epoch. */
  sinceMs: number;
  /** From here on it binds no more; null: until a person releases it. */
  untilMs: number | null;
}

export class LegalHolds {
  readonly #file: SubjectFile;

  constructor(file: SubjectFile) {
    this.#file = file;
  }

  /** A second hold on a subject replaces the first. */
  put(tokenRef: string, { reason, actor, sinceMs, untilMs }: LegalHold): void {
    this.#file.write();
    this.#file
      .sql("INSERT OR REPLACE INTO legal_hold VALUES (?,?,?,?,?)")
      .run(tokenRef, reason, actor, Math.round(sinceMs), untilMs === null ? null : Math.round(untilMs));
    this.#file.flush();
  }

  /** False when there was none. */
  release(tokenRef: string): boolean {
    this.#file.write();
    const { changes } = this.#file.sql("DELETE FROM legal_hold WHERE token_ref = ?").run(tokenRef);
    this.#file.flush();
    return Number(changes) > 0;
  }

  /** The hold that binds at an instant. */
  on(tokenRef: string, nowMs: number): LegalHold | undefined {
    return this.#file
      .sql(
        `SELECT reason, actor, since_ms AS sinceMs, until_ms AS untilMs FROM legal_hold
         WHERE token_ref = ? AND (until_ms IS NULL OR until_ms > ?)`,
      )
      .get(tokenRef, nowMs) as LegalHold | undefined;
  }

  /** Pseudonyms on hold at an instant: what retention must leave alone. */
  refs(nowMs: number): string[] {
    const rows = this.#file
      .sql("SELECT token_ref FROM legal_hold WHERE until_ms IS NULL OR until_ms > ?")
      .all(nowMs) as { token_ref: string }[];
    return rows.map(({ token_ref }) => token_ref);
  }
}
