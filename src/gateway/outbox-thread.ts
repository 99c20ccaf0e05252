/**
 * The outbox thread's composition root: the sinks on read-only connections of their own, and the answers to whoever
 * wants to read the log. Catch-up never touches the main thread; what a sink must keep goes through the ledger.
 */
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { openPayers } from "../identity/payers.ts";
import { receiptKeys } from "../identity/receipt-signature.ts";
import { SealedReader } from "../identity/sealed-reader.ts";
import { readKek, Vault } from "../identity/vault.ts";
import type { Attachment, LogWriter, Placed } from "../log/log-store.ts";
import { runSink, type Sink, type SinkRunner } from "../log/run-sink.ts";
import { openSqliteReader, type SqliteReader } from "../log/sqlite-reader.ts";
import { depotClock } from "../model/clock.ts";
import type { EventOf, NewEvent } from "../model/event.ts";
import { siteTopics } from "../model/topics.ts";
import { sessionDurations } from "../rules/durations.ts";
import { overlapping } from "../rules/price-series.ts";
import type { SinkContext } from "../sinks/context.ts";
import { createForgetSink, type ForgetSink } from "../sinks/forget.ts";
import { createInfluxSink, type GatewaySample } from "../sinks/influx.ts";
import { createLiveTopics } from "../sinks/live-topics.ts";
import { createSealSink, type SealSink } from "../sinks/seal.ts";
import { createUpstreamSink, type UpstreamSink } from "../sinks/upstream.ts";
import { httpUpstream } from "../sinks/upstream-http.ts";
import { mqttUpstream } from "../sinks/upstream-mqtt.ts";
import type { UpstreamTransport } from "../sinks/upstream-transport.ts";
import { historyFromLog, recentFacts } from "../web/log-history.ts";
import { reportFromLog } from "../web/log-report.ts";
import { whyFromLog, whyPeriodFromLog } from "../web/log-why.ts";
import { type ComputePool, createComputePool } from "../workers/compute-pool.ts";
import { auditPage } from "./audit-lines.ts";
import { Books } from "./books.ts";
import { readDepartureBook } from "./departure-log.ts";
import { KeyBook } from "./key-book.ts";
import { LoadBook } from "./load-book.ts";
import type {
  ConsumerStatus,
  FromOutbox,
  OutboxSettings,
  ProcessSample,
  Questions,
  ToOutbox,
} from "./outbox.ts";
import { pastStays } from "./past-stays.ts";
import { newestPrices, PriceBook } from "./price-book.ts";
import { HoldBook, standingAfter, standingBill, standingOf } from "./session-standing.ts";
import { exportSubject } from "./subject-export.ts";
import { yieldToOthers } from "./thread-priority.ts";
import { toldAlerts } from "./told-alerts.ts";

const STATUS_MS = 500;
/** Attempts to reach InfluxDB before it is an alert: a restart of it is none. */
const ATTEMPTS_BEFORE_ALERT = 3;
const influxDown = (sink: string) =>
  ({ id: `${sink}_down`, kind: "influx_down", severity: "warning", subject: sink }) as const;

const settings = workerData as OutboxSettings;
const isTimeSeries = (sink: string) => settings.timeSeries.some(({ name }) => name === sink);
const clock = depotClock(settings.clock);
const port = parentPort;
if (!port) throw new Error("outbox-thread runs as a worker thread only");
const tell = (message: FromOutbox) => port.postMessage(message);

let head = 0;
let nextId = 1;
let deadLetters = 0;
let sample: ProcessSample = {};
const owed = new Map<number, (placed: Placed[]) => void>();
const listeners = new Set<(head?: number) => void>();

const writer: LogWriter = {
  append: (events: NewEvent[], attachments?: Attachment[]) =>
    new Promise((resolve) => {
      const id = nextId++;
      owed.set(id, resolve);
      tell({ kind: "append", id, events, ...(attachments ? { attachments } : {}) });
    }),
  commitCursor: (name, offset) =>
    new Promise((resolve) => {
      const id = nextId++;
      owed.set(id, () => resolve());
      tell({ kind: "cursor", id, name, offset });
    }),
};

// A time series may be late; an acknowledgement and a limit may not.
yieldToOthers();

const openReader = (): SqliteReader => openSqliteReader(join(settings.dir, "log.db"));
const log = {
  info: (data: object, text: string) => tell({ kind: "log", level: "info", text, data: plain(data) }),
  warn: (data: object, text: string) => tell({ kind: "log", level: "warn", text, data: plain(data) }),
  error: (data: object, text: string) => tell({ kind: "log", level: "error", text, data: plain(data) }),
};
/** Errors lose their fields on the way between threads. */
function plain(data: object): object {
  return Object.fromEntries(
    Object.entries(data).map(([k, v]) => [k, v instanceof Error ? { message: v.message } : v]),
  );
}

const wake = (listener: (head?: number) => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};
/** Wakes the sinks when the log reaches further than they know. */
function grown(offset: number): void {
  if (offset <= head) return;
  head = offset;
  for (const listener of listeners) listener(head);
}

const alerts = toldAlerts({
  raise: (alert) => tell({ kind: "raise", alert }),
  clear: (id) => tell({ kind: "clear", id }),
});
const context = (): SinkContext => ({
  reader: openReader(),
  writer,
  clock,
  wake,
  alerts,
  log: log as SinkContext["log"],
});

const answers = openReader();
const books = new Books(answers);
let reporting: Promise<unknown> = Promise.resolve();
const prices = new PriceBook(answers);
const loads = new LoadBook(answers);
const holds = new HoldBook(answers);
const keys = new KeyBook(answers, holds);
const runners = new Map<string, SinkRunner>();
let pool: ComputePool | undefined;
let seal: SealSink | undefined;
let upstream: UpstreamSink | undefined;
let forget: ForgetSink | undefined;

function startRunner(sink: Sink): void {
  const reader = openReader();
  const runner = runSink(sink, {
    reader,
    commitCursor: writer.commitCursor,
    wake,
    onError(name, error) {
      log.warn({ sink: name, err: error }, "could not deliver");
      if (!isTimeSeries(name) || (runner.status().lastError?.attempts ?? 0) < ATTEMPTS_BEFORE_ALERT) return;
      alerts.raise({ ...influxDown(name), cause: error.message });
    },
    onRecovered: (name) => log.info({ sink: name }, "delivers again"),
  });
  runners.set(sink.name, runner);
  void runner.start().catch((error) => log.error({ sink: sink.name, err: error }, "could not start"));
}

/** A delivery proves that what was down, also before this start, is up. */
function clearing(alert: string, sink: Sink): Sink {
  return {
    ...sink,
    async deliver(events) {
      const through = await sink.deliver(events);
      alerts.clear(alert);
      return through;
    },
  };
}

function gatewaySamples(): GatewaySample[] {
  return Object.entries(consumers()).map(([consumer, { lagEvents, oldestUnsentS }], i) => ({
    consumer,
    lagEvents,
    ...(oldestUnsentS === null ? {} : { oldestUnsentS }),
    ...(i === 0 ? { rssMb: sample.rssMb, loopP99Ms: sample.loopP99Ms } : {}),
  }));
}

function consumers(): Record<string, ConsumerStatus> {
  const all: Record<string, ConsumerStatus> = {};
  for (const [name, runner] of runners) {
    const { lagEvents, oldestUnsentMs, lastError } = runner.status();
    all[name] = {
      lagEvents,
      oldestUnsentS: oldestUnsentMs === null ? null : Math.max(0, (clock.nowMs() - oldestUnsentMs) / 1000),
      lastError: lastError?.message ?? null,
    };
  }
  if (seal) {
    const { waiting, lastError } = seal.status();
    all.seal = { lagEvents: waiting, oldestUnsentS: null, lastError };
  }
  if (upstream) {
    const { pending, oldestUnsentS, lastError } = upstream.status();
    all.upstream = { lagEvents: pending, oldestUnsentS, lastError };
  }
  return all;
}

const questions: { [Q in keyof Questions]: (ask: Questions[Q]["ask"]) => Promise<Questions[Q]["answer"]> } = {
  async sessions({ limit }) {
    const ended = await recentFacts(answers, ["session.ended"], limit);
    const sessions: object[] = [];
    for (const event of ended) {
      const standing = await standingAfter(answers, event as EventOf<"session.ended">);
      if (!standing) continue;
      const { record, state, revision } = standing;
      sessions.push({ ...record, state, revision });
    }
    return sessions;
  },
  session: async ({ id }) => {
    const standing = await standingOf(answers, id);
    if (!standing) return null;
    const { record, state } = standing;
    const durations = sessionDurations(record);
    return { session: record, state, durations, cdr: (await standingBill(answers, standing)) ?? null };
  },
  history: (query) => historyFromLog(answers, query),
  report(query) {
    const made = reporting.then(async () => (await reportFromLog(answers, query)).report);
    reporting = made.catch(() => undefined);
    return made;
  },
  why: (question) => whyFromLog(answers, question),
  whyPeriod: ({ question, fromMs, toMs }) => whyPeriodFromLog(answers, question, fromMs, toMs),
  lastAudit: async ({ action }) => answers.lastAudit(action)?.body ?? null,
  audit: (query) => auditPage(answers, query),
  books: () => books.sessions(),
  async subject({ subject }) {
    const subjectsFile = join(settings.dir, "subjects.db");
    const vault = new Vault(readKek(settings.kekFile));
    const ground = { reader: answers, subjectsFile, vault, site: settings.site, nowMs: clock.nowMs() };
    return (await exportSubject(ground, subject)) ?? null;
  },
  pastStays: (ask) => pastStays(answers, ask),
  prices: (ask) => prices.standing(ask),
  purchasePrices: async ({ series, fromMs }) =>
    overlapping((await newestPrices(answers, [series])).get(series)?.points ?? [], fromMs, Infinity),
  siteLoad: (ask) => loads.answer(ask),
  series: ({ names }) => newestPrices(answers, names),
  departures: () => readDepartureBook(answers),
  holds: async () => (await holds.read()).open,
  meterKeys: () => keys.read(),
  async standing({ id }) {
    const standing = await standingOf(answers, id);
    return standing ? { ...standing, bill: (await standingBill(answers, standing)) ?? null } : null;
  },
  async flush({ timeoutMs }) {
    const until = Date.now() + timeoutMs;
    await seal?.flush();
    const { offset } = await answers.head();
    // Word of what was just written may still be on its way: without it no sink would seem to be behind.
    grown(offset);
    // Before upstream has looked that far it does not know what was just sealed, and nothing would seem to wait.
    const delivered = () => {
      const { pending = 0, through = offset } = upstream?.status() ?? {};
      return pending === 0 && through >= offset;
    };
    const written = () =>
      settings.timeSeries.every(({ name }) => (runners.get(name)?.status().lagEvents ?? 0) === 0);
    while (!(delivered() && written()) && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return delivered();
  },
};

async function answer(id: number, what: keyof Questions, ask: unknown): Promise<void> {
  try {
    tell({ kind: "answer", id, answer: await questions[what](ask as never) });
  } catch (error) {
    tell({ kind: "answer", id, error: (error as Error).message });
  }
}

function transportTo({
  url,
  username,
  password,
  caPem,
}: NonNullable<OutboxSettings["upstream"]>): UpstreamTransport {
  const tls = caPem ? { tls: { ca: caPem } } : {};
  if (url.startsWith("http")) return httpUpstream({ url, ...(password ? { token: password } : {}), ...tls });
  const { site, gateway } = settings;
  const login = { ...(username ? { username } : {}), ...(password ? { password } : {}) };
  return mqttUpstream({ url, site, clientId: `laddport-${gateway}`, ...login, ...tls });
}

function start(): void {
  const { timeSeries, upstream: cloud, signer, site, gateway, epoch } = settings;
  startRunner(
    createLiveTopics({
      topics: siteTopics(site),
      publish: (topic, json, options) => tell({ kind: "publish", topic, json, options }),
    }),
  );
  for (const [i, { name, target, windowMs }] of timeSeries.entries()) {
    const sink = createInfluxSink({
      name,
      site,
      meters: new Map(Object.entries(settings.meters)),
      target,
      windowMs,
      deadLetter(line, reason) {
        deadLetters += 1;
        log.warn({ sink: name, reason, line: line.slice(0, 200) }, "LP613 a line was set aside");
      },
      async findSession(id) {
        const ended = (await answers.factByKey(`session.ended:${id}`)) as
          | EventOf<"session.ended">
          | undefined;
        return ended?.body.session_id === undefined ? undefined : ended.body;
      },
      // The gateway's own figures are of the moment: raw series only.
      ...(i === 0 ? { gateway: gatewaySamples, allocator: () => sample.allocator, nowMs: clock.nowMs } : {}),
    });
    startRunner(clearing(influxDown(name).id, sink));
  }
  if (cloud) {
    const compute = createComputePool();
    pool = compute;
    const { profile, recipients, receiptCertsPem, keepDays } = cloud;
    const subjects = join(settings.dir, "subjects.db");
    const vault = new Vault(readKek(settings.kekFile));
    const sealed = new SealedReader(subjects, vault);
    seal = createSealSink(context(), {
      gateway,
      site,
      epoch,
      recipients,
      openSealed: (value) => sealed.open(value),
      payerOf: openPayers(subjects, vault).payerOf,
      seal: (payload, certPems) => compute.run("seal", { profile, payload, signer, recipients: certPems }),
      maxWaitS: cloud.intervalS,
      maxCdrs: cloud.maxCdrs,
    });
    upstream = createUpstreamSink(context(), {
      gateway,
      transport: transportTo(cloud),
      receiptKeys: receiptCertsPem === undefined ? [] : receiptKeys(receiptCertsPem),
    });
    forget = createForgetSink(context(), { keepDays });
    seal.start();
    upstream.start();
    forget.start();
  }
}

async function stop(): Promise<void> {
  clearInterval(report);
  const sinks = [seal, upstream, forget];
  await Promise.all([...[...runners.values()].map((r) => r.stop(3_000)), ...sinks.map((s) => s?.stop())]);
  await pool?.stop();
  process.exit(0);
}

port.on("message", (message: ToOutbox) => {
  switch (message.kind) {
    case "head":
      grown(message.offset);
      return;
    case "placed":
      owed.get(message.id)?.(message.placed);
      owed.delete(message.id);
      return;
    case "ask":
      void answer(message.id, message.what, message.ask);
      return;
    case "gateway":
      sample = message.sample;
      return;
    case "stop":
      void stop();
  }
});

const report = setInterval(
  () => tell({ kind: "status", status: { consumers: consumers(), deadLetters } }),
  STATUS_MS,
);
start();
