/**
 * Watches whether vehicles will be ready when they leave: looks at the plan every few seconds, raises alerts while there is
 * time to act, and shows what it found to topics, HTTP and metrics.
 */
import type { Control } from "../control/loop.ts";
import { type AlertBoard, alertWhile } from "../model/alert-board.ts";
import type { DepotClock } from "../model/clock.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import type { PlanView } from "../model/plan-view.ts";
import { READINESS_STATES, type Readiness, type ReadinessState } from "../model/readiness.ts";
import { type EvseCondition, readinessOf } from "../rules/readiness.ts";
import { NO_READINESS, type ReadinessAlert, readinessAlerts } from "../rules/readiness-alerts.ts";

export interface ReadinessOptions {
  clock: DepotClock;
  control: Pick<Control, "state">;
  planner: { view(): PlanView };
  alerts: Pick<AlertBoard, "raise" | "clear" | "active">;
  /** A look failed; the next comes all the same. */
  failed(error: unknown): void;
}

export interface ReadinessWatch {
  start(): void;
  stop(): void;
  /** One look now; `start` calls it at its period. */
  look(): void;
  /** As last looked at, in the order of the config. */
  all(): readonly Readiness[];
  counts(): Record<ReadinessState, number>;
}

const LOOK_MS = 10_000;
const LEAST_LOOK_MS = 250;

const KINDS = ["departure_at_risk", "departure_impossible", "offered_not_drawn"] as const;
const SEVERITY = {
  departure_at_risk: "warning",
  departure_impossible: "critical",
  offered_not_drawn: "warning",
} as const;

export function readinessWatch(options: ReadinessOptions): ReadinessWatch {
  const { clock, control, planner, alerts } = options;
  let memory = NO_READINESS;
  let found: readonly Readiness[] = [];
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    const nowMs = clock.nowMs();
    const states = control.state().evses;
    const conditions = new Map<EvseId, EvseCondition>();
    for (const e of states)
      conditions.set(
        evseId(e.station, e.evse),
        e.state === "offline" || e.state === "faulted" ? e.state : "ok",
      );
    found = readinessOf(planner.view(), (evse) => conditions.get(evse) ?? "ok", nowMs);
    const next = readinessAlerts(memory, found, nowMs);
    memory = next.memory;
    tell(next.told);
  };

  const tell = (told: readonly ReadinessAlert[]): void => {
    const raised = new Map(told.map((alert) => [`${alert.kind}:${alert.evse}`, alert]));
    // Also those of an earlier run, whose vehicle may be gone.
    for (const { id, kind } of alerts.active())
      if ((KINDS as readonly string[]).includes(kind) && !raised.has(id)) alerts.clear(id);
    for (const { kind, evse, cause } of told)
      alertWhile(alerts, true, { kind, subject: evse, severity: SEVERITY[kind], cause: () => cause });
  };

  return {
    start() {
      timer ??= setInterval(
        () => {
          try {
            look();
          } catch (error) {
            options.failed(error);
          }
        },
        Math.max(LEAST_LOOK_MS, clock.realDelayMs(LOOK_MS)),
      );
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
    look,
    all: () => found,
    counts() {
      const counts = Object.fromEntries(READINESS_STATES.map((s) => [s, 0])) as Record<
        ReadinessState,
        number
      >;
      for (const { state } of found) counts[state]++;
      return counts;
    },
  };
}

const iso = (ms: number | null) =>
  ms === null ? null : new Date(Math.round(ms / 1000) * 1000).toISOString();
const tenths = (x: number | null) => (x === null ? null : Math.round(x * 10) / 10);

/** `state/readiness` and `GET /api/v1/readiness`. */
export function readinessState(all: readonly Readiness[], counts: Record<ReadinessState, number>) {
  return {
    counts,
    vehicles: all.map((r) => ({
      evse: r.evse,
      vehicle: r.vehicle,
      class: r.class,
      state: r.state,
      depart: iso(r.departMs),
      depart_is_said: r.isSaid,
      wanted_kwh: tenths(r.wantedKwh),
      wanted_is_said: r.needIsSaid,
      delivered_kwh: tenths(r.deliveredKwh),
      forecast_kwh: tenths(r.forecastKwh),
      missing_kwh: tenths(r.missingKwh),
      impossible_kwh: tenths(r.impossibleKwh),
      latest_start: iso(r.latestStartMs),
      planned_start: iso(r.plannedStartMs),
      causes: r.causes,
    })),
  };
}

export type ReadinessView = ReturnType<typeof readinessState>;
