/** Starts and supervises the checkpoint thread. */
import { EventEmitter } from "node:events";
import { Worker } from "node:worker_threads";
import type { Verdict } from "../log/verify.ts";
import type { ClockOrigin } from "../model/clock.ts";
import { threadHeap } from "./thread-heap.ts";

export interface CheckpointerSettings {
  dir: string;
  clock: ClockOrigin;
  signerCertFile: string;
  signerKeyFile: string;
}

/** What the thread says. */
export type FromCheckpointer = { kind: "proved"; verdict: Verdict } | { kind: "fatal"; why: string };

interface CheckpointerEvents {
  proved: [Verdict];
  died: [Error];
  /** An fsync failed: end the process. */
  fatal: [string];
}

const RESTART_MS = 1_000;

export class Checkpointer extends EventEmitter<CheckpointerEvents> {
  readonly #settings: CheckpointerSettings;
  #worker: Worker | undefined;
  #stopping = false;

  constructor(settings: CheckpointerSettings) {
    super();
    this.#settings = settings;
  }

  /** Needs the log to exist: start it after the ledger. */
  start(): void {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./checkpointer-thread.${extension}`, import.meta.url), {
      workerData: this.#settings,
      name: "checkpointer",
      resourceLimits: threadHeap(128),
    });
    this.#worker = worker;
    worker.on("message", (message: FromCheckpointer) => {
      if (message.kind === "fatal") this.emit("fatal", message.why);
      else this.emit("proved", message.verdict);
    });
    worker.on("exit", () => {
      // Between its death and the next start there is nobody to wait for.
      if (this.#worker === worker) this.#worker = undefined;
    });
    worker.on("error", (error) => {
      this.emit("died", error as Error);
      if (!this.#stopping) setTimeout(() => !this.#stopping && this.start(), RESTART_MS).unref();
    });
  }

  /** A last checkpoint and mark. Stop it after the ledger. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    worker.postMessage("stop");
    await ended;
  }
}
