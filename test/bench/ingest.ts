/**
 * Durable ingest against bare in-memory Aedes: the same generator, 500 connections, QoS 1, 300-byte meter values, both
 * targets visited in turns within one run. The generator and the InfluxDB stub share core 1; both targets are free.
 * Options: --rounds N (12), --slice MS (1000), --connections N (500), --json FILE, --profile DIR (a CPU profile of every
 * thread of the gateway, which slows it down).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { demoDepot, removeDepot } from "../faults/gateway-process.ts";
import { LoadConnections, type Login } from "./load-connections.ts";
import { cpuSeconds, median, Program, quantile, rssMb } from "./processes.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "12" },
    slice: { type: "string", default: "1000" },
    connections: { type: "string", default: "500" },
    json: { type: "string" },
    profile: { type: "string" },
    pinned: { type: "boolean", default: false },
  },
});
const WARM_UP = 3;
const rounds = Number(values.rounds);
const sliceMs = Number(values.slice);
const node = process.execPath;

if (!values.pinned) {
  // The generator is this very process: it goes to core 1 and leaves the rest to the targets.
  const again = new Program([node, ...process.argv.slice(1), "--pinned"], { cpus: "1" });
  again.child.stdout?.pipe(process.stdout);
  again.child.stderr?.pipe(process.stderr);
  process.exitCode = await new Promise<number>((resolve) =>
    again.child.once("exit", (code) => resolve(code ?? 1)),
  );
} else await bench();

interface Target {
  name: string;
  pid: number;
  load: LoadConnections;
  perSecond: number[];
  cpuUs: number[];
  p50: number[];
  p99: number[];
}

async function bench(): Promise<void> {
  const depot = await demoDepot({ stations: Number(values.connections) });
  const stub = new Program([node, "test/bench/influx-stub.ts"], { cpus: "1" });
  const influx = `http://127.0.0.1:${(await stub.says(/port (\d+)/))[1]}`;
  const config = readFileSync(depot.config, "utf8");
  writeFileSync(depot.config, `${config}\ninflux: {url: ${influx}, mode: v1, database: depot}\n`);
  const profile = values.profile ? ["--cpu-prof", `--cpu-prof-dir=${values.profile}`] : [];
  const command = ["src/cli.ts", "run", "--config", depot.config, "--data", depot.data];
  const gateway = new Program([node, ...profile, ...command], {
    cpus: "0,1",
    env: { LADDPORT__FLOWS__ENABLED: "false" },
  });
  const aedes = new Program([node, "test/bench/bare-aedes.ts"], { cpus: "0,1" });
  try {
    await gateway.says(/gateway up/);
    const aedesPort = Number((await aedes.says(/port (\d+)/))[1]);
    const logins = [...depot.passwords]
      .slice(0, Number(values.connections))
      .map(([id, password]): Login => ({ id, password }));
    const ours = await target("laddport, durable", gateway.pid, depot.port, depot.site, logins);
    const bare = await target("bare Aedes, in memory", aedes.pid, aedesPort, depot.site, logins);
    await saturate([ours, bare]);
    const half = median(ours.perSecond) / 2;
    const report = {
      connections: ours.load.size,
      rounds,
      ratio: ratios(ours, bare),
      targets: [ours, bare].map(figures),
      at_1000_per_s: { laddport: await atRate(ours, 1000), aedes: await atRate(bare, 1000) },
      at_half: {
        rate: Math.round(half),
        ...(await atRate(ours, half)),
        loop_p99_ms: await loopP99(depot.apiUrl),
      },
      rss_mb: Math.round(rssMb(gateway.pid)),
    };
    print(report);
    if (values.json) writeFileSync(values.json, JSON.stringify(report, null, 2));
    ours.load.close();
    bare.load.close();
  } finally {
    await gateway.stop();
    await aedes.stop();
    await stub.stop();
    removeDepot(depot);
  }
}

async function target(
  name: string,
  pid: number,
  port: number,
  site: string,
  logins: Login[],
): Promise<Target> {
  const load = new LoadConnections();
  await load.open(port, site, logins);
  return { name, pid, load, perSecond: [], cpuUs: [], p50: [], p99: [] };
}

/** Closed loop, one message in flight a connection, in turns; who goes first alternates. */
async function saturate(targets: Target[]): Promise<void> {
  for (let round = -WARM_UP; round < rounds; round += 1) {
    for (const t of round % 2 === 0 ? targets : targets.toReversed()) {
      const cpu = cpuSeconds(t.pid);
      const { acked, ms } = await t.load.closedLoop(sliceMs);
      const used = cpuSeconds(t.pid) - cpu;
      if (round < 0) continue;
      t.perSecond.push((acked / ms) * 1000);
      t.cpuUs.push((used / acked) * 1e6);
      const { p50, p99 } = t.load.percentiles();
      t.p50.push(p50);
      t.p99.push(p99);
    }
    process.stderr.write(`\rround ${Math.max(0, round + 1)}/${rounds} `);
  }
  process.stderr.write("\n");
}

function ratios(ours: Target, bare: Target) {
  const all = ours.perSecond.map((n, i) => n / (bare.perSecond[i] ?? Number.NaN));
  return { median: median(all), p10: quantile(all, 0.1), p90: quantile(all, 0.9) };
}

function figures(t: Target) {
  return {
    name: t.name,
    per_s: Math.round(median(t.perSecond)),
    cpu_us: median(t.cpuUs),
    p50_ms: median(t.p50),
    p99_ms: median(t.p99),
  };
}

async function atRate(t: Target, rate: number): Promise<{ p50_ms: number; p99_ms: number; cpu_us: number }> {
  await t.load.openLoop(rate, 1500);
  const cpu = cpuSeconds(t.pid);
  await t.load.openLoop(rate, 8000);
  const used = cpuSeconds(t.pid) - cpu;
  const { p50, p99 } = t.load.percentiles();
  return { p50_ms: p50, p99_ms: p99, cpu_us: (used / t.load.acked) * 1e6 };
}

async function loopP99(apiUrl: string): Promise<number> {
  const text = await (await fetch(`${apiUrl}/metrics`)).text();
  const line = text.split("\n").find((l) => /^laddport_event_loop_delay\S*quantile="0\.99"/.test(l));
  return Number(line?.split(" ").at(-1)) * 1000;
}

function print(r: object): void {
  const report = r as {
    connections: number;
    rounds: number;
    ratio: { median: number; p10: number; p90: number };
    targets: ReturnType<typeof figures>[];
    at_1000_per_s: Record<string, { p50_ms: number; p99_ms: number; cpu_us: number }>;
    at_half: { rate: number; p50_ms: number; p99_ms: number; loop_p99_ms: number };
    rss_mb: number;
  };
  const n = (value: number, digits = 2) => value.toFixed(digits).padStart(9);
  const lines = [
    `${report.connections} connections, QoS 1, 300 bytes, ${report.rounds} rounds, medians`,
    `${"".padEnd(24)}${"msg/s".padStart(9)}${"CPU us".padStart(9)}${"p50 ms".padStart(9)}${"p99 ms".padStart(9)}`,
    ...report.targets.map(
      (t) => `${t.name.padEnd(24)}${n(t.per_s, 0)}${n(t.cpu_us, 1)}${n(t.p50_ms)}${n(t.p99_ms)}`,
    ),
    `ratio of throughput      ${n(report.ratio.median)}   [${report.ratio.p10.toFixed(2)} to ${report.ratio.p90.toFixed(2)}]`,
    ...Object.entries(report.at_1000_per_s).map(
      ([name, f]) =>
        `${`${name} at 1,000/s`.padEnd(24)}${"".padStart(9)}${n(f.cpu_us, 1)}${n(f.p50_ms)}${n(f.p99_ms)}`,
    ),
    `${`laddport at ${report.at_half.rate}/s`.padEnd(24)}${"".padStart(18)}${n(report.at_half.p50_ms)}${n(report.at_half.p99_ms)}`,
    `main loop delay p99 then ${n(report.at_half.loop_p99_ms)} ms, RSS ${report.rss_mb} MB`,
  ];
  console.log(lines.join("\n"));
}
