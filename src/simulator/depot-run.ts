/** Runs all stations and the grid meter of a plan through depot time on one thread, over real links. */
import { depotClock } from "../model/clock.ts";
import { siteTopics } from "../model/topics.ts";
import { createGridMeter } from "./grid-meter.ts";
import { buildingA, type DepotPlan, type Visit } from "./plan.ts";
import { createPolledMeter } from "./polled-meter.ts";
import { createSiteRecord } from "./site-record.ts";
import { createStation } from "./station.ts";
import type { Station, StationState, VisitResult } from "./station-state.ts";

/** What the depot is doing, as plain data. Currents are A per line, true ones. */
export interface DepotStats {
  depotMs: number;
  siteA: [number, number, number];
  peakA: [number, number, number];
  /** Steps of the simulation at which a line was over the site's limit, and by how much at worst. */
  limitViolations: number;
  worstOverA: number;
  /** Stations by what they do. */
  states: Partial<Record<StationState, number>>;
  online: number;
  ackedPublishes: number;
  /** Messages not acknowledged yet, samples aside. */
  waitingFacts: number;
  droppedSamples: number;
  meteredWh: number;
  visitsDone: number;
  visitsTotal: number;
  /** What the gateway sent against the contract, or rejected: the first few. */
  contractFaults: string[];
  lastError: string | null;
}

/** The closing figures. */
export interface DepotReport extends DepotStats {
  visits: VisitResult[];
}

export interface DepotRun {
  start(): void;
  stats(): DepotStats;
  /** Everyone leaves now; resolves when all but samples is acknowledged, or after `withinMs` of real time. */
  finish(withinMs: number): Promise<DepotReport>;
  stop(): Promise<void>;
  readonly stations: ReadonlyMap<string, Station>;
}

/** Real ms between two looks at the clock. */
const TURN_MS = 10;
const SHORTEST_STEP_MS = 200;

const SAMPLE_MS = 10_000;
/** No station samples more often than this in real ms, however fast depot time runs. */
const SAMPLE_TURN_MS = 100;
const IDLE_SAMPLE_MS = 900_000;
const GRID_SAMPLE_MS = 1000;
/** A grid meter is read at most this often, in real ms: a control tick in an accelerated depot is no shorter. */
const GRID_TURN_MS = 50;
const AUTHORIZE_AGAIN_MS = 5000;

export function createDepotRun(plan: DepotPlan): DepotRun {
  const clock = depotClock(plan.clock);
  const { speed } = plan.clock;
  const topics = siteTopics(plan.site);
  const stepMs = Math.max(SHORTEST_STEP_MS, Math.round(speed * TURN_MS));
  const sampleMs = Math.max(
    SAMPLE_MS,
    Math.round(speed * SAMPLE_TURN_MS),
    Math.round((1000 * speed * plan.stations.length) / plan.samplesPerSecond),
  );
  const idleSampleMs = Math.max(IDLE_SAMPLE_MS, 4 * sampleMs);
  const visitsOf = visitsByStation(plan);
  const stations = plan.stations.map((station, i) =>
    createStation({
      plan: station,
      topics,
      mqttUrl: plan.mqttUrl,
      voltageV: plan.voltageV,
      visits: visitsOf.get(station.id) ?? [],
      mischief: plan.mischief,
      seed: i + 1 + (plan.mischief?.seed ?? 0) * 100_003,
      sampleMs,
      idleSampleMs,
      authorizeAgainMs: Math.round(AUTHORIZE_AGAIN_MS * speed),
    }),
  );
  const gridMeter =
    plan.gridMeter &&
    createGridMeter({
      plan: plan.gridMeter,
      topics,
      mqttUrl: plan.mqttUrl,
      voltageV: plan.voltageV,
      sampleMs: Math.max(GRID_SAMPLE_MS, Math.round(speed * GRID_TURN_MS)),
      seed: 0x6d,
    });
  const polledMeter = plan.polledMeter ? createPolledMeter(plan.polledMeter, plan.voltageV) : null;
  const record = createSiteRecord(plan.siteLimitA);
  const links = () => [...stations.map((s) => s.link), ...(gridMeter ? [gridMeter.link] : [])];

  let timer: NodeJS.Timeout | null = null;
  let startedMono = 0;
  let startMs = 0;
  let nowMs = 0;

  const buildingMa = (): number => {
    return plan.building ? Math.round(1000 * buildingA(plan.building, nowMs)) : 0;
  };

  const step = (toMs: number) => {
    const building = buildingMa();
    const sum: [number, number, number] = [building, building, building];
    for (const station of stations) {
      station.step(toMs);
      const [a, b, c] = station.lineMa;
      sum[0] += a;
      sum[1] += b;
      sum[2] += c;
    }
    nowMs = toMs;
    record.note(sum);
    gridMeter?.step(toMs, sum);
    polledMeter?.step(toMs, building);
  };

  const turn = () => {
    const untilMs = startMs + (clock.monoMs() - startedMono);
    while (nowMs + stepMs <= untilMs) step(nowMs + stepMs);
  };

  const stats = (): DepotStats => {
    const states: DepotStats["states"] = {};
    for (const { state } of stations) states[state] = (states[state] ?? 0) + 1;
    const sum = (read: (station: Station) => number) => stations.reduce((n, s) => n + read(s), 0);
    return {
      depotMs: nowMs,
      siteA: [...record.nowA],
      peakA: [...record.peakA],
      limitViolations: record.violations,
      worstOverA: record.worstOverA,
      states,
      online: stations.filter((s) => s.link.online).length,
      ackedPublishes: links().reduce((n, link) => n + link.acked, 0),
      waitingFacts: links().reduce((n, link) => n + link.waitingFacts, 0),
      droppedSamples: sum((s) => s.link.droppedSamples),
      meteredWh: sum((s) => s.meteredWh),
      visitsDone: sum((s) => s.results.length),
      visitsTotal: plan.visits.length,
      contractFaults: stations.flatMap((s) => s.contractFaults).slice(0, 10),
      lastError: links().find((link) => link.lastError !== null && !link.online)?.lastError ?? null,
    };
  };

  const run: DepotRun = {
    stations: new Map(plan.stations.map(({ id }, i) => [id, stations[i] as Station])),
    start() {
      if (timer) return;
      startedMono = clock.monoMs();
      startMs = Math.round(clock.nowMs());
      nowMs = startMs;
      for (const station of stations) station.start(nowMs);
      gridMeter?.start(nowMs);
      polledMeter?.start(nowMs);
      timer = setInterval(turn, TURN_MS);
    },
    stats,
    async finish(withinMs) {
      for (const station of stations) station.finish();
      const deadline = performance.now() + withinMs;
      while (stations.some((s) => s.link.waitingFacts > 0) && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, TURN_MS));
      }
      const report = { ...stats(), visits: stations.flatMap((s) => [...s.results]) };
      await run.stop();
      return report;
    },
    async stop() {
      if (timer) clearInterval(timer);
      timer = null;
      await Promise.all([...stations.map((s) => s.stop()), gridMeter?.stop(), polledMeter?.stop()]);
    },
  };
  return run;
}

function visitsByStation(plan: DepotPlan): Map<string, Visit[]> {
  const known = new Set(plan.stations.map((s) => s.id));
  const byStation = new Map<string, Visit[]>();
  for (const visit of plan.visits) {
    if (!known.has(visit.station)) {
      throw new Error(`visit ${visit.id} is at ${visit.station}, which is not in the depot`);
    }
    byStation.set(visit.station, [...(byStation.get(visit.station) ?? []), visit]);
  }
  for (const visits of byStation.values()) visits.sort((a, b) => a.arrivalMs - b.arrivalMs);
  return byStation;
}
