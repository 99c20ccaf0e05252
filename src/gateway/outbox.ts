/**
 * The main thread's side of the outbox thread: hands it new heads, takes its appends to the ledger and its news to the
 * broker, and asks it what others want to read from the log, so that no reading ever holds up a socket.
 */
import { EventEmitter } from "node:events";
import { Worker } from "node:worker_threads";
import type { RecipientList } from "../identity/recipients.ts";
import type { Attachment, LogWriter, Placed } from "../log/log-store.ts";
import type { AlertCause } from "../model/alert-board.ts";
import type { AuditRecord } from "../model/audit.ts";
import type { PerLine } from "../model/circuit.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import type { SummaryProfile } from "../model/summary.ts";
import type { AuditLine } from "../rules/audit-line.ts";
import type { DepartureBook } from "../rules/departures/book.ts";
import type { PastStay } from "../rules/plan/known-stays.ts";
import type { Priced, PriceSeries } from "../rules/price-series.ts";
import type { AllocatorSample } from "../sinks/influx.ts";
import type { InfluxTarget } from "../sinks/influx-target.ts";
import type { AuditQuery } from "../web/audit.ts";
import type { LogReport, LogReportQuery } from "../web/log-report.ts";
import type { NoAnswer, PeriodAnswer, WhyAnswer, WhyQuestion } from "../web/log-why.ts";
import type { History, HistoryQuery } from "../web/sources.ts";
import { threadHeap } from "../workers/thread-heap.ts";
import type { BookedSession } from "./books.ts";
import type { MeterKeys } from "./key-book.ts";
import type { SiteLoadAnswer, SiteLoadAsk } from "./load-book.ts";
import type { Standing as PriceStanding } from "./price-book.ts";
import type { BilledStanding, HeldSession } from "./session-standing.ts";

/** How the process and its allocation are doing now. */
export interface ProcessSample {
  rssMb?: number;
  loopP99Ms?: number;
  allocator?: AllocatorSample;
}

/** One destination of time series; its name is that of its cursor in the log. */
export interface TimeSeries {
  name: string;
  target: InfluxTarget;
  windowMs: number;
}

export interface OutboxSettings {
  site: string;
  gateway: string;
  dir: string;
  clock: ClockOrigin;
  /** Meter stations and the limit per line of the circuit that each measures. */
  meters: Record<string, PerLine | null>;
  /** Where time series go, the raw ones first. */
  timeSeries: TimeSeries[];
  upstream: {
    url: string;
    username?: string;
    password?: string;
    caPem?: string;
    profile: SummaryProfile;
    recipients: RecipientList;
    /** Certificates that receipts are signed with; unsigned ones are taken without. */
    receiptCertsPem?: string;
    keepDays: number;
    intervalS: number;
    maxCdrs: number;
  } | null;
  signer: { certPem: string; keyPem: string };
  /** Opens the sealed store for summaries. */
  kekFile: string;
  epoch: number;
}

/** How one consumer of the log stands. */
export interface ConsumerStatus {
  lagEvents: number;
  oldestUnsentS: number | null;
  lastError: string | null;
}

export interface OutboxStatus {
  consumers: Record<string, ConsumerStatus>;
  deadLetters: number;
}

/** Questions about the log, and their answers. */
export interface Questions {
  sessions: { ask: { limit: number }; answer: object[] };
  session: { ask: { id: string }; answer: object | null };
  history: { ask: HistoryQuery; answer: History };
  /** One at a time: the answers come in the order of the questions. */
  report: { ask: LogReportQuery; answer: LogReport };
  why: { ask: WhyQuestion; answer: WhyAnswer | NoAnswer };
  whyPeriod: {
    ask: { question: WhyQuestion; fromMs: number; toMs: number };
    answer: PeriodAnswer[] | NoAnswer;
  };
  /** Sessions that wait for a person, oldest first. */
  holds: { ask: Record<string, never>; answer: HeldSession[] };
  /** Public keys of meters, accepted or not. */
  meterKeys: { ask: Record<string, never>; answer: MeterKeys };
  /** The newest entry with this action. */
  lastAudit: { ask: { action: string }; answer: AuditRecord | null };
  audit: { ask: AuditQuery & { limit: number }; answer: { entries: AuditLine[]; more: boolean } };
  /** All about one subject, as a ZIP; null when there is no such subject. */
  subject: { ask: { subject: string }; answer: Uint8Array | null };
  /** Where a session stands, and the bill that stands for it. */
  standing: { ask: { id: string }; answer: BilledStanding | null };
  /** Of the newest ended sessions, for planning. */
  pastStays: { ask: { sinceMs: number; limit: number; zone: string }; answer: PastStay[] };
  books: { ask: Record<string, never>; answer: BookedSession[] };
  /** The newest prices of series in the log. */
  series: { ask: { names: string[] }; answer: Map<string, PriceSeries> };
  /** Points of a series that end after `fromMs`. */
  purchasePrices: { ask: { series: string; fromMs: number }; answer: Priced[] };
  /** Profiles of other load, and the imports of a circuit. */
  siteLoad: { ask: SiteLoadAsk; answer: SiteLoadAnswer };
  /** Whether these prices are the newest of their time already. */
  prices: { ask: { series: string; sha256: string; from: string; to: string }; answer: PriceStanding };
  /** What was said of departures and learned of vehicles. */
  departures: { ask: Record<string, never>; answer: DepartureBook };
  /** Seals what waits and resolves when everything sealed is settled, or after `timeoutMs`. */
  flush: { ask: { timeoutMs: number }; answer: boolean };
}

export type ToOutbox =
  | { kind: "head"; offset: number }
  | { kind: "placed"; id: number; placed: Placed[] }
  | { kind: "ask"; id: number; what: keyof Questions; ask: unknown }
  | { kind: "gateway"; sample: ProcessSample }
  | { kind: "stop" };

export type FromOutbox =
  | { kind: "append"; id: number; events: NewEvent[]; attachments?: Attachment[] }
  | { kind: "cursor"; id: number; name: string; offset: number }
  | { kind: "answer"; id: number; answer?: unknown; error?: string }
  | { kind: "raise"; alert: AlertCause }
  | { kind: "clear"; id: string }
  | { kind: "publish"; topic: string; json: string; options: { qos: 0 | 1; retain: boolean } }
  | { kind: "log"; level: "info" | "warn" | "error"; text: string; data?: object }
  | { kind: "status"; status: OutboxStatus };

interface OutboxEvents {
  publish: [Extract<FromOutbox, { kind: "publish" }>];
  raise: [AlertCause];
  /** The id of an alert. */
  clear: [string];
  log: [Extract<FromOutbox, { kind: "log" }>];
  died: [Error];
}

const RESTART_MS = 1_000;

/** Wire time between two words to the sinks that the log grew. */
const MOVED_MS = 20;

export class Outbox extends EventEmitter<OutboxEvents> {
  readonly #settings: OutboxSettings;
  readonly #writer: LogWriter;
  #moving: NodeJS.Timeout | undefined;
  readonly #asked = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #stopping = false;
  #nextId = 1;
  #head = 0;
  #status: OutboxStatus = { consumers: {}, deadLetters: 0 };

  constructor(settings: OutboxSettings, writer: LogWriter) {
    super();
    this.#settings = settings;
    this.#writer = writer;
  }

  /** Needs the log to exist. A thread that dies is started again: cursors make that harmless. */
  start(): void {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./outbox-thread.${extension}`, import.meta.url), {
      workerData: this.#settings,
      name: "outbox",
      resourceLimits: threadHeap(384),
    });
    this.#worker = worker;
    worker.on("message", (message: FromOutbox) => this.#hear(message));
    worker.on("error", (error) => this.emit("died", error as Error));
    worker.on("exit", () => {
      for (const { reject } of this.#asked.values()) reject(new Error("the outbox thread ended"));
      this.#asked.clear();
      if (!this.#stopping) setTimeout(() => !this.#stopping && this.start(), RESTART_MS).unref();
    });
    this.#tell({ kind: "head", offset: this.#head });
  }

  /** Ends deliveries in flight within their grace. The ledger must still run: cursors are committed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    this.#tell({ kind: "stop" });
    const late = setTimeout(() => void worker.terminate(), 10_000);
    await ended;
    clearTimeout(late);
  }

  status(): OutboxStatus {
    return this.#status;
  }

  /** Tells the sinks, but not of every group: waking the thread costs as much as what it would find. */
  moved(head: number): void {
    this.#head = head;
    this.#moving ??= setTimeout(() => {
      this.#moving = undefined;
      this.#tell({ kind: "head", offset: this.#head });
    }, MOVED_MS);
  }

  gateway(sample: ProcessSample): void {
    this.#tell({ kind: "gateway", sample });
  }

  ask<What extends keyof Questions>(
    what: What,
    ask: Questions[What]["ask"],
  ): Promise<Questions[What]["answer"]> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#asked.set(id, { resolve, reject });
      this.#tell({ kind: "ask", id, what, ask });
    });
  }

  #tell(message: ToOutbox): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: FromOutbox): void {
    switch (message.kind) {
      case "append":
        void this.#writer
          .append(message.events, message.attachments)
          .then((placed) => this.#tell({ kind: "placed", id: message.id, placed }));
        return;
      case "cursor":
        void this.#writer
          .commitCursor(message.name, message.offset)
          .then(() => this.#tell({ kind: "placed", id: message.id, placed: [] }));
        return;
      case "answer": {
        const asked = this.#asked.get(message.id);
        this.#asked.delete(message.id);
        if (message.error !== undefined) asked?.reject(new Error(message.error));
        else asked?.resolve(message.answer as never);
        return;
      }
      case "status":
        this.#status = message.status;
        return;
      case "publish":
        this.emit("publish", message);
        return;
      case "raise":
        this.emit("raise", message.alert);
        return;
      case "clear":
        this.emit("clear", message.id);
        return;
      case "log":
        this.emit("log", message);
    }
  }
}
