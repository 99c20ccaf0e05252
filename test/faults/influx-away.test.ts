/** InfluxDB killed under the whole gateway's load: nobody waits for it, and what it missed is in it once afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createDatabase, INFLUXD, queryInflux, startInfluxd } from "../sinks/databases.ts";
import { settle } from "./kill-harness.ts";
import { alertsOf, expectBooksToAgree } from "./log-books.ts";
import { ackedBy, chargingStations, pace, startGateway, until } from "./running-gateway.ts";
import type { StationClient } from "./station-client.ts";

const DEEP = process.env.DEEP === "1";
const LIVE_MS = DEEP ? 30_000 : 1_000;
const AWAY_MS = DEEP ? 60_000 : 1_000;
/** The load goes on while the sink catches up, so that an outage takes longer than its length to be worked off. */
const CATCH_UP_MS = DEEP ? 300_000 : 120_000;
/** Three times what the largest depot of 1,000 stations sends in a second. */
const MOST_PER_S = 3_000;
/** A window closes five seconds of log time after the last arrival; then any event hands its point over. */
const GRACE_MS = 5_500;

type Point = [station: string, timeMs: number, energyWh: number];
const byName = (points: Point[]): string[] => points.map((p) => p.join(" ")).sort();

/** Stations report once in ten seconds of their own time, and a point is what ten seconds had last: one each. */
function pointsOwed(clients: StationClient[]): Point[] {
  return clients.flatMap(({ id, sent }) =>
    sent
      .filter(({ topic }) => topic.endsWith("/meter"))
      .map(({ payload }): Point => {
        const { ts, energy_import_wh } = JSON.parse(payload) as { ts: string; energy_import_wh: number };
        return [id, Math.floor(Date.parse(ts) / 10_000) * 10_000, energy_import_wh];
      }),
  );
}

test.skipIf(!INFLUXD)(
  "InfluxDB away: load is acknowledged and billed, and every sample is there once",
  async () => {
    const influx = await startInfluxd(INFLUXD ?? "");
    onTestFinished(() => influx.stop());
    await createDatabase(influx.url, "depot");
    const { depot, gateway, operator } = await startGateway({
      sections: `influx: {url: "${influx.url}", mode: v1, database: depot}`,
    });
    const stored = async (): Promise<number> => {
      const [counted] = await queryInflux(influx.url, "depot", "SELECT count(energy_import_wh) FROM evse");
      return Number(counted?.values[0]?.[1] ?? 0);
    };
    const influxCheck = async (status: string) => (await operator.health()).checks.influx?.status === status;

    const clients = await chargingStations(depot, { count: 20, window: 4, days: 5 });
    pace(clients, MOST_PER_S);
    const liveFromMs = Date.now();
    await sleep(LIVE_MS);
    const live = { points: pointsOwed(clients).length, ms: Date.now() - liveFromMs };
    await until(
      "connections are in it",
      async () => (await queryInflux(influx.url, "depot", "SELECT * FROM evse_state")).length > 0,
    );

    await influx.kill();
    const ackedBefore = ackedBy(clients);
    await until("the gateway says so", () => influxCheck("degraded"));
    await sleep(AWAY_MS);
    const ackedAway = ackedBy(clients) - ackedBefore;
    expect(ackedAway, "acknowledged while InfluxDB was away").toBeGreaterThan(500);

    await influx.revive();
    const [before, backlog] = [await stored(), pointsOwed(clients).length];
    const backAtMs = Date.now();
    let retriedMs = 0;
    const caughtUp = async () => {
      const [atMs, points] = [Date.now() - backAtMs, await stored()];
      if (points === before) retriedMs = atMs;
      return points >= backlog && atMs;
    };
    const caughtUpMs = await until("the backlog arrives, under load", caughtUp, CATCH_UP_MS);
    await settle(clients);
    const owed = pointsOwed(clients);
    await sleep(GRACE_MS);
    for (const c of clients) c.drop();
    await until("all points arrive", async () => (await stored()) >= owed.length, CATCH_UP_MS);
    await until("the gateway says that it is back", () => influxCheck("ok"));
    expect(await gateway.stop()).toBe(0);

    const series = await queryInflux(
      influx.url,
      "depot",
      "SELECT energy_import_wh FROM evse GROUP BY station",
    );
    const found = series.flatMap(({ tags, values }) =>
      values.map(([timeMs, wh]): Point => [tags?.station ?? "", Number(timeMs), Number(wh)]),
    );
    expect(byName(found)).toEqual(byName(owed));
    expect(new Set(byName(owed)).size).toBe(owed.length);
    const { acked, transactions } = await expectBooksToAgree(depot, clients);
    const ended = await queryInflux(influx.url, "depot", "SELECT count(cost_minor) FROM session_end");
    expect(ended[0]?.values[0]?.[1]).toBe(transactions);
    const { raised, cleared } = await alertsOf(depot.data, "influx_down");
    expect(cleared).toBe(raised);
    const rate = (points: number, ms: number) => `${Math.round((1000 * points) / ms)} points/s`;
    console.log(
      `${acked} acknowledged, ${ackedAway} of them while InfluxDB was away; ${owed.length} points owed, ${found.length} ` +
        `found; live ${rate(live.points, live.ms)}; ${retriedMs} ms after it was back the first of ${backlog - before} ` +
        `missing came, the last ${caughtUpMs - retriedMs} ms later: ${rate(backlog - before, caughtUpMs - retriedMs)}`,
    );
  },
);
