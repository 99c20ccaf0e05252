/**
 * Catching up. Time series: 500 stations at a live rate, the database away for a while and back, points a second while
 * the load goes on. Upstream: a backlog of sealed summaries, of few and many CDRs, delivered over HTTP and over
 * MQTT to the simulated cloud, which opens every one of them: what that takes alone stands below.
 * Options: --stations N (500), --rate N a second (1000), --away S (20), --summaries N (2000).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { demoDepot, removeDepot } from "../faults/gateway-process.ts";
import {
  createDatabase,
  type Database,
  INFLUXD,
  startInfluxd,
  startVictoria,
  VICTORIA,
} from "../sinks/databases.ts";
import { drainBacklog, openBacklog, sealBacklog } from "./backlog.ts";
import { LoadConnections } from "./load-connections.ts";
import { Program } from "./processes.ts";

const { values } = parseArgs({
  options: {
    stations: { type: "string", default: "500" },
    rate: { type: "string", default: "1000" },
    away: { type: "string", default: "20" },
    summaries: { type: "string", default: "2000" },
  },
});
const [stations, rate, awayS, summaries] = [values.stations, values.rate, values.away, values.summaries].map(
  Number,
) as [number, number, number, number];
const WARM_UP_MS = 5_000;
/** Windows of ten seconds are held until they are over, so a sink that is abreast of the log still shows some lag. */
const ABREAST_EVENTS = 2 * rate;

async function lagOf(apiUrl: string): Promise<number> {
  const text = await (await fetch(`${apiUrl}/metrics`)).text();
  return Number(/laddport_consumer_lag_events\{consumer="influx"\} (\d+)/.exec(text)?.[1] ?? 0);
}

async function timeSeries(name: string, database: Database, section: string): Promise<string> {
  const depot = await demoDepot({ stations, sections: section });
  const command = ["src/cli.ts", "run", "--config", depot.config, "--data", depot.data];
  const gateway = new Program([process.execPath, ...command], { env: { LADDPORT__FLOWS__ENABLED: "false" } });
  const load = new LoadConnections();
  try {
    await gateway.says(/gateway up/);
    const logins = [...depot.passwords].slice(0, stations).map(([id, password]) => ({ id, password }));
    await load.open(depot.port, depot.site, logins);
    await load.openLoop(rate, WARM_UP_MS);
    await database.kill();
    await load.openLoop(rate, awayS * 1000);
    let isLoading = true;
    const live = (async () => {
      while (isLoading) await load.openLoop(rate, 1_000);
    })();
    await database.revive();
    const backlog = await lagOf(depot.apiUrl);
    // The sink comes back from its back-off by itself. Figures come twice a second: the last one without progress is
    // where it begins, so what is found is the least that it can have been.
    let [from, before] = [performance.now(), backlog];
    for (let lag = before; lag >= before; await sleep(20)) {
      if (lag > before) [from, before] = [performance.now(), lag];
      lag = await lagOf(depot.apiUrl);
    }
    const waiting = before;
    while ((await lagOf(depot.apiUrl)) > ABREAST_EVENTS) await sleep(20);
    const ms = performance.now() - from;
    isLoading = false;
    await live;
    const perSecond = ((waiting - ABREAST_EVENTS + (rate * ms) / 1000) / ms) * 1000;
    const { p99 } = load.percentiles();
    return row([
      name,
      waiting,
      Math.round(ms),
      Math.round(perSecond),
      `${(perSecond / rate).toFixed(1)} x`,
      p99.toFixed(1),
    ]);
  } finally {
    load.close();
    await gateway.stop();
    await database.stop();
    removeDepot(depot);
  }
}

const row = (cells: (string | number)[]): string =>
  cells.map((cell, i) => (i === 0 ? String(cell).padEnd(22) : String(cell).padStart(12))).join("");

const lines = [
  `${stations} stations, ${rate} readings/s live, database away for ${awayS} s`,
  row(["time series", "waiting", "ms", "events/s", "to live", "ack p99 ms"]),
];
if (VICTORIA) {
  const database = await startVictoria(VICTORIA);
  lines.push(
    await timeSeries("VictoriaMetrics", database, `influx: {url: "${database.url}", mode: victoria}`),
  );
}
if (INFLUXD) {
  const database = await startInfluxd(INFLUXD);
  await createDatabase(database.url, "depot");
  const section = `influx: {url: "${database.url}", mode: v1, database: depot}`;
  lines.push(await timeSeries("InfluxDB 1.x", database, section));
}
lines.push(
  "",
  `upstream, up to ${summaries} sealed summaries`,
  row(["", "CDRs each", "summaries", "summaries/s", "CDRs/s"]),
);
for (const cdrs of [1, 10, 100]) {
  const n = Math.ceil(summaries / Math.sqrt(cdrs));
  const ways = {
    http: await drainBacklog(n, cdrs, "http"),
    mqtt: await drainBacklog(n, cdrs, "mqtt"),
    "receiver opens, alone": (n / openBacklog(sealBacklog(n, cdrs))) * 1000,
  };
  for (const [way, perSecond] of Object.entries(ways))
    lines.push(row([way, cdrs, n, Math.round(perSecond), Math.round(perSecond * cdrs)]));
}
process.stdout.write(`${lines.join("\n")}\n`);
