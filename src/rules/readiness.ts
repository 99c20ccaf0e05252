/**
 * Judges from a plan and from what stations say whether each vehicle will be ready when it leaves. What counts is the
 * energy at departure, not whether it charges now: who waits for a cheap hour is on track.
 */
import type { EvseId } from "../model/ids.ts";
import type { PlannedEvse, PlanView } from "../model/plan-view.ts";
import type { Readiness, ReadinessCause, ReadinessState } from "../model/readiness.ts";

/** What a station says of an EVSE beside the plan. */
export type EvseCondition = "ok" | "offline" | "faulted";

const HOUR_MS = 3_600_000;
/** Less than this of what is wanted, or less than so much, is dust of meters and of the solver. */
const DUST_PART = 0.01;
const DUST_KWH = 0.1;
/** Charging is never as fast as the nameplate: so much longer, and so much earlier. */
const SLOWER = 1.1;
const EARLIER_MS = 5 * 60_000;

/** `condition`: of an EVSE; those of `view.vehicles` are asked for. `nowMs`: depot time. */
export function readinessOf(
  view: PlanView,
  condition: (evse: EvseId) => EvseCondition,
  nowMs: number,
): Readiness[] {
  return view.vehicles.map((v) => judged(view, v, condition(v.evse), nowMs));
}

/**
 * kWh that a vehicle wants as far as anybody knows. A guess is worth no more than the vehicle's own word: who charged
 * and then stopped drawing, though it could, is full.
 */
export function wantedAsKnown(
  v: Pick<PlannedEvse, "saidKwh" | "wantedKwh" | "deliveredKwh" | "holdsBack">,
): number {
  const stopped = v.holdsBack && v.deliveredKwh > DUST_KWH;
  return v.saidKwh === null && stopped ? v.deliveredKwh : v.wantedKwh;
}

function judged(view: PlanView, seen: PlannedEvse, condition: EvseCondition, nowMs: number): Readiness {
  const v = { ...seen, wantedKwh: wantedAsKnown(seen) };
  const departMs = v.saidDepartMs ?? (v.isExpected ? v.departs.p50 : null);
  const dustKwh = Math.max(DUST_KWH, DUST_PART * v.wantedKwh);
  const lackingKwh = Math.max(0, v.wantedKwh - v.deliveredKwh);
  const isReady = lackingKwh <= dustKwh;
  const fullKw = v.maxA * v.kwPerA;
  const hours = departMs === null ? Number.POSITIVE_INFINITY : Math.max(0, departMs - nowMs) / HOUR_MS;
  const possibleKwh = fullKw > 0 ? fullKw * hours : Number.POSITIVE_INFINITY;
  // How much somebody needs who has not begun to draw is a guess: nothing is impossible by it.
  const isGuess = v.saidKwh === null && v.holdsBack;
  const impossibleKwh = Number.isFinite(possibleKwh) && !isGuess ? Math.max(0, lackingKwh - possibleKwh) : 0;
  const stuck = condition !== "ok" || v.holdsBack;
  const forecastKwh = condition === "ok" ? v.forecastKwh : v.deliveredKwh;
  const missingKwh = isReady ? 0 : Math.max(0, v.wantedKwh - (forecastKwh ?? v.wantedKwh));
  const early = earlyKwh(view, v, nowMs);
  const state = (): ReadinessState => {
    if (isReady) return "ready";
    if (departMs === null) return "guest";
    if (impossibleKwh > dustKwh) return "impossible";
    if (stuck || missingKwh > dustKwh) return "at_risk";
    // A departure that nobody said may be an early one: then most of it should be there all the same.
    return v.saidDepartMs === null && early !== null && early < v.wantedKwh / 2 ? "at_risk" : "on_track";
  };
  const found = state();
  const isLate = found === "at_risk" || found === "impossible";
  return {
    evse: v.evse,
    vehicle: v.vehicle,
    class: v.class,
    state: found,
    departMs,
    isSaid: v.saidDepartMs !== null,
    wantedKwh: v.wantedKwh,
    needIsSaid: v.saidKwh !== null,
    deliveredKwh: v.deliveredKwh,
    forecastKwh,
    missingKwh,
    impossibleKwh,
    latestStartMs:
      isReady || departMs === null || !(fullKw > 0)
        ? null
        : departMs - (lackingKwh / fullKw) * SLOWER * HOUR_MS - EARLIER_MS,
    plannedStartMs: plannedStart(view, v, nowMs),
    causes: isLate ? causesOf(view, v, condition, impossibleKwh > dustKwh, missingKwh > dustKwh) : [],
  };
}

function causesOf(
  view: PlanView,
  v: PlannedEvse,
  condition: EvseCondition,
  isTooShort: boolean,
  isMissing: boolean,
): ReadinessCause[] {
  const causes: ReadinessCause[] = [];
  const cause = (code: ReadinessCause["code"], detail: string | null = null) => causes.push({ code, detail });
  if (condition !== "ok") cause(condition);
  if (condition === "ok" && v.holdsBack) cause("not_drawing");
  if (isTooShort) cause("too_short");
  if (condition === "ok" && isMissing) {
    for (const limit of v.boundBy) cause("limit", limit);
    if (
      v.boundBy.length > 0 &&
      view.vehicles.some((other) => other.evse !== v.evse && other.weight > v.weight)
    )
      cause("higher_class");
  }
  if (v.forecastKwh === null && condition === "ok") cause("no_plan");
  if (causes.length === 0) cause("may_leave_early");
  return causes;
}

/** kWh of the stay that it would have if it left as early as one in ten does; null when no plan tells. */
function earlyKwh(view: PlanView, v: PlannedEvse, nowMs: number): number | null {
  if (v.rates.length === 0) return null;
  let kwh = v.deliveredKwh;
  v.rates.forEach((rate, j) => {
    const from = Math.max(nowMs, view.marks[j] ?? 0);
    const to = Math.min(v.departs.p10, view.marks[j + 1] ?? 0);
    if (to > from) kwh += (rate * v.kwPerA * (to - from)) / HOUR_MS;
  });
  return kwh;
}

function plannedStart(view: PlanView, v: PlannedEvse, nowMs: number): number | null {
  const j = v.rates.findIndex((rate, k) => rate > 0 && (view.marks[k + 1] ?? 0) > nowMs);
  return j < 0 ? null : Math.max(nowMs, view.marks[j] ?? nowMs);
}
