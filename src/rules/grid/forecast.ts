/**
 * Other load to come: what it is at present, giving way within hours to what the same weekday had at the same time of
 * its local clock in past weeks; where there is no such week, to days of the same kind. Where there is nothing at all,
 * the present stays.
 */
import { addDays, wallClock } from "../report-calendar.ts";
import { type LineAmps, WINDOW_MS } from "./load-windows.ts";

/** Mean of a quarter hour that begins at `fromMs`. */
export interface LoadSlot {
  fromMs: number;
  lineA: LineAmps;
}

/** Mean absolute error a line, A, and of the sum of lines. */
export interface ForecastError {
  lineA: LineAmps;
  sumA: number;
  /** Quarter hours that it was measured on. */
  slots: number;
}

/** What history says; small enough to pass between threads. */
export interface LoadProfile {
  /** Of the first step. */
  fromMs: number;
  /** Each `WINDOW_MS` long; null where history says nothing. */
  steps: (LineAmps | null)[];
  /** What the load exceeded its profile by in one quarter hour of twenty, A a line. */
  spreadA: LineAmps;
  /** The same of a quarter hour against the one before. */
  driftA: LineAmps;
  /** Days with readings. */
  days: number;
  /** How wrong it would have been in the last week, by how far ahead; null before there is anything to compare. */
  errors: { hourAhead: ForecastError; dayAhead: ForecastError; hourAheadIfUnchanged: ForecastError } | null;
}

/** What a step is expected to be, and what it exceeds in about one of twenty. */
export interface ForecastStep {
  fromMs: number;
  lineA: LineAmps;
  highA: LineAmps;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** How fast the present gives way, ms. */
const FADE_MS = HOUR_MS;
const WEEKS_BACK = 4;
const DAYS_BACK = 14;
const QUANTILE = 0.95;

/** `2026-03-29T03:30` of the local clock to the mean of that quarter hour; one that came twice is averaged. */
type History = Map<string, { sum: LineAmps; n: number }>;

/** The profile of `stepCount` quarter hours from the one that holds `nowMs`. `zone`: IANA name. */
export function loadProfile(
  slots: readonly LoadSlot[],
  nowMs: number,
  zone: string,
  stepCount: number,
): LoadProfile {
  const history = historyOf(slots, zone);
  const fromMs = Math.floor(nowMs / WINDOW_MS) * WINDOW_MS;
  const steps = Array.from({ length: stepCount }, (_, i) => usual(history, fromMs + i * WINDOW_MS, zone));
  const byTime = new Map(slots.map((slot) => [slot.fromMs, slot.lineA]));
  const known = new Map<number, LineAmps | null>();
  const usualAt = (ms: number) => {
    let found = known.get(ms);
    if (found === undefined) {
      found = usual(history, ms, zone);
      known.set(ms, found);
    }
    return found;
  };
  const overs: LineAmps[] = [];
  const drifts: LineAmps[] = [];
  for (const { fromMs: atMs, lineA } of slots) {
    const profile = usualAt(atMs);
    if (profile) overs.push(minus(lineA, profile));
    const before = byTime.get(atMs - WINDOW_MS);
    if (before) drifts.push(minus(lineA, before));
  }
  return {
    fromMs,
    steps,
    spreadA: quantiles(overs),
    driftA: quantiles(drifts),
    days: new Set([...history.keys()].map((wall) => wall.slice(0, 10))).size,
    errors: errorsOf(slots, byTime, usualAt, nowMs),
  };
}

/**
 * Steps that cover `[fromMs, toMs)`. `nowA`: other load at `nowMs`, null when nothing believable is measured. Empty when
 * neither the present nor history says anything.
 */
export function forecastSteps(
  profile: LoadProfile | null,
  nowA: Readonly<LineAmps> | null,
  nowMs: number,
  fromMs: number,
  toMs: number,
): ForecastStep[] {
  const at = (ms: number) => profile?.steps[Math.floor((ms - profile.fromMs) / WINDOW_MS)] ?? null;
  const presentUsual = at(nowMs);
  const found: ForecastStep[] = [];
  for (let ms = fromMs; ms < toMs; ms = (Math.floor(ms / WINDOW_MS) + 1) * WINDOW_MS) {
    const stays = Math.exp(-Math.max(0, ms - nowMs) / FADE_MS);
    const usualA = at(ms);
    const lineA = expected(usualA, nowA, presentUsual, stays);
    if (!lineA) continue;
    const over = (p: 0 | 1 | 2) =>
      Math.max(0, (profile?.driftA[p] ?? 0) * stays + (profile?.spreadA[p] ?? 0) * (1 - stays));
    found.push({ fromMs: ms, lineA, highA: eachLine((p) => lineA[p] + over(p)) });
  }
  return found;
}

/** The usual value, and what the present differs from its own usual value by, as far as that stays. */
function expected(
  usualA: LineAmps | null,
  nowA: Readonly<LineAmps> | null,
  presentUsual: LineAmps | null,
  stays: number,
): LineAmps | null {
  if (!usualA) return nowA ? [...nowA] : null;
  if (!nowA) return [...usualA];
  if (!presentUsual) return eachLine((p) => stays * nowA[p] + (1 - stays) * usualA[p]);
  return eachLine((p) => usualA[p] + stays * (nowA[p] - presentUsual[p]));
}

/** By days before its own alone, so that history can be judged by it as well as what is to come. */
function usual(history: History, ms: number, zone: string): LineAmps | null {
  const wall = wallClock(ms, zone);
  const [date, time] = [wall.slice(0, 10), wall.slice(10)];
  const of = (days: readonly number[]) => {
    const found = days.flatMap((back) => {
      const slot = history.get(addDays(date, -back) + time);
      return slot ? [slot] : [];
    });
    if (found.length === 0) return null;
    return eachLine((p) => found.reduce((sum, slot) => sum + slot.sum[p] / slot.n, 0) / found.length);
  };
  const weekend = isWeekend(date);
  const sameKind = count(DAYS_BACK).filter((back) => isWeekend(addDays(date, -back)) === weekend);
  return of(count(WEEKS_BACK).map((weeks) => 7 * weeks)) ?? of(sameKind);
}

const count = (most: number) => Array.from({ length: most }, (_, i) => i + 1);

function isWeekend(date: string): boolean {
  const day = new Date(`${date}T00:00:00Z`).getUTCDay();
  return day === 0 || day === 6;
}

function historyOf(slots: readonly LoadSlot[], zone: string): History {
  const history: History = new Map();
  for (const { fromMs, lineA } of slots) {
    const wall = wallClock(fromMs, zone);
    const { sum, n } = history.get(wall) ?? { sum: [0, 0, 0], n: 0 };
    history.set(wall, { sum: eachLine((p) => sum[p] + lineA[p]), n: n + 1 });
  }
  return history;
}

function errorsOf(
  slots: readonly LoadSlot[],
  byTime: ReadonlyMap<number, LineAmps>,
  usualAt: (ms: number) => LineAmps | null,
  nowMs: number,
): LoadProfile["errors"] {
  const [hour, day, unchanged] = [[] as LineAmps[], [] as LineAmps[], [] as LineAmps[]];
  const stays = Math.exp(-HOUR_MS / FADE_MS);
  for (const { fromMs, lineA } of slots) {
    const usualA = fromMs >= nowMs - 7 * DAY_MS ? usualAt(fromMs) : null;
    const before = byTime.get(fromMs - HOUR_MS);
    if (!usualA || !before) continue;
    const ahead = expected(usualA, before, usualAt(fromMs - HOUR_MS), stays);
    day.push(minus(lineA, usualA));
    unchanged.push(minus(lineA, before));
    if (ahead) hour.push(minus(lineA, ahead));
  }
  if (day.length === 0) return null;
  return { hourAhead: meanOf(hour), dayAhead: meanOf(day), hourAheadIfUnchanged: meanOf(unchanged) };
}

function meanOf(wrong: readonly LineAmps[]): ForecastError {
  const mean = (of: (a: LineAmps) => number) =>
    wrong.reduce((sum, a) => sum + Math.abs(of(a)), 0) / wrong.length;
  return {
    lineA: eachLine((p) => mean((a) => a[p])),
    sumA: mean((a) => a[0] + a[1] + a[2]),
    slots: wrong.length,
  };
}

function quantiles(of: readonly LineAmps[]): LineAmps {
  return eachLine((p) => {
    const sorted = of.map((a) => a[p]).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(QUANTILE * sorted.length))] ?? 0;
  });
}

const eachLine = (of: (p: 0 | 1 | 2) => number): LineAmps => [of(0), of(1), of(2)];
const minus = (a: Readonly<LineAmps>, b: Readonly<LineAmps>) => eachLine((p) => a[p] - b[p]);
