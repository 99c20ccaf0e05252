/**
 * One meter, polled: its readings become the messages that a meter station publishes. Every reading goes to control;
 * one in `logMs` also to the log, numbered without a gap. A meter that stands still or lacks what its role needs says
 * nothing, so that control sees it grow old.
 */
import type { DepotClock } from "../../model/clock.ts";
import type { InKind } from "../../model/topics.ts";
import { type MeterReading, type MeterWiring, meterReading } from "../../rules/meter-reading.ts";
import { valuesOf } from "../../rules/register-values.ts";
import { createStandstill } from "../../rules/standstill.ts";
import { MeterFault } from "./fault.ts";
import type { MeterReader } from "./meter-reader.ts";
import { Pace } from "./pace.ts";

export interface PolledMessage {
  station: string;
  evse: 0;
  kind: Extract<InKind, "hello" | "meter">;
  payload: Buffer;
  /** Depot time, ms since the epoch. */
  atMs: number;
}

export interface Trouble {
  cause: string;
  fix: string;
}

export interface PollerOptions {
  id: string;
  reader: MeterReader;
  wiring: MeterWiring;
  /** For people, when the meter does not say what it is. */
  mapName: string;
  clock: DepotClock;
  /** Names this run of the gateway in `boot`. */
  boot: string;
  /** Wire time. */
  periodMs: number;
  /** Depot time between readings that go to the log. */
  logMs: number;
  /** Wire time without a good reading after which it is told. */
  troubleAfterMs?: number;
  /** A reading for control, never for the log. */
  note(message: PolledMessage): void;
  /** A message for control and the log. `done` when it is durable. */
  accept(message: PolledMessage, done: () => void): void;
  /** Null: all is well again. */
  trouble(what: Trouble | null): void;
}

const TROUBLE_AFTER_MS = 5_000;
const LONGEST_PAUSE_MS = 10_000;

export class MeterPoller {
  readonly #options: PollerOptions;
  readonly #pace: Pace;
  readonly #standstill = createStandstill();
  #seq = 0;
  #goodAtMs = 0;
  /** Unknown at first: what a run of the gateway before this one said is taken back by the first reading. */
  #state: "unknown" | "well" | "ill" = "unknown";
  /** It must be told again who it is: at first, and after it was away. */
  #isNew = true;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  /** Messages that are on their way to the disk. */
  #pending = 0;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#pace = new Pace({
      periodMs: options.periodMs,
      longestMs: Math.max(options.periodMs, LONGEST_PAUSE_MS),
      work: () => this.#poll(),
    });
  }

  start(): void {
    this.#goodAtMs = performance.now();
    this.#pace.start();
  }

  stop(): Promise<void> {
    return this.#pace.stop();
  }

  async #poll(): Promise<boolean> {
    try {
      const { values, registers } = await this.#options.reader.poll();
      const { reading, missing } = meterReading(valuesOf(values), this.#options.wiring);
      if (this.#standstill.takes(registers))
        throw new MeterFault(
          "unsuitable",
          "it answers, and no register has changed for long, voltage and frequency included",
          "Restart the meter or the gateway in front of it: it shows what it measured once.",
        );
      this.#take(reading);
      if (missing.length > 0)
        throw new MeterFault(
          "unsuitable",
          `it has no value of ${missing.join(", ")} now`,
          "Check that all lines are connected; where there is one line only, write `phases: 1`.",
        );
      this.#well();
      return true;
    } catch (error) {
      this.#ill(error);
      // Whoever answers need not be left alone.
      return error instanceof MeterFault && error.kind === "unsuitable";
    }
  }

  #take(reading: MeterReading): void {
    if (Object.keys(reading).length === 0) return;
    const { clock, logMs, note, accept } = this.#options;
    const atMs = clock.nowMs();
    const isDue = clock.monoMs() - this.#loggedAtMs >= logMs && this.#pending === 0;
    if (!isDue) {
      note(this.#message("meter", atMs, reading));
      return;
    }
    this.#loggedAtMs = clock.monoMs();
    if (this.#isNew) {
      this.#isNew = false;
      const { reader, mapName } = this.#options;
      this.#accept("hello", atMs, { online: true, model: mapName.slice(0, 64), ...reader.identity }, accept);
    }
    this.#accept("meter", atMs, { context: "sample.periodic", ...reading }, accept);
  }

  #accept(kind: "hello" | "meter", atMs: number, body: object, accept: PollerOptions["accept"]): void {
    const numbered = { boot: this.#options.boot, seq: this.#seq++, ...body };
    this.#pending += 1;
    let isDone = false;
    accept(this.#message(kind, atMs, numbered), () => {
      if (!isDone) this.#pending -= 1;
      isDone = true;
    });
  }

  #message(kind: "hello" | "meter", atMs: number, body: object): PolledMessage {
    const payload = Buffer.from(JSON.stringify({ ts: new Date(atMs).toISOString(), ...body }));
    return { station: this.#options.id, evse: 0, kind, payload, atMs };
  }

  #well(): void {
    this.#goodAtMs = performance.now();
    if (this.#state !== "well") this.#options.trouble(null);
    this.#state = "well";
  }

  #ill(error: unknown): void {
    const { periodMs, troubleAfterMs = TROUBLE_AFTER_MS, trouble } = this.#options;
    const silentMs = performance.now() - this.#goodAtMs;
    if (this.#state === "ill" || silentMs < Math.max(troubleAfterMs, 3 * periodMs)) return;
    this.#state = "ill";
    this.#isNew = true;
    const { message, fix } =
      error instanceof MeterFault ? error : { message: String(error), fix: "See the program log." };
    trouble({ cause: message, fix });
  }
}
