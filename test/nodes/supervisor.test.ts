import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { parseControlLine } from "../../src/node-red/control-line.ts";
import { fn, folder, inject, isAlive, PATIENCE_MS, type Rig, recorder, SITE, startRig, TAB } from "./rig.ts";

vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: PATIENCE_MS });

const rigs: Rig[] = [];
const start = async (...args: Parameters<typeof startRig>) => {
  const rig = await startRig(...args);
  rigs.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

const OVERVIEW = JSON.parse(
  readFileSync(new URL("../../flows/depot-overview.json", import.meta.url), "utf8"),
);
/** A flow that ends its process, as only one that left its sandbox can. */
const EXIT = { ...fn("exit", "return msg;"), initialize: "Buffer.constructor('return process')().exit(7);" };
const HANG_SOON = { ...fn("hang", "return msg;"), initialize: "setTimeout(() => { while (true) {} }, 200);" };

const json = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

test("a Node-RED that behaves: palette, login, secrets kept, flow kept, gone after stop", async () => {
  const rig = await start(OVERVIEW);
  expect(await rig.reached("up")).toEqual({ state: "up", reason: "flows run" });
  const nodes = (await (await rig.admin("nodes")).json()) as {
    name: string;
    module: string;
    enabled: boolean;
    err?: string;
  }[];
  const ours = nodes.filter((n) => n.module === "@laddport/node-red-depot");
  expect(ours.map((n) => n.name).sort()).toEqual(
    ["alert", "charger", "depart", "gateway", "limit", "session"].map((name) => `laddport-${name}`),
  );
  expect(nodes.filter((n) => n.err)).toEqual([]);
  expect(ours.every((n) => n.enabled)).toBe(true);
  await rig.until("its MQTT connection", () => rig.broker.connectedClients === 1 || undefined);
  expect(rig.lines.filter((l) => l.level === "error" || /error/i.test(l.text))).toEqual([]);

  const url = rig.flows.editorUrl as string;
  expect(new URL(url).hostname).toBe("127.0.0.1");
  for (const route of ["flows", "nodes", "settings", "library/local/flows"])
    expect((await fetch(new URL(route, url))).status, route).toBe(401);
  for (const route of ["flows", "inject/depot-ask"])
    expect((await fetch(new URL(route, url), { method: "POST" })).status, route).toBe(401);
  const wrong = {
    client_id: "node-red-admin",
    grant_type: "password",
    scope: "*",
    username: "admin",
    password: "no",
  };
  expect((await fetch(new URL("auth/token", url), json(wrong))).status).toBe(403);

  const settings = await (await rig.admin("settings")).text();
  expect(settings).not.toContain("a secret of this test");
  expect(settings).not.toContain(SITE);
  expect(JSON.parse(settings)).toMatchObject({ externalModules: { palette: { allowInstall: false } } });
  if (existsSync("/proc/self/environ")) {
    const environment = readFileSync(`/proc/${rig.flows.pid}/environ`, "latin1").split("\0");
    const names = environment.map((v) => v.split("=")[0] ?? "").filter(Boolean);
    expect(names.filter((n) => !["HOME", "PATH", "LANG", "NODE_ENV", "TZ"].includes(n))).toEqual([]);
  }

  expect((await rig.admin("flows", json([TAB, recorder("mine")]))).status).toBe(204);
  const pid = rig.flows.pid as number;
  await rig.flows.stop();
  expect(rig.flows.state()).toBe("stopped");
  expect(rig.flows.pid).toBeUndefined();
  expect(isAlive(pid)).toBe(false);
  await rig.flows.stop();

  const from = rig.states.length;
  await rig.flows.start();
  await rig.reached("up", from);
  expect(await (await rig.admin("flows")).text()).toContain('"mine"');
});

describe("a Node-RED that fails", () => {
  test("in one way after the other: each is noticed for what it is, and flows run again", async () => {
    const flood = "for (let i = 0; i < 2000; i++) node.log('x'.repeat(200));";
    const eat =
      "const all = []; setInterval(() => { if (all.length < 60) all.push(Buffer.alloc(10485760, 1)); }, 20);";
    const rig = await start(
      [
        TAB,
        ...["flood", "eat", "hang"].map((n) => inject(`press-${n}`, n)),
        fn("flood", flood),
        fn("eat", eat),
      ].concat(fn("hang", "setTimeout(() => { while (true) {} }, 0);")),
      { limits: { residentMb: 450, backoffMs: 50, crashWindowMs: 1, stopMs: 1_000 } },
    );
    const press = (name: string) => rig.admin(`inject/press-${name}`, { method: "POST" });
    await rig.reached("up");

    // A flood of output is bounded in the log and counted, and is no failure.
    await sleep(1_100);
    const before = rig.lines.length;
    await press("flood");
    await rig.until("the count", () => rig.lines.slice(before).find((l) => l.text.includes("lines dropped")));
    expect(rig.lines.slice(before).filter((l) => l.text.startsWith("xxx")).length).toBeLessThan(400);
    expect(rig.flows.state()).toBe("up");

    // What only others can see.
    let from = rig.states.length;
    rig.flows.end("publish_rate");
    rig.flows.end("said twice");
    expect((await rig.reached("restarting", from)).reason).toBe("publish_rate");
    await rig.reached("up", from);
    expect(rig.states.slice(from).map((s) => s.state)).toEqual(["restarting", "starting", "up"]);

    // Memory outside the heap, which V8's cap doesn't see.
    from = rig.states.length;
    await press("eat");
    expect((await rig.reached("restarting", from)).reason).toBe("memory");
    await rig.reached("up", from);

    // An endless loop, from a timer: what a function node itself does is cut off after five seconds.
    const hung = rig.flows.pid as number;
    from = rig.states.length;
    await press("hang");
    expect((await rig.reached("restarting", from)).reason).toBe("no_heartbeat");
    expect(isAlive(hung)).toBe(false);
    await rig.reached("up", from);

    // And stop while it hangs.
    const last = rig.flows.pid as number;
    await press("hang");
    await Promise.all([rig.flows.stop(), rig.flows.stop()]);
    expect(isAlive(last)).toBe(false);
    expect(rig.flows.state()).toBe("stopped");
  });

  test("three failures within the window: safe mode, flows can be repaired and deployed", async () => {
    const rig = await start([TAB, EXIT], { limits: { backoffMs: 50, crashWindowMs: 600_000 } });
    await rig.reached("safe_mode");
    const seen = rig.states.map((s) => s.state);
    expect(seen.filter((s) => s === "restarting")).toHaveLength(3);
    expect(rig.states.find((s) => s.state === "restarting")?.reason).toBe("exit code 7");
    expect(seen.at(-1)).toBe("safe_mode");
    const loaded = await (await rig.admin("flows")).text();
    expect(loaded).toContain("exit(7)");

    await rig.admin("flows", json([TAB, recorder("r"), inject("i", "r")]));
    await rig.reached("up", rig.states.length - 1);
    await rig.admin("inject/i", { method: "POST" });
    await rig.until("a message through the repaired flow", () => rig.logged("r")[0]);
  });

  test("its folder too large: ended, then safe mode, because a restart would not make it smaller", async () => {
    const rig = await start([TAB, recorder("r")], { limits: { scratchMb: 8, backoffMs: 50 } });
    await rig.reached("up");
    mkdirSync(path.join(rig.dir, "flows", "scratch"));
    writeFileSync(path.join(rig.dir, "flows", "scratch", "big"), Buffer.alloc(9 * 1_048_576, 1));
    expect((await rig.reached("restarting")).reason).toBe("scratch_size");
    await rig.reached("safe_mode");
  });

  test("no space left on the disk: not started until there is", async () => {
    const rig = await start([TAB, recorder("r")], { limits: { freeMb: 1e9 } });
    expect(rig.states.at(-1)).toEqual({ state: "restarting", reason: "free_space" });
    expect(rig.flows.pid).toBeUndefined();
    await rig.flows.stop();
    expect(rig.flows.state()).toBe("stopped");
  });

  test("a flow that can't start for want of a node type: the editor stays open for the repair", async () => {
    const rig = await start([TAB, { ...recorder("r"), type: "no-such-node" }]);
    expect((await rig.reached("safe_mode")).reason).toContain("see the editor");
    expect((await rig.admin("flows")).status).toBe(200);
  });
});

describe("a gateway that is killed", () => {
  const SCRIPT = `
    import { createFlows } from ${JSON.stringify(new URL("../../src/node-red.ts", import.meta.url).href)};
    const quiet = { info() {}, warn() {}, error() {} };
    const [userDir, flowFile] = process.argv.slice(1);
    const flows = createFlows({
      userDir, flowFile, port: 0, memoryMb: 256, credentialSecret: "s", log: quiet,
      mqtt: { url: "mqtt://127.0.0.1:1", site: "s", username: "flows", password: "p" },
      admin: { username: "admin", passwordHash: "" },
      limits: { silenceMs: 600_000 },
      onState: (state) => { if (state === "up") process.stdout.write(flows.pid + "\\n"); },
    });
    await flows.start();
  `;

  async function killedGateway(flow: object[]): Promise<{ userDir: string; flowsPid: number; dir: string }> {
    const dir = folder();
    const userDir = path.join(dir, "flows");
    const flowFile = path.join(dir, "first.json");
    writeFileSync(flowFile, JSON.stringify(flow));
    const gateway = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT, userDir, flowFile], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    gateway.stdout.on("data", (chunk) => {
      said += chunk;
    });
    while (!said.includes("\n")) {
      if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${said}`);
      await sleep(20);
    }
    await sleep(300);
    gateway.kill("SIGKILL");
    return { userDir, flowsPid: Number(said), dir };
  }

  test("leaves no Node-RED behind: it ends when the control pipe closes", async () => {
    const { flowsPid } = await killedGateway([TAB, recorder("r")]);
    while (isAlive(flowsPid)) await sleep(20);
    expect(isAlive(flowsPid)).toBe(false);
  });

  test.runIf(existsSync("/proc/self/stat"))("and its hung Node-RED is ended by the next start", async () => {
    const { flowsPid, userDir } = await killedGateway([TAB, HANG_SOON]);
    await sleep(500);
    expect(isAlive(flowsPid)).toBe(true);
    writeFileSync(path.join(userDir, "flows.json"), JSON.stringify([TAB, recorder("r")]));
    const rig = await start([TAB, recorder("r")], { userDir });
    await rig.until("its end", () => (isAlive(flowsPid) ? undefined : true));
    expect(rig.lines.some((l) => l.level === "warn" && l.text.includes("earlier gateway left"))).toBe(true);
    await rig.reached("up");
    expect(readdirSync(userDir)).toContain("flows.json");
  });
});

test("parts that are not installed: start says what is missing and what to run", async () => {
  const dir = folder();
  await expect(startRig([TAB], { nodeModulesDir: path.join(dir, "node_modules") })).rejects.toThrow(
    /node_modules is missing, so Node-RED can't start\. Run npm install/,
  );
});

test("the control pipe understands few lines only", () => {
  expect(parseControlLine("beat")).toEqual({ kind: "beat" });
  expect(parseControlLine("port 1880")).toEqual({ kind: "port", port: 1880 });
  const code = "A".repeat(22);
  expect(parseControlLine(`login 7 anna ${code}`)).toEqual({ kind: "login", id: 7, name: "anna", code });
  for (const line of [
    `login 7 Anna ${code}`,
    `login x anna ${code}`,
    `login 7 anna ${code}A`,
    "login 7 anna",
  ])
    expect(parseControlLine(line), line).toBeUndefined();
  expect(parseControlLine("flows safe")).toEqual({ kind: "flows", state: "safe" });
  for (const line of [
    "",
    "beat now",
    "port 0",
    "port 70000",
    "port 1e3",
    "port -1",
    "flows",
    "flows up",
    "flows up x",
  ])
    expect(parseControlLine(line), line).toBeUndefined();
});
