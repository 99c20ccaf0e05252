/** A data directory whose log holds one small depot's day, written by the real folds and the real store. */
import { join } from "node:path";
import { openSqliteStore } from "../../src/log/sqlite-store.ts";
import type { Cdr } from "../../src/model/cdr.ts";
import type { Event, EventOf, NewEvent } from "../../src/model/event.ts";
import type { SessionRecord } from "../../src/model/session.ts";
import type { Tariff } from "../../src/model/tariff.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { revisionKey } from "../../src/rules/standing.ts";
import { tariffVersion } from "../../src/workers/folds.ts";
import { scratchDir } from "../log/sample-events.ts";
import { DepotLog, of, run } from "../rules/depot-events.ts";

export const DEPOT_TARIFF: Tariff = {
  id: "depot",
  currency: "SEK",
  elements: [
    {
      price_components: [
        { type: "ENERGY", price: "2.50", vat: "25", step_size: 1 },
        { type: "PARKING_TIME", price: "10", vat: "25", step_size: 300 },
      ],
    },
  ],
};

export const frozen = tariffVersion(DEPOT_TARIFF);

/** Two visits: one on each EVSE, the first with a meter number and parking. */
export function twoVisits(): DepotLog {
  return DepotLog.started(frozen)
    .start({ at: 0, wh: 10_000, state: "charging", serial: "M-7" })
    .samples({ from: 60, to: 540, every: 60, wh: 10_300, stepWh: 300, ref: "t1" })
    .start({ at: 560, wh: 500, ref: "t2", evse: 2, token: "tok-b" })
    .stop({ at: 600, wh: 13_000, reason: "local" })
    .stop({ at: 1000, wh: 2500, ref: "t2", evse: 2, reason: "local" });
}

export function billsOf(events: readonly Event[]): NewEvent[] {
  const ended = run(events).filter(({ type }) => type === "session.ended");
  const placed = ended.map((event, i) => ({ ...event, offset: events.length + i + 1 }) as Event);
  return [...ended, ...run(placed, billing())];
}

const billing = () => billingFold({ site: "north", tzdata: process.versions.tz ?? "unknown" });

/** What a person or late data brought after the bills, with the bills that follow from it. */
export function after(
  made: readonly NewEvent[],
  decide: (record: SessionRecord) => Pick<NewEvent, "type" | "body">,
): NewEvent[] {
  const ended = made.find(({ type }) => type === "session.ended") as EventOf<"session.ended">;
  const record = structuredClone(ended.body);
  const key = revisionKey(record.session_id, 2);
  const decision = { ...decide(record), atMs: ended.atMs + 60_000, station: ended.station, key } as NewEvent;
  return [...made, decision, ...run([{ ...decision, offset: 1 } as Event], billing())];
}

export const credited = (record: SessionRecord) => ({
  type: "cdr.credited" as const,
  body: {
    session_id: record.session_id,
    revision: 2,
    by: "anna",
    reason: "wrong tariff",
    cdr: `cdr-${record.session_id}`,
    record,
    bill_revision: 1,
  },
});

/** Writes the log and says where. `change` may alter what the folds made, before it is written. */
export async function writtenLog(
  log: DepotLog = twoVisits(),
  change: (made: NewEvent[]) => NewEvent[] = (made) => made,
): Promise<{ data: string; cdrs: Cdr[]; prune(): Promise<void> }> {
  const data = scratchDir();
  const file = join(data, "log.db");
  const store = await openSqliteStore(file);
  const made = change(billsOf(log.events));
  await store.commit({
    events: [...log.events.map(({ offset: _, ...event }) => event as NewEvent), ...made],
  });
  await store.close();
  return {
    data,
    cdrs: of("cdr.issued", made),
    async prune() {
      const again = await openSqliteStore(file);
      const { offset } = await again.head();
      while ((await again.prune(offset, log.events.at(-1)?.atMs ?? 0)) > 0);
      await again.close();
    },
  };
}

/** What a command wrote. */
export function captured() {
  const out = { stdout: "", stderr: "" };
  const io = {
    stdout: { write: (text: string) => (out.stdout += text) },
    stderr: { write: (text: string) => (out.stderr += text) },
  };
  return { out, io };
}
