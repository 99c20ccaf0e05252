/** A log as the ledger writes it: events of stations, and after them what the real folds give. */
import { join } from "node:path";
import { FoldRunner } from "../../src/log/run-fold.ts";
import { openSqliteStore, type SqliteStore } from "../../src/log/sqlite-store.ts";
import type { Event, NewEvent } from "../../src/model/event.ts";
import type { Fold } from "../../src/model/fold.ts";
import { alertsFold } from "../../src/rules/fold-alerts.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { sessionsFold } from "../../src/rules/fold-sessions.ts";
import type { SessionsOptions } from "../../src/rules/session-step.ts";

const GROUP = 500;

/** The folds of a ledger with these EVSEs. */
export function ledgerFolds(options: SessionsOptions): Fold[] {
  return [
    sessionsFold(options),
    billingFold({ site: "ringon", tzdata: process.versions.tz ?? "unknown" }),
    alertsFold(),
  ] as Fold[];
}

/** A log that goes on: what is appended is folded, and what that gives is in the log when it resolves. */
export interface GrowingLog {
  /** `log.db` in the folder; the caller closes it. */
  store: SqliteStore;
  append(events: readonly NewEvent[]): Promise<void>;
}

export async function growingLog(dir: string, options: SessionsOptions): Promise<GrowingLog> {
  const store = await openSqliteStore(join(dir, "log.db"));
  const runner = new FoldRunner(ledgerFolds(options));
  const commit = async (group: readonly NewEvent[]) => {
    const placed = await store.commit({ events: [...group] });
    runner.feed(group.map((event, i) => ({ ...event, offset: placed[i]?.offset ?? 0 }) as Event));
    while (runner.work(1_000));
  };
  return {
    store,
    async append(events) {
      for (let i = 0; i < events.length; i += GROUP) {
        await commit(events.slice(i, i + GROUP));
        while (runner.hasEmitted) {
          const emitted = runner.emitted();
          runner.committed(emitted.length, false);
          await commit(emitted);
        }
      }
    },
  };
}

/** Writes `log.db` in `dir`. The caller closes it. */
export async function foldedLog(
  dir: string,
  events: readonly NewEvent[],
  options: SessionsOptions,
): Promise<SqliteStore> {
  const { store, append } = await growingLog(dir, options);
  await append(events);
  return store;
}
