/** Real time-series databases on 127.0.0.1 with a directory of their own, ended by their own PID. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/gateway/free-port.ts";

export interface Database {
  url: string;
  port: number;
  /** SIGKILL: what was acknowledged must survive it. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  revive(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export const INFLUXD = find("influxd");
export const VICTORIA = find("victoria-metrics");

function find(program: string): string | undefined {
  const path = ["/usr/bin", "/usr/local/bin", "/usr/sbin"].map((dir) => join(dir, program)).find(existsSync);
  if (!path) console.warn(`SKIPPED: ${program} is not installed, so nothing is proven against it here.`);
  return path;
}

async function supervise(
  program: string,
  args: string[],
  dir: string,
  port: number,
  pingPath: string,
): Promise<Database> {
  const url = `http://127.0.0.1:${port}`;
  let child = spawn(program, args, { stdio: "ignore" });
  const up = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
      const answer = await fetch(url + pingPath).catch(() => undefined);
      await answer?.text();
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`${program} did not come up`);
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  // A test run that is cut short must not leave it behind.
  process.once("exit", () => child.kill("SIGKILL"));
  await up();
  return {
    url,
    port,
    kill,
    async revive() {
      child = spawn(program, args, { stdio: "ignore" });
      await up();
    },
    async stop() {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function startInfluxd(program: string): Promise<Database> {
  const dir = await mkdtemp(join(tmpdir(), "influxd-"));
  const port = await freePort();
  const config = `
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "${dir}/meta"
[data]
  dir = "${dir}/data"
  wal-dir = "${dir}/wal"
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[monitor]
  store-enabled = false
`;
  await writeFile(join(dir, "influxd.conf"), config);
  return supervise(program, ["-config", join(dir, "influxd.conf")], dir, port, "/ping");
}

export async function startVictoria(program: string): Promise<Database> {
  const dir = await mkdtemp(join(tmpdir(), "victoria-"));
  const port = await freePort();
  const args = [
    `-storageDataPath=${dir}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    "-retentionPeriod=100y",
    "-dedup.minScrapeInterval=1ms",
    "-loggerLevel=ERROR",
    "-memory.allowedBytes=134217728",
  ];
  return supervise(program, args, dir, port, "/health");
}

export async function createDatabase(url: string, name: string, duration?: string): Promise<void> {
  const q = `CREATE DATABASE "${name}"${duration ? ` WITH DURATION ${duration}` : ""}`;
  const answer = await fetch(`${url}/query`, { method: "POST", body: new URLSearchParams({ q }) });
  if (!answer.ok) throw new Error(await answer.text());
}

export interface Rows {
  name: string;
  columns: string[];
  tags?: Record<string, string>;
  values: (string | number | boolean | null)[][];
}

/** InfluxQL; times in ms. */
export async function queryInflux(url: string, db: string, q: string): Promise<Rows[]> {
  const answer = await fetch(`${url}/query?${new URLSearchParams({ db, q, epoch: "ms" })}`);
  const text = await answer.text();
  const { results } = JSON.parse(text) as { results: { series?: Rows[]; error?: string }[] };
  if (!results?.[0] || results[0].error) throw new Error(text);
  return results[0].series ?? [];
}

export interface ExportedSeries {
  metric: Record<string, string>;
  values: number[];
  timestamps: number[];
}

/** Every raw sample that VictoriaMetrics returns for a selector, once it has flushed what it took. */
export async function exportVictoria(url: string, selector: string): Promise<ExportedSeries[]> {
  await (await fetch(`${url}/internal/force_flush`)).text();
  const query = new URLSearchParams({ "match[]": selector, reduce_mem_usage: "0" });
  const text = await (await fetch(`${url}/api/v1/export?${query}`)).text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
