/**
 * What a user would build instead: Debian's mosquitto and a stock Node-RED flow (mqtt in, json, a function that tracks
 * the session, InfluxDB out) with Debian's InfluxDB, under the same generator and pinning as `ingest.ts`; the database
 * shares core 1 with the generator, for both. Searches the highest rate at which that loses no message, and compares it
 * with the durable throughput of the gateway into the same kind of database in the same run.
 * The InfluxDB node comes from npm into a folder of this run. Options: --slice MS (10000), --connections N (500), --json FILE.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "../../src/gateway/free-port.ts";
import { type DemoDepot, demoDepot, removeDepot } from "../faults/gateway-process.ts";
import { createDatabase, INFLUXD, queryInflux, startInfluxd } from "../sinks/databases.ts";
import { LoadConnections, type Login } from "./load-connections.ts";
import { median, Program } from "./processes.ts";

const INFLUX_NODE = "node-red-contrib-influxdb@0.7.0";
/** Messages a second tried, each about a fifth more than the one before. */
const LADDER = [300, 500, 700, 1000, 1200, 1450, 1750, 2100, 2500, 3000, 3600, 4300, 5200, 6200, 7500, 9000];
const GATEWAY_ROUNDS = 9;
const STOCK = "stock";
const OURS = "depot";

const { values } = parseArgs({
  options: {
    slice: { type: "string", default: "10000" },
    connections: { type: "string", default: "500" },
    json: { type: "string" },
    pinned: { type: "boolean", default: false },
  },
});
const sliceMs = Number(values.slice);
const node = process.execPath;

async function bench(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "laddport-stock-"));
  const depot = await demoDepot({ stations: Number(values.connections) });
  const logins = [...depot.passwords]
    .slice(0, Number(values.connections))
    .map(([id, password]): Login => ({ id, password }));
  if (!INFLUXD) throw new Error("influxd is not installed: apt-get install influxdb");
  const database = await startInfluxd(INFLUXD);
  try {
    await Promise.all([STOCK, OURS].map((name) => createDatabase(database.url, name)));
    const stock = await highestLossless(dir, database.url, depot.site, logins);
    const ours = await durable(depot, database.url, logins);
    const report = {
      connections: logins.length,
      stock_lossless_per_s: stock,
      laddport_per_s: ours,
      times: ours / stock,
    };
    console.log(`mosquitto + stock flow, no message lost   up to ${stock} msg/s`);
    console.log(`laddport, every message durable           ${ours} msg/s`);
    console.log(`times                                     ${report.times.toFixed(1)}`);
    if (values.json) writeFileSync(values.json, JSON.stringify(report, null, 2));
  } finally {
    await database.stop();
    removeDepot(depot);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function highestLossless(dir: string, influx: string, site: string, logins: Login[]): Promise<number> {
  const port = await freePort();
  writeFileSync(join(dir, "mosquitto.conf"), `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\n`);
  const mosquitto = new Program(["mosquitto", "-c", join(dir, "mosquitto.conf")], { cpus: "0,1" });
  const red = new Program(nodeRed(dir, port, influx, await freePort()), { cpus: "0,1" });
  const load = new LoadConnections();
  try {
    await red.says(/Connected to broker/);
    await load.open(port, site, logins);
    await load.openLoop(50, 3000);
    await settled(influx);
    let best = 0;
    for (const rate of LADDER) {
      const before = await linesOf(influx);
      await load.openLoop(rate, sliceMs);
      const written = (await settled(influx)) - before;
      const lost = load.acked - written;
      process.stderr.write(`${rate}/s: ${load.acked} acknowledged, ${lost} lost\n`);
      if (lost > 0) break;
      best = rate;
    }
    if (best === 0)
      throw new Error(`the stock flow loses messages at ${LADDER[0]}/s already:\n${red.output}`);
    return best;
  } finally {
    load.close();
    await red.stop();
    await mosquitto.stop();
  }
}

/** Installs the InfluxDB node, writes the flow, and answers the command that runs it. */
function nodeRed(dir: string, mqttPort: number, influx: string, editorPort: number): string[] {
  const userDir = join(dir, "node-red");
  mkdirSync(userDir);
  writeFileSync(join(userDir, "package.json"), JSON.stringify({ name: "stock-flow", private: true }));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", INFLUX_NODE], { cwd: userDir });
  const { hostname, port } = new URL(influx);
  const place = { z: "tab", x: 0, y: 0 };
  writeFileSync(
    join(userDir, "flows.json"),
    JSON.stringify([
      { id: "tab", type: "tab", label: "stock" },
      {
        id: "broker",
        type: "mqtt-broker",
        broker: "127.0.0.1",
        port: String(mqttPort),
        clientid: "flow",
        autoConnect: true,
        protocolVersion: "4",
        keepalive: "60",
        cleansession: true,
      },
      {
        id: "db",
        type: "influxdb",
        hostname,
        port,
        protocol: "http",
        database: STOCK,
        influxdbVersion: "1.x",
      },
      {
        id: "in",
        type: "mqtt in",
        ...place,
        topic: "laddport/v1/+/in/+/+/meter",
        qos: "1",
        datatype: "utf8",
        broker: "broker",
        wires: [["json"]],
      },
      { id: "json", type: "json", ...place, property: "payload", action: "obj", wires: [["session"]] },
      { id: "session", type: "function", ...place, func: TRACK_SESSION, outputs: 1, wires: [["out"]] },
      { id: "out", type: "influxdb out", ...place, influxdb: "db", measurement: "evse", precision: "ms" },
    ]),
  );
  writeFileSync(
    join(userDir, "settings.js"),
    "module.exports = { uiHost: '127.0.0.1', logging: { console: { level: 'info' } } };",
  );
  const red = resolve("node_modules/node-red/red.js");
  return [
    node,
    red,
    "--userDir",
    userDir,
    "--settings",
    join(userDir, "settings.js"),
    "--port",
    String(editorPort),
    join(userDir, "flows.json"),
  ];
}

/** As forum answers have it: the register at the start is kept in the flow's memory. */
const TRACK_SESSION = `
const [, , , , station, evse] = msg.topic.split("/");
const key = station + "/" + evse;
const sessions = flow.get("sessions") || {};
const m = msg.payload;
const s = sessions[key] || { startWh: m.energy_import_wh, startedAt: m.ts };
s.energyWh = m.energy_import_wh - s.startWh;
s.lastAt = m.ts;
sessions[key] = s;
flow.set("sessions", sessions);
msg.payload = [
  { power_w: m.power_w, energy_wh: s.energyWh, l1_a: m.current_a[0], l2_a: m.current_a[1], l3_a: m.current_a[2], soc: m.soc_pct, seq: m.seq },
  { station, evse },
];
return msg;
`;

async function durable(depot: DemoDepot, influx: string, logins: Login[]): Promise<number> {
  const config = readFileSync(depot.config, "utf8");
  writeFileSync(depot.config, `${config}\ninflux: {url: ${influx}, mode: v1, database: ${OURS}}\n`);
  const command = [node, "src/cli.ts", "run", "--config", depot.config, "--data", depot.data];
  const gateway = new Program(command, { cpus: "0,1", env: { LADDPORT__FLOWS__ENABLED: "false" } });
  const load = new LoadConnections();
  try {
    await gateway.says(/gateway up/);
    await load.open(depot.port, depot.site, logins);
    const perSecond: number[] = [];
    for (let round = -3; round < GATEWAY_ROUNDS; round += 1) {
      const { acked, ms } = await load.closedLoop(1000);
      if (round >= 0) perSecond.push((acked / ms) * 1000);
    }
    return Math.round(median(perSecond));
  } finally {
    load.close();
    await gateway.stop();
  }
}

async function linesOf(influx: string): Promise<number> {
  const rows = await queryInflux(influx, STOCK, "SELECT count(seq) FROM evse");
  return Number(rows[0]?.values[0]?.[1] ?? 0);
}

/** The lines once no more come. */
async function settled(influx: string): Promise<number> {
  let lines = await linesOf(influx);
  for (let still = 0; still < 4; ) {
    await new Promise((done) => setTimeout(done, 500));
    const now = await linesOf(influx);
    still = now === lines ? still + 1 : 0;
    lines = now;
  }
  return lines;
}

if (!values.pinned) {
  const again = new Program([node, ...process.argv.slice(1), "--pinned"], { cpus: "1" });
  again.child.stdout?.pipe(process.stdout);
  again.child.stderr?.pipe(process.stderr);
  process.exitCode = await new Promise<number>((done) => again.child.once("exit", (code) => done(code ?? 1)));
} else await bench();
