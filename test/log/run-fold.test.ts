import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FoldRunner } from "../../src/log/run-fold.ts";
import { openSqliteStoreNow, type SqliteStore } from "../../src/log/sqlite-store.ts";
import type { Event } from "../../src/model/event.ts";
import type { Fold } from "../../src/model/fold.ts";
import { sample, scratchDir } from "./sample-events.ts";

/** Announces every tenth sample of a station, and counts its own announcements: a fold on raw and derived events. */
const everyTenth: Fold<{ samples: number; heard: number }> = {
  name: "every-tenth",
  version: 1,
  apply(parts, event, out) {
    const station = event.station ?? "";
    const part = parts.get(station) ?? { samples: 0, heard: 0 };
    parts.set(station, part);
    out.touched(station);
    if (event.type === "log.damaged") part.heard += 1;
    if (event.type !== "meter.sampled") return;
    part.samples += 1;
    if (part.samples % 10 === 0) {
      const key = `tenth:${station}:${part.samples}`;
      const body = { detail: `${part.samples} at ${event.offset}` };
      out.emit({ type: "log.damaged", atMs: event.atMs, station, key, body });
    }
  },
};

/** One turn of the ledger: commits new samples with what was emitted before, then folds. */
function turn(store: SqliteStore, runner: FoldRunner, samples: number[], withSnapshot: boolean): void {
  const derived = runner.emitted();
  const events = [...derived, ...samples.map((seq) => sample(seq, `cp-${seq % 3}`))];
  const snapshots = withSnapshot ? runner.snapshots() : [];
  const placed = store.commitNow({ events, snapshots });
  runner.committed(derived.length, withSnapshot);
  const fresh = events.flatMap((e, i) =>
    placed[i]?.duplicate ? [] : [{ ...e, offset: placed[i]?.offset } as Event],
  );
  runner.feed(fresh);
  while (runner.work(1000));
}

/** As a new thread does. */
function restarted(store: SqliteStore): FoldRunner {
  const runner = new FoldRunner([everyTenth]);
  let after = runner.restore((fold) => store.snapshotNow(fold));
  for (;;) {
    const { events, through } = store.readSync(after, 7);
    if (events.length === 0) return runner;
    runner.feed(events);
    while (runner.work(1000));
    after = through;
  }
}

const facts = (store: SqliteStore) =>
  store
    .readSync(0, 10_000)
    .events.filter((e) => e.type === "log.damaged")
    .map((e) => e.key);

describe("FoldRunner", () => {
  it("gives the same facts whatever the batches, snapshots and restarts", () => {
    const step = fc.record({
      size: fc.integer({ min: 0, max: 25 }),
      snapshot: fc.boolean(),
      restart: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), (steps) => {
        const store = openSqliteStoreNow(join(scratchDir(), "log.db"));
        let runner = restarted(store);
        let seq = 0;
        for (const { size, snapshot, restart } of steps) {
          turn(
            store,
            runner,
            Array.from({ length: size }, () => seq++),
            snapshot,
          );
          if (restart) runner = restarted(store);
        }
        for (let i = 0; i < 3; i += 1) turn(store, runner, [], false);
        const expected = [0, 1, 2].flatMap((s) => {
          const n = Math.floor((seq + 2 - s) / 3);
          return Array.from({ length: Math.floor(n / 10) }, (_, i) => `tenth:cp-${s}:${(i + 1) * 10}`);
        });
        expect(facts(store).sort()).toEqual(expected.sort());
        expect(facts(restartedAndSettled(store)).length).toBe(expected.length);
        void store.close();
      }),
      { numRuns: process.env.DEEP ? 500 : 8 },
    );
  });

  it("folds again from the start when the meaning of the state changed", () => {
    const store = openSqliteStoreNow(join(scratchDir(), "log.db"));
    turn(store, restarted(store), [1, 2, 3], false);
    turn(store, restarted(store), [], true);
    const newer = new FoldRunner([{ ...everyTenth, version: 2 }]);
    expect(newer.restore((fold) => store.snapshotNow(fold))).toBe(0);
  });

  it("works in slices and keeps what is left", () => {
    const runner = new FoldRunner([everyTenth]);
    runner.feed(Array.from({ length: 100 }, (_, i) => ({ ...sample(i), offset: i + 1 }) as Event));
    expect(runner.work(-1)).toBe(true);
    expect(runner.waiting).toBe(68);
    while (runner.work(1000));
    expect(runner.waiting).toBe(0);
    expect(runner.through).toBe(100);
  });
});

function restartedAndSettled(store: SqliteStore): SqliteStore {
  const runner = restarted(store);
  turn(store, runner, [], true);
  return store;
}
