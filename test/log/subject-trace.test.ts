import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { migrate } from "../../src/log/schema.ts";
import {
  READ_SUBJECT_FACTS,
  READ_SUBJECT_KEYS,
  type SubjectRow,
  traceOf,
} from "../../src/log/subject-trace.ts";
import { scratchDir } from "./sample-events.ts";

it("finds a subject by the index alone, whatever else the log holds", () => {
  const db = new DatabaseSync(join(scratchDir(), "log.db"));
  migrate(db, "log.db");
  const plan = (sql: string) => JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
  expect(plan(READ_SUBJECT_KEYS)).toContain("COVERING INDEX fact_subject");
  expect(plan(READ_SUBJECT_FACTS)).toContain("INDEX fact_subject");
  db.close();
});

it("names sessions and bills, corrected and credited ones too, and which sessions are open", () => {
  const row = (offset: number, type: SubjectRow["type"], key: string): SubjectRow => ({
    offset,
    type,
    at_ms: offset * 1000,
    key,
  });
  const rows = [
    row(1, "session.started", "session.started:s1-1"),
    row(2, "session.ended", "session.ended:s1-1"),
    row(3, "cdr.issued", "cdr.issued:s1-1"),
    row(4, "session.revised", "session.revision:s1-1:2"),
    row(5, "cdr.issued", "cdr.issued:s1-1:2:credit"),
    row(6, "cdr.issued", "cdr.issued:s1-1:2"),
    row(7, "session.started", "session.started:s1-7"),
    row(8, "session.started", "session.started:s1-8"),
  ];
  expect(
    traceOf(
      rows,
      (id) => id === "s1-8",
      () => "transport",
    ),
  ).toEqual({
    sessions: ["s1-1", "s1-7", "s1-8"],
    open: ["s1-7"],
    cdrs: ["cdr-s1-1", "cdr-s1-1-C", "cdr-s1-1-2"],
    last_billed_ms: 6000,
    groups: ["transport"],
  });
});
