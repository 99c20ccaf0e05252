import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSqliteStoreNow, type SqliteStore } from "../../src/log/sqlite-store.ts";
import { verifyAll } from "../../src/log/verify.ts";
import type { EventOf, NewEvent } from "../../src/model/event.ts";
import { Retention, type RetentionSettings } from "../../src/workers/retention.ts";
import { writtenLog } from "../cli/depot-log.ts";
import { sample, scratchDir } from "../log/sample-events.ts";

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const clocks = {
  eventDays: 90,
  seriesMonths: 25,
  booksYears: 7,
  fiscalYearEnd: "12-31",
  auditMonths: 24,
  timeZone: "Europe/Stockholm",
};

const settings = (data: string, over: Partial<RetentionSettings> = {}): RetentionSettings => ({
  dir: data,
  rawDays: 14,
  timeSeries: [],
  clocks,
  billsCursor: null,
  isOnHold: () => false,
  ...over,
});

/** A day of a small depot with its bills, all of it folded. */
async function depotLog(more: NewEvent[] = []) {
  const { data } = await writtenLog();
  const store = openSqliteStoreNow(join(data, "log.db"));
  onTestFinished(() => store.close());
  const at = store.span()?.from_ms ?? 0;
  store.commitNow({ events: more.map((event) => ({ ...event, atMs: at })) });
  fold(store);
  return { data, store, at };
}

function fold(store: SqliteStore): void {
  store.commitNow({
    events: [],
    snapshots: [{ fold: "sessions", version: 1, offset: store.lastOffset, parts: new Map() }],
  });
}

/** Works until there is nothing to do. */
function retain(store: SqliteStore, of: RetentionSettings, nowMs: number): NewEvent[] {
  const declared: NewEvent[] = [];
  const retention = new Retention(store, of);
  const declare = (event: NewEvent) => {
    store.commitNow({ events: [event] });
    declared.push(event);
    return true;
  };
  for (let pauses = 0; pauses < 2; ) pauses = retention.work(nowMs, declare) < 1_000 ? 0 : pauses + 1;
  return declared;
}

const types = (store: SqliteStore) => {
  const { events } = store.readSync(0, 100_000);
  return new Set(events.map(({ type }) => type));
};

function damageOf(data: string) {
  const db = new DatabaseSync(join(data, "log.db"), { readOnly: true });
  try {
    return verifyAll(db, { state: "absent" }).damage;
  } finally {
    db.close();
  }
}

const audit = (atMs: number): NewEvent => ({
  type: "audit.recorded",
  atMs,
  station: null,
  key: null,
  body: { actor: "anna", action: "session.read", object: "s3-3", reason: "asked", detail: {} },
});

describe("requirement 14: a moved clock proves deletion", () => {
  it("each kind goes with its own clock, and the chain holds after each", async () => {
    const { data, store, at } = await depotLog([audit(Date.UTC(2026, 0, 2))]);
    const of = settings(data);
    expect(retain(store, of, at + 10 * DAY_MS)).toEqual([]);
    expect(types(store)).toContain("meter.sampled");

    retain(store, of, at + 20 * DAY_MS);
    expect(types(store)).not.toContain("meter.sampled");
    expect(types(store)).toContain("transaction.ended");

    const [emptied] = retain(store, of, at + 91 * DAY_MS) as EventOf<"facts.emptied">[];
    expect(emptied).toMatchObject({ type: "facts.emptied", body: { count: 4 } });
    expect(emptied?.body.kinds).toContain("transaction.ended");
    expect(types(store)).not.toContain("transaction.ended");
    expect(types(store)).toContain("session.ended");
    expect(damageOf(data)).toEqual([]);
    const station = store.factsOfType("session.ended", 0, 1)[0]?.station ?? "";
    expect((await store.minutes(station, null, 0, at + YEAR_MS, 1_000)).length).toBeGreaterThan(0);

    expect(types(store)).toContain("audit.recorded");
    retain(store, of, at + 3 * YEAR_MS);
    expect(types(store)).not.toContain("audit.recorded");
    expect(await store.minutes(station, null, 0, at + YEAR_MS, 1_000)).toEqual([]);
    expect(types(store)).toContain("cdr.issued");

    retain(store, of, at + 10 * YEAR_MS);
    expect([...types(store)].sort()).toEqual([
      "facts.emptied",
      "gateway.started",
      "samples.pruned",
      "tariff.adopted",
    ]);
    expect(damageOf(data)).toEqual([]);
  });

  it("what was emptied is nowhere in the file, its hash still proves what it was", async () => {
    const { data, store, at } = await depotLog();
    const [bill] = store.factsOfType("cdr.issued", 0, 1);
    const hash = store.bodyHashAt(bill?.offset ?? 0);
    retain(store, settings(data), at + 10 * YEAR_MS);
    const db = new DatabaseSync(join(data, "log.db"));
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const bytes = db.prepare("SELECT count(*) AS n FROM fact WHERE body LIKE '%tok-%'").get();
    db.close();
    expect(bytes).toEqual({ n: 0 });
    expect(readFileSync(join(data, "log.db")).includes("tok-b")).toBe(false);
    expect(store.bodyHashAt(bill?.offset ?? 0)).toBe(hash);
    expect(await store.factByKey(bill?.key ?? "")).toMatchObject({ offset: bill?.offset, body: {} });
  });

  it("a fact that is appended again under the key of an emptied one is still a duplicate", async () => {
    const { data, store, at } = await depotLog();
    const [bill] = store.factsOfType("cdr.issued", 0, 1);
    retain(store, settings(data), at + 10 * YEAR_MS);
    const { offset: _, ...again } = bill as EventOf<"cdr.issued">;
    expect(store.commitNow({ events: [again] })).toEqual([{ offset: bill?.offset, duplicate: true }]);
  });
});

describe("what retention leaves alone", () => {
  it("requirement 18: a legal hold keeps every fact of its subject, until it ends", async () => {
    const { data, store, at } = await depotLog();
    const held = settings(data, { isOnHold: (ref) => ref === "tok-b" });
    const later = at + 10 * YEAR_MS;
    retain(store, held, later);
    const people = () => {
      const { events } = store.readSync(0, 100_000);
      const refs = events.map(({ body }) => (body as { token_ref?: string; cdr_token?: string }) ?? {});
      return new Set(refs.map(({ token_ref, cdr_token }) => token_ref ?? cdr_token).filter(Boolean));
    };
    expect(people()).toEqual(new Set(["tok-b"]));
    expect(types(store)).toContain("cdr.issued");
    expect(types(store)).toContain("transaction.started");
    expect(damageOf(data)).toEqual([]);
    retain(store, settings(data), later + DAY_MS);
    expect(people()).toEqual(new Set());
    expect(damageOf(data)).toEqual([]);
  });

  it("a hold that ends while the gateway runs frees its facts on the next day", async () => {
    const { data, store, at } = await depotLog();
    let isHeld = true;
    const retention = new Retention(store, settings(data, { isOnHold: () => isHeld }));
    const declare = (event: NewEvent) => store.commitNow({ events: [event] }).length === 1;
    const work = (nowMs: number) => {
      for (let idle = 0; idle < 2; ) idle = retention.work(nowMs, declare) < 1_000 ? 0 : idle + 1;
    };
    work(at + 10 * YEAR_MS);
    expect(types(store)).toContain("cdr.issued");
    isHeld = false;
    work(at + 10 * YEAR_MS + 1);
    expect(types(store)).toContain("cdr.issued");
    work(at + 10 * YEAR_MS + DAY_MS);
    expect(types(store)).not.toContain("cdr.issued");
  });

  it("bills that are not sealed yet stay, however old", async () => {
    const { data, store, at } = await depotLog();
    const of = settings(data, { billsCursor: "seal" });
    retain(store, of, at + 10 * YEAR_MS);
    expect(types(store)).toContain("cdr.issued");
    expect(types(store)).not.toContain("transaction.ended");
    store.commitNow({ events: [], cursors: new Map([["seal", store.lastOffset]]) });
    retain(store, of, at + 10 * YEAR_MS);
    expect(types(store)).not.toContain("cdr.issued");
  });

  it("nothing that a start would fold again is emptied", async () => {
    const { data } = await writtenLog();
    const store = openSqliteStoreNow(join(data, "log.db"));
    onTestFinished(() => store.close());
    expect(retain(store, settings(data), Date.UTC(2050, 0, 1))).toEqual([]);
    expect(types(store)).toContain("transaction.started");
  });
});

describe("emptying", () => {
  it("goes on after a kill between the declaration and the bodies", async () => {
    const { data, store, at } = await depotLog();
    const retention = new Retention(store, settings(data));
    let declared = 0;
    const declare = (event: NewEvent) => {
      store.commitNow({ events: [event] });
      declared += 1;
      return true;
    };
    for (let steps = 0; declared < 2 && steps < 100; steps += 1) retention.work(at + 91 * DAY_MS, declare);
    expect(types(store)).toContain("transaction.ended");
    expect(damageOf(data)).toEqual([]);
    // A new thread knows only the log.
    expect(retain(store, settings(data), at + 91 * DAY_MS)).toEqual([]);
    expect(types(store)).not.toContain("transaction.ended");
    expect(damageOf(data)).toEqual([]);
  });

  it("does nothing when the disk takes no declaration", async () => {
    const { data, store, at } = await depotLog();
    const retention = new Retention(store, settings(data));
    for (let i = 0; i < 50; i += 1) retention.work(at + 10 * YEAR_MS, () => false);
    expect(types(store)).toContain("transaction.ended");
    expect(types(store)).toContain("cdr.issued");
  });

  it("a body that somebody else emptied is damage, at its row", async () => {
    const { data, store } = await depotLog();
    const [bill] = store.factsOfType("cdr.issued", 0, 1);
    const db = new DatabaseSync(join(data, "log.db"));
    db.prepare("UPDATE fact SET body = NULL WHERE offset = ?").run(bill?.offset ?? 0);
    db.close();
    expect(damageOf(data)).toMatchObject([
      { chain: "fact", offset: bill?.offset, what: expect.stringContaining("no fact says") },
    ]);
  });

  it("takes long logs in slices: many facts, and minutes of many EVSEs", async () => {
    const dir = scratchDir();
    const store = openSqliteStoreNow(join(dir, "log.db"));
    onTestFinished(() => store.close());
    const at = Date.UTC(2026, 0, 1);
    const events: NewEvent[] = [];
    for (let i = 0; i < 1_500; i += 1) {
      events.push(audit(at + i));
      events.push(sample(i, `cp-${String(i % 40).padStart(3, "0")}`, at + i * 60_000));
    }
    store.commitNow({ events });
    fold(store);
    const declared = retain(store, settings(dir), at + 5 * YEAR_MS);
    expect(declared.filter(({ type }) => type === "facts.emptied")).toMatchObject([
      { body: { count: 1_500 } },
    ]);
    expect(store.factsOfType("audit.recorded", 0, 10)).toEqual([]);
    expect(store.emptying.evseAfter({ station: "", evse: -1 })).toBeUndefined();
    expect(damageOf(dir)).toEqual([]);
  });
});
