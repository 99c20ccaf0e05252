/** `/metrics` in the Prometheus text format: aggregates only, no station, session or person in any label. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { LoopDelay } from "./loop-delay.ts";
import type { MetricFigures } from "./sources.ts";

export interface Metrics {
  /** How long one group commit took until it was durable, in seconds. */
  observeCommit(seconds: number): void;
  /** How long the solver took for one plan, in seconds. */
  observeSolve(seconds: number): void;
  contentType: string;
  text(): Promise<string>;
}

const LINES = ["L1", "L2", "L3"];

export function createMetrics(figures: () => MetricFigures, loopDelay: LoopDelay): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `laddport_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `laddport_${name}`, help, labelNames, registers });

  const commit = new Histogram({
    name: "laddport_commit_seconds",
    help: "Time from handing a group to the log until it is durable.",
    buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  });
  const solve = new Histogram({
    name: "laddport_plan_solve_seconds",
    help: "Time that the solver took for one plan.",
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers,
  });
  const ready = gauge(
    "vehicles",
    "Vehicles plugged in, by whether they will be ready at departure.",
    "state",
  );
  const plans = counter("plan_total", "Plans since start, by where targets came from.", "source");
  const lag = gauge("consumer_lag_events", "Events a consumer of the log has not handled yet.", "consumer");
  const unsent = gauge(
    "consumer_oldest_unsent_seconds",
    "Age of the oldest event a consumer could not deliver.",
    "consumer",
  );
  const loop = gauge(
    "event_loop_delay_seconds",
    "Delay of the main event loop, last 10 to 20 s.",
    "quantile",
  );
  const acked = counter("acked_events_total", "Events durable and acknowledged since start.");
  const quarantined = counter("quarantined_total", "Messages kept in quarantine since start.");
  const overflow = counter(
    "quarantine_overflow_total",
    "Messages not kept since start because their station had filled its quarantine.",
  );
  const deadLetters = counter("dead_letters_total", "Points a database refused since start.");
  const setpoints = counter("setpoints_total", "Setpoints sent since start.", "reason");
  const connections = gauge("connections", "MQTT clients connected.");
  const sessions = gauge("sessions", "Charging sessions by state.", "state");
  const head = gauge("log_head", "Offset of the newest event.");
  const disk = gauge("disk_free_bytes", "Free space where the log lies.");
  const meterAge = gauge("site_meter_age_seconds", "Age of the newest site meter value.");
  const siteA = gauge("site_current_amperes", "Measured site current.", "line");
  const limitA = gauge("site_limit_amperes", "Site limit.", "line");
  const rss = gauge("resident_memory_bytes", "Resident memory of the gateway process.");
  const cpu = counter("cpu_seconds_total", "CPU time of the gateway process.");

  function perLine(metric: Gauge, amperes: readonly number[] | null): void {
    metric.reset();
    amperes?.forEach((a, i) => {
      metric.set({ line: LINES[i] ?? String(i + 1) }, a);
    });
  }

  /** The sources count for themselves; the counter takes over where they stand. */
  function total(metric: Counter, value: number): void {
    metric.reset();
    metric.inc(value);
  }

  function optional(metric: Gauge, value: number | null): void {
    if (value === null) metric.remove();
    else metric.set(value);
  }

  function collect(): void {
    const now = figures();
    lag.reset();
    unsent.reset();
    for (const [consumer, { lagEvents, oldestUnsentS }] of Object.entries(now.consumers)) {
      lag.set({ consumer }, lagEvents);
      unsent.set({ consumer }, oldestUnsentS ?? 0);
    }
    for (const quantile of ["0.5", "0.99"]) {
      loop.set({ quantile }, loopDelay.percentileMs(Number(quantile) * 100) / 1000);
    }
    total(acked, now.ackedEvents);
    total(quarantined, now.quarantined);
    total(overflow, now.quarantineOverflow);
    total(deadLetters, now.deadLetters);
    for (const [state, count] of Object.entries(now.readiness)) ready.set({ state }, count);
    plans.reset();
    for (const [source, count] of Object.entries(now.plans)) plans.inc({ source }, count);
    setpoints.reset();
    for (const [reason, count] of Object.entries(now.setpoints)) setpoints.inc({ reason }, count);
    connections.set(now.connections);
    sessions.set({ state: "active" }, now.sessionsActive);
    sessions.set({ state: "held" }, now.sessionsHeld);
    head.set(now.logHead);
    optional(disk, now.diskFreeBytes);
    optional(meterAge, now.siteMeterAgeS);
    perLine(siteA, now.siteCurrentA);
    perLine(limitA, now.siteLimitA);
    rss.set(process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    total(cpu, (user + system) / 1e6);
  }

  return {
    observeCommit: (seconds) => commit.observe(seconds),
    observeSolve: (seconds) => solve.observe(seconds),
    contentType: registry.contentType,
    async text() {
      collect();
      return registry.metrics();
    },
  };
}
