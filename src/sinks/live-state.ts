/**
 * Retained state for whoever connects now: `state/site`, `state/evse/{station}/{evse}`,
 * `state/session/{station}/{evse}`, `sys/info`, `sys/health`.
 * Everything is written again at start, because the broker keeps what it retains in memory only. State goes out at
 * most once per interval and topic, and only when it changed; health every 5 s with the time by which the next must
 * come, since a broker inside the gateway cannot deliver a last will for it. Runs on wire time.
 */
import type { ChargingState, ConnectorState, LimitReason } from "../model/messages.ts";
import type { RunningCost } from "../model/running-cost.ts";
import type { SiteTopics } from "../model/topics.ts";
import type { Publish } from "./live-topics.ts";

/** `state/evse/{station}/{evse}`. Missing means unknown, never 0. */
export interface EvseState {
  online: boolean;
  connector_state?: ConnectorState;
  charging_state?: ChargingState;
  fault_code?: string;
  power_w?: number;
  energy_import_wh?: number;
  current_a?: readonly number[];
  soc_pct?: number;
  /** The setpoint in force and the constraint that bound it. */
  limit_a?: number;
  limit_reason?: LimitReason;
  bound_by?: string;
  session_id?: string;
}

/** `state/site`: per line L1, L2, L3. */
export interface SiteState {
  current_a: readonly number[] | null;
  limit_a: readonly number[];
  power_w: number | null;
  stations_online: number;
  stations: number;
  charging: number;
  /** Of any circuit. */
  meter_stale: boolean;
  /** Production; feeding the depot is positive. Missing without a fresh reading of each such meter, as all below. */
  pv_w?: number;
  /** Charging the battery is positive. */
  battery_w?: number;
  battery_soc_pct?: number;
}

/** `sys/info`, once at start. */
export interface GatewayInfo {
  version: string;
  node: string;
  site: string;
  gateway: string;
  epoch: number;
  started_at: string;
}

/** `sys/health` without its times, which the publisher adds. */
export interface GatewayHealth {
  status: "ok" | "degraded" | "failing";
  log_offset: number;
  /** Events behind, per consumer of the log. */
  lag: Record<string, number>;
  oldest_unsent_s?: number;
  disk_free_mb?: number;
  flows?: string;
}

export interface LiveStateOptions {
  topics: SiteTopics;
  publish: Publish;
  info: GatewayInfo;
  /** Asked every 5 s. */
  health(): GatewayHealth;
  /** A publish that failed; the topic is written again at the next interval. Must not throw. */
  onError(topic: string, error: unknown): void;
  /** Shortest time between two writes of one state topic. */
  intervalMs?: number;
  healthMs?: number;
  /** Wall clock, ms since the epoch: readers compare `ts` and `next_by` with their own. */
  nowMs?: () => number;
}

export interface LiveState {
  start(): void;
  stop(): void;
  setSite(state: SiteState): void;
  /** Who charges when by the plan. */
  setPlan(state: object): void;
  /** Who will be ready at departure. */
  setReadiness(state: object): void;
  setEvse(station: string, evse: number, state: EvseState): void;
  /** What the open session there costs so far; without one the topic is cleared. */
  setSession(station: string, evse: number, cost: RunningCost | undefined): void;
  /** Clears what is retained for an EVSE that is no longer configured. */
  clearEvse(station: string, evse: number): void;
}

/** Topics written without a pause: about a millisecond's worth. */
const AT_ONCE = 50;

export function createLiveState(options: LiveStateOptions): LiveState {
  const { topics, publish } = options;
  const nowMs = options.nowMs ?? Date.now;
  const healthMs = options.healthMs ?? 5_000;
  /** What was published last and what waits, per topic, without `ts`; "" clears the topic. */
  const published = new Map<string, string>();
  const waiting = new Map<string, string>();
  /** Handed in last, per topic: the same object again says nothing, and writing it as JSON costs the most here. */
  const costs = new Map<string, RunningCost>();
  const timers: NodeJS.Timeout[] = [];

  function send(topic: string, json: string, onFailure?: () => void): void {
    const failed = (error: unknown): void => {
      options.onError(topic, error);
      onFailure?.();
    };
    try {
      publish(topic, json, { qos: 1, retain: true })?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  function set(topic: string, state: object): void {
    const text = JSON.stringify(state);
    if (published.get(topic) === text) waiting.delete(topic);
    else waiting.set(topic, text);
  }

  /** In slices with a turn of the loop between them: a large depot's state must not keep the sockets waiting. */
  function flush(left = waiting.size): void {
    flushSome(AT_ONCE);
    if (left > AT_ONCE) setImmediate(() => flush(left - AT_ONCE));
  }

  function flushSome(most: number): void {
    const ts = `{"ts":"${new Date(nowMs()).toISOString()}",`;
    for (const [topic, text] of [...waiting].slice(0, most)) {
      waiting.delete(topic);
      if (text === "") published.delete(topic);
      else published.set(topic, text);
      send(topic, text === "" ? "" : ts + text.slice(1), () => {
        if (published.get(topic) === text) published.delete(topic);
        if (!waiting.has(topic)) waiting.set(topic, text);
      });
    }
  }

  function beat(): void {
    const at = nowMs();
    const times = {
      ts: new Date(at).toISOString(),
      // Two beats may go missing before a reader calls the gateway silent.
      next_by: new Date(at + 3 * healthMs).toISOString(),
    };
    try {
      send(topics.health, JSON.stringify({ ...times, ...options.health() }));
    } catch (error) {
      options.onError(topics.health, error);
    }
  }

  return {
    start() {
      send(topics.info, JSON.stringify({ ts: new Date(nowMs()).toISOString(), ...options.info }));
      beat();
      flush();
      timers.push(
        setInterval(() => flush(), options.intervalMs ?? 500),
        setInterval(beat, healthMs),
      );
    },
    stop() {
      for (const timer of timers.splice(0)) clearInterval(timer);
      flushSome(waiting.size);
    },
    setSite: (state) => set(topics.siteState, state),
    setPlan: (state) => set(topics.planState, state),
    setReadiness: (state) => set(topics.readinessState, state),
    setEvse: (station, evse, state) => set(topics.evseState(station, evse), state),
    setSession(station, evse, cost) {
      const topic = topics.sessionState(station, evse);
      if (costs.get(topic) === cost) return;
      if (cost) costs.set(topic, cost);
      else costs.delete(topic);
      if (cost) set(topic, cost);
      else if (published.has(topic)) waiting.set(topic, "");
      else waiting.delete(topic);
    },
    clearEvse: (station, evse) => waiting.set(topics.evseState(station, evse), ""),
  };
}
