/**
 * `laddport demo`: simulated stations charge at accelerated time through the real gateway, and a cloud with keys of its
 * own opens the bills. Talk and the live view go to stderr, the closing figures to stdout.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pino from "pino";
import { loadConfig } from "../config.ts";
import { createGateway, type Gateway, type GatewayStats, type Listening } from "../main.ts";
import { depotClock } from "../model/clock.ts";
import type { GridOrderShown } from "../model/grid-request.ts";
import { type Cloud, createCloud } from "../simulator/cloud.ts";
import { createDepot, type Depot } from "../simulator/depot.ts";
import type { DepotReport } from "../simulator/depot-run.ts";
import { FLEET_CLASSES } from "../simulator/fleet.ts";
import { mildMischief } from "../simulator/mischief.ts";
import type { Scenario } from "../simulator/plan.ts";
import { dateAt, offsetMinutes } from "../simulator/time-text.ts";
import { siteLimitFromPeak } from "../simulator/uncontrolled.ts";
import { DEMO_SITE, type DemoDepot, demoKeys, summariesDir, writeDemoDepot } from "./demo-depot.ts";
import { fairShares } from "./demo-fair.ts";
import { demoFigures, failures, type Outcome } from "./demo-figures.ts";
import { type DemoGrid, demoGrid } from "./demo-grid.ts";
import { influxSection } from "./demo-influx.ts";
import { type DemoOptions, originOf, type Pace, type Played, paceOf, whatIsPlayed } from "./demo-plan.ts";
import { createScreen, type Terminal } from "./demo-screen.ts";
import { provenSessions } from "./demo-signed.ts";
import { tellDepot } from "./demo-told.ts";
import { closingTable, type DemoPicture, shortTable } from "./demo-view.ts";
import { EXIT } from "./output.ts";

export interface DemoIo {
  stdout: { write(text: string): unknown };
  stderr: Terminal;
  /** No colours even on a terminal. */
  noColour: boolean;
}

const VOLTAGE_V = 230;
/** Samples a real second that all stations together send. */
const SAMPLES_PER_SECOND = 300;
/** What the gateway gets to start and the stations to connect before the first car comes. */
const LEAD_MS = { shortest: 6000, longest: 30_000, perStation: 20 };
/** The last departures may come a little late before everyone is sent off. */
const TAIL_MS = 1000;
const FINISH_WITHIN_MS = 60_000;
const FLUSH_WITHIN_MS = 60_000;

/** Runs a demo to its end. Exit code 0; 1 when a limit was broken or a bill is wrong. */
export async function runDemo(options: DemoOptions, io: DemoIo): Promise<number> {
  const played = whatIsPlayed(options, VOLTAGE_V, Date.now());
  // Now, not after a minute of play.
  if (options.json !== undefined && options.json !== "-") closeSync(openSync(options.json, "a"));
  io.stderr.write(`${played.title}\n`);
  for (const note of played.notes) io.stderr.write(`${note}\n`);
  const dir =
    options.keep === undefined ? mkdtempSync(join(tmpdir(), "laddport-demo-")) : resolve(options.keep);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stage = new Stage(options, played, dir, io);
  try {
    const outcome = await stage.play();
    return report(outcome, options, io);
  } finally {
    await stage.clear();
    if (options.keep === undefined) rmSync(dir, { recursive: true, force: true });
    else if (stage.written) io.stderr.write(`Kept in ${dir}: laddport.yaml, data, ${summariesDir(dir)}\n`);
  }
}

function report(outcome: Outcome, options: DemoOptions, io: DemoIo): number {
  const figures = demoFigures(outcome);
  const json = `${JSON.stringify(figures, null, 2)}\n`;
  if (options.json === "-") io.stdout.write(json);
  else {
    if (options.json !== undefined) writeFileSync(options.json, json);
    const short = shortTable(figures, 8);
    io.stdout.write(`${closingTable(figures)}\n${short && `\n${short}\n`}`);
  }
  const wrong = failures(outcome);
  for (const text of wrong) io.stderr.write(`${text}\n`);
  return wrong.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Ids of visits by the class of their vehicle, the highest class first. */
function visitsByClass({ visits, fleet }: Scenario): Map<string, string[]> {
  const classOf = new Map(fleet?.vehicles.map((v) => [v.id, v.class]));
  const byClass = new Map<string, string[]>(
    [...FLEET_CLASSES].sort((a, b) => b.weight - a.weight).map(({ id }) => [id, []]),
  );
  for (const { id, vehicle } of visits) byClass.get(classOf.get(vehicle ?? "") ?? "")?.push(id);
  return byClass;
}

/** The parts of a running demo, put up in order and cleared in reverse. */
class Stage {
  readonly #options: DemoOptions;
  readonly #played: Played;
  readonly #dir: string;
  readonly #io: DemoIo;
  readonly #clears: (() => Promise<unknown>)[] = [];
  readonly #asked = interrupted();
  #gatewayStats: GatewayStats | null = null;
  /** As it was last in force. */
  #gridOrder: GridOrderShown | null = null;
  /** The depot lies in its folder. */
  written = false;

  constructor(options: DemoOptions, played: Played, dir: string, io: DemoIo) {
    this.#options = options;
    this.#played = played;
    this.#dir = dir;
    this.#io = io;
  }

  async play(): Promise<Outcome> {
    const options = this.#options;
    const { scenario } = this.#played;
    const loadStart = performance.now();
    const depot = createDepot();
    this.#clears.push(() => depot.stop());
    const keys = demoKeys();
    const cloud = createCloud({
      site: DEMO_SITE,
      keyPem: keys.receiver.keyPem,
      certPem: keys.receiver.certPem,
      signerPem: keys.gateway.certPem,
      storeDir: summariesDir(this.#dir),
    });
    const influx = options.influx === undefined ? null : await influxSection(options.influx);
    const grid = gridOf(scenario, options.siteA);
    const { siteLimitA } = grid;
    await Promise.all([depot.load(), cloud.start()]);
    this.#clears.push(() => cloud.stop());
    // A machine that took long to load takes long to start the gateway, too.
    const spent = (performance.now() - loadStart) * 3;
    const leadMs =
      Math.min(LEAD_MS.longest, Math.max(LEAD_MS.shortest, spent)) +
      LEAD_MS.perStation * scenario.stations.length;
    const pace = paceOf(scenario, options, leadMs);
    const written = await writeDemoDepot({
      dir: this.#dir,
      keys,
      scenario,
      grid,
      voltageV: VOLTAGE_V,
      flows: options.flows,
      speed: pace.speed,
      cloudUrl: cloud.url,
      influx,
    });
    this.written = true;
    const clock = originOf(pace, leadMs, Date.now());
    const endAt = performance.now() + leadMs + pace.windowMs + TAIL_MS;

    const log = pino({ base: null }, pino.destination({ dest: join(this.#dir, "gateway.log"), sync: true }));
    const config = loadConfig(written.configFile, { env: {} });
    const gateway = createGateway({ config, dataDir: written.dataDir, clock, log });
    const doors = await gateway.start();
    this.#clears.push(() => gateway.stop("demo over"));
    const shown = doorsOf(doors, written.editorPassword);
    for (const [name, url] of shown) this.#io.stderr.write(`${name.padEnd(16)} ${url}\n`);
    await tellDepot(config, written.departures, grid.order, (note) => this.#io.stderr.write(`${note}\n`));
    depot.start({
      site: DEMO_SITE,
      mqttUrl: doors.mqtt ?? "",
      clock,
      voltageV: VOLTAGE_V,
      stations: written.stations,
      visits: scenario.visits,
      gridMeter: written.gridMeter,
      polledMeter: written.polledMeter,
      building: grid.building,
      siteLimitA: [siteLimitA, siteLimitA, siteLimitA],
      mischief: options.mischief && options.replay === undefined ? mildMischief(options.seed) : null,
      samplesPerSecond: SAMPLES_PER_SECOND,
    });
    const parts = { depot, gateway, cloud, doors: shown, pace, grid, siteLimitA, written };
    await this.#show(parts, endAt);
    return this.#close(parts);
  }

  /** Everything put up, in reverse; what fails is said and does not keep the rest from being cleared. */
  async clear(): Promise<void> {
    this.#asked.forget();
    for (const clear of this.#clears.splice(0).reverse()) {
      try {
        await clear();
      } catch (error) {
        this.#io.stderr.write(`${error instanceof Error ? error.message : error}\n`);
      }
    }
  }

  /** The live view, until all visits are over, the time is up, or the user has seen enough. */
  async #show(parts: Parts, endAt: number): Promise<void> {
    const { depot, gateway, pace } = parts;
    const clock = depotClock({ realMs: 0, depotMs: 0, speed: pace.speed });
    const screen = createScreen(this.#io.stderr, this.#io.noColour, () => this.#picture(parts));
    const refresh = everySecond(async () => {
      const stats = await gateway.stats();
      this.#gatewayStats = stats;
      this.#gridOrder = stats.gridOrders.find(({ state }) => state !== "ahead") ?? this.#gridOrder;
    });
    screen.start();
    const over = () => {
      const stats = depot.stats();
      return performance.now() >= endAt || (stats !== null && stats.visitsDone === stats.visitsTotal);
    };
    try {
      while (!over() && !this.#asked.yet()) {
        await Promise.race([pause(Math.min(100, clock.realDelayMs(60_000))), depot.failure]);
      }
      if (this.#asked.yet())
        this.#io.stderr.write("Ending: everyone leaves, what is pending is billed and delivered.\n");
    } finally {
      await refresh.stop();
      screen.stop();
    }
  }

  #picture({ depot, cloud, doors, pace, siteLimitA }: Parts): DemoPicture | null {
    const stats = depot.stats();
    const gateway = this.#gatewayStats;
    if (!stats) return null;
    const { timeZone } = this.#played.scenario;
    const offsetMin = offsetMinutes(stats.depotMs, timeZone);
    const local = new Date(stats.depotMs + offsetMin * 60_000).toISOString().slice(11, 16);
    return {
      title: this.#played.title,
      progress: Math.min(1, Math.max(0, (stats.depotMs - pace.firstMs) / (pace.lastMs - pace.firstMs))),
      depotTime: `${dateAt(stats.depotMs, offsetMin)} ${local}`,
      speed: pace.speed,
      depot: stats,
      siteLimitA,
      sessionsOpen: gateway?.sessionsOpen ?? 0,
      sessionsClosed: gateway?.sessionsClosed ?? 0,
      cdrsIssued: gateway?.cdrsIssued ?? 0,
      summariesSealed: gateway?.summariesSealed ?? 0,
      summariesAcknowledged: gateway?.summariesAcknowledged ?? 0,
      summariesOpened: cloud.totals().summaries_opened,
      readiness: gateway?.readiness ?? null,
      plan: gateway && planStanding(gateway, stats.depotMs),
      gridOrder: gateway?.gridOrders[0] ?? null,
      nodeRed: gateway?.nodeRed ?? "starting",
      doors,
    };
  }

  /** Everyone leaves, everything is folded, sealed and delivered; then the figures are read. */
  async #close({ depot, gateway, cloud, grid, siteLimitA, written }: Parts): Promise<Outcome> {
    const report: DepotReport = await depot.finish(FINISH_WITHIN_MS);
    const missed = report.visitsTotal - report.visits.length;
    if (missed > 0)
      this.#io.stderr.write(`${missed} of ${report.visitsTotal} visits did not begin in the time.\n`);
    const delivered = await gateway.flush(FLUSH_WITHIN_MS);
    return {
      report,
      gateway: await gateway.stats(),
      booked: await gateway.sessions(),
      cloud: cloud.totals(),
      siteLimitA,
      classes: visitsByClass(this.#played.scenario),
      equalShares: await fairShares(this.#played.scenario, grid, VOLTAGE_V),
      gridOrder: this.#gridOrder,
      stations: written.stations.length,
      replay: this.#options.replay !== undefined,
      provenSessions: provenSessions(cloud.cdrs, cloud.signedRecords),
      delivered,
    };
  }
}

interface Parts {
  depot: Depot;
  gateway: Gateway;
  cloud: Cloud;
  doors: Doors;
  pace: Pace;
  grid: DemoGrid;
  siteLimitA: number;
  written: DemoDepot;
}

/** A record keeps to what it was: no building, no order, half of its uncontrolled peak. */
function gridOf(scenario: Scenario, siteA: number | undefined): DemoGrid {
  if (scenario.fleet) return demoGrid(scenario, siteA, VOLTAGE_V);
  const { stations, visits } = scenario;
  const siteLimitA = siteA ?? siteLimitFromPeak(stations, visits, VOLTAGE_V);
  return { siteLimitA, building: null, order: null };
}

function planStanding({ plan: { source, madeMs, counts } }: GatewayStats, nowMs: number) {
  const ageS = madeMs === null ? null : Math.max(0, (nowMs - madeMs) / 1000);
  return { source, ageS, made: counts.plan ?? 0 };
}

type Doors = DemoPicture["doors"];

function doorsOf({ mqtt, api, flows }: Listening, editorPassword: string): Doors {
  return [
    ...(mqtt ? [["MQTT", mqtt] as const] : []),
    ...(api ? [["API", `${api}/api/v1/status`] as const, ["metrics", `${api}/metrics`] as const] : []),
    ...(flows ? [["Node-RED editor", `${flows} (admin, ${editorPassword})`] as const] : []),
  ];
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Ctrl-C once ends the demo in order; twice ends the process. */
function interrupted() {
  let yet = false;
  const note = () => {
    if (yet) process.exit(130);
    yet = true;
  };
  process.on("SIGINT", note);
  process.on("SIGTERM", note);
  return {
    yet: () => yet,
    forget() {
      process.off("SIGINT", note);
      process.off("SIGTERM", note);
    },
  };
}

/** Runs `work` about once a second, never twice at a time; `stop` waits for the last. */
function everySecond(work: () => Promise<void>): { stop(): Promise<void> } {
  let going = true;
  const done = (async () => {
    while (going) {
      await work().catch(() => undefined);
      for (let i = 0; i < 10 && going; i++) await pause(100);
    }
  })();
  return {
    stop() {
      going = false;
      return done;
    },
  };
}
