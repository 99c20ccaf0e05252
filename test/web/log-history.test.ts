import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteStore, type SqliteStore } from "../../src/log/sqlite-store.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { historyFromLog, recentFacts } from "../../src/web/log-history.ts";
import { ended, event, metered, T0 } from "../sinks/depot-events.ts";

let store: SqliteStore;
const dir = mkdtempSync(join(tmpdir(), "laddport-history-"));

/** Two hours, two stations, a reading every 5 s; every 600 s a session ends. */
beforeAll(async () => {
  store = await openSqliteStore(join(dir, "log.sqlite"));
  const events: NewEvent[] = [];
  for (let s = 0; s < 7200; s += 5) {
    for (const station of ["cp-001", "cp-002"]) {
      events.push(metered(T0 + s * 1000, station, 1, { power_w: s, energy_import_wh: s }));
    }
    if (s % 600 === 0) {
      events.push({
        ...event("session.ended", T0 + s * 1000, "cp-001", ended({ session_id: `s${s}` })),
        key: `session.ended:s${s}`,
      } as NewEvent);
    }
  }
  events.push(
    event("setpoint.sent", T0 + 7_200_000, "cp-001", {
      evse: 1,
      rev: 1,
      limit_a: 10,
      phases: 3,
      valid_for_s: 60,
      fallback_a: 6,
      reason: "fair_share",
    }),
    event("status.reported", T0 + 7_200_001, "cp-001", {
      evse: 2,
      ts: "2026-11-22T19:00:00Z",
      boot: null,
      seq: null,
      connector_state: "occupied",
      charging_state: "charging",
    }),
  );
  await store.commit({ events });
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const ask = { station: "cp-001", fromMs: T0, toMs: T0 + 10_000_000, stepMs: 60_000, limit: 1_000 };

describe("history from the log", () => {
  it("has the last values of every step, of one station and the asked time", async () => {
    const { points, truncated } = await historyFromLog(store, {
      ...ask,
      fromMs: T0 + 3_600_000,
      toMs: T0 + 3_720_000,
    });
    expect(truncated).toBe(false);
    expect(points).toEqual([
      { ts: "2026-11-22T18:00:00.000Z", evse: 1, power_w: 3655, energy_import_wh: 3655 },
      { ts: "2026-11-22T18:01:00.000Z", evse: 1, power_w: 3715, energy_import_wh: 3715 },
    ]);
  });

  it("adds limits and states, and can be asked for one EVSE", async () => {
    const { points } = await historyFromLog(store, { ...ask, fromMs: T0 + 7_200_000 });
    expect(points).toEqual([
      { ts: "2026-11-22T19:00:00.000Z", evse: 1, limit_a: 10 },
      { ts: "2026-11-22T19:00:00.000Z", evse: 2, connector_state: "occupied", charging_state: "charging" },
    ]);
    const one = await historyFromLog(store, { ...ask, fromMs: T0 + 7_200_000, evse: 2 });
    expect(one.points).toHaveLength(1);
  });

  it("says when there is more than was asked for or may be read", async () => {
    const short = await historyFromLog(store, { ...ask, limit: 7 });
    expect(short.points).toHaveLength(7);
    expect(short.truncated).toBe(true);
    const bounded = await historyFromLog(store, ask, 500);
    expect(bounded.truncated).toBe(true);
    expect(bounded.points.length).toBeGreaterThan(0);
  });

  it("starts reading near the asked time, not at the beginning", async () => {
    let read = 0;
    const counting = {
      head: () => store.head(),
      minutes: store.minutes.bind(store),
      read: async (...args: Parameters<SqliteStore["read"]>) => {
        const page = await store.read(...args);
        read += page.events.length;
        return page;
      },
    };
    await historyFromLog(counting, { ...ask, fromMs: T0 + 7_100_000 });
    expect(read).toBeLessThan(100);
  });

  it("answers with one-minute aggregates where samples were pruned, and with samples after that", async () => {
    const pruned = await openSqliteStore(join(dir, "pruned.sqlite"));
    // At minute 2 and a half: the rest of that minute is there as samples.
    const at = (s: number) => metered(T0 + s * 1000, "cp-001", 1, { power_w: s, energy_import_wh: s });
    await pruned.commit({ events: Array.from({ length: 60 }, (_, i) => at(i * 5)) });
    await pruned.prune(10, T0);
    await pruned.prune(30, T0);
    const { points } = await historyFromLog(pruned, { ...ask, stepMs: 30_000 });
    expect(points.map((p) => [p.power_w, p.energy_import_wh])).toEqual([
      [28, 55],
      [88, 115],
      [133, 145],
      [175, 175],
      [205, 205],
      [235, 235],
      [265, 265],
      [295, 295],
    ]);
    const three = await historyFromLog(pruned, { ...ask, limit: 1 });
    expect([three.points.length, three.truncated]).toEqual([1, true]);
    await pruned.close();
  });

  it("is empty outside the log's time and for a station that is not in it", async () => {
    expect(await historyFromLog(store, { ...ask, fromMs: T0 + 9_000_000 })).toEqual({
      points: [],
      truncated: false,
    });
    expect(await historyFromLog(store, { ...ask, fromMs: 0, toMs: T0 })).toEqual({
      points: [],
      truncated: false,
    });
    expect((await historyFromLog(store, { ...ask, station: "cp-009" })).points).toEqual([]);
  });
});

describe("recent facts", () => {
  it("are the newest of a type, newest first", async () => {
    const ids = async (limit: number): Promise<string[]> =>
      (await recentFacts(store, ["session.ended"], limit)).map((e) => e.key ?? "");
    expect(await ids(3)).toEqual(["session.ended:s6600", "session.ended:s6000", "session.ended:s5400"]);
    expect(await ids(100)).toHaveLength(12);
    expect(new Set(await ids(100)).size).toBe(12);
    expect(await recentFacts(store, ["cdr.issued"], 5)).toEqual([]);
  });
});
