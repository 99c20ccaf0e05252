/**
 * Plans who charges when, and hands control targets. It looks about once a second at who is there and what limits and
 * prices say; what changes there asks for a new plan, and so does time. A plan is made in the compute pool, one at a
 * time. Whatever fails here costs a plan and nothing else: the fast layer alone commands, and keeps limits without it.
 */
import type { Control } from "../control/loop.ts";
import type { ControlState } from "../control/state.ts";
import type { DepotClock } from "../model/clock.ts";
import type { EvseNeed } from "../model/departure.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import type { PlanView } from "../model/plan-view.ts";
import type { TargetSource, Targets } from "../model/targets.ts";
import { keptPlan, OLD_MS } from "../rules/plan/kept-plan.ts";
import { knownStays, type PastStay } from "../rules/plan/known-stays.ts";
import { type LiveCar, laxityRates, liveProblem } from "../rules/plan/live.ts";
import type { PlanInput, Planned } from "../workers/plan.ts";
import { type DepotParts, holdsBack, sitePicture } from "./plan-site.ts";
import { planView } from "./plan-view.ts";

export interface PlannerOptions {
  clock: DepotClock;
  depot: DepotParts;
  control: Pick<Control, "state" | "setTargets">;
  needs(nowMs: number): EvseNeed[];
  /** In the compute pool; rejects when the solver died. */
  plan(input: PlanInput): Promise<Planned>;
  /** Stays of the past, the oldest first. */
  past(): Promise<PastStay[]>;
  /** Which hour of the site's day a time is, 0 to 24. */
  hourOf(ms: number): number;
  /** A plan was made or had to be replaced; `solveMs` of real time, null when there was no answer. */
  settled?(source: TargetSource, solveMs: number | null): void;
  /** Something did not work; planning goes on. */
  failed(what: string, error: unknown): void;
  /** Real time that the solver may take. */
  timeLimitMs?: number;
  /** Real time between looks; by default a second, less in accelerated depot time. */
  lookMs?: number;
}

export interface Planner {
  start(): void;
  stop(): void;
  view(): PlanView;
  /** One look now; resolves when a plan that it asked for is there. `start` calls it at its period. */
  look(): Promise<void>;
}

const HOUR_MS = 3_600_000;
/** The planner of a running gateway. */
export interface DepotPlanner extends Planner {
  /** Plans since start, by where targets came from. */
  readonly counts: Readonly<Record<string, number>>;
  /** Called with the seconds that a plan took to solve. */
  onSolved(observe: (seconds: number) => void): void;
  close(): Promise<void>;
}

/** Depot time. */
const REPLAN_MS = 180_000;
const RETRY_MS = 60_000;
/** Changes come in groups: a plan waits until there was none for a second, but not longer than five. */
const QUIET_MS = 1_000;
const MOST_QUIET_MS = 5_000;
const TARGETS_LAST_MS = 120_000;
/** Wire time. */
const TIME_LIMIT_MS = 10_000;
const LOOK_MS = 1_000;
const LEAST_LOOK_MS = 200;
const LEAST_REPLAN_MS = 1_500;
const PAST_WITHIN_MS = 30_000;
/** Stays looked up in what is learnt without a pause: about 2 ms. */
const AT_ONCE = 20;

export function createPlanner(options: PlannerOptions): Planner {
  const { clock, depot, control } = options;
  const lookMs =
    options.lookMs ?? Math.max(LEAST_LOOK_MS, Math.min(LOOK_MS, clock.realDelayMs(REPLAN_MS / 4)));
  const picture = sitePicture(depot);
  const stays = knownStays(options.hourOf);
  // A depot that runs fast obeys a plan no sooner than one in real time: what lasts is as long by the wire, too.
  const atLeast = (depotMs: number, wireMs: number) =>
    Math.max(depotMs, wireMs / Math.max(clock.realDelayMs(1), Number.MIN_VALUE));
  const lastMs = atLeast(TARGETS_LAST_MS, 5 * lookMs);
  const replanMs = atLeast(REPLAN_MS, LEAST_REPLAN_MS);
  const retryMs = atLeast(RETRY_MS, LEAST_LOOK_MS);
  const quietMs = atLeast(QUIET_MS, LEAST_LOOK_MS);
  const mostQuietMs = atLeast(MOST_QUIET_MS, 3 * LEAST_LOOK_MS);
  const kept = keptPlan(Math.max(OLD_MS, 4 * replanMs));
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let situation = "";
  /** Monotonic depot time. */
  let changedAt: number | null = null;
  let firstChangeAt: number | null = null;
  let plannedAt = Number.NEGATIVE_INFINITY;
  let making: Promise<void> | null = null;
  let hasFailed = false;
  let took: { buildMs: number; solveMs: number } | null = null;
  let cars: LiveCar[] = [];
  let targets: Targets | null = null;

  const isDue = (mono: number): boolean => {
    if (mono - plannedAt >= (hasFailed ? retryMs : replanMs)) return true;
    if (changedAt === null || firstChangeAt === null) return false;
    return mono - changedAt >= quietMs || mono - firstChangeAt >= mostQuietMs;
  };

  const handOn = (nowMs: number, state: ControlState, needs: readonly EvseNeed[]): void => {
    cars = kept.isEmpty ? [] : picture.cars(nowMs, state, needs, (evse) => stays.of(evse, nowMs));
    targets = cars.length === 0 ? null : kept.targets(cars, nowMs, nowMs + lastMs);
    control.setTargets(targets);
  };

  const make = async (): Promise<void> => {
    const nowMs = clock.nowMs();
    const state = control.state();
    const needs = options.needs(nowMs);
    for (let k = 0; k < needs.length; k += AT_ONCE) {
      for (const { evse } of needs.slice(k, k + AT_ONCE)) stays.of(evse, nowMs);
      if (k + AT_ONCE < needs.length) await new Promise((resolve) => setImmediate(resolve));
    }
    const there = picture.cars(nowMs, state, needs, (evse) => stays.of(evse, nowMs));
    if (there.length === 0) {
      kept.forget();
      return;
    }
    const site = picture.at(nowMs, state, there);
    let why: string;
    let rates: Float64Array | undefined;
    try {
      const planned = await options.plan({ site, timeLimitMs: options.timeLimitMs ?? TIME_LIMIT_MS });
      took = planned;
      if (planned.status === "planned") {
        kept.made(site, planned.plan);
        hasFailed = false;
        options.settled?.("plan", planned.solveMs);
        return;
      }
      why = `${planned.status}: ${planned.detail}`;
      rates = planned.rates;
    } catch (error) {
      why = (error as Error).message;
    }
    if (stopped) return;
    hasFailed = true;
    options.failed("no plan could be made", new Error(why));
    kept.missed(site, rates ?? laxityRates(liveProblem(site), there), why);
    const { source } = kept.state(there, clock.nowMs());
    if (source !== null) options.settled?.(source, null);
  };

  const makeNow = (mono: number): Promise<void> => {
    plannedAt = mono;
    changedAt = null;
    firstChangeAt = null;
    const made = make()
      .catch((error: unknown) => giveUp(error))
      .finally(() => {
        making = null;
      });
    making = made;
    return made;
  };

  const giveUp = (error: unknown): void => {
    hasFailed = true;
    targets = null;
    kept.forget();
    control.setTargets(null);
    options.failed("planning failed: everybody shares alike", error);
  };

  const look = async (): Promise<void> => {
    try {
      const mono = clock.monoMs();
      const nowMs = clock.nowMs();
      const state = control.state();
      const needs = options.needs(nowMs);
      const states = new Map(state.evses.map((e) => [evseId(e.station, e.evse), e]));
      const back = new Set(
        needs.flatMap((need): EvseId[] => {
          const e = states.get(need.evse);
          return e !== undefined && holdsBack(e, need, nowMs) ? [need.evse] : [];
        }),
      );
      stays.look(needs, (evse) => back.has(evse), nowMs);
      const now = situationOf(needs, back, state, depot, nowMs);
      if (now !== situation) {
        situation = now;
        changedAt = mono;
        firstChangeAt ??= mono;
      }
      handOn(nowMs, state, needs);
      if (making !== null || !isDue(mono)) return;
      await makeNow(mono);
      if (!stopped) handOn(clock.nowMs(), control.state(), options.needs(clock.nowMs()));
    } catch (error) {
      giveUp(error);
    }
  };

  const learn = async (): Promise<void> => {
    let late: NodeJS.Timeout | undefined;
    try {
      const tooLate = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`no answer in ${PAST_WITHIN_MS} ms`)), PAST_WITHIN_MS);
      });
      stays.learn(await Promise.race([options.past(), tooLate]));
    } catch (error) {
      if (!stopped) options.failed("past stays could not be read: departures are guessed", error);
    } finally {
      clearTimeout(late);
    }
  };

  return {
    start() {
      stopped = false;
      void learn().then(() => {
        if (!stopped) timer = setInterval(() => void look(), lookMs);
      });
    },
    stop() {
      stopped = true;
      clearInterval(timer);
    },
    look,
    view() {
      const nowMs = clock.nowMs();
      return planView({
        nowMs,
        needs: options.needs(nowMs),
        states: control.state().evses,
        specs: depot.evses,
        cars,
        kept,
        targets,
        took,
        believed: (evse) => stays.of(evse, nowMs),
      });
    },
  };
}

/** What a new plan is made for when it changes. */
function situationOf(
  needs: readonly EvseNeed[],
  back: ReadonlySet<EvseId>,
  state: ControlState,
  { gridOrders, purchasePrices }: DepotParts,
  nowMs: number,
): string {
  const who = needs.map((n) => [
    n.evse,
    n.vehicle,
    n.class,
    n.weight,
    n.departMs,
    n.energyWh,
    back.has(n.evse),
  ]);
  const limits = state.circuits.map((c) => [...c.limit_a, c.limit_w]);
  const orders = gridOrders.active(nowMs).map((o) => [o.id, o.circuit, o.limitW, o.untilMs]);
  // With what is set aside for each: a plan made while its lease ran leaves room unused afterwards.
  const offline = state.evses.flatMap((e) =>
    e.state === "offline" ? [[`${e.station}/${e.evse}`, e.envelope_a]] : [],
  );
  return JSON.stringify([who, limits, orders, offline, pricesKnown(purchasePrices, nowMs)]);
}

/** Changes when prices are published or corrected. */
function pricesKnown(purchasePrices: DepotParts["purchasePrices"], nowMs: number): unknown {
  const hour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  return purchasePrices(hour, hour + 48 * HOUR_MS).map(({ perKwh, isEstimate }) => [perKwh, isEstimate]);
}
