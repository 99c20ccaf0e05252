/** A real log on disk with what a sink is given: reader, writer, wake, alerts; and CDRs to put into it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Attachment, LogWriter } from "../../src/log/log-store.ts";
import { openSqliteStore, type SqliteStore } from "../../src/log/sqlite-store.ts";
import { AlertBoard, type AlertEvent } from "../../src/model/alert-board.ts";
import { type DepotClock, depotClock } from "../../src/model/clock.ts";
import type { Event, EventOf, EventType, NewEvent } from "../../src/model/event.ts";
import type { SinkContext } from "../../src/sinks/context.ts";
import { sampleCdr } from "../workers/sample-summary.ts";

export interface Outbox {
  dir: string;
  store: SqliteStore;
  context: SinkContext;
  alerts: AlertEvent[];
  /** Appends `count` CDRs numbered from `from`, as the billing fold would. */
  issue(from: number, count: number, atMs?: number): Promise<void>;
  facts<T extends EventType>(type: T): Promise<EventOf<T>[]>;
  close(): Promise<void>;
}

export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "laddport-outbox-"));

/** Depot time that starts now and runs `speed` times as fast. */
export function fastClock(speed = 1): DepotClock {
  const now = Date.now();
  return depotClock({ realMs: now, depotMs: now, speed });
}

export async function openOutbox(dir: string, clock: DepotClock = fastClock()): Promise<Outbox> {
  const store = await openSqliteStore(join(dir, "log.db"));
  const listeners = new Set<() => void>();
  const alerts: AlertEvent[] = [];
  const committed = async (events: NewEvent[], attachments?: Attachment[]) => {
    const placed = await store.commit({ events, ...(attachments && { attachments }) });
    for (const listener of listeners) listener();
    return placed;
  };
  const writer: LogWriter = {
    append: committed,
    async commitCursor(name, offset) {
      await store.commit({ events: [], cursors: new Map([[name, offset]]) });
    },
  };
  const context: SinkContext = {
    reader: store,
    writer,
    clock,
    wake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    alerts: new AlertBoard((event) => alerts.push(event), clock.nowMs),
    log: pino({ level: "silent" }),
  };
  return {
    dir,
    store,
    context,
    alerts,
    async issue(from, count, atMs = clock.nowMs()) {
      await committed(Array.from({ length: count }, (_, i) => cdrIssued(from + i, atMs)));
    },
    facts: (type) => factsOf(store, type),
    close: () => store.close(),
  };
}

export const removeFolder = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true });

function cdrIssued(n: number, atMs: number): NewEvent {
  const body = sampleCdr(n);
  return { type: "cdr.issued", atMs, station: "cp-07", key: `cdr.issued:${body.id}`, body };
}

async function factsOf<T extends EventType>(store: SqliteStore, type: T): Promise<EventOf<T>[]> {
  const found: Event[] = [];
  for (let after = 0; ; ) {
    const { events, through } = await store.read(after, { types: [type] });
    found.push(...events);
    if (through <= after) return found as EventOf<T>[];
    after = through;
  }
}

/** Waits for a state of the world; gives up, naming it, after a time that only a hang exceeds. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
