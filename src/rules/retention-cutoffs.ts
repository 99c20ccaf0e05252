/** What has expired by an instant: for each clock the instant before which bodies of facts go. */
import type { FactClock, RetentionClocks } from "../model/retention.ts";
import { addDays, dateIn, dayStartMs } from "./report-calendar.ts";

const DAY_MS = 86_400_000;

/** ms since the epoch, exclusive. */
export function cutoffMs(clock: FactClock, nowMs: number, clocks: RetentionClocks): number {
  switch (clock) {
    case "events":
      return nowMs - clocks.eventDays * DAY_MS;
    case "series":
      return monthsBefore(nowMs, clocks.seriesMonths);
    case "audit":
      return monthsBefore(nowMs, clocks.auditMonths);
    case "books":
      return booksCutoffMs(nowMs, clocks);
  }
}

/**
 * Books are kept until the end of the nth calendar year after the one in which their fiscal year ended: n is 7 in
 * Sweden (bokforingslagen 7 kap. 2 §), 8 for vouchers in Germany (§ 147 AO, since 2025, from the end of their year).
 */
function booksCutoffMs(nowMs: number, { booksYears, fiscalYearEnd, timeZone }: RetentionClocks): number {
  const year = Number(dateIn(nowMs, timeZone).slice(0, 4));
  const lastDay = `${year - booksYears - 1}-${fiscalYearEnd}`;
  return dayStartMs(addDays(lastDay, 1), timeZone);
}

/** Until when books of an instant are kept: a date, the last day, inclusive. */
export function booksUntil(
  atMs: number,
  {
    booksYears,
    fiscalYearEnd,
    timeZone,
  }: Omit<RetentionClocks, "eventDays" | "seriesMonths" | "auditMonths">,
): string {
  const date = dateIn(atMs, timeZone);
  const endsIn = Number(date.slice(0, 4)) + (date.slice(5) > fiscalYearEnd ? 1 : 0);
  return `${endsIn + booksYears}-12-31`;
}

/** The same time of day some months before; the last day of the month where the day does not exist. */
function monthsBefore(nowMs: number, months: number): number {
  const at = new Date(nowMs);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() - months);
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  at.setUTCDate(Math.min(day, last));
  return at.getTime();
}
