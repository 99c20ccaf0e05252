/** One digital input, polled: a contact of the grid operator's ripple control receiver, an emergency stop. */
import { MeterFault } from "./fault.ts";
import type { ModbusLine, Table } from "./line.ts";
import { Pace } from "./pace.ts";
import type { Trouble } from "./poller.ts";

export interface InputOptions {
  line: ModbusLine;
  unit: number;
  table: Extract<Table, "coil" | "discrete">;
  address: number;
  /** The contact opens to say what others say by closing. */
  invert: boolean;
  /** Wire time. */
  periodMs: number;
  /** Wire time without an answer after which nobody knows how it stands. */
  staleAfterMs?: number;
  /** With each poll. Null: nobody knows. */
  heard(closed: boolean | null): void;
  /** Null: all is well again. */
  trouble(what: Trouble | null): void;
}

const STALE_AFTER_MS = 5_000;
const LONGEST_PAUSE_MS = 5_000;

export class DigitalInput {
  readonly #options: InputOptions;
  readonly #pace: Pace;
  #closed: boolean | null = null;
  #heardAtMs = 0;
  /** Unknown at first: what a run of the gateway before this one said is taken back by the first answer. */
  #state: "unknown" | "well" | "ill" = "unknown";

  constructor(options: InputOptions) {
    this.#options = options;
    const { periodMs } = options;
    this.#pace = new Pace({
      periodMs,
      longestMs: Math.max(periodMs, LONGEST_PAUSE_MS),
      work: () => this.#poll(),
    });
  }

  /** Null while nobody knows. */
  get closed(): boolean | null {
    return this.#closed;
  }

  start(): void {
    this.#heardAtMs = performance.now();
    this.#pace.start();
  }

  stop(): Promise<void> {
    return this.#pace.stop();
  }

  async #poll(): Promise<boolean> {
    const { line, unit, table, address, invert, trouble } = this.#options;
    try {
      const bit = (await line.read({ unit, table, address, count: 1 }))[0] === 1;
      this.#heardAtMs = performance.now();
      if (this.#state !== "well") trouble(null);
      this.#state = "well";
      this.#set(bit !== invert);
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #failed(error: unknown): void {
    const { periodMs, staleAfterMs = STALE_AFTER_MS, trouble } = this.#options;
    if (performance.now() - this.#heardAtMs < Math.max(staleAfterMs, 3 * periodMs)) return;
    this.#set(null);
    if (this.#state === "ill") return;
    this.#state = "ill";
    const { message, fix } =
      error instanceof MeterFault ? error : { message: String(error), fix: "See the program log." };
    trouble({ cause: message, fix });
  }

  #set(closed: boolean | null): void {
    this.#closed = closed;
    this.#options.heard(closed);
  }
}
