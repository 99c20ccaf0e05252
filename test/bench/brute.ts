/**
 * What guessing passwords at the API does to the main loop of a gateway: 1,000 tries from one address, then 1,000 from
 * 250 addresses under 1,000 names, so that no brake helps and every try that is heard costs a whole scrypt. Demand:
 * p99 of the loop's delay at most 20 ms (the figure of the gateway's own metrics, last 10 to 20 s, which has the 10 ms
 * between two looks in it), and the right password from another address still lets in. Beside it an idle process says
 * what the machine does to any loop at the time. Options: --tries N (1000), --at-once N (32),
 * --nice N: priority of the gateway's main thread, against other work of the machine (needs root below 0).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { setPriority } from "node:os";
import { parseArgs } from "node:util";
import { demoDepot, GatewayProcess, laddport, removeDepot } from "../faults/gateway-process.ts";

const { values } = parseArgs({
  options: {
    tries: { type: "string", default: "1000" },
    "at-once": { type: "string", default: "32" },
    nice: { type: "string" },
  },
});
const TRIES = Number(values.tries);

const IDLE = `
const histogram = require("node:perf_hooks").monitorEventLoopDelay({ resolution: 10 });
histogram.enable();
process.on("message", () => {
  process.send(histogram.percentile(99) / 1e6);
  histogram.reset();
});`;

/** A loop with nothing to do. */
class Idle {
  readonly child: ChildProcess = spawn(process.execPath, ["-e", IDLE], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

  /** Since the last time. */
  p99Ms(): Promise<number> {
    return new Promise((resolve) => {
      this.child.once("message", (ms) => resolve(Number(ms)));
      this.child.send("");
    });
  }
}

interface Try {
  user: string;
  password: string;
  /** Of this machine, which is all of 127/8. */
  from: string;
}

function login(api: string, { user, password, from }: Try): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const options = { method: "POST", headers, localAddress: from, agent: false };
    const asked = request(`${api}/api/v1/login`, options, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject);
    asked.end(JSON.stringify({ user, password }));
  });
}

async function p99Ms(api: string): Promise<number> {
  const text = await (await fetch(`${api}/metrics`)).text();
  return 1000 * Number(/event_loop_delay_seconds\{quantile="0.99"\} (\S+)/.exec(text)?.[1]);
}

/** CPU of the main thread alone, and how long it was ready to run and did not (proc(5), schedstat), ms. */
function mainThreadMs(pid: number): { cpu: number; waited: number } {
  const [cpu = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8")
    .split(" ")
    .map(Number);
  return { cpu: cpu / 1e6, waited: waited / 1e6 };
}

/** Tries all, some at once, and reads the loop's delay meanwhile and after. */
async function attack(
  api: string,
  pid: number,
  idle: Idle,
  name: string,
  tryOf: (i: number) => Try,
): Promise<void> {
  await idle.p99Ms();
  const answers = new Map<number, number>();
  let next = 0;
  let worst = 0;
  const from = performance.now();
  const before = mainThreadMs(pid);
  const watch = setInterval(
    () =>
      void p99Ms(api).then(
        (ms) => (worst = Math.max(worst, ms)),
        () => undefined,
      ),
    1_000,
  );
  const guess = async () => {
    while (next < TRIES) {
      const status = await login(api, tryOf(next++));
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: Number(values["at-once"]) }, guess));
  clearInterval(watch);
  worst = Math.max(worst, await p99Ms(api));
  const told = [...answers].sort(([a], [b]) => a - b).map(([status, count]) => `${count} x ${status}`);
  const took = ((performance.now() - from) / 1000).toFixed(1);
  const after = mainThreadMs(pid);
  const cpu = ((after.cpu - before.cpu) / TRIES).toFixed(2);
  const waited = (after.waited - before.waited).toFixed(0);
  process.stdout.write(
    `${name}: loop p99 ${worst.toFixed(1)} ms (idle process ${(await idle.p99Ms()).toFixed(1)} ms), ${took} s, main thread ${cpu} ms CPU a try and ${waited} ms waiting for a core, ${told.join(", ")}\n`,
  );
}

async function bench(): Promise<void> {
  const depot = await demoDepot();
  const gateway = GatewayProcess.of(depot);
  const idle = new Idle();
  try {
    const place = ["--config", depot.config, "--data", depot.data];
    const password = (
      await laddport(["user", "add", "anna", "--role", "viewer", "--generate", ...place])
    ).trim();
    await gateway.start();
    const api = depot.apiUrl;
    if (values.nice !== undefined)
      for (const pid of [gateway.pid, idle.child.pid ?? 0]) setPriority(pid, Number(values.nice));
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    process.stdout.write(
      `before: loop p99 ${(await p99Ms(api)).toFixed(1)} ms (idle process ${(await idle.p99Ms()).toFixed(1)} ms)\n`,
    );
    await attack(api, gateway.pid, idle, "one address, one user", (i) => ({
      user: "anna",
      password: `guess number ${i}`,
      from: "127.0.0.66",
    }));
    await attack(api, gateway.pid, idle, "250 addresses, 1,000 names", (i) => ({
      user: `guess-${i}`,
      password: `guess number ${i}`,
      from: `127.0.1.${1 + (i % 250)}`,
    }));
    // Whoever waits in the queue is still ahead.
    let status = 503;
    while (status === 503) status = await login(api, { user: "anna", password, from: "127.0.0.2" });
    process.stdout.write(`the right password from another address: ${status}\n`);
    process.exitCode = status === 200 ? 0 : 1;
  } catch (error) {
    process.stdout.write(gateway.output.slice(-2_000));
    throw error;
  } finally {
    idle.child.kill();
    await gateway.stop();
    removeDepot(depot);
  }
}

await bench();
