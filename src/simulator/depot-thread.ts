/** The simulated depot's own thread: so that its work never delays the gateway's event loop. */
import { parentPort } from "node:worker_threads";
import { createDepotRun, type DepotReport, type DepotRun, type DepotStats } from "./depot-run.ts";
import type { DepotPlan } from "./plan.ts";

/** What the thread tells. `loaded` comes first, once: it waits for its plan. */
export type DepotMessage =
  | { type: "loaded" }
  | { type: "stats"; stats: DepotStats }
  | { type: "finished"; report: DepotReport };

/** What it is told: the plan, then that everyone leaves and all messages go out within that many real ms. */
export type DepotRequest = { type: "start"; plan: DepotPlan } | { type: "finish"; withinMs: number };

const STATS_EVERY_MS = 200;

const port = parentPort;
if (!port) throw new Error("depot-thread runs as a worker thread only");
const tell = (message: DepotMessage) => port.postMessage(message);
let run: DepotRun | null = null;
let timer: NodeJS.Timeout | undefined;

async function finish(withinMs: number): Promise<void> {
  const report = await run?.finish(withinMs);
  clearInterval(timer);
  if (report) tell({ type: "finished", report });
  port?.close();
}

port.on("message", (request: DepotRequest) => {
  if (request.type === "finish") return finish(request.withinMs);
  const started = createDepotRun(request.plan);
  started.start();
  timer = setInterval(() => tell({ type: "stats", stats: started.stats() }), STATS_EVERY_MS);
  run = started;
});

tell({ type: "loaded" });
