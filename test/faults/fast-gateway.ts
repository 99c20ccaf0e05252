/**
 * A whole gateway in a process of its own on scaled depot time, which `laddport run` has not: the arguments are config,
 * data folder and clock origin as JSON. On SIGUSR2 it prints how far apart its control ticks came since the last time.
 */

import { createLog } from "../../src/cli/run.ts";
import { loadConfig } from "../../src/config.ts";
import { createGateway } from "../../src/main.ts";
import type { ClockOrigin } from "../../src/model/clock.ts";

const [configFile = "", dataDir = "", origin = ""] = process.argv.slice(2);
const clock = JSON.parse(origin) as ClockOrigin;

/** Wire ms of a control tick at this speed. */
const TICK_MS = Math.max(50, 1000 / clock.speed);
let gaps: number[] = [];

const plainInterval = globalThis.setInterval;
globalThis.setInterval = ((run: () => void, ms?: number) => {
  if (ms !== TICK_MS) return plainInterval(run, ms);
  let beforeMs: number | null = null;
  return plainInterval(() => {
    const nowMs = performance.now();
    if (beforeMs !== null) gaps.push(nowMs - beforeMs);
    beforeMs = nowMs;
    run();
  }, ms);
}) as typeof setInterval;

process.on("SIGUSR2", () => {
  const sorted = gaps.toSorted((a, b) => a - b);
  gaps = [];
  const at = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
  console.log(`ticks: ${sorted.length}, ${at(0.5)} ms apart, p99 ${at(0.99)}, most ${at(1 - 1e-9)};`);
});

const gateway = createGateway({
  config: loadConfig(configFile, { env: process.env }),
  dataDir,
  log: createLog("warn"),
  clock,
  fatal: (code) => process.exit(code),
});
await gateway.start();
console.log("gateway up");
process.once("SIGTERM", () => {
  void gateway.stop("SIGTERM").then(() => process.exit(0));
});
