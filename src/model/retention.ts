/** Clocks of retention: how long each kind of data is kept. The gateway enforces them; docs/privacy.md lists them. */
import type { EventType } from "./event.ts";

/** Kinds of facts whose bodies go. The others hold nothing of people: the log cannot be read without them. */
export const FACT_CLOCKS = ["events", "series", "books", "audit"] as const;
export type FactClock = (typeof FACT_CLOCKS)[number];

/** What the site has chosen, or the law of its country sets. */
export interface RetentionClocks {
  /** Transactions and decisions about tokens, as stations sent them. */
  eventDays: number;
  /** One-minute aggregates, states, connections, alerts. */
  seriesMonths: number;
  /** Sessions, bills and decisions about them: calendar years after the one in which the fiscal year ended. */
  booksYears: number;
  /** Last day of the fiscal year, `12-31`. */
  fiscalYearEnd: string;
  auditMonths: number;
  /** Where calendar years end: IANA name. */
  timeZone: string;
}

/** Which clock each type of fact runs on; null: kept with the log. */
export const CLOCK_OF: Readonly<Record<EventType, FactClock | "raw" | null>> = {
  "meter.sampled": "raw",
  "limit.confirmed": "raw",
  "setpoint.sent": "raw",
  "clock.ticked": "raw",
  "transaction.started": "events",
  "transaction.updated": "events",
  "transaction.ended": "events",
  "token.decided": "events",
  "message.quarantined": "events",
  // Said at most 60 days ahead, and kept at least as long.
  "departures.set": "events",
  "departures.removed": "events",
  "session.started": "events",
  "session.corrected": "events",
  "station.announced": "series",
  "station.connected": "series",
  "station.disconnected": "series",
  "status.reported": "series",
  "alert.raised": "series",
  "alert.cleared": "series",
  "load.measured": "series",
  "session.ended": "books",
  "session.revised": "books",
  "hold.released": "books",
  "session.voided": "books",
  "cdr.credited": "books",
  "cdr.issued": "books",
  "audit.recorded": "audit",
  "tariff.adopted": null,
  "prices.published": null,
  "timetable.set": null,
  "vehicle.learned": null,
  "meter_key.accepted": null,
  "grid.ordered": null,
  "grid.order_ended": null,
  "grid.order_met": null,
  "grid.order_missed": null,
  "gateway.started": null,
  "gateway.stopped": null,
  "summary.sealed": null,
  "summary.acknowledged": null,
  "summary.rejected": null,
  "summary.forgotten": null,
  "subject.erased": null,
  "log.restored": null,
  "samples.pruned": null,
  "facts.emptied": null,
  "log.damaged": null,
};

/** Types of facts on a clock. */
export function typesOn(clock: FactClock): EventType[] {
  return (Object.keys(CLOCK_OF) as EventType[]).filter((type) => CLOCK_OF[type] === clock);
}
