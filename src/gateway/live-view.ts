/** What the gateway shows of itself on live topics and over HTTP, gathered from its parts. */
import { statfsSync } from "node:fs";
import { evseSpecs } from "../config.ts";
import type { EvseState as ControlledEvse, ControlState } from "../control/state.ts";
import { evseId } from "../model/ids.ts";
import type { LimitReason } from "../model/messages.ts";
import type { RunningCost } from "../model/running-cost.ts";
import type { EvseState, GatewayHealth, SiteState } from "../sinks/live-state.ts";
import { healthOf } from "../web/health.ts";
import type { Check, Checks, History, MetricFigures, WebSources } from "../web/sources.ts";
import type { Parts } from "./parts.ts";
import { planState } from "./plan-view.ts";
import { readinessState } from "./readiness.ts";

/** The root circuit is the site. */
export function siteCircuit(state: ControlState, parts: Pick<Parts, "config">) {
  const root = parts.config.circuits.find((c) => c.parent === undefined || c.parent === null);
  return state.circuits.find((c) => c.id === root?.id) ?? state.circuits[0];
}

export function siteState(parts: Parts, state: ControlState): SiteState {
  const site = siteCircuit(state, parts);
  const current = site?.measured_a ?? summed(state);
  return {
    current_a: current,
    limit_a: site?.limit_a ?? [0, 0, 0],
    power_w: Math.round(current.reduce((sum, a) => sum + a, 0) * parts.config.grid.voltageV),
    stations_online: parts.config.stations.filter((s) => parts.broker.isConnected(s.id)).length,
    stations: parts.config.stations.length,
    charging: state.evses.filter((e) => e.state === "charging" || e.state === "limited").length,
    meter_stale: silentMeters(state).length > 0,
    ...parts.roles.now(),
  };
}

/** Circuits whose own meter tells nothing now. */
const silentMeters = (state: ControlState) =>
  state.circuits.filter((c) => c.meter === "stale" || c.meter === "frozen");

/** Without a meter of the whole site: what the stations say they draw. */
function summed(state: ControlState): number[] {
  return [0, 1, 2].map(
    (line) => Math.round(10 * state.evses.reduce((sum, e) => sum + (e.measured_a?.[line] ?? 0), 0)) / 10,
  );
}

export function evseState(parts: Pick<Parts, "broker" | "running">, e: ControlledEvse): EvseState {
  const session = parts.running.get(evseId(e.station, e.evse));
  return {
    online: parts.broker.isConnected(e.station),
    ...(e.connector_state ? { connector_state: e.connector_state } : {}),
    ...(e.charging_state ? { charging_state: e.charging_state } : {}),
    ...(e.power_w === null ? {} : { power_w: e.power_w }),
    ...(e.energy_import_wh === null ? {} : { energy_import_wh: e.energy_import_wh }),
    ...(e.soc_pct === null ? {} : { soc_pct: e.soc_pct }),
    ...(e.measured_a ? { current_a: e.measured_a } : {}),
    ...(e.limit_a === null ? {} : { limit_a: e.limit_a }),
    limit_reason: e.reason as LimitReason,
    ...(e.bound_by ? { bound_by: e.bound_by } : {}),
    ...(session ? { session_id: session.session_id } : {}),
  };
}

function runningOf(cost: RunningCost | undefined) {
  if (!cost) return {};
  const { session_id: _, station: _s, evse: _e, ...running } = cost;
  return { running };
}

function diskFreeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

const LITTLE_DISK = 2 ** 30;

function checks(parts: Parts): Checks {
  const { latest, flows, outbox, control, broker, dataDir } = parts;
  const { consumers } = outbox.status();
  const ok: Check = { status: "ok" };
  const consumer = (name: string): Check | undefined => {
    const status = consumers[name];
    if (!status) return undefined;
    return status.lastError === null ? ok : { status: "degraded", detail: status.lastError };
  };
  const stale = silentMeters(control.state());
  const flowsState = flows?.state();
  const influx = consumer("influx");
  const upstream = consumer("upstream");
  return {
    log: latest.damage ? { status: "failing", detail: `LP501 ${latest.damage}` } : ok,
    disk: latest.diskFull
      ? { status: "failing", detail: "LP503 no room for the log; acknowledgements are held" }
      : diskFreeBytes(dataDir) < LITTLE_DISK
        ? { status: "degraded", detail: "less than 1 GiB is free" }
        : ok,
    broker: { status: "ok", detail: `${broker.connectionCount()} connections` },
    control:
      stale.length > 0
        ? {
            status: "degraded",
            detail: `no fresh reading of ${stale.map((c) => c.id).join(", ")}: fail-safe limits`,
          }
        : ok,
    ...(flowsState
      ? { flows: flowsState === "up" ? ok : { status: "degraded" as const, detail: flowsState } }
      : {}),
    ...(influx ? { influx } : {}),
    ...(upstream ? { upstream } : {}),
  };
}

export function liveHealth(parts: Parts): GatewayHealth {
  const { consumers } = parts.outbox.status();
  const unsent = consumers.upstream?.oldestUnsentS;
  return {
    status: healthOf(checks(parts)).status,
    log_offset: parts.latest.head,
    lag: Object.fromEntries(Object.entries(consumers).map(([name, c]) => [name, c.lagEvents])),
    ...(unsent === null || unsent === undefined ? {} : { oldest_unsent_s: Math.round(unsent) }),
    disk_free_mb: Math.round(diskFreeBytes(parts.dataDir) / 2 ** 20),
    ...(parts.flows ? { flows: parts.flows.state() } : {}),
  };
}

export function webSources(parts: Parts): { sources: WebSources; figures: () => MetricFigures } {
  const { outbox, control, broker, ledger, counts, latest, dataDir } = parts;
  const count = (type: string) => counts.get(type) ?? 0;
  const figures = (): MetricFigures => {
    const state = control.state();
    const site = siteCircuit(state, parts);
    const { consumers, deadLetters } = outbox.status();
    return {
      consumers,
      ackedEvents: ledger.acknowledged,
      quarantined: count("message.quarantined"),
      quarantineOverflow: parts.overflow.quarantine,
      deadLetters,
      connections: broker.connectionCount(),
      sessionsActive: latest.sessions.open,
      sessionsHeld: latest.sessions.held,
      logHead: latest.head,
      diskFreeBytes: diskFreeBytes(dataDir),
      siteMeterAgeS: site?.meter_age_s ?? null,
      siteCurrentA: site?.measured_a ?? null,
      siteLimitA: site?.limit_a ?? null,
      setpoints: Object.fromEntries(parts.setpoints),
      plans: parts.planner.counts,
      readiness: parts.readiness.counts(),
    };
  };
  const sources: WebSources = {
    checks: () => checks(parts),
    metrics: figures,
    status: async () => {
      const state = control.state();
      return {
        site: parts.config.site.id,
        log_offset: latest.head,
        acked_messages: ledger.acknowledged,
        connections: broker.connectionCount(),
        sessions_open: latest.sessions.open,
        sessions_held: latest.sessions.held,
        ...siteState(parts, state),
        flows: parts.flows?.state() ?? "off",
        circuits: state.circuits,
        consumers: outbox.status().consumers,
        alerts: parts.alerts.active(),
      };
    },
    stations: async () =>
      control.state().evses.map((e) => ({
        station: e.station,
        evse: e.evse,
        ...evseState(parts, e),
        ...runningOf(parts.running.get(evseId(e.station, e.evse))),
      })),
    openSessions: () =>
      [...parts.running.values()].map(({ session_id, station, evse, started, ...running }) => ({
        session_id,
        station,
        evse,
        started,
        running,
      })),
    sessions: (limit) => outbox.ask("sessions", { limit }),
    session: async (id) => (await outbox.ask("session", { id })) ?? undefined,
    history: (query): Promise<History> => outbox.ask("history", query),
    report: ({ from, to, by }) =>
      outbox.ask("report", {
        first: from,
        by,
        zone: parts.config.site.timezone,
        evses: evseSpecs(parts.config).map((e) => evseId(e.station, e.evse)),
        ...(to === undefined ? {} : { last: to }),
      }),
    plan: () => ({ at: new Date(parts.clock.nowMs()).toISOString(), ...planState(parts.planner.view()) }),
    readiness: () => readinessState(parts.readiness.all(), parts.readiness.counts()),
    takePrices: (request) => parts.takePrices(request, "api"),
  };
  return { sources, figures };
}
