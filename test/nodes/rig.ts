/** A real Node-RED under the supervisor and a real MQTT broker as its peer, in a folder of their own. */
import { execFileSync } from "node:child_process";
import { randomBytes, scryptSync } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Aedes } from "aedes";
import { afterAll } from "vitest";
import { createFlows, type Flows, type FlowsOptions, type FlowsState } from "../../src/node-red.ts";

export const SITE = "depot-1";
export const ROOT = `laddport/v1/${SITE}`;
const PASSWORD = randomBytes(12).toString("base64url");
export const ADMIN = { username: "admin", password: randomBytes(12).toString("base64url") };

/** Generous: the machine may be busy, and no test passes or fails by time. */
export const PATIENCE_MS = 120_000;

export interface Line {
  level: "info" | "warn" | "error";
  text: string;
  node: string | undefined;
}

export interface Rig {
  dir: string;
  flows: Flows;
  states: { state: FlowsState; reason: string }[];
  lines: Line[];
  broker: Aedes;
  /** Resolves with the first value that is not undefined. */
  until<T>(what: string, probe: () => T | undefined | Promise<T | undefined>): Promise<T>;
  reached(state: FlowsState, from?: number): Promise<{ state: FlowsState; reason: string }>;
  /** Messages that a node named `name` logged as JSON. */
  logged(name: string): Record<string, unknown>[];
  admin(route: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

export function hashOf(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 32, { N: 4096, r: 8, p: 1 });
  return `scrypt$4096$8$1$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

const folders: string[] = [];
afterAll(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A folder that other accounts can pass, as a data folder must be for isolation by an own user. */
export function folder(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), "laddport-flows-"));
  chmodSync(dir, 0o711);
  folders.push(dir);
  return dir;
}

let isBuilt = false;

/** The palette as its sources are now, not as the last install left it. */
function buildPalette(): void {
  if (isBuilt) return;
  execFileSync(process.execPath, [fileURLToPath(new URL("../../nodes/build.js", import.meta.url))]);
  isBuilt = true;
}

export async function startRig(flow: object[], more: Partial<FlowsOptions> = {}): Promise<Rig> {
  buildPalette();
  const dir = folder();
  const flowFile = path.join(dir, "first-flow.json");
  writeFileSync(flowFile, JSON.stringify(flow), { mode: 0o644 });

  const broker = await Aedes.createBroker();
  broker.authenticate = (client, user, password, done) =>
    done(null, user === "flows" && password?.toString() === PASSWORD && client.id.startsWith("flows"));
  const server = net.createServer(broker.handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const lines: Line[] = [];
  const states: Rig["states"] = [];
  const keep = (level: Line["level"]) => (fields: object, text: string) =>
    lines.push({ level, text, node: (fields as { node?: string }).node });
  const flows = createFlows({
    userDir: path.join(dir, "flows"),
    mqtt: {
      url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
      site: SITE,
      username: "flows",
      password: PASSWORD,
    },
    port: 0,
    memoryMb: 256,
    admin: { username: ADMIN.username, passwordHash: hashOf(ADMIN.password) },
    credentialSecret: "a secret of this test",
    flowFile,
    log: { info: keep("info"), warn: keep("warn"), error: keep("error") },
    onState: (state, reason) => states.push({ state, reason }),
    ...more,
  });

  const until: Rig["until"] = async (what, probe) => {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await probe();
      if (found !== undefined) return found;
      if (performance.now() > deadline)
        throw new Error(
          `no ${what}; states ${JSON.stringify(states)}; last lines ${lines
            .slice(-20)
            .map((l) => l.text)
            .join("\n")}`,
        );
      await sleep(20);
    }
  };

  let token: string | undefined;
  const rig: Rig = {
    dir,
    flows,
    states,
    lines,
    broker,
    until,
    reached: (state, from = 0) =>
      until(`state ${state}`, () => states.slice(from).find((s) => s.state === state)),
    logged: (name) =>
      lines.flatMap((l) => (l.node === name && l.text.startsWith("{") ? [JSON.parse(l.text)] : [])),
    async admin(route, init = {}) {
      const url = await until("editor", () => flows.editorUrl);
      token ??= await login(url);
      const headers = { accept: "application/json", ...init.headers, authorization: `Bearer ${token}` };
      return fetch(new URL(route, url), { ...init, headers });
    },
    async stop() {
      await flows.stop();
      await new Promise<void>((resolve) => broker.close(resolve));
      server.close();
    },
  };
  try {
    await flows.start();
  } catch (error) {
    await rig.stop();
    throw error;
  }
  return rig;
}

/** A token of Node-RED's admin API. */
export async function login(url: string, admin = ADMIN): Promise<string> {
  const answer = await fetch(new URL("auth/token", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_id: "node-red-admin", grant_type: "password", scope: "*", ...admin }),
  });
  if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}

export const TAB = { id: "t1", type: "tab", label: "test", disabled: false, info: "" };
export const GATEWAY = { id: "g1", type: "laddport-gateway", name: "", url: "", site: "", tls: "" };

/** A function node. Named nodes log through `node.log`, which arrives in the gateway's log. */
export function fn(id: string, func: string, wires: string[][] = [[]]) {
  const common = { z: "t1", outputs: 1, noerr: 0, initialize: "", finalize: "", libs: [], x: 100, y: 100 };
  return { id, type: "function", name: id, func, timeout: 0, wires, ...common };
}

/** Logs each message as JSON under its own name. */
export function recorder(id: string) {
  return fn(id, "node.log(JSON.stringify(msg)); return null;");
}

/** Sends `payload` as JSON when pressed; a time stamp when there is none, as the editor's new Inject does. */
export function inject(id: string, target: string, payload?: object | string) {
  const what =
    typeof payload === "string"
      ? { payload, payloadType: "str" }
      : payload
        ? { payload: JSON.stringify(payload), payloadType: "json" }
        : { payload: "", payloadType: "date" };
  const common = { z: "t1", props: [{ p: "payload" }], repeat: "", once: false, x: 100, y: 100 };
  return { id, type: "inject", name: id, ...what, wires: [[target]], ...common };
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
