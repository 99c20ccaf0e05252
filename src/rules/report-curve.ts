/**
 * What a session had used up to an instant: energy, time in each part, money. Every figure is whole and never goes
 * back, and what lies between two instants is a difference, so that days add up to exactly the month.
 */
import type { Cdr, CdrLine } from "../model/cdr.ts";
import type { SessionRecord } from "../model/session.ts";
import { type DurationPart, partsOf } from "./durations.ts";

/** Whole milliseconds and Wh. */
export interface Usage {
  energy_wh: number;
  connected_ms: number;
  charging_ms: number;
  suspended_ev_ms: number;
  suspended_evse_ms: number;
  idle_ms: number;
  faulted_ms: number;
  gap_ms: number;
  /** Of the charging time, spread evenly over it: a session keeps how long it was bound, not when. */
  throttled_ms: number;
}

export const USAGE_FIELDS = [
  "energy_wh",
  "connected_ms",
  "charging_ms",
  "suspended_ev_ms",
  "suspended_evse_ms",
  "idle_ms",
  "faulted_ms",
  "gap_ms",
  "throttled_ms",
] as const satisfies (keyof Usage)[];

/** Usage of a session up to an instant: nothing before its start, all of it at its end. */
export function usageCurve(session: SessionRecord): (ms: number) => Usage {
  const parts = partsOf(session);
  const energyAt = energyCurve(session);
  const timeUpTo = (atMs: number) => {
    const ms: Record<DurationPart, number> = {
      charging: 0,
      suspended_ev: 0,
      suspended_evse: 0,
      idle: 0,
      faulted: 0,
      gap: 0,
    };
    for (const { part, from_ms, to_ms } of parts) {
      if (from_ms >= atMs) break;
      ms[part] += Math.min(to_ms, atMs) - from_ms;
    }
    return ms;
  };
  const charged = timeUpTo(session.ended_ms).charging;
  const throttled = Math.min((session.throttled_s ?? 0) * 1000, charged);
  return (atMs) => {
    const ms = timeUpTo(atMs);
    return {
      energy_wh: energyAt(atMs),
      connected_ms: Math.max(0, Math.min(atMs, session.ended_ms) - session.started_ms),
      charging_ms: ms.charging,
      suspended_ev_ms: ms.suspended_ev,
      suspended_evse_ms: ms.suspended_evse,
      idle_ms: ms.idle,
      faulted_ms: ms.faulted,
      gap_ms: ms.gap,
      throttled_ms: share(throttled, ms.charging, charged),
    };
  };
}

/** Session energy up to an instant in whole Wh, between two readings by straight line. */
export function energyCurve(
  session: Pick<SessionRecord, "started_ms" | "ended_ms" | "energy_wh" | "readings">,
): (ms: number) => number {
  const { started_ms, ended_ms, energy_wh, readings } = session;
  const points = [
    { at_ms: started_ms, energy_wh: 0 },
    ...readings.filter(({ at_ms }) => at_ms > started_ms && at_ms <= ended_ms),
  ];
  // A record without a curve spreads its energy over the whole stay.
  if (points.length === 1) points.push({ at_ms: ended_ms, energy_wh });
  return (atMs) => {
    if (atMs <= started_ms) return 0;
    if (atMs >= ended_ms) return energy_wh;
    const next = points.findIndex((point) => point.at_ms > atMs);
    const [a, b] = [points[next - 1], points[next]];
    if (!a || !b) return energy_wh;
    return Math.min(
      energy_wh,
      a.energy_wh + share(b.energy_wh - a.energy_wh, atMs - a.at_ms, b.at_ms - a.at_ms),
    );
  };
}

/**
 * What is asked for up to an instant, in the currency's minor unit: each line spread over its stretch, energy along the
 * curve, time evenly, a flat fee at its start; what limits and rounding changed follows the lines.
 */
export function costCurve(
  cdr: Pick<Cdr, "lines" | "payable" | "start_date_time" | "end_date_time">,
  energyAt: (ms: number) => number,
  digits: number,
): (ms: number) => bigint {
  const payable = minorUnits(cdr.payable.amount, digits);
  const endMs = Date.parse(cdr.end_date_time);
  const startMs = Date.parse(cdr.start_date_time);
  const lines = cdr.lines
    .filter(({ dimension }) => dimension !== "MIN_PRICE" && dimension !== "MAX_PRICE")
    .map((line) => lineCurve(line, energyAt));
  const upTo = (atMs: number) => lines.reduce((sum, line) => sum + line(atMs), 0n);
  const total = upTo(Number.POSITIVE_INFINITY);
  return (atMs) => {
    if (atMs <= startMs) return 0n;
    if (atMs >= endMs) return payable;
    if (total !== 0n) return (payable * upTo(atMs)) / total;
    return (payable * BigInt(atMs - startMs)) / BigInt(endMs - startMs);
  };
}

/** In ten-thousandths of the currency. */
function lineCurve(line: CdrLine, energyAt: (ms: number) => number): (ms: number) => bigint {
  const amount = minorUnits(line.amount.incl_vat, 4);
  const [fromMs, toMs] = [Date.parse(line.from), Date.parse(line.to)];
  const fromWh = energyAt(fromMs);
  const allWh = energyAt(toMs) - fromWh;
  return (atMs) => {
    if (atMs <= fromMs) return 0n;
    if (atMs >= toMs) return amount;
    if (line.dimension === "FLAT") return amount;
    if (line.dimension === "ENERGY" && allWh > 0)
      return (amount * BigInt(energyAt(atMs) - fromWh)) / BigInt(allWh);
    return (amount * BigInt(atMs - fromMs)) / BigInt(toMs - fromMs);
  };
}

/** Decimal text in units of its `digits`th decimal, further ones cut: `minorUnits("-2.5", 2)` is -250n. */
export function minorUnits(decimal: string, digits: number): bigint {
  const [whole = "0", fraction = ""] = decimal.replace("-", "").split(".");
  const units = BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  return decimal.startsWith("-") ? -units : units;
}

/** `all * part / whole` in whole units, rounded down; exact for products past 2^53. */
function share(all: number, part: number, whole: number): number {
  if (whole <= 0) return 0;
  const product = all * part;
  if (Number.isSafeInteger(product)) return Math.floor(product / whole);
  return Number((BigInt(all) * BigInt(part)) / BigInt(whole));
}
