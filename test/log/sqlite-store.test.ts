import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Mark, readMark, writeMark } from "../../src/log/mark.ts";
import { assertSqliteVersion, SchemaTooNew } from "../../src/log/schema.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { openSqliteStore, openSqliteStoreNow } from "../../src/log/sqlite-store.ts";
import { verifyAll, verifyLog } from "../../src/log/verify.ts";
import { conformance } from "./log-store.conformance.ts";
import { fact, sample, scratchDir } from "./sample-events.ts";

conformance({
  name: "SQLite",
  fresh: () => {
    const file = join(scratchDir(), "log.db");
    return () => openSqliteStore(file);
  },
});

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString();

async function filledLog() {
  const dir = scratchDir();
  const file = join(dir, "log.db");
  const store = openSqliteStoreNow(file);
  await store.commit({
    events: Array.from({ length: 50 }, (_, i) => (i % 5 === 0 ? fact(`f${i}`) : sample(i))),
  });
  const mark: Mark = { ...store.readHead(), at: "2026-11-22T17:00:00Z" };
  const markFile = join(dir, "log.mark");
  writeMark(markFile, mark, privateKey);
  return { dir, file, store, markFile };
}

function verdict(file: string, markFile: string) {
  const db = new DatabaseSync(file);
  try {
    return verifyAll(db, readMark(markFile, publicPem));
  } finally {
    db.close();
  }
}

describe("SQLite log", () => {
  it("reads one station's events between two offsets, facts and samples in order", async () => {
    const file = join(scratchDir(), "log.db");
    const store = openSqliteStoreNow(file);
    const started = { ...fact("a"), station: "cp-1" };
    const events = [sample(1, "cp-1"), sample(2, "cp-2"), started, sample(3, "cp-1"), sample(4, "cp-1")];
    await store.commit({ events });
    const read = async (after: number, through: number, limit: number) =>
      (await store.ofStation("cp-1", ["meter.sampled", "log.damaged"], after, through, limit)).map(
        ({ offset }) => offset,
      );
    expect(await read(0, 5, 10)).toEqual([1, 3, 4, 5]);
    expect(await read(1, 4, 10)).toEqual([3, 4]);
    expect(await read(0, 5, 2)).toEqual([1, 3]);
    expect(await store.ofStation("cp-1", ["log.damaged"], 0, 5, 10)).toMatchObject([{ key: "a" }]);
    await store.close();
  });

  it("reports a page that SQLite cannot read as damage, with what was read before it", async () => {
    const { file, store, markFile } = await filledLog();
    await store.close();
    const db = new DatabaseSync(file, { readOnly: true });
    const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name='sample'").get() as {
      rootpage: number;
    };
    const { page_size } = db.prepare("PRAGMA page_size").get() as { page_size: number };
    db.close();
    const bytes = readFileSync(file);
    bytes[(rootpage - 1) * page_size] = 0x77;
    writeFileSync(file, bytes);
    const { facts, damage } = verdict(file, markFile);
    expect(facts).toBe(10);
    expect(damage[0]).toMatchObject({
      chain: "sample",
      what: expect.stringMatching(/cannot be read from here/),
    });
  });

  it("syncs every commit: WAL with synchronous=FULL", async () => {
    const { store, file } = await filledLog();
    const db = new DatabaseSync(file);
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    db.close();
    const own = (store as unknown as { db: DatabaseSync }).db;
    expect(own.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  });

  it("is read by others while the writer holds it open", async () => {
    const { file, store } = await filledLog();
    const reader = openSqliteReader(file);
    expect((await reader.head()).offset).toBe(50);
    await store.commit({ events: [sample(99)] });
    expect((await reader.head()).offset).toBe(51);
    await reader.close();
  });

  it("refuses a log of a newer release with a clear text", () => {
    const file = join(scratchDir(), "log.db");
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version=999");
    db.close();
    expect(() => openSqliteStoreNow(file)).toThrow(SchemaTooNew);
    expect(() => openSqliteStoreNow(file)).toThrow(/log schema 999, this release knows up to/);
  });

  it("refuses a SQLite that can lose commits", () => {
    expect(() => assertSqliteVersion("3.51.2")).toThrow(/3\.51\.3/);
    expect(() => assertSqliteVersion("3.45.0")).toThrow();
    expect(() => assertSqliteVersion("3.51.3")).not.toThrow();
    expect(() => assertSqliteVersion("4.0.0")).not.toThrow();
  });

  it("never numbers again what the mark says was there", () => {
    const store = openSqliteStoreNow(join(scratchDir(), "log.db"), { highWater: 700 });
    expect(store.commitNow({ events: [sample(1)] })[0]?.offset).toBe(701);
  });

  it("begins its WAL again although commits go on between two checkpoints of others", async () => {
    const file = join(scratchDir(), "log.db");
    const store = openSqliteStoreNow(file);
    const other = new DatabaseSync(file);
    const reader = new DatabaseSync(file);
    let longest = 0;
    // Some 40 MB of WAL, were it never to begin again.
    for (let i = 0; i < 400; i += 1) {
      store.commitNow({ events: Array.from({ length: 200 }, (_, k) => sample(i * 200 + k)) });
      // What is committed while a checkpoint is under way is behind its end, as it is behind a reader's.
      reader.exec("BEGIN; SELECT count(*) FROM fact");
      store.commitNow({ events: [sample(i)] });
      other.exec("PRAGMA wal_checkpoint(PASSIVE)");
      reader.exec("COMMIT");
      store.limitWalNow();
      longest = Math.max(longest, statSync(`${file}-wal`).size);
    }
    expect(longest).toBeLessThan(26_000_000);
    other.close();
    reader.close();
    await store.close();
  });

  it("goes on with a declared prefix after a kill in the middle of it, each sample counted once", async () => {
    const file = join(scratchDir(), "log.db");
    const store = openSqliteStoreNow(file);
    // Three seconds of arrival apart, so that steps end within minutes.
    const at = (i: number) => 1_790_000_000_000 + i * 3_000;
    store.commitNow({ events: Array.from({ length: 2_500 }, (_, i) => sample(i, "cp-001", at(i))) });
    const declared = store.prunedEventNow(2_400, at(2_500));
    store.commitNow({ events: declared ? [declared] : [] });
    expect(store.pruneStepNow()).toBe(1_000);
    await store.close();

    const again = openSqliteStoreNow(file);
    expect([again.pruneStepNow(), again.pruneStepNow(), again.pruneStepNow()]).toEqual([1_000, 400, 0]);
    const minutes = await again.minutes("cp-001", null, 0, at(9_999), 1_000);
    expect(minutes.reduce((n, m) => n + m.samples, 0)).toBe(2_400);
    expect(new Set(minutes.map((m) => m.power_w_mean))).toEqual(new Set([11_000]));
    expect(again.firstSample).toBe(2_401);
    expect(again.prunedEventNow(2_400, at(2_500))).toBeUndefined();
    await again.close();
  });

  it("finds the last sample before an instant without an index", () => {
    const store = openSqliteStoreNow(join(scratchDir(), "log.db"));
    const at = (i: number) => 1_790_000_000_000 + i * 1000;
    store.commitNow({
      events: Array.from({ length: 100 }, (_, i) =>
        i % 3 === 0 ? fact(`f${i}`) : sample(i, "cp-001", at(i)),
      ),
    });
    expect(store.lastSampleBefore(at(0))).toBe(0);
    expect(store.lastSampleBefore(at(2))).toBe(2);
    expect(store.lastSampleBefore(at(50))).toBe(50);
    expect(store.lastSampleBefore(at(1000))).toBe(99);
  });
});

describe("verify", () => {
  it("accepts an untouched log, also after pruning", async () => {
    const { file, store, markFile } = await filledLog();
    expect(verdict(file, markFile)).toMatchObject({ facts: 10, samples: 40, damage: [] });
    await store.prune(25, 1_790_000_000_000);
    expect(verdict(file, markFile).damage).toEqual([]);
    await store.prune(50, 1_790_000_000_000);
    await store.commit({ events: [sample(1000), sample(1001)] });
    expect(verdict(file, markFile)).toMatchObject({ samples: 2, damage: [] });
  });

  it("accepts a log that is pruned between two pages of the proof", async () => {
    const { file, store, markFile } = await filledLog();
    await store.commit({ events: Array.from({ length: 5_000 }, (_, i) => sample(100 + i)) });
    const db = new DatabaseSync(file);
    const steps = verifyLog(db, readMark(markFile, publicPem));
    // Facts, then the first page of samples.
    for (let i = 0; i < 2; i += 1) expect(steps.next().done).toBe(false);
    await store.prune(3_000, 1_790_000_000_000);
    for (let step = steps.next(); ; step = steps.next()) {
      if (!step.done) continue;
      expect(step.value.damage).toEqual([]);
      expect(step.value.facts).toBe(11);
      break;
    }
    db.close();
  });

  it("accepts a log all of whose samples are pruned before the proof comes to them", async () => {
    const { file, store, markFile } = await filledLog();
    const db = new DatabaseSync(file);
    const steps = verifyLog(db, readMark(markFile, publicPem));
    steps.next();
    await store.prune(50, 1_790_000_000_000);
    let step = steps.next();
    while (!step.done) step = steps.next();
    expect(step.value.damage).toEqual([]);
    db.close();
  });

  it("accepts a fact whose body retention emptied, and said so before", async () => {
    const { file, store, markFile } = await filledLog();
    const empty = () => {
      const db = new DatabaseSync(file);
      db.exec("UPDATE fact SET body = NULL WHERE offset = 6");
      db.close();
    };
    const declared = store.emptying.eventNow(["log.damaged"], 0, 6, 1_790_000_000_000);
    expect(declared).toMatchObject({ body: { through: 6, kinds: ["log.damaged"], count: 2 } });
    store.commitNow({ events: declared ? [declared] : [] });
    empty();
    expect(verdict(file, markFile).damage).toEqual([]);
  });

  it("finds a body that is gone although no fact says so", async () => {
    const { file, markFile } = await filledLog();
    const db = new DatabaseSync(file);
    db.exec("UPDATE fact SET body = NULL WHERE offset = 6");
    db.close();
    expect(verdict(file, markFile).damage).toMatchObject([{ chain: "fact", offset: 6 }]);
  });

  it.each([
    [
      "a changed sample",
      "UPDATE sample SET body = replace(body, '11000', '11001') WHERE offset = 7",
      "sample",
      7,
    ],
    ["a changed fact", 'UPDATE fact SET body = \'{"detail":"y"}\' WHERE offset = 6', "fact", 6],
    ["a changed arrival", "UPDATE fact SET at_ms = at_ms + 1 WHERE offset = 6", "fact", 6],
    ["a removed sample", "DELETE FROM sample WHERE offset = 8", "sample", 9],
    ["a removed fact", "DELETE FROM fact WHERE offset = 11", "fact", 16],
    ["a cut tail of samples", "DELETE FROM sample WHERE offset > 40", "sample", 50],
    ["a cut tail of facts", "DELETE FROM fact WHERE offset > 40", "fact", 46],
  ])("finds %s", async (_, sql, chain, offset) => {
    const { file, markFile } = await filledLog();
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
    expect(verdict(file, markFile).damage[0]).toMatchObject({ chain, offset });
  });

  it("finds a mark that somebody else wrote, and any changed byte of it", async () => {
    const { file, markFile } = await filledLog();
    const text = readFileSync(markFile);
    const { signature } = JSON.parse(String(text)) as { signature: string };
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: text.length - 2 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const changed = Buffer.from(text);
          changed[at] = (changed[at] ?? 0) ^ flip;
          writeFileSync(markFile, changed);
          const read = readMark(markFile, publicPem);
          const same =
            read.state === "valid" &&
            isDeepStrictEqual({ ...read.mark, signature }, JSON.parse(String(text)));
          expect(read.state === "invalid" || same).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
    writeFileSync(markFile, "{}");
    expect(verdict(file, markFile).damage[0]).toMatchObject({ chain: "mark" });
  });

  it("finds rows that a damaged WAL silently lost: SQLite opens it without an error", async () => {
    const dir = scratchDir();
    const file = join(dir, "log.db");
    const store = openSqliteStoreNow(file);
    for (let i = 0; i < 200; i += 1) store.commitNow({ events: [sample(i)] });
    const markFile = join(dir, "log.mark");
    writeMark(markFile, { ...store.readHead(), at: "2026-11-22T17:00:00Z" }, privateKey);
    // The files as a power cut leaves them: nobody closed the database, one bit of the WAL has rotted.
    const copy = join(dir, "copy.db");
    writeFileSync(copy, readFileSync(file));
    const wal = readFileSync(`${file}-wal`);
    const at = Math.floor(wal.length / 2);
    wal[at] = (wal[at] ?? 0) ^ 1;
    writeFileSync(`${copy}-wal`, wal);
    const seen = verdict(copy, markFile);
    expect(seen.samples).toBeLessThan(200);
    expect(seen.damage.map((d) => d.what)).toContain("the sample that the signed mark names is missing");
    await store.close();
  });
});

it("writes nothing when it opens a log that exists: there may be no room", async () => {
  const { file, store } = await filledLog();
  await store.close();
  const before = readFileSync(file);
  await openSqliteStoreNow(file).close();
  expect(readFileSync(file).equals(before)).toBe(true);
});
