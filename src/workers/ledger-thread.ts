/**
 * The ledger thread: the only writer of the log. It takes numbered batches, makes events of the messages, commits them
 * in one transaction with what the folds gave for earlier groups, answers, and folds what it committed.
 * After any failure memory equals the last commit: what a batch changes is staged until COMMIT, and whatever cannot be
 * undone (a throw in a fold or in between) ends the thread, which starts again from the log.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { SubjectStore } from "../identity/subject-store.ts";
import { readKek, Vault } from "../identity/vault.ts";
import type { Attachment, Placed } from "../log/log-store.ts";
import { readMark, writeMark } from "../log/mark.ts";
import { FoldRunner } from "../log/run-fold.ts";
import { Seen } from "../log/seen.ts";
import { openSqliteStoreNow, type SqliteStore } from "../log/sqlite-store.ts";
import { storageFault } from "../log/storage-fault.ts";
import type { Alert } from "../model/alert.ts";
import { depotClock } from "../model/clock.ts";
import type { Event, NewEvent } from "../model/event.ts";
import type { Authorization } from "../model/messages.ts";
import { ALERTS_FOLD } from "../rules/fold-alerts.ts";
import { SESSIONS_FOLD, sessionCounts } from "../rules/fold-sessions.ts";
import { ballast } from "./ballast.ts";
import { faultPoint } from "./fault-point.ts";
import { folds, tariffVersion } from "./folds.ts";
import { Intake, rejectedReply } from "./intake.ts";
import {
  type Batch,
  type BatchResult,
  DUPLICATE,
  type LedgerCall,
  type LedgerSettings,
  type News,
  type RawMessage,
  REJECTED,
  type Resumed,
  STORED,
  unpackMessages,
} from "./ledger-protocol.ts";
import { QuarantineQuota } from "./quarantine-quota.ts";
import { Retention } from "./retention.ts";

const SLICE_MS = 5;
/** How long derived events may wait for a group to ride with. */
const SETTLE_MS = 20;
/** A start folds again what came after the last snapshot: a second's worth costs more to save than to fold. */
const SNAPSHOT_MS = 5_000;
const SNAPSHOT_EVENTS = 20_000;
const MINUTE_MS = 60_000;
/** How far back duplicates are remembered after a restart. */
const SEEN_ROWS = 100_000;
const settings = workerData as LedgerSettings;
const clock = depotClock(settings.clock);
const fail = faultPoint(settings.faultFile);

/** Everything that is rebuilt from the log when the thread starts. */
interface Ledger {
  store: SqliteStore;
  subjects: SubjectStore;
  intake: Intake;
  seen: Seen;
  runner: FoldRunner;
  quota: QuarantineQuota;
  expected: number;
  /** The last batch that is durable; the thread may have died before it could say so. */
  committed: number;
  counts: Record<string, number>;
  snapshotAt: number;
  snapshotOffset: number;
  lastMinute: number;
  retention: Retention;
  missedSamples: Set<string>;
}

let ledger: Ledger | undefined;

/** Cursor under which the number of the last committed batch rides in its own transaction. */
const BATCH_CURSOR = "ledger.batch";

/** One message, staged: what it becomes and which answer it gets. */
interface StagedMessage {
  code: number;
  /** Index of its event in the group; -1 when there is none. */
  event: number;
  boot: string | null;
  seq: number | null;
}

export default function task(call: LedgerCall): Resumed | BatchResult {
  return guarded(() => (call.kind === "resume" ? resume(call.next) : commitBatch(call.batch)));
}

/** Opens the log, restores the folds and answers where it stands. Called first on every new thread. */
function resume(next: number): Resumed {
  const file = join(settings.dir, "log.db");
  const markFile = join(settings.dir, "log.mark");
  // The first mark comes before the first row: from then on a missing mark is damage.
  if (!existsSync(file) && !existsSync(markFile))
    writeMark(markFile, EMPTY_MARK, privateKeyOf(settings.signerKeyFile));
  const mark = readMark(markFile, publicKeyOf(settings.signerCertFile));
  const highWater = mark.state === "valid" ? Math.max(mark.mark.factOffset, mark.mark.sampleOffset) : 0;
  const store = openSqliteStoreNow(file, { highWater });
  const subjects = new SubjectStore(join(settings.dir, "subjects.db"), new Vault(readKek(settings.kekFile)));
  const evsesOf = new Map<string, number[]>(settings.meters.map((m) => [m, [0]]));
  for (const { station, evse } of settings.evses)
    evsesOf.set(station, [...(evsesOf.get(station) ?? [0]), evse]);
  const intake = new Intake({ site: settings.site, evsesOf, tokenPolicy: settings.tokenPolicy }, subjects);
  const runner = new FoldRunner(folds(settings));
  ledger = {
    store,
    subjects,
    intake,
    seen: new Seen(),
    runner,
    quota: new QuarantineQuota(),
    expected: next,
    committed: store.cursorNow(BATCH_CURSOR),
    counts: {},
    snapshotAt: performance.now(),
    snapshotOffset: 0,
    lastMinute: 0,
    retention: new Retention(store, settings),
    missedSamples: new Set(),
  };
  const replayed = replay(ledger);
  rememberSeen(ledger);
  const head = store.readHead();
  const damage = damageOf(mark, head);
  const epoch = adoptStart(ledger, damage);
  setInterval(tick, Math.max(5, clock.realDelayMs(MINUTE_MS) / 4)).unref();
  setInterval(limitWal, LIMIT_WAL_MS).unref();
  retain();
  schedule();
  const openAlerts = [...runner.partsOf(ALERTS_FOLD).values()] as Alert[];
  return { head: store.readHead(), epoch, damage, replayed, openAlerts, sessions: sessionsOf(runner) };
}

const EMPTY_MARK = {
  factOffset: 0,
  factHash: "",
  sampleOffset: 0,
  sampleHash: "",
  at: "1970-01-01T00:00:00Z",
};

function privateKeyOf(keyFile: string) {
  return createPrivateKey(readFileSync(keyFile));
}

function publicKeyOf(certFile: string): string {
  return new X509Certificate(readFileSync(certFile)).publicKey
    .export({ type: "spki", format: "pem" })
    .toString();
}

/** Folds again what came after the last snapshot. Facts it emits again are duplicates by key. */
function replay({ store, runner }: Ledger): number {
  let after = runner.restore((fold) => store.snapshotNow(fold));
  let replayed = 0;
  for (;;) {
    const { events, through } = store.readSync(after, 2_000);
    if (events.length === 0) return replayed;
    runner.feed(events);
    while (runner.work(50));
    replayed += events.length;
    after = through;
  }
}

function rememberSeen({ store, seen, intake }: Ledger): void {
  for (let after = Math.max(0, store.lastOffset - SEEN_ROWS); ; ) {
    const { events, through } = store.readSync(after, 5_000);
    if (events.length === 0) return;
    for (const { station, body, offset, type } of events) {
      const { boot, seq, evse, token_ref } = body as {
        boot?: string;
        seq?: number;
        evse?: number;
        token_ref?: string;
      };
      if (station && typeof boot === "string" && typeof seq === "number")
        seen.add(station, boot, seq, offset);
      if (station && type === "transaction.started") intake.remember(station, evse ?? 0, token_ref);
    }
    after = through;
  }
}

function damageOf(
  mark: ReturnType<typeof readMark>,
  head: { factOffset: number; sampleOffset: number },
): string | null {
  if (mark.state === "invalid") return `the high-water mark is not ours: ${mark.why}`;
  if (mark.state === "absent") return head.factOffset > 0 ? "the high-water mark is missing" : null;
  const { factOffset, sampleOffset } = mark.mark;
  const lost = [
    head.factOffset < factOffset ? `facts after ${head.factOffset} up to ${factOffset}` : "",
    head.sampleOffset < sampleOffset ? `samples after ${head.sampleOffset} up to ${sampleOffset}` : "",
  ].filter(Boolean);
  return lost.length > 0 ? `rows that were committed are gone: ${lost.join(" and ")}` : null;
}

/** The first facts of a start: what the gateway runs with, and damage if there is any. */
function adoptStart(l: Ledger, damage: string | null): number {
  const now = clock.nowMs();
  const last = l.store.lastOfType("gateway.started");
  const epoch = (last?.body as { epoch?: number } | undefined)?.epoch ?? 1;
  const events: NewEvent[] = [];
  if (damage) {
    events.push({ type: "log.damaged", atMs: now, station: null, key: null, body: { detail: damage } });
  }
  const { version } = settings;
  events.push({
    type: "gateway.started",
    atMs: now,
    station: null,
    key: null,
    body: { version, node: process.versions.node, epoch },
  });
  const tariff = settings.tariff && tariffVersion(settings.tariff);
  const adopted = l.store.lastOfType("tariff.adopted")?.body as { tariff: { hash: string } } | undefined;
  if (tariff && adopted?.tariff.hash !== tariff.hash) {
    events.push({ type: "tariff.adopted", atMs: now, station: null, key: null, body: { tariff } });
  }
  events.push(ticked(now));
  commitOwn(l, events);
  return epoch;
}

function ticked(now: number): NewEvent {
  return {
    type: "clock.ticked",
    atMs: now,
    station: null,
    key: null,
    body: { at: new Date(now).toISOString() },
  };
}

/** Commits one batch; the heart of the gateway. */
function commitBatch(batch: Batch): BatchResult {
  const l = ledger;
  if (!l || batch.n !== l.expected) return { kind: "refused", n: batch.n };
  if (batch.n <= l.committed) return answerAgain(l, batch);
  fail("before-commit");
  const messages = unpackMessages(batch.packed);
  const derived = l.runner.emitted();
  const events: NewEvent[] = derived.slice();
  const staged: StagedMessage[] = [];
  const rejected: Extract<BatchResult, { kind: "committed" }>["rejected"] = [];
  const stagedSeen = new Map<string, number>();
  try {
    for (const message of messages) staged.push(stage(l, message, events, rejected, stagedSeen));
    l.subjects.flush();
  } catch (error) {
    l.subjects.discard();
    return full(error, batch.n);
  }
  const attachments: Attachment[] = [];
  const ranges: [number, number][] = [];
  for (const append of batch.appends) {
    for (const a of append.attachments ?? [])
      attachments.push({ event: events.length + a.event, bytes: a.bytes });
    ranges.push([events.length, events.length + append.events.length]);
    events.push(...append.events);
  }
  const withSnapshots = snapshotDue(l);
  const started = performance.now();
  let placed: Placed[];
  try {
    placed = l.store.commitNow({
      events,
      attachments,
      cursors: new Map([...batch.cursors, [BATCH_CURSOR, batch.n]]),
      snapshots: withSnapshots ? l.runner.snapshots() : [],
    });
  } catch (error) {
    return full(error, batch.n);
  }
  const commitMs = performance.now() - started;
  fail("after-commit");
  l.expected += 1;
  l.runner.committed(derived.length, withSnapshots);
  const authorizations = settle(l, messages, staged, events, placed);
  schedule();
  return {
    kind: "committed",
    n: batch.n,
    codes: Uint8Array.from(staged, (s) => s.code),
    rejected,
    authorizations,
    placed: ranges.map(([from, to]) => placed.slice(from, to)),
    news: news(l, commitMs),
  };
}

/** The batch is in the log already: its messages are safe, its facts are found by their keys. */
function answerAgain(l: Ledger, batch: Batch): BatchResult {
  l.expected += 1;
  return {
    kind: "committed",
    n: batch.n,
    codes: new Uint8Array(unpackMessages(batch.packed).length).fill(STORED),
    rejected: [],
    authorizations: [],
    placed: batch.appends.map(({ events }) =>
      events.map(({ key }) => ({ offset: (key && l.store.factByKeyNow(key)?.offset) || 0, duplicate: true })),
    ),
    news: news(l, 0),
  };
}

/** Makes a message an event of the group, or finds that the log has it, or quarantines it. */
function stage(
  l: Ledger,
  message: RawMessage,
  events: NewEvent[],
  rejected: Extract<BatchResult, { kind: "committed" }>["rejected"],
  stagedSeen: Map<string, number>,
): StagedMessage {
  let taken = l.intake.take(message);
  if (taken.kind === "event" && taken.boot !== null && taken.seq !== null) {
    const { boot, seq, event } = taken;
    const met = findSame(l, event, boot, seq, events, stagedSeen);
    if (met === "same") return { code: DUPLICATE, event: -1, boot, seq };
    if (met === "other") {
      const text = `boot ${boot} seq ${seq} is in the log with other content; number every message once`;
      taken = { kind: "rejected", code: "KEY_CONFLICT", message: text, boot, seq };
    } else {
      stagedSeen.set(`${event.station}/${boot}/${seq}`, events.length);
      events.push(event);
      return { code: STORED, event: events.length - 1, boot, seq };
    }
  }
  if (taken.kind === "event") {
    events.push(taken.event);
    return { code: STORED, event: events.length - 1, boot: null, seq: null };
  }
  const topic = l.intake.topicOf(message);
  rejected.push({ ...rejectedReply(topic, taken), station: message.station });
  if (!l.quota.admit(message.station, message.payload.length, clock.nowMs())) {
    return { code: REJECTED, event: -1, boot: null, seq: null };
  }
  const sealed = l.subjects.seal(null, message.payload, message.atMs);
  events.push({
    type: "message.quarantined",
    atMs: message.atMs,
    station: message.station,
    key: null,
    body: {
      topic,
      code: taken.code,
      message: taken.message,
      ...(taken.pointer ? { pointer: taken.pointer } : {}),
      sealed_sha256: sealed.sha256,
      size: message.payload.length,
    },
  });
  return { code: REJECTED, event: -1, boot: null, seq: null };
}

/** Compares with the same number in this batch, in the window, or (facts) anywhere in the log. */
function findSame(
  l: Ledger,
  event: NewEvent,
  boot: string,
  seq: number,
  events: NewEvent[],
  stagedSeen: Map<string, number>,
): "same" | "other" | undefined {
  const station = event.station ?? "";
  const inBatch = stagedSeen.get(`${station}/${boot}/${seq}`);
  if (inBatch !== undefined) return sameEvent(events[inBatch], event);
  const offset = l.seen.find(station, boot, seq);
  if (offset !== undefined) {
    const there = l.store.bodyAt(offset);
    if (there) return sameBody(there.type, there.body, event);
  }
  if (event.key === null) return undefined;
  const fact = l.store.factByKeyNow(event.key);
  return fact && sameBody(fact.type, JSON.stringify(fact.body), event);
}

function sameEvent(there: NewEvent | undefined, event: NewEvent): "same" | "other" {
  return sameBody(there?.type ?? "", JSON.stringify(there?.body), event);
}

function sameBody(type: string, body: string | null, event: NewEvent): "same" | "other" {
  if (type !== event.type) return "other";
  // What the gateway decided about a token may differ the second time; what the station said may not.
  if (event.type === "token.decided" && body !== null) {
    const { ref, token_ref } = JSON.parse(body) as { ref: string; token_ref: string };
    return ref === event.body.ref && token_ref === event.body.token_ref ? "same" : "other";
  }
  return body === JSON.stringify(event.body) ? "same" : "other";
}

/** After COMMIT: memory follows, folds get the events, stations get their answers. */
function settle(
  l: Ledger,
  messages: RawMessage[],
  staged: StagedMessage[],
  events: NewEvent[],
  placed: Placed[],
): (Authorization & { station: string; evse: number })[] {
  const authorizations: (Authorization & { station: string; evse: number })[] = [];
  for (const [i, s] of staged.entries()) {
    const event = events[s.event];
    if (!event?.station) {
      const repeated = s.code === DUPLICATE ? l.intake.decisionOf(messages[i] as RawMessage) : undefined;
      if (repeated) authorizations.push(repeated);
      continue;
    }
    if (s.boot !== null && s.seq !== null) {
      l.seen.add(event.station, s.boot, s.seq, placed[s.event]?.offset ?? 0);
    }
    if (event.type === "token.decided") {
      const { ref, status, reason, evse } = event.body;
      authorizations.push({ ref, status, reason, evse, station: event.station });
    }
  }
  feed(l, events, placed);
  return authorizations;
}

function feed(l: Ledger, events: NewEvent[], placed: Placed[]): void {
  const fresh: Event[] = [];
  for (const [i, event] of events.entries()) {
    const place = placed[i];
    if (!place || place.duplicate) continue;
    fresh.push(Object.assign(event, { offset: place.offset }) as Event);
    l.counts[event.type] = (l.counts[event.type] ?? 0) + 1;
  }
  l.runner.feed(fresh);
}

function news(l: Ledger, commitMs: number): News {
  const counts = l.counts;
  l.counts = {};
  const missedSamples = [...l.missedSamples];
  l.missedSamples.clear();
  const { offset, factHash, sampleHash } = l.store.headNow;
  return {
    head: { offset, factHash, sampleHash },
    commitMs,
    counts,
    foldLag: l.runner.waiting,
    sessions: sessionsOf(l.runner),
    quarantineOverflow: l.quota.takeOverflow(),
    missedSamples,
  };
}

const sessionsOf = (runner: FoldRunner) => sessionCounts(runner.partsOf(SESSIONS_FOLD));

/** An event group of the ledger's own: clock ticks, derived events when no batch comes by. False on a full disk. */
function commitOwn(l: Ledger, own: NewEvent[]): boolean {
  const derived = l.runner.emitted();
  const events = [...derived, ...own];
  const withSnapshots = snapshotDue(l);
  if (events.length === 0 && !withSnapshots) return true;
  const started = performance.now();
  try {
    const placed = l.store.commitNow({ events, snapshots: withSnapshots ? l.runner.snapshots() : [] });
    l.runner.committed(derived.length, withSnapshots);
    feed(l, events, placed);
    parentPort?.postMessage(news(l, performance.now() - started));
    return true;
  } catch (error) {
    // A full disk keeps what was derived for the next group; ticks come again by themselves.
    refused(error);
    return false;
  }
}

/** What was not asked for by a batch: a full disk is told of by the next one, an fsync that failed at once. */
function refused(error: unknown): void {
  const outcome = full(error, 0);
  if (outcome.kind === "fatal") parentPort?.postMessage(outcome);
}

/** Only at a moment when all that was committed is folded, and so everything it gave rides in this group. */
function snapshotDue(l: Ledger): boolean {
  if (l.runner.waiting > 0) return false;
  const since = l.runner.through - l.snapshotOffset;
  const due = since > 0 && (performance.now() - l.snapshotAt > SNAPSHOT_MS || since > SNAPSHOT_EVENTS);
  if (due) {
    l.snapshotAt = performance.now();
    l.snapshotOffset = l.runner.through;
  }
  return due;
}

/** Tells a disk that takes nothing (try again) from what must end the thread or the process. */
function full(error: unknown, n: number): BatchResult {
  const fault = storageFault(error);
  if (fault === "other") throw error;
  const why = (error as Error).message;
  if (fault === "fsync") return { kind: "fatal", n, why };
  ballast(settings.dir).release();
  return { kind: "full", n, why };
}

let scheduled = false;
/** Folds between batches, in slices, so that the next batch never waits longer than one. */
function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(() => {
    scheduled = false;
    if (!ledger) return;
    if (guarded(() => ledger?.runner.work(SLICE_MS) ?? false)) schedule();
    else if (ledger.runner.hasEmitted)
      setTimeout(() => ledger && guarded(() => flushDerived()), SETTLE_MS).unref();
  });
}

function flushDerived(): boolean {
  if (ledger?.runner.hasEmitted) {
    commitOwn(ledger, []);
    schedule();
  }
  return false;
}

/** What throws may have left memory ahead of the log: the thread ends, and the next one starts from the log. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    process.stderr.write(`ledger: ${(error as Error).stack}\n`);
    process.exit(1);
  }
}

/** Each minute of depot time: a tick in the log. */
function tick(): void {
  const l = ledger;
  if (!l) return;
  guarded(() => {
    const now = clock.nowMs();
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== l.lastMinute) {
      l.lastMinute = minute;
      commitOwn(l, [ticked(now)]);
      if (minute % 60 === 0) l.subjects.forgetDays(now, 30);
      schedule();
    }
    return false;
  });
}

const LIMIT_WAL_MS = 50;

function limitWal(): void {
  const l = ledger;
  if (!l) return;
  guarded(() => {
    try {
      l.store.limitWalNow();
    } catch (error) {
      refused(error);
    }
  });
}

const RETAIN_AGAIN_MS = 1_000;

/** Retention, in slices between the batches. Its timer runs on wire time: how full the disk is has no depot time. */
function retain(): void {
  const l = ledger;
  if (!l) return;
  const pauseMs = guarded(() => {
    try {
      return l.retention.work(clock.nowMs(), (event) => declarePruned(l, event));
    } catch (error) {
      refused(error);
      return RETAIN_AGAIN_MS;
    }
  });
  setTimeout(retain, pauseMs).unref();
}

function declarePruned(l: Ledger, event: NewEvent): boolean {
  const { behind = {} } = event.body as { behind?: Record<string, number> };
  for (const sink of Object.keys(behind)) l.missedSamples.add(sink);
  const isDeclared = commitOwn(l, [event]);
  schedule();
  return isDeclared;
}

if (!existsSync(settings.dir)) throw new Error(`the data directory ${settings.dir} does not exist`);
