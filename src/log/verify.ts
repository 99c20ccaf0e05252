/** Proves the log: both hash chains from their beginning (or the last pruned prefix) to the end, and the signed mark. */
import type { DatabaseSync } from "node:sqlite";
import type { EventType } from "../model/event.ts";
import { factLink, GENESIS, sampleLink, sha256 } from "./chain.ts";
import { declaredIn } from "./emptying.ts";
import type { Mark, MarkRead } from "./mark.ts";

export interface Damage {
  chain: "fact" | "sample" | "mark";
  offset: number;
  what: string;
}

export interface Verdict {
  facts: number;
  samples: number;
  /** Last link of each chain. */
  factHash: string;
  sampleHash: string;
  damage: Damage[];
}

interface FactRow {
  offset: number;
  at_ms: number;
  type: string;
  station: string | null;
  key: string | null;
  body: string | null;
  body_hash: string;
  hash: string;
}

interface SampleRow {
  offset: number;
  at_ms: number;
  type: string;
  station: string | null;
  body: string;
  hash: string;
}

const PAGE = 2_000;
/** Past this many faults the file is plainly not to be trusted; listing more helps nobody. */
const MAX_DAMAGE = 100;

/** Reads a table in pages, so that one statement never holds the WAL for long. */
function pagesOf<Row>(
  db: DatabaseSync,
  table: "fact" | "sample",
  report: (damage: Damage) => void,
): (after: number) => Row[] {
  const statement = db.prepare(`SELECT * FROM ${table} WHERE offset > ? ORDER BY offset LIMIT ${PAGE}`);
  let unreadable = false;
  return (after) => {
    if (unreadable) return [];
    try {
      return statement.all(after) as unknown as Row[];
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      // Damage to a page of the file is damage to the log: told in the same verdict, not thrown past it.
      report({ chain: table, offset: after + 1, what: `cannot be read from here on: ${error.message}` });
      unreadable = true;
      return [];
    }
  };
}

/** SQLITE_CORRUPT and its extended codes: https://sqlite.org/rescode.html#corrupt */
function isCorrupt(error: unknown): error is Error {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 11;
}

/**
 * Verifies in steps: each `next()` checks one page, so that the caller can let other work in between.
 * The returned verdict lists every damaged place, up to 100. `chains`: `facts` leaves the samples unread.
 */
export function* verifyLog(
  db: DatabaseSync,
  mark: MarkRead,
  chains: "both" | "facts" = "both",
): Generator<number, Verdict> {
  const verdict: Verdict = { facts: 0, samples: 0, factHash: GENESIS, sampleHash: GENESIS, damage: [] };
  const report = (d: Damage) => {
    if (verdict.damage.length < MAX_DAMAGE) verdict.damage.push(d);
  };
  const expected = mark.state === "valid" ? mark.mark : undefined;
  let factAtMark: string | undefined;
  let pruned = { through: 0, digest: GENESIS };

  let declared = declaredIn(db);
  const isDeclared = ({ type, offset }: FactRow) => offset <= (declared.get(type as EventType) ?? 0);

  let lastFact = 0;
  const factsAfter = pagesOf<FactRow>(db, "fact", report);
  const samplesAfter = pagesOf<SampleRow>(db, "sample", report);

  /** From where it stopped the last time. */
  function* proveFacts(): Generator<number, void> {
    for (let rows = factsAfter(lastFact); rows.length > 0; rows = factsAfter(lastFact)) {
      for (const row of rows) {
        lastFact = row.offset;
        if (row.body === null && !isDeclared(row)) {
          // Retention may have begun on it since the proof began.
          declared = declaredIn(db);
          if (!isDeclared(row))
            report({
              chain: "fact",
              offset: row.offset,
              what: "body is gone, and no fact says that it expired",
            });
        }
        if (row.body !== null && sha256(row.body) !== row.body_hash) {
          report({ chain: "fact", offset: row.offset, what: "body differs from its hash" });
        }
        if (factLink(verdict.factHash, row, row.key, row.body_hash) !== row.hash) {
          report({
            chain: "fact",
            offset: row.offset,
            what: "link broken: a row was changed, added or removed",
          });
        }
        verdict.factHash = row.hash;
        verdict.facts += 1;
        if (row.offset === expected?.factOffset) factAtMark = row.hash;
        if (row.type === "samples.pruned" && row.body) pruned = JSON.parse(row.body);
      }
      yield verdict.facts;
    }
  }

  yield* proveFacts();
  if (chains === "facts") {
    checkMark(mark, expected, factAtMark, expected?.sampleHash, report);
    return verdict;
  }
  let sampleAtMark: string | undefined;
  let lastSample = pruned.through;
  verdict.sampleHash = pruned.digest;
  for (let rows = samplesAfter(lastSample); rows.length > 0; rows = samplesAfter(lastSample)) {
    const [first] = rows as [SampleRow];
    if (sampleLink(verdict.sampleHash, first, first.body) !== first.hash) {
      // Pruning takes whole prefixes, so it may have overtaken the proof between two pages: its fact says so.
      yield* proveFacts();
      if (pruned.through > lastSample) {
        lastSample = pruned.through;
        verdict.sampleHash = pruned.digest;
        continue;
      }
    }
    for (const row of rows) {
      if (sampleLink(verdict.sampleHash, row, row.body) !== row.hash) {
        report({
          chain: "sample",
          offset: row.offset,
          what: "link broken: a row was changed, added or removed",
        });
      }
      verdict.sampleHash = row.hash;
      verdict.samples += 1;
      lastSample = row.offset;
      if (row.offset === expected?.sampleOffset) sampleAtMark = row.hash;
    }
    yield verdict.facts + verdict.samples;
  }
  if (expected && sampleAtMark === undefined) {
    yield* proveFacts();
    if (expected.sampleOffset <= pruned.through) sampleAtMark = expected.sampleHash;
  }

  checkMark(mark, expected, factAtMark, sampleAtMark, report);
  return verdict;
}

function checkMark(
  mark: MarkRead,
  expected: Mark | undefined,
  factAtMark: string | undefined,
  sampleAtMark: string | undefined,
  report: (d: Damage) => void,
): void {
  if (mark.state === "invalid")
    report({ chain: "mark", offset: 0, what: `the mark is not ours: ${mark.why}` });
  if (!expected) return;
  if (expected.factOffset > 0 && factAtMark !== expected.factHash) {
    report({
      chain: "fact",
      offset: expected.factOffset,
      what: "the fact that the signed mark names is missing",
    });
  }
  if (expected.sampleOffset > 0 && sampleAtMark !== expected.sampleHash) {
    report({
      chain: "sample",
      offset: expected.sampleOffset,
      what: "the sample that the signed mark names is missing",
    });
  }
}

/** Runs a whole verification at once. */
export function verifyAll(db: DatabaseSync, mark: MarkRead, chains: "both" | "facts" = "both"): Verdict {
  const steps = verifyLog(db, mark, chains);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}
