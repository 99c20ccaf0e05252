import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { runSink, type SinkRunner, type SinkRunnerOptions } from "../../src/log/run-sink.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { openSqliteStore } from "../../src/log/sqlite-store.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { createInfluxSink, type InfluxSinkOptions } from "../../src/sinks/influx.ts";
import { scratchDir } from "../log/sample-events.ts";
import {
  createDatabase,
  type Database,
  exportVictoria,
  INFLUXD,
  queryInflux,
  startInfluxd,
  startVictoria,
  VICTORIA,
} from "./databases.ts";
import { ended, event, metered, rated, T0 } from "./depot-events.ts";
import { type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

const STATIONS = Array.from({ length: 10 }, (_, i) => `cp-${String(i + 1).padStart(3, "0")}`);

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
    backoff: { firstMs: 5, maxMs: 50 },
  };
  return {
    store,
    options,
    errors,
    async append(events: NewEvent[]) {
      const places = await store.commit({ events });
      for (const listener of listeners) listener(places.at(-1)?.offset);
    },
  };
}

type Log = Awaited<ReturnType<typeof openLog>>;

async function startSink(log: Log, options: Pick<InfluxSinkOptions, "target"> & Partial<InfluxSinkOptions>) {
  const dead: string[] = [];
  const sink = createInfluxSink({
    site: "ringon",
    meters: new Map([["grid-1", [100, 100, 100]]]),
    deadLetter: (line, reason) => dead.push(`${line} -> ${reason}`),
    async findSession(id) {
      const found = await log.store.factByKey(`session.ended:${id}`);
      return found?.type === "session.ended" ? found.body : undefined;
    },
    batch: 200,
    lingerMs: 0,
    timeoutMs: 2_000,
    ...options,
  });
  const runner = runSink(sink, log.options);
  await runner.start();
  let over = false;
  const stop = async (graceMs?: number): Promise<void> => {
    if (over) return;
    over = true;
    await runner.stop(graceMs);
    sink.close();
  };
  onTestFinished(() => stop(100));
  return { runner, dead, stop };
}

/** Second by second, every station's register and power, and the expected `evse` points: last value in 10 s. */
function depotSeconds(from: number, to: number): NewEvent[] {
  const events: NewEvent[] = [];
  for (let s = from; s < to; s++) {
    STATIONS.forEach((station, i) => {
      events.push(
        metered(T0 + s * 1000 + i, station, 1, { power_w: powerAt(s, i), energy_import_wh: 1000 * i + s }),
      );
    });
  }
  return events;
}

const powerAt = (second: number, station: number): number => 1000 * station + second + 0.5;

function expectedPoints(
  seconds: number,
): [timeMs: number, station: string, power: number, register: number][] {
  const points: [number, string, number, number][] = [];
  for (let s = 0; s < seconds; s += 10) {
    const last = Math.min(s + 9, seconds - 1);
    STATIONS.forEach((station, i) => {
      points.push([T0 + s * 1000, station, powerAt(last, i), 1000 * i + last]);
    });
  }
  return points;
}

const closing = (seconds: number): NewEvent =>
  event("clock.ticked", T0 + seconds * 1000 + 60_000, null, { at: "" });
const caughtUp = (runner: SinkRunner, offset: number) =>
  vi.waitFor(() => expect(runner.status().cursor).toBe(offset), { timeout: 60_000, interval: 20 });

describe.skipIf(!INFLUXD)("InfluxDB 1.6", () => {
  let influx: Database;
  beforeAll(async () => {
    influx = await startInfluxd(INFLUXD ?? "");
  }, 60_000);
  afterAll(() => influx?.stop());

  async function evsePoints(db: string) {
    const rows = await queryInflux(influx.url, db, "SELECT station, power_w, energy_import_wh FROM evse");
    return rows[0]?.values ?? [];
  }

  it("has one value a minute in a database of its own, by a sink that is late or early on its own", async () => {
    await createDatabase(influx.url, "raw");
    await createDatabase(influx.url, "minutes");
    const log = await openLog();
    await log.append([...depotSeconds(0, 180), closing(180)]);
    const into = (database: string) => ({ mode: "v1", url: influx.url, database }) as const;
    const raw = await startSink(log, { target: into("raw") });
    const minutes = await startSink(log, { name: "influx_1m", target: into("minutes"), windowMs: 60_000 });
    await caughtUp(raw.runner, 1_801);
    await caughtUp(minutes.runner, 1_801);
    expect(await evsePoints("raw")).toHaveLength(180);
    const got = (await evsePoints("minutes")) as unknown[][];
    const expected = [0, 60, 120].flatMap((s) =>
      STATIONS.map((id, i) => [T0 + s * 1000, id, powerAt(s + 59, i), 1000 * i + s + 59]),
    );
    const order = (a: unknown[], b: unknown[]) =>
      Number(a[0]) - Number(b[0]) || String(a[1]).localeCompare(String(b[1]));
    expect(got.sort(order)).toEqual(expected);
  }, 60_000);

  it("has every point exactly once after it was killed and away, and after the sink itself was restarted", async () => {
    await createDatabase(influx.url, "outage");
    const log = await openLog();
    const target = { mode: "v1", url: influx.url, database: "outage" } as const;
    await log.append(depotSeconds(0, 35));
    const first = await startSink(log, { target });
    await vi.waitFor(() => expect(first.runner.status().delivered).toBe(350), {
      timeout: 30_000,
      interval: 20,
    });

    await influx.kill();
    for (let s = 35; s < 120; s += 5) {
      await log.append(depotSeconds(s, s + 5));
      await sleep(5);
    }
    await vi.waitFor(() => expect(first.runner.status().lastError).not.toBeNull(), { timeout: 10_000 });
    expect(first.runner.status().lastError?.code).toBe("INFLUX_UNREACHABLE");
    expect(first.runner.status().lagEvents).toBeGreaterThan(0);
    await first.stop();

    const second = await startSink(log, { target });
    await log.append(depotSeconds(120, 125));
    await influx.revive();
    await log.append([...depotSeconds(125, 300), closing(300)]);
    await caughtUp(second.runner, 3_001);

    const got = (await evsePoints("outage")) as unknown[][];
    const order = (a: unknown[], b: unknown[]) =>
      Number(a[0]) - Number(b[0]) || String(a[1]).localeCompare(String(b[1]));
    expect(got.sort(order)).toEqual(expectedPoints(300).sort(order));
    expect([...first.dead, ...second.dead]).toEqual([]);
  }, 120_000);

  it("sets aside only the lines of a field that has another type there", async () => {
    await createDatabase(influx.url, "conflict");
    await fetch(`${influx.url}/write?db=conflict&precision=ms`, {
      method: "POST",
      body: `evse,evse=1,site=ringon,station=other soc_pct="text" ${T0}`,
    });
    const log = await openLog();
    const events = depotSeconds(0, 20);
    events.push(metered(T0 + 25_000, "cp-003", 1, { power_w: 7, soc_pct: 50 }), closing(30));
    await log.append(events);
    const { runner, dead } = await startSink(log, {
      target: { mode: "v1", url: influx.url, database: "conflict" },
    });
    await caughtUp(runner, 202);
    expect(dead).toHaveLength(1);
    expect(dead[0]).toMatch(
      /^evse,evse=1,site=ringon,station=cp-003 power_w=7,soc_pct=50 \d+ -> .*field type conflict/,
    );
    const good = (await evsePoints("conflict")).filter((row) => row[1] !== "other");
    expect(good).toHaveLength(20);
  }, 60_000);

  it("sets aside what is older than the database keeps, and no other", async () => {
    await createDatabase(influx.url, "short", "1h");
    const log = await openLog();
    const now = Date.now();
    const at = (ms: number) => metered(ms, "cp-001", 1, { power_w: 1 });
    await log.append([
      at(now - 86_400_000),
      at(now - 82_800_000),
      at(now - 60_000),
      at(now - 30_000),
      at(now + 60_000),
    ]);
    const { runner, dead } = await startSink(log, {
      target: { mode: "v1", url: influx.url, database: "short" },
    });
    await caughtUp(runner, 4);
    expect(dead).toHaveLength(2);
    expect(dead[0]).toMatch(/beyond retention policy/);
    expect(await queryInflux(influx.url, "short", "SELECT count(power_w) FROM evse")).toMatchObject([
      { values: [[0, 2]] },
    ]);
  }, 60_000);

  it("waits for a database that is not there yet, and says how to make it", async () => {
    const log = await openLog();
    await log.append([...depotSeconds(0, 10), closing(10)]);
    const { runner } = await startSink(log, { target: { mode: "v1", url: influx.url, database: "later" } });
    await vi.waitFor(() => expect(runner.status().lastError?.attempts).toBeGreaterThan(1), {
      timeout: 20_000,
    });
    expect(runner.status().lastError?.message).toContain("influx -execute 'CREATE DATABASE \"later\"'");
    await createDatabase(influx.url, "later");
    await caughtUp(runner, 101);
    expect(await evsePoints("later")).toHaveLength(10);
  }, 60_000);
});

describe.skipIf(!VICTORIA)("VictoriaMetrics", () => {
  it("has every number once, also when all was written twice", async () => {
    const victoria = await startVictoria(VICTORIA ?? "");
    onTestFinished(() => victoria.stop());
    const log = await openLog();
    const session = ended();
    await log.append([
      ...depotSeconds(0, 60),
      {
        ...event("session.ended", T0 + 60_000, "cp-001", session),
        key: "session.ended:session-4711",
      } as NewEvent,
      rated("12.34"),
      closing(3_700),
    ]);
    const target = { mode: "victoria", url: victoria.url } as const;
    const once = await startSink(log, { target });
    await caughtUp(once.runner, 603);
    const again = await startSink(log, { target, name: "influx-again" });
    await caughtUp(again.runner, 603);

    const power = await exportVictoria(victoria.url, '{__name__="evse_power_w"}');
    const got = power.flatMap((s) => s.timestamps.map((ms, i) => [ms, s.metric.station, s.values[i]]));
    const key = (row: unknown[]) => `${row[1]} ${row[0]}`;
    const order = (a: unknown[], b: unknown[]) => key(a).localeCompare(key(b));
    expect(got.sort(order)).toEqual(
      expectedPoints(60)
        .map(([ms, station, p]) => [ms, station, p])
        .sort(order),
    );
    const [cost] = await exportVictoria(victoria.url, '{__name__="session_end_cost_minor"}');
    expect(cost).toMatchObject({
      metric: { site: "ringon", stop_reason: "ev_disconnected" },
      values: [1234],
    });
  }, 120_000);
});

describe("an InfluxDB 2.x that misbehaves", () => {
  async function scripted(): Promise<ScriptedServer> {
    const server = await startScriptedServer();
    onTestFinished(() => server.stop());
    return server;
  }
  const at = (server: ScriptedServer) =>
    ({ mode: "v2", url: server.url, org: "depot", bucket: "raw", token: "t" }) as const;

  it("gets every point in the end, whatever it answers on the way", async () => {
    const server = await scripted();
    const stored = new Set<string>();
    let turn = 0;
    server.answer = ({ lines }) => {
      turn += 1;
      if (turn % 5 === 1) return { status: 429, headers: { "retry-after": "0" } };
      if (turn % 5 === 2) return { status: 503, body: "no shards" };
      if (turn % 5 === 3) return { status: 401, body: "unauthorized" };
      for (const line of lines) stored.add(line);
      return turn % 5 === 4 ? "lost" : { status: 204 };
    };
    const log = await openLog();
    await log.append([...depotSeconds(0, 100), closing(100)]);
    const { runner, dead } = await startSink(log, { target: at(server) });
    await caughtUp(runner, 1_001);
    expect(dead).toEqual([]);
    for (const { lines } of server.requests) expect(new Set(lines).size).toBe(lines.length);
    expect([...stored].sort()).toEqual(
      expectedPoints(100)
        .map(
          ([ms, s, p, r]) => `evse,evse=1,site=ringon,station=${s} power_w=${p},energy_import_wh=${r}i ${ms}`,
        )
        .sort(),
    );
    expect(new Set(log.errors.map((e) => ("code" in e ? e.code : e.message)))).toEqual(
      new Set(["INFLUX_BUSY", "INFLUX_UNAUTHORIZED", "INFLUX_UNREACHABLE"]),
    );
  }, 60_000);

  it("writes the cost of a bill that comes after a restart, and reports one without a session", async () => {
    const server = await scripted();
    const log = await openLog();
    const first = await startSink(log, { target: at(server) });
    await log.append([
      { ...event("session.ended", T0, "cp-001", ended()), key: "session.ended:session-4711" } as NewEvent,
    ]);
    await caughtUp(first.runner, 1);
    await first.stop();
    const second = await startSink(log, { target: at(server) });
    await log.append([rated("99.50"), rated("1", "SEK", "nobody"), closing(0)]);
    await caughtUp(second.runner, 4);
    expect(server.requests.flatMap((r) => r.lines).at(-1)).toBe(
      `session_end,evse=1,site=ringon,station=cp-001,stop_reason=ev_disconnected cost_minor=9950i ${T0 + 3_600_500}`,
    );
    expect(second.dead).toEqual(["cdr.issued 3 -> no session.ended in the log for CDR cdr-1"]);
  }, 60_000);

  it("gets the gateway's own figures once a window, and not from each retry", async () => {
    const server = await scripted();
    let answers = 0;
    server.answer = () => (answers++ < 5 ? { status: 503 } : { status: 204 });
    const log = await openLog();
    let nowMs = T0 + 123_456 - 20_000;
    const { runner } = await startSink(log, {
      target: at(server),
      nowMs: () => (nowMs += 20_000),
      gateway: () => [{ consumer: "influx", lagEvents: 41_250, rssMb: 180.5, loopP99Ms: 12 }],
      allocator: () => ({ demandW: 220_800, offeredW: 165_600, curtailedW: 55_200, cycleMs: 2.5 }),
    });
    await log.append([closing(0)]);
    await caughtUp(runner, 1);
    await log.append([closing(1)]);
    await caughtUp(runner, 2);
    const lines = (ms: number) => [
      `gateway,consumer=influx,site=ringon lag_events=41250i,rss_mb=180.5,loop_p99_ms=12 ${ms}`,
      `allocator,site=ringon demand_w=220800,offered_w=165600,curtailed_w=55200,cycle_ms=2.5 ${ms}`,
    ];
    expect(server.requests.map((r) => r.lines)).toEqual([
      ...Array.from({ length: 6 }, () => lines(T0 + 120_000)),
      lines(T0 + 140_000),
    ]);
  }, 60_000);
});
