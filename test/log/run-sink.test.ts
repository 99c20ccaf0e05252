import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  DeliveryError,
  runSink,
  type Sink,
  type SinkRunner,
  type SinkRunnerOptions,
} from "../../src/log/run-sink.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { openSqliteStore } from "../../src/log/sqlite-store.ts";
import type { Event } from "../../src/model/event.ts";
import { fact, sample, scratchDir } from "./sample-events.ts";

/** A real log with a writer, a reader on a connection of its own, and the wake-up between them. */
async function openLog() {
  const file = join(scratchDir(), "log.sqlite");
  const store = await openSqliteStore(file);
  const reader = openSqliteReader(file);
  const listeners = new Set<(head?: number) => void>();
  onTestFinished(async () => {
    await reader.close();
    await store.close();
  });
  const errors: Error[] = [];
  let seq = 0;
  const options: SinkRunnerOptions = {
    reader,
    commitCursor: async (name, offset) => {
      await store.commit({ events: [], cursors: new Map([[name, offset]]) });
    },
    wake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onError: (_name, error) => errors.push(error),
    backoff: { firstMs: 1, maxMs: 4 },
  };
  return {
    store,
    options,
    errors,
    listeners,
    async append(samples: number, facts = 0) {
      const events = [
        ...Array.from({ length: samples }, () => sample(seq++)),
        ...Array.from({ length: facts }, () => fact(`f${seq++}`)),
      ];
      const placed = await store.commit({ events });
      for (const listener of listeners) listener(placed.at(-1)?.offset);
    },
  };
}

function collector(extra: Partial<Sink> = {}) {
  const got: number[] = [];
  const batches: number[] = [];
  const sink: Sink = {
    name: "collector",
    batch: 10,
    async deliver(events) {
      got.push(...events.map((e) => e.offset));
      batches.push(events.length);
    },
    ...extra,
  };
  return { sink, got, batches };
}

async function started(sink: Sink, options: SinkRunnerOptions): Promise<SinkRunner> {
  const runner = runSink(sink, options);
  await runner.start();
  onTestFinished(() => runner.stop(100));
  return runner;
}

const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => from + i);
const settled = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 5 });

describe("a sink's runner", () => {
  it("delivers every event once and in order, in bounded batches, across restarts", async () => {
    const log = await openLog();
    await log.append(25);
    const { sink, got, batches } = collector();
    const first = await started(sink, log.options);
    await settled(() => expect(got).toEqual(upTo(25)));
    await log.append(3, 2);
    await settled(() => expect(got).toEqual(upTo(30)));
    await first.stop();
    expect(await log.store.cursor("collector")).toBe(30);
    expect(Math.max(...batches)).toBe(10);
    expect(first.status()).toEqual({
      cursor: 30,
      delivered: 30,
      lagEvents: 0,
      oldestUnsentMs: null,
      lastError: null,
    });

    await log.append(5);
    await started(sink, log.options);
    await settled(() => expect(got).toEqual(upTo(35)));
    expect(log.errors).toEqual([]);
  });

  it("moves the cursor only after the outside has confirmed", async () => {
    const log = await openLog();
    await log.append(10);
    const gate = Promise.withResolvers<void>();
    const { sink } = collector({ deliver: () => gate.promise });
    const runner = await started(sink, log.options);
    await sleep(30);
    expect(await log.store.cursor("collector")).toBe(0);
    gate.resolve();
    await settled(async () => expect(await log.store.cursor("collector")).toBe(10));
    expect(runner.status().delivered).toBe(10);
  });

  it("gives the same events again after a failure, with back-off, and tells of it and of the recovery", async () => {
    const log = await openLog();
    await log.append(10);
    let failures = 5;
    const tries: number[][] = [];
    const recovered: string[] = [];
    const { sink } = collector({
      async deliver(events) {
        tries.push(events.map((e) => e.offset));
        if (failures-- > 0) throw new DeliveryError("AWAY", "The other side is away.", "Switch it on.");
      },
    });
    const runner = await started(sink, { ...log.options, onRecovered: (name) => recovered.push(name) });
    await settled(() => expect(runner.status().cursor).toBe(10));
    expect(tries).toEqual(Array.from({ length: 6 }, () => upTo(10)));
    expect(log.errors).toHaveLength(5);
    expect(recovered).toEqual(["collector"]);
    expect(runner.status().lastError).toBeNull();
  });

  it("shows lag, age and the error while the other side is away, and stops at once", async () => {
    const log = await openLog();
    await log.append(10);
    const { sink } = collector({
      async deliver() {
        throw new DeliveryError("AWAY", "The other side is away.", "Switch it on.", { retryAfterMs: 60_000 });
      },
    });
    const runner = await started(sink, log.options);
    await settled(() => expect(runner.status().lastError).not.toBeNull());
    await log.append(7);
    expect(runner.status()).toMatchObject({
      cursor: 0,
      delivered: 0,
      lagEvents: 17,
      oldestUnsentMs: sample(0).atMs,
      lastError: { code: "AWAY", message: "The other side is away. Switch it on.", attempts: 1 },
    });
    await runner.stop();
    expect(log.errors).toHaveLength(1);
    expect(await log.store.cursor("collector")).toBe(0);
  });

  it("stays away for as long as the other side asked", async () => {
    const log = await openLog();
    await log.append(1);
    const at: number[] = [];
    const { sink } = collector({
      async deliver() {
        at.push(performance.now());
        if (at.length === 1) throw new DeliveryError("BUSY", "Busy.", "Wait.", { retryAfterMs: 150 });
      },
    });
    await started(sink, log.options);
    await settled(() => expect(at).toHaveLength(2));
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(140);
  });

  it("backs off up to its ceiling, with jitter", async () => {
    const log = await openLog();
    await log.append(1);
    const at: number[] = [];
    const { sink } = collector({
      async deliver() {
        at.push(performance.now());
        throw new Error("no");
      },
    });
    const runner = await started(sink, {
      ...log.options,
      backoff: { firstMs: 8, maxMs: 64 },
      random: () => 0,
    });
    await settled(() => expect(at.length).toBeGreaterThanOrEqual(6));
    await runner.stop();
    // Half of 8, 16, 32, 64, 64: jitter at its least.
    const least = [4, 8, 16, 32, 32];
    least.forEach((ms, i) => {
      expect((at[i + 1] ?? 0) - (at[i] ?? 0)).toBeGreaterThan(ms - 2);
    });
    expect(runner.status().lastError?.code).toBe("DELIVERY_FAILED");
  });

  it("passes over other types without delivering, and its cursor does not stay behind for ever", async () => {
    const log = await openLog();
    await log.append(500, 1);
    await log.append(500);
    const { sink, got } = collector({ types: ["log.damaged"] });
    const runner = await started(sink, log.options);
    await settled(() => expect(runner.status().delivered).toBe(1001));
    expect(got).toEqual([501]);
    await runner.stop();
    expect(await log.store.cursor("collector")).toBe(1001);
  });

  it("begins at the head only when it never ran before", async () => {
    const log = await openLog();
    await log.append(20);
    const { sink, got } = collector({ startAt: "head" });
    const first = await started(sink, log.options);
    await log.append(2);
    await settled(() => expect(got).toEqual([21, 22]));
    await first.stop();
    await log.append(3);
    await started(sink, log.options);
    await settled(() => expect(got).toEqual([21, 22, 23, 24, 25]));
  });

  it("keeps the cursor where the sink holds it, and gives what lies behind again after a restart", async () => {
    const log = await openLog();
    await log.append(30);
    const { sink, got } = collector();
    const holding: Sink = {
      ...sink,
      async deliver(events: Event[]) {
        await sink.deliver(events);
        return (events.at(-1)?.offset ?? 0) - 4;
      },
    };
    const first = await started(holding, log.options);
    await settled(() => expect(got).toEqual(upTo(30)));
    await first.stop();
    expect(await log.store.cursor("collector")).toBe(26);
    got.length = 0;
    await started(holding, log.options);
    await settled(() => expect(got).toEqual(upTo(30, 27)));
  });

  it("waits for company before it delivers less than a full batch", async () => {
    const log = await openLog();
    await log.append(3);
    const { sink, got, batches } = collector({ lingerMs: 700 });
    await started(sink, log.options);
    await log.append(3);
    await settled(() => expect(got).toEqual(upTo(6)));
    expect(batches).toEqual([6]);
  });

  it("reads the next batch while one is in flight", async () => {
    const log = await openLog();
    await log.append(30);
    const gate = Promise.withResolvers<void>();
    const reads: number[] = [];
    const { sink } = collector({ deliver: () => gate.promise });
    const { reader } = log.options;
    await started(sink, {
      ...log.options,
      reader: {
        head: () => reader.head(),
        cursor: (name) => reader.cursor(name),
        read: (after, o) => {
          reads.push(after);
          return reader.read(after, o);
        },
      },
    });
    await settled(() => expect(reads).toEqual([0, 10]));
    gate.resolve();
  });

  it("goes on when the log could not be read or the cursor not written for a while", async () => {
    const log = await openLog();
    await log.append(40);
    const { sink, got } = collector();
    const { reader, commitCursor } = log.options;
    let turn = 0;
    const shaky = <T>(work: () => Promise<T>): Promise<T> =>
      turn++ % 3 === 1 ? Promise.reject(new Error("database is locked")) : work();
    const runner = await started(sink, {
      ...log.options,
      reader: {
        head: () => reader.head(),
        cursor: (name) => reader.cursor(name),
        read: (after, o) => shaky(() => reader.read(after, o)),
      },
      commitCursor: (name, offset) => shaky(() => commitCursor(name, offset)),
    });
    await settled(() => expect(runner.status().cursor).toBe(40));
    expect(got).toEqual(upTo(40));
    expect(log.errors.length).toBeGreaterThan(3);
  });

  it("does not wait for ever for a delivery that hangs, and leaves it owed", async () => {
    const log = await openLog();
    await log.append(5);
    const { sink } = collector({ deliver: () => new Promise(() => {}) });
    const runner = await started(sink, log.options);
    await sleep(20);
    await runner.stop(30);
    expect(await log.store.cursor("collector")).toBe(0);
    expect(log.listeners.size).toBe(0);
  });
});
