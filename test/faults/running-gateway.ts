/** A running gateway as its operator and its stations see it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { login } from "../nodes/rig.ts";
import { type DemoDepot, demoDepot, GatewayProcess, removeDepot } from "./gateway-process.ts";
import { connected } from "./kill-harness.ts";
import { chargingLife, StationClient } from "./station-client.ts";

/** The part of `GET /api/v1/status` that fault tests read. */
export interface Status {
  flows: string;
  alerts: { id: string; cause: string }[];
}

export interface Health {
  status: string;
  checks: Record<string, { status: string; detail?: string } | undefined>;
}

export interface Operator {
  health(): Promise<Health>;
  metrics(): Promise<string>;
  status(): Promise<Status>;
}

/** What `init` wrote beside the config: passwords and tokens. */
export const secretOf = (depot: DemoDepot, name: string): string =>
  readFileSync(join(dirname(depot.config), "secrets", name), "utf8").trim();

function operatorOf(depot: DemoDepot): Operator {
  const headers = { authorization: `Bearer ${secretOf(depot, "api-token")}` };
  const get = (path: string) => fetch(depot.apiUrl + path, { headers, signal: AbortSignal.timeout(5_000) });
  return {
    health: async () => (await (await get("/health")).json()) as Health,
    metrics: async () => (await get("/metrics")).text(),
    status: async () => (await (await get("/api/v1/status")).json()) as Status,
  };
}

/** Requests to Node-RED's admin API, logged in. */
export async function editorOf(depot: DemoDepot) {
  const url = `http://127.0.0.1:${loadConfig(depot.config, { env: {} }).flows?.port}/`;
  const token = await login(url, { username: "admin", password: secretOf(depot, "flows-admin-password") });
  return async (path: string, body?: object): Promise<void> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const ask = () => fetch(url + path, { method: "POST", headers, body: JSON.stringify(body ?? {}) });
    let answer = await ask();
    // A deploy answers before its nodes are there to be pressed.
    for (const end = Date.now() + 10_000; answer.status === 404 && Date.now() < end; answer = await ask())
      await new Promise((resolve) => setTimeout(resolve, 200));
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
}

/** Stations that charge without end and obey their limits, all connected. */
export async function chargingStations(
  depot: DemoDepot,
  { count, window, ...life }: { count: number; window: number } & Parameters<typeof chargingLife>[2],
): Promise<StationClient[]> {
  const clients = [...depot.passwords].slice(0, count).map(([id, password]) => {
    const client = new StationClient(id, password, "b1", window, chargingLife(depot.site, id, life));
    client.obeys = `laddport/v1/${depot.site}/out/${id}`;
    return client;
  });
  await Promise.all(clients.map((c) => connected(c, depot.port)));
  return clients;
}

/**
 * Holds the stations to so many messages a second together, from now on; the answer ends it. Without, they take what
 * the machine gives, and what piles up in a long test is more than it can work off.
 */
export function pace(clients: StationClient[], mostPerS: number): () => void {
  const [fromMs, before] = [Date.now(), ackedBy(clients)];
  const timer = setInterval(() => {
    const isAhead = ackedBy(clients) - before > ((Date.now() - fromMs) / 1_000) * mostPerS;
    for (const c of clients) c.paused = isAhead;
    for (const c of clients) c.pump();
  }, 20);
  const end = () => {
    clearInterval(timer);
    for (const c of clients) c.paused = false;
  };
  onTestFinished(end);
  return end;
}

/** Limits below the fallback are leased for minutes; without one all are renewed after five seconds. */
export const SHORT_LEASES = { LADDPORT__CONTROL__LEASE_S: "10", LADDPORT__STATION_DEFAULTS__FALLBACK_A: "0" };

/** A gateway of its own for the test at hand, up; `prepare` sees the depot before it starts. */
export async function startGateway({
  sections = "",
  env = {} as Record<string, string>,
  prepare = (_depot: DemoDepot): void => undefined,
} = {}) {
  const depot = await demoDepot({ sections });
  onTestFinished(() => removeDepot(depot));
  prepare(depot);
  const gateway = GatewayProcess.of(depot, env);
  onTestFinished(() => gateway.kill());
  await gateway.start();
  return { depot, gateway, operator: operatorOf(depot) };
}

export const ackedBy = (clients: StationClient[]): number => clients.reduce((n, c) => n + c.acked, 0);

/** Waits for a state of the world; gives up, naming it, after a time that only a hang exceeds. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | undefined> | T | false | undefined,
  patienceMs = 120_000,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found !== false && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(25);
  }
}
