/** A simulated depot on a thread of its own, seen from the thread that shows it. */
import { Worker } from "node:worker_threads";
import type { DepotReport, DepotStats } from "./depot-run.ts";
import type { DepotMessage, DepotRequest } from "./depot-thread.ts";
import type { DepotPlan } from "./plan.ts";

export interface Depot {
  /** Starts the thread; resolves when it waits for its plan. Depot time should begin after that. */
  load(): Promise<void>;
  start(plan: DepotPlan): void;
  /** The newest figures; null until the first ones came. */
  stats(): DepotStats | null;
  /** Everyone leaves and every message is delivered, within `withinMs` of real time. Rejects when the thread died. */
  finish(withinMs: number): Promise<DepotReport>;
  /** Ends the thread at once. */
  stop(): Promise<void>;
  /** Rejects when the thread ends before its report; never resolves. */
  readonly failure: Promise<never>;
}

export function createDepot(): Depot {
  let worker: Worker | null = null;
  let newest: DepotStats | null = null;
  const loaded = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<DepotReport>();
  const failed = Promise.withResolvers<never>();
  // Whoever does not wait for the failure must not be ended by it.
  failed.promise.catch(() => undefined);

  const hear = (message: DepotMessage) => {
    if (message.type === "loaded") return loaded.resolve();
    newest = message.type === "stats" ? message.stats : message.report;
    if (message.type === "finished") finished.resolve(message.report);
  };
  const tell = (request: DepotRequest) => worker?.postMessage(request);

  return {
    failure: failed.promise,
    load() {
      if (!worker) {
        // The same suffix as this file has: .ts in the source tree, .js in a build.
        const suffix = import.meta.url.slice(import.meta.url.lastIndexOf("."));
        worker = new Worker(new URL(`./depot-thread${suffix}`, import.meta.url));
        worker.on("message", hear);
        worker.on("error", (error) =>
          failed.reject(error instanceof Error ? error : new Error(String(error))),
        );
        worker.on("exit", (code) =>
          failed.reject(new Error(`the simulated depot's thread ended with code ${code}`)),
        );
      }
      return Promise.race([loaded.promise, failed.promise]);
    },
    start: (plan) => tell({ type: "start", plan }),
    stats: () => newest,
    finish(withinMs) {
      tell({ type: "finish", withinMs });
      return Promise.race([finished.promise, failed.promise]);
    },
    async stop() {
      await worker?.terminate();
    },
  };
}
