/** A disk that fills with samples under the whole gateway: the oldest become minutes, and nothing else is felt. */
import { statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { logVerify } from "../../src/cli/log.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { createDatabase, INFLUXD, queryInflux, startInfluxd } from "../sinks/databases.ts";
import { compare, settle } from "./kill-harness.ts";
import { alertsOf, factsOf, logOf } from "./log-books.ts";
import { ackedBy, chargingStations, pace, secretOf, startGateway, until } from "./running-gateway.ts";
import { mountSmallDisk } from "./small-disk.ts";

const DEEP = process.env.DEEP === "1";
const MB = 1024 * 1024;
/** The fifth that stays free has to take what comes while pruning looks and a WAL is long, at full speed. */
const DISK_MB = DEEP ? 256 : 160;
/** What others have on the disk: the less is left, the sooner it is full. */
const OTHERS_MB = DEEP ? 0 : 88;
/** Load goes on until so many prefixes went, each a sixteenth of what there was. */
const PREFIXES = DEEP ? 40 : 5;

/** Messages a second at most: a fast machine fills the last fifth of so small a disk between two looks. */
const MOST_PER_S = DEEP ? 8_000 : 6_000;

function usedMb(dir: string): number {
  const { blocks, bavail, bsize } = statfsSync(dir);
  return ((blocks - bavail) * bsize) / MB;
}

test.skipIf(!INFLUXD)(
  "past 80 % of the disk samples become minutes: intake goes on, facts stay, a late InfluxDB is told what it missed",
  async (context) => {
    const influx = await startInfluxd(INFLUXD ?? "");
    onTestFinished(() => influx.stop());
    await createDatabase(influx.url, "depot");
    const { depot, gateway, operator } = await startGateway({
      sections: `influx: {url: "${influx.url}", mode: v1, database: depot}`,
      prepare({ data }) {
        mountSmallDisk(data, DISK_MB, context);
        writeFileSync(join(data, "of-others"), Buffer.alloc(OTHERS_MB * MB, 1));
      },
    });
    await influx.kill();
    const clients = await chargingStations(depot, { count: 20, window: 16, days: 5 });
    const early = Date.now();
    const unpace = pace(clients, MOST_PER_S);
    let [longestPauseMs, mostMb, lastAcked, lastMs] = [0, 0, 0, Date.now()];
    const pruned = () => factsOf(depot.data, "samples.pruned");
    const watch = setInterval(() => {
      mostMb = Math.max(mostMb, usedMb(depot.data));
      const acked = ackedBy(clients);
      if (acked > lastAcked) lastMs = Date.now();
      longestPauseMs = Math.max(longestPauseMs, Date.now() - lastMs);
      lastAcked = acked;
    }, 20);
    onTestFinished(() => clearInterval(watch));
    const first = await until("samples are pruned", async () => (await pruned())[0]);
    const ackedThen = ackedBy(clients);
    await until("more than once", async () => (await pruned()).length >= PREFIXES);
    await until("intake goes on meanwhile", () => ackedBy(clients) > ackedThen + 5_000);
    const id = clients[0]?.id ?? "";
    const query = new URLSearchParams({
      station: id,
      from: new Date(early - 60_000).toISOString(),
      step_s: "60",
    });
    const history = await fetch(`${depot.apiUrl}/api/v1/history?${query}`, {
      headers: { authorization: `Bearer ${secretOf(depot, "api-token")}` },
    });
    const { points } = (await history.json()) as { points: { ts: string; energy_import_wh?: number }[] };
    expect(Date.parse(points[0]?.ts ?? "")).toBeLessThanOrEqual(early);
    expect(points[0]?.energy_import_wh).toBeGreaterThan(1_000_000);

    await influx.revive();
    clearInterval(watch);
    unpace();
    await settle(clients);
    const stored = async () =>
      Number(
        (await queryInflux(influx.url, "depot", "SELECT count(energy_import_wh) FROM evse"))[0]
          ?.values[0]?.[1],
      );
    await until("InfluxDB gets what is left", async () => {
      const lag = /laddport_consumer_lag_events\{consumer="influx"\} (\d+)/.exec(await operator.metrics());
      return Number(lag?.[1]) === 0 && (await stored()) > 0;
    });
    expect((await operator.status()).alerts.map((a) => a.id)).toContain("influx_gap:influx");
    expect((await operator.health()).checks.disk?.status).not.toBe("failing");
    await sleep(500);
    expect(gateway.output).not.toContain("died");
    expect(await gateway.stop()).toBe(0);

    const said: string[] = [];
    const stdout = { write: (text: string) => void said.push(text) };
    expect(await logVerify({ data: depot.data }, { stdout, stderr: stdout }), said.join("")).toBe(0);
    const { messages, cdrsOf } = await logOf(depot.data);
    const verdict = compare(clients, messages, cdrsOf);
    expect(verdict.wrongCdrs).toEqual([]);
    expect(verdict.transactions).toBeGreaterThan(100);
    expect(verdict.doubled).toEqual([]);
    // Only samples may be gone: meter values, each of which counts in a minute, and confirmed limits.
    const inLog = new Set(messages.map((m) => `${m.station}/${m.boot}/${m.seq}`));
    const gone = clients.flatMap((c) => c.sent.filter((s) => !inLog.has(`${c.id}/${c.boot}/${s.seq}`)));
    const values = gone.filter(({ topic }) => topic.endsWith("/meter"));
    expect(gone.filter(({ topic }) => !/\/(meter|limit)$/.test(topic))).toEqual([]);
    const reader = openSqliteReader(join(depot.data, "log.db"));
    let kept = 0;
    for (const { id: station } of clients)
      for (const { samples } of await reader.minutes(station, 1, 0, Date.now() + 60_000, 1_000))
        kept += samples;
    await reader.close();
    expect(kept).toBe(values.length);

    expect(first.body.behind).toHaveProperty("influx");
    expect((await alertsOf(depot.data, "influx_gap")).raised).toBeGreaterThan(0);
    expect(await alertsOf(depot.data, "disk_full")).toEqual({ raised: 0, cleared: 0 });
    const size = statSync(join(depot.data, "log.db")).size / MB;
    expect(size).toBeLessThan(0.8 * DISK_MB - OTHERS_MB);
    console.log(
      `${DISK_MB} MB disk, at most ${mostMb.toFixed(1)} used, log ${size.toFixed(1)} MB; ${verdict.acked} acknowledged kept, ` +
        `${values.length} samples in minutes after ${(await pruned()).length} prefixes; longest pause ${longestPauseMs} ms`,
    );
  },
);
