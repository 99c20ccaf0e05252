/** What planning shows of itself, for readiness and, in the wire's spelling, for topics, HTTP and the command line. */
import type { EvseState } from "../control/state.ts";
import type { EvseSpec } from "../model/circuit.ts";
import { DEPARTURE_FIELDS, type EvseNeed } from "../model/departure.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import type { PlannedEvse, PlanView, Quantiles } from "../model/plan-view.ts";
import type { Targets } from "../model/targets.ts";
import type { Belief } from "../rules/plan/beliefs.ts";
import type { KeptPlan } from "../rules/plan/kept-plan.ts";
import { type LiveCar, plannedKwh } from "../rules/plan/live.ts";
import { wantedAsKnown } from "../rules/readiness.ts";
import { holdsBack } from "./plan-site.ts";

export interface Shown {
  nowMs: number;
  needs: readonly EvseNeed[];
  states: readonly EvseState[];
  specs: readonly EvseSpec[];
  /** Who is planned for. */
  cars: readonly LiveCar[];
  kept: KeptPlan;
  targets: Targets | null;
  took: { buildMs: number; solveMs: number } | null;
  believed(evse: EvseId): Belief | undefined;
}

export function planView(shown: Shown): PlanView {
  const { kept, cars, nowMs, took } = shown;
  const { source, madeMs, plan, failed } = kept.state(cars, nowMs);
  const held = shown.targets === null ? null : source;
  const carOf = new Map(cars.map((car) => [car.need.evse, car]));
  const stateOf = new Map(shown.states.map((e) => [evseId(e.station, e.evse), e]));
  const specOf = new Map(shown.specs.map((spec) => [evseId(spec.station, spec.evse), spec]));
  return {
    source: held,
    madeMs: held === null ? null : madeMs,
    buildMs: took?.buildMs ?? null,
    solveMs: took?.solveMs ?? null,
    failed,
    peakKw: plan?.peakKw ?? null,
    marks: plan?.marks ?? [],
    vehicles: shown.needs.flatMap((need) => {
      const belief = shown.believed(need.evse);
      const state = stateOf.get(need.evse);
      const spec = specOf.get(need.evse);
      if (!belief || !state || !spec) return [];
      return [plannedEvse(shown, need, belief, state, spec, carOf.get(need.evse), plan !== null)];
    }),
  };
}

function plannedEvse(
  { kept, nowMs, targets }: Shown,
  need: EvseNeed,
  belief: Belief,
  state: EvseState,
  spec: EvseSpec,
  car: LiveCar | undefined,
  hasPlan: boolean,
): PlannedEvse {
  const isFull = holdsBack(state, need, nowMs);
  const deliveredKwh = need.deliveredWh / 1000;
  const saidKwh = need.energyWh === null ? null : need.energyWh / 1000;
  const wantedKwh = wantedAsKnown({
    saidKwh,
    wantedKwh: saidKwh ?? belief.askedKwh,
    deliveredKwh,
    holdsBack: isFull,
  });
  const found = hasPlan ? kept.planFor(car) : null;
  const toCome =
    found === null || car === undefined
      ? null
      : plannedKwh(found.plan, found.i, car.kwPerA, nowMs, belief.departs.p50);
  // Who takes nothing of what it is offered stays where it is.
  const forecastKwh = isFull ? deliveredKwh : toCome === null ? null : deliveredKwh + toCome;
  const { evse, vehicle, group, weight, pluggedMs, departMs, source } = need;
  return {
    evse,
    vehicle,
    group,
    class: need.class,
    weight,
    pluggedMs,
    saidDepartMs: departMs,
    saidKwh,
    saidBy: source,
    departs: belief.departs,
    departExamples: belief.examples.departures,
    wants: belief.wants,
    wantExamples: belief.examples.energies,
    isExpected: !belief.guest,
    holdsBack: isFull,
    deliveredKwh,
    wantedKwh,
    forecastKwh,
    missingKwh: forecastKwh === null ? null : Math.max(0, wantedKwh - forecastKwh),
    rates: found === null ? [] : [...(found.plan.vehicles[found.i]?.rates ?? [])],
    kwPerA: car?.kwPerA ?? 0,
    minA: spec.minA,
    maxA: car?.maxA ?? state.max_a,
    boundBy: found?.plan.vehicles[found.i]?.boundBy ?? [],
    target: targets?.of.get(evse) ?? null,
  };
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const tenths = (x: number): number => Math.round(x * 10) / 10;
const hundredths = (x: number): number => Math.round(x * 100) / 100;

/** `state/plan`: displays on walls read it, so it does not say which vehicle stands where. */
export function shownToAll<T extends object>(
  state: T & { vehicles: readonly { vehicle: string | null }[] },
): object {
  const vehicles = state.vehicles.map((v) =>
    Object.fromEntries(Object.entries(v).filter(([field]) => !TELLING.has(field))),
  );
  return { ...state, vehicles };
}

/** Which vehicle stands where, and when it leaves: what a driver says of both tells of habits. */
const TELLING: ReadonlySet<string> = new Set(["vehicle", ...DEPARTURE_FIELDS]);

/** `GET /api/v1/plan`: without what changes with every second. */
export function planState(view: PlanView) {
  return {
    source: view.source,
    made_at: iso(view.madeMs),
    solve_ms: view.solveMs === null ? null : Math.round(view.solveMs),
    failed: view.failed,
    peak_kw: view.peakKw === null ? null : tenths(view.peakKw),
    vehicles: view.vehicles.map((v) => ({
      evse: v.evse,
      vehicle: v.vehicle,
      class: v.class,
      depart: iso(v.saidDepartMs),
      depart_source: v.saidBy,
      depart_expected: v.isExpected ? times(v.departs) : null,
      depart_examples: v.departExamples,
      wanted_kwh: hundredths(v.wantedKwh),
      wanted_expected_kwh: each(v.wants, hundredths),
      delivered_kwh: hundredths(v.deliveredKwh),
      forecast_kwh: v.forecastKwh === null ? null : hundredths(v.forecastKwh),
      missing_kwh: v.missingKwh === null ? null : hundredths(v.missingKwh),
      target_a: v.target === null ? null : tenths(v.target.targetA),
      cap_a: v.target?.capA == null ? null : tenths(v.target.capA),
      urgent: v.target?.urgent ?? false,
      bound_by: v.boundBy,
    })),
  };
}

export type PlanState = ReturnType<typeof planState>;

function each<T>({ p10, p50, p90 }: Quantiles, show: (x: number) => T): { p10: T; p50: T; p90: T } {
  return { p10: show(p10), p50: show(p50), p90: show(p90) };
}

/** To the minute: what is believed is no more exact. */
const times = (q: Quantiles) => each(q, (ms) => new Date(Math.round(ms / 60_000) * 60_000).toISOString());
