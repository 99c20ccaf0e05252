/**
 * The ledger thread: the only writer of the log. It takes numbered batches, makes events of the messages, commits them
 * in one transaction with what the folds gave for earlier groups, answers, and folds what it committed.
 * After any failure memory equals the last commit: what a batch changes is staged until COMMIT, and whatever cannot be
 * undone (a throw in a fold or in between) ends the thread, which starts again from the log.
 */
import { existsSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { Attachment, Placed } from "../log/log-store.ts";
import type { FoldRunner } from "../log/run-fold.ts";
import { storageFault } from "../log/storage-fault.ts";
import type { Alert } from "../model/alert.ts";
import { depotClock } from "../model/clock.ts";
import type { Event, NewEvent } from "../model/event.ts";
import type { Authorization } from "../model/messages.ts";
import { ALERTS_FOLD } from "../rules/fold-alerts.ts";
import { SESSIONS_FOLD, type SessionsPart, sessionCounts } from "../rules/fold-sessions.ts";
import { runningCosts } from "../rules/running-cost.ts";
import { ballast } from "./ballast.ts";
import { createTicker } from "./clock-tick.ts";
import { faultPoint } from "./fault-point.ts";
import { adoption, sessionsOptions } from "./folds.ts";
import { BATCH_CURSOR, epochOf, type Ledger, openLedger } from "./ledger-open.ts";
import {
  type Batch,
  type BatchResult,
  DUPLICATE,
  type LedgerCall,
  type LedgerSettings,
  type News,
  type RawMessage,
  type Resumed,
  STORED,
  unpackMessages,
} from "./ledger-protocol.ts";
import { type StagedGroup, type StagedMessage, stageMessage } from "./ledger-stage.ts";
import { RunningWatch } from "./running-watch.ts";
import { type SubjectAnswers, type SubjectAsk, subjectWork } from "./subject-work.ts";

const SLICE_MS = 5;
/** How long derived events may wait for a group to ride with. */
const SETTLE_MS = 20;
/** A start folds again what came after the last snapshot: a second's worth costs more to save than to fold. */
const SNAPSHOT_MS = 5_000;
const SNAPSHOT_EVENTS = 20_000;
const MINUTE_MS = 60_000;
const settings = workerData as LedgerSettings;
const clock = depotClock(settings.clock);
const ticker = createTicker(clock, settings.clockState);
const fail = faultPoint(settings.faultFile);

let ledger: Ledger | undefined;

export default function task(call: LedgerCall): Resumed | BatchResult | SubjectAnswers[SubjectAsk["what"]] {
  return guarded(() => {
    switch (call.kind) {
      case "resume":
        return resume(call.next);
      case "batch":
        return commitBatch(call.batch);
      case "subject":
        return workOnSubject(call.ask);
    }
  });
}

/** Between two batches: the store has no open transaction then. */
function workOnSubject(ask: SubjectAsk): SubjectAnswers[SubjectAsk["what"]] {
  const l = ledger;
  // Who asks a thread that has just begun is told to ask again.
  if (!l) return { refused: "full" };
  const place = {
    subjects: l.subjects,
    reader: l.store,
    dir: settings.dir,
    nowMs: clock.nowMs(),
    commit: (event: NewEvent) => commitOwn(l, [event]),
  };
  foldNow(l);
  const answer = subjectWork(place, ask);
  schedule();
  return answer;
}

/** Called first on every new thread: opens the log and answers where it stands. */
function resume(next: number): Resumed {
  const opened = openLedger(settings, next);
  ledger = opened.ledger;
  const { replayed, damage } = opened;
  const { store, runner } = ledger;
  const epoch = adoptStart(ledger, damage);
  setInterval(tick, Math.max(5, clock.realDelayMs(MINUTE_MS) / 4)).unref();
  setInterval(limitWal, LIMIT_WAL_MS).unref();
  watchCosts(ledger);
  retain();
  schedule();
  const openAlerts = [...runner.partsOf(ALERTS_FOLD).values()] as Alert[];
  return { head: store.readHead(), epoch, damage, replayed, openAlerts, sessions: sessionsOf(runner) };
}

/** The first facts of a start: what the gateway runs with, and damage if there is any. */
function adoptStart(l: Ledger, damage: string | null): number {
  const now = clock.nowMs();
  const epoch = epochOf(l.store);
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
  const body = adoption(settings);
  const adopted = l.store.lastOfType("tariff.adopted")?.body as { hash?: string } | undefined;
  if (body && adopted?.hash !== body.hash) {
    events.push({ type: "tariff.adopted", atMs: now, station: null, key: null, body });
  }
  events.push(ticker.tick());
  commitOwn(l, events);
  return epoch;
}

const FOLD_NOW_MS = 100;
const FOLD_ROUNDS = 4;

/** What was just acknowledged is looked at too: sessions and bills come of it in a few rounds of folds. */
function foldNow(l: Ledger): void {
  for (let round = 0; round < FOLD_ROUNDS; round += 1) {
    l.runner.work(FOLD_NOW_MS);
    if (!l.runner.hasEmitted || !commitOwn(l, [])) return;
  }
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
  const group: StagedGroup = { events, rejected: [], seen: new Map() };
  try {
    for (const message of messages) staged.push(stageMessage(l, message, group, clock.nowMs()));
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
    rejected: group.rejected,
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
    l.subjects.scrubIfDue();
    const now = clock.nowMs();
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== l.lastMinute) {
      l.lastMinute = minute;
      commitOwn(l, [ticker.tick()]);
      const hour = Math.floor(minute / 60);
      if (hour !== l.lastHour) {
        l.lastHour = hour;
        l.subjects.forgetDays(now, settings.quarantineDays);
      }
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

const COSTS_MS = 250;

/** Wire time: whoever looks on does. */
function watchCosts({ runner }: Ledger): void {
  const parts = runner.partsOf(SESSIONS_FOLD) as ReadonlyMap<string, SessionsPart>;
  const watch = new RunningWatch(parts, runningCosts(sessionsOptions(settings), parts));
  setInterval(() => {
    const news = watch.turn(clock.nowMs(), () => performance.now());
    if (news) parentPort?.postMessage(news);
  }, COSTS_MS).unref();
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
