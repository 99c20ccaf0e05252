/**
 * A report of a stretch of days: facts in, rows out. Sessions and bills that cross a border are split there along their
 * readings and intervals. A session counts where it ended; a credit counts where its session was.
 */
import type { Cdr } from "../model/cdr.ts";
import type { EvseId } from "../model/ids.ts";
import { evseId } from "../model/ids.ts";
import { minorDigits } from "../model/money.ts";
import type { SessionRecord } from "../model/session.ts";
import type { ReportBy } from "./report-by.ts";
import { type Bucket, bucketsOf } from "./report-calendar.ts";
import { costCurve, energyCurve, type Usage, usageCurve } from "./report-curve.ts";
import { byStation, isAround, type Outage, type Outages } from "./report-outages.ts";
import { rowOf } from "./report-row.ts";
import {
  addCost,
  addInterruption,
  addUsage,
  emptyTally,
  notePower,
  type ReportRow,
  type Tally,
} from "./report-tally.ts";
import type { Standing } from "./standing.ts";

export interface ReportPlan {
  /** Dates in `zone`, both inclusive. */
  first: string;
  last: string;
  zone: string;
  by: ReportBy;
  /** When the log was written: no EVSE has time outside of it. */
  observed: { from_ms: number; to_ms: number };
  /** Every EVSE that there is. */
  evses: readonly EvseId[];
}

export interface Report {
  from: string;
  to: string;
  time_zone: string;
  by: ReportBy;
  rows: ReportRow[];
  total: ReportRow;
}

const isTime = (by: ReportBy): by is "hour" | "day" | "week" | "month" =>
  by === "hour" || by === "day" || by === "week" || by === "month";

type WithGroup = SessionRecord & { token_group?: string };
const groupOf = (session: SessionRecord) => (session as WithGroup).token_group ?? "-";

/** Takes what happened in any order; `done` may be asked once everything was taken. */
export function createReport(plan: ReportPlan, { outages, reboots }: Outages) {
  const { by, zone, observed } = plan;
  const buckets = bucketsOf(isTime(by) ? by : "day", plan.first, plan.last, zone);
  const fromMs = buckets[0]?.from_ms ?? 0;
  const toMs = buckets.at(-1)?.to_ms ?? 0;
  const total = emptyTally();
  const rows = new Map<string, Tally>();
  const evses = new Set(plan.evses);
  const outagesOf = byStation(outages);
  const rebootsOf = byStation(reboots);

  function row(key: string): Tally {
    let tally = rows.get(key);
    if (!tally) {
      tally = emptyTally();
      rows.set(key, tally);
    }
    return tally;
  }
  if (isTime(by)) for (const { key } of buckets) row(key);

  /** The rows that what happened at an instant belongs to, the total among them; none outside of the report. */
  function rowsAt(ms: number, keys: readonly string[]): Tally[] {
    if (ms < fromMs || ms >= toMs) return [];
    if (!isTime(by)) return [total, ...keys.map(row)];
    const bucket = buckets[bucketIndex(buckets, ms)];
    return bucket ? [total, row(bucket.key)] : [total];
  }

  /** Each row with what is its own of the stretch from `from` to `to`; only the total when there is no key. */
  function eachSlice(
    from: number,
    to: number,
    key: string | null,
    visit: (tally: Tally, a: number, b: number) => void,
  ): void {
    const [a, b] = [Math.max(from, fromMs), Math.min(to, toMs)];
    if (a >= b) return;
    visit(total, a, b);
    if (key === null) return;
    if (!isTime(by)) {
      visit(row(key), a, b);
      return;
    }
    for (let i = bucketIndex(buckets, a); i < buckets.length; i++) {
      const bucket = buckets[i];
      if (!bucket || bucket.from_ms >= b) break;
      visit(row(bucket.key), Math.max(a, bucket.from_ms), Math.min(b, bucket.to_ms));
    }
  }

  const keyOf = (session: SessionRecord) =>
    by === "group"
      ? groupOf(session)
      : by === "station"
        ? session.station
        : evseId(session.station, session.evse);

  function countGaps(session: SessionRecord, key: string): void {
    for (const { state, from_ms, to_ms } of session.intervals) {
      if (state !== "gap") continue;
      const offline = outagesOf
        .get(session.station)
        ?.some((o) => o.kind === "offline" && isAround(o, from_ms, to_ms));
      const rebooted = rebootsOf
        .get(session.station)
        ?.some((r) => isAround({ from_ms: r.at_ms, to_ms: r.at_ms }, from_ms, to_ms));
      if (offline || rebooted) continue;
      for (const tally of rowsAt(from_ms, [key])) addInterruption(tally, "meter_gap");
    }
  }

  /** Keys of the rows that an outage of a station or one EVSE of it falls on. */
  function keysOf(station: string, evse: number | null): string[] {
    if (by === "station") return [station];
    if (by !== "evse") return [];
    if (evse !== null) return [evseId(station, evse)];
    return [...evses].filter((id) => id.startsWith(`${station}/`));
  }

  /** A meter of the site is a station too, but nothing charges there. */
  function addOutages(): void {
    const charging = new Set([...evses].map((id) => id.slice(0, id.lastIndexOf("/"))));
    for (const { station, evse, cause, from_ms } of outages) {
      if (cause === null || !charging.has(station)) continue;
      for (const tally of rowsAt(from_ms, keysOf(station, evse))) addInterruption(tally, cause);
    }
    for (const { station, at_ms } of reboots) {
      if (!charging.has(station)) continue;
      for (const tally of rowsAt(at_ms, keysOf(station, null))) addInterruption(tally, "reboot");
    }
  }

  /** The time of each EVSE, and what of it was lost. By group it is the time of all of them. */
  function addTimes(): void {
    const a = Math.max(fromMs, observed.from_ms);
    const b = Math.max(a, Math.min(toMs, observed.to_ms));
    if (by === "group") for (const tally of rows.values()) tally.evse_ms += evses.size * (b - a);
    for (const id of evses) {
      const station = id.slice(0, id.lastIndexOf("/"));
      const key = by === "group" ? null : by === "station" ? station : id;
      if (key !== null && !isTime(by)) row(key);
      eachSlice(a, b, key, (tally, from, to) => {
        tally.evse_ms += to - from;
      });
      const down = (outagesOf.get(station) ?? []).filter(
        (o) => o.evse === null || evseId(station, o.evse) === id,
      );
      for (const [downMs, upMs] of union(down, a, b))
        eachSlice(downMs, upMs, key, (tally, from, to) => {
          tally.down_ms += to - from;
        });
    }
  }

  return {
    /** The newest record of a session, and where it stands after all that was decided about it. */
    session(session: SessionRecord, state: Standing["state"]): void {
      const { started_ms, ended_ms } = session;
      evses.add(evseId(session.station, session.evse));
      const key = keyOf(session);
      if (ended_ms > fromMs && started_ms < toMs) {
        const usageAt = usageCurve(session);
        eachSlice(started_ms, ended_ms, key, (tally, a, b) => {
          const [from, to]: [Usage, Usage] = [usageAt(a), usageAt(b)];
          addUsage(tally, from, to, state);
        });
      }
      for (const tally of rowsAt(ended_ms, [key])) {
        if (state === "held") tally.held_sessions++;
        else if (state === "voided") tally.voided_sessions++;
        else tally.sessions++;
      }
      countGaps(session, key);
    },

    /** A bill or a credit; the session it is for tells how energy went over time. */
    cdr(cdr: Cdr, session: SessionRecord | undefined): void {
      const startMs = Date.parse(cdr.start_date_time);
      const endMs = Date.parse(cdr.end_date_time);
      if (endMs < fromMs || startMs >= toMs) return;
      const energyAt = session
        ? energyCurve(session)
        : energyCurve({
            started_ms: startMs,
            ended_ms: endMs,
            energy_wh: Math.abs(cdr.energy_wh),
            readings: [],
          });
      const upTo = costCurve(cdr, energyAt, minorDigits(cdr.currency));
      const { evse_uid } = cdr.cdr_location;
      const key = session
        ? keyOf(session)
        : by === "evse"
          ? evse_uid
          : by === "station"
            ? evse_uid.slice(0, evse_uid.lastIndexOf("/"))
            : "-";
      eachSlice(startMs, endMs, key, (tally, a, b) => {
        addCost(tally, cdr.currency, upTo(b) - upTo(a));
      });
    },

    /** Mean power of each EVSE over one minute. */
    minute(minuteMs: number, watts: ReadonlyMap<EvseId, number>): void {
      if (minuteMs < fromMs || minuteMs >= toMs) return;
      let sum = 0;
      const parts = new Map<string, number>();
      for (const [id, w] of watts) {
        sum += w;
        if (by === "evse") parts.set(id, w);
        if (by !== "station") continue;
        const station = id.slice(0, id.lastIndexOf("/"));
        parts.set(station, (parts.get(station) ?? 0) + w);
      }
      notePower(total, sum, minuteMs);
      for (const [key, w] of parts) notePower(row(key), w, minuteMs);
      if (!isTime(by)) return;
      const bucket = buckets[bucketIndex(buckets, minuteMs)];
      if (bucket) notePower(row(bucket.key), sum, minuteMs);
    },

    done(): Report {
      addOutages();
      addTimes();
      const own = by !== "group";
      const known = [...rows].map(([key, tally]) => rowOf(key, tally, own));
      const times = new Map(buckets.map((bucket) => [bucket.key, bucket]));
      return {
        from: plan.first,
        to: plan.last,
        time_zone: zone,
        by,
        rows: isTime(by)
          ? known.map((r) => ({ ...r, ...spanOf(times.get(r.key)) }))
          : known.sort((a, b) => a.key.localeCompare(b.key, "en", { numeric: true })),
        total: { ...rowOf("total", total, true), ...spanOf({ key: "", from_ms: fromMs, to_ms: toMs }) },
      };
    },
  };
}

function spanOf(bucket: Bucket | undefined): { from?: string; to?: string } {
  if (!bucket) return {};
  return { from: new Date(bucket.from_ms).toISOString(), to: new Date(bucket.to_ms).toISOString() };
}

/** Index of the bucket that holds `ms`; the nearest one outside of all. */
function bucketIndex(buckets: readonly Bucket[], ms: number): number {
  let [low, high] = [0, buckets.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((buckets[middle]?.from_ms ?? 0) <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Stretches within `a` to `b` in which at least one outage lasted. */
function union(outages: readonly Outage[], a: number, b: number): [number, number][] {
  const merged: [number, number][] = [];
  const sorted = outages
    .map(({ from_ms, to_ms }): [number, number] => [Math.max(a, from_ms), Math.min(b, to_ms)])
    .filter(([from, to]) => to > from)
    .sort(([x], [y]) => x - y);
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
