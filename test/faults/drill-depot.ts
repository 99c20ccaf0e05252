/** A depot at full load for drills: simulated stations and meters on real links, a gateway process on fast depot time. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import mqtt from "mqtt";
import { onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import { loadConfig } from "../../src/config.ts";
import { formatCredentials, newCredential } from "../../src/identity/credentials.ts";
import { PHASE_ORDERS } from "../../src/model/circuit.ts";
import { type ClockOrigin, depotClock } from "../../src/model/clock.ts";
import { siteTopics } from "../../src/model/topics.ts";
import { createGridMeter } from "../../src/simulator/grid-meter.ts";
import { createModbusMeter, type SimulatedUnit } from "../../src/simulator/modbus-meter.ts";
import type { CarPlan, StationPlan } from "../../src/simulator/plan.ts";
import { createStation } from "../../src/simulator/station.ts";
import { mapNamed } from "../../src/stations/meters/maps/index.ts";
import { type Lines, Truth } from "./drill-truth.ts";
import { type DemoDepot, demoDepot, GatewayProcess, removeDepot } from "./gateway-process.ts";
import type { SolverFate } from "./mortal-highs.ts";
import { secretOf, until } from "./running-gateway.ts";

const SPEED = 20;
export const LIMIT_A = { site: 120, "hall-a": 80, "hall-b": 80 };
export const FALLBACK_A = 6;
/** A lease above the fallback ends within this, depot time: 40 ticks of a second. */
export const LEASE_MS = 40_000;
/** And one below it, 3 * (lease + 30 s of delivery + 10 s of reaction). */
export const LOW_LEASE_MS = 240_000;
/** A per line beside charging, at rest; twice as much is the most there may be. */
export const BUILDING_A = 20;
const LIGHTS_A = 4;
const STATIONS = 12;
const STEP_MS = 200;
const TURN_MS = 10;
const START = Date.UTC(2026, 2, 3, 15);
const HOUR_MS = 3_600_000;
const HALL_METER = "carlo-gavazzi-em300";
const PASSWORD = "meter secret";
const V = 230;

const child = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url));
const hallOf = (i: number): "hall-a" | "hall-b" => (i < STATIONS / 2 ? "hall-a" : "hall-b");
/** Those of hall-b can be told to charge on one phase. */
const switches = (i: number) => hallOf(i) === "hall-b";

/** A quarter charges from one phase. Together they want three times what the site may draw. */
function carOf(i: number): CarPlan {
  const energyWh = 900_000;
  return {
    phases: i % 4 === 1 ? 1 : 3,
    maxMa: i % 3 === 2 ? 16_000 : 32_000,
    energyWh,
    taperFromWh: energyWh,
    batteryWh: 1_000_000,
    socPct: 5,
  };
}

async function configure(depot: DemoDepot, modbusPort: number): Promise<void> {
  const config = parse(readFileSync(depot.config, "utf8"));
  config.circuits = [
    { id: "site", limit_a: LIMIT_A.site, meter: "grid-1", worst_other_a: 2 * BUILDING_A + LIGHTS_A },
    {
      id: "hall-a",
      parent: "site",
      limit_a: LIMIT_A["hall-a"],
      meter: "hall-meter",
      worst_other_a: 2 * LIGHTS_A,
    },
    { id: "hall-b", parent: "site", limit_a: LIMIT_A["hall-b"] },
  ];
  const modbus = {
    host: "127.0.0.1",
    port: modbusPort,
    unit: 1,
    map: HALL_METER,
    timeout_s: 0.5,
    poll_s: 1,
  };
  config.meters = [{ id: "grid-1" }, { id: "hall-meter", modbus }];
  config.station_defaults.fallback_a = FALLBACK_A;
  config.stations = config.stations.map((s: { id: string }, i: number) => ({
    id: s.id,
    circuit: hallOf(i),
    phase_order: PHASE_ORDERS[i % 3],
    ...(switches(i) ? { phase_switching: true } : {}),
  }));
  config.control = { lease_s: 10 };
  config.classes = [{ id: "line", weight: 10 }];
  writeFileSync(depot.config, stringify(config));
  const { mqtt } = loadConfig(depot.config, { env: {} });
  appendFileSync(
    mqtt.credentialsFile,
    formatCredentials([await newCredential({ name: "grid-1", role: "station" }, PASSWORD, { n: 1024 })]),
  );
}

function hallMeter(currentA: () => Lines): SimulatedUnit {
  const map = mapNamed(HALL_METER);
  if (!map) throw new Error(`no map ${HALL_METER}`);
  const rest = { voltageV: [V, V, V] as const, frequencyHz: 50, importWh: 1_000_000, exportWh: 0 };
  return { map, truth: () => ({ currentA: currentA(), ...rest }) };
}

export interface DrillOptions {
  flows?: boolean;
  /** What the grid side lets through when the first car comes, kW; it is the order `dim`. */
  capKw?: number;
}

export async function drillDepot({ flows = false, capKw }: DrillOptions = {}) {
  const depot = await demoDepot({ stations: STATIONS });
  onTestFinished(() => removeDepot(depot));
  let site: Lines = [0, 0, 0];
  let hallA: Lines = [0, 0, 0];
  const device = createModbusMeter(new Map([[1, hallMeter(() => hallA)]]));
  const modbusPort = await device.start();
  onTestFinished(() => device.stop());
  await configure(depot, modbusPort);

  const origin: ClockOrigin = { realMs: Date.now(), depotMs: START, speed: SPEED };
  const clock = depotClock(origin);
  const fate = join(depot.dir, "solver-fate");
  const gateway = new GatewayProcess(
    [
      "--import",
      child("mortal-solver.ts"),
      child("fast-gateway.ts"),
      depot.config,
      depot.data,
      JSON.stringify(origin),
    ],
    { LADDPORT__FLOWS__ENABLED: String(flows), SOLVER_FATE: fate },
  );
  onTestFinished(() => gateway.kill());

  const topics = siteTopics(depot.site);
  const mqttUrl = `mqtt://127.0.0.1:${depot.port}`;
  const stations = [...depot.passwords].map(([id, password], i) => {
    const plan: StationPlan = {
      id,
      kind: "ac",
      phaseOrder: PHASE_ORDERS[i % 3] ?? "L1L2L3",
      minMa: 6_000,
      maxMa: 32_000,
      fallbackMa: FALLBACK_A * 1_000,
      efficiency: 1,
      registerWh: 1_000_000,
      username: id,
      password,
      ...(switches(i) ? { switchesPhases: true } : {}),
    };
    const station = createStation({
      plan,
      topics,
      mqttUrl,
      voltageV: V,
      visits: [
        {
          id: `${id}-1`,
          station: id,
          arrivalMs: START + 1_000,
          departureMs: START + 48 * HOUR_MS,
          tokenUid: `04A1B2C3D4E5${String(i).padStart(2, "0")}`,
          car: carOf(i),
        },
      ],
      mischief: null,
      seed: i + 1,
      sampleMs: 5_000,
      idleSampleMs: 60_000,
      authorizeAgainMs: 5_000 * SPEED,
    });
    return { id, hall: hallOf(i), station };
  });
  const meter = createGridMeter({
    plan: { id: "grid-1", username: "grid-1", password: PASSWORD },
    topics,
    mqttUrl,
    voltageV: V,
    sampleMs: 1_000,
    seed: 99,
  });

  const truth = new Truth(LIMIT_A);
  let building = BUILDING_A;
  let isMeterSilent = false;
  let nowMs = 0;

  const step = (toMs: number): void => {
    const sums: Record<"hall-a" | "hall-b", Lines> = {
      "hall-a": [LIGHTS_A, LIGHTS_A, LIGHTS_A],
      "hall-b": [0, 0, 0],
    };
    for (const { station, hall } of stations) {
      station.step(toMs);
      for (const line of [0, 1, 2] as const) sums[hall][line] += station.lineMa[line] / 1000;
    }
    const [a, b] = [sums["hall-a"], sums["hall-b"]];
    hallA = a;
    site = [a[0] + b[0] + building, a[1] + b[1] + building, a[2] + b[2] + building];
    nowMs = toMs;
    truth.note(toMs, { ...sums, site });
    if (!isMeterSilent) meter.step(toMs, site.map((x) => Math.round(x * 1000)) as Lines);
  };

  const monoStart = clock.monoMs();
  const firstMs = Math.round(clock.nowMs());
  nowMs = firstMs;
  const timer = setInterval(() => {
    const due = firstMs + clock.monoMs() - monoStart;
    while (nowMs + STEP_MS <= due) step(nowMs + STEP_MS);
  }, TURN_MS);
  onTestFinished(async () => {
    clearInterval(timer);
    await Promise.all([...stations.map(({ station }) => station.stop()), meter.stop()]);
  });

  const authorization = `Bearer ${secretOf(depot, "api-token")}`;
  const call = async <T>(path: string, body?: object, method = body ? "POST" : "GET"): Promise<T> => {
    const answer = await fetch(`${depot.apiUrl}/api/v1/${path}`, {
      method,
      headers: { authorization, ...(body ? { "content-type": "application/json" } : {}) },
      signal: AbortSignal.timeout(20_000),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const drawA = (id: string): number =>
    Math.max(...(stations.find((s) => s.id === id)?.station.lineMa ?? [])) / 1000;

  await gateway.start();
  if (capKw !== undefined) {
    await call("grid-orders", { id: "dim", kind: "cap", kw: capKw });
    truth.ordered(capKw * 1000);
  }
  for (const { station } of stations) station.start(nowMs);
  meter.start(nowMs);
  await until("all are connected", () => stations.every(({ station }) => station.link.online));

  return {
    depot,
    gateway,
    truth,
    call,
    device,
    drawA,
    ids: stations.map((s) => s.id),
    link: (id: string) => {
      const found = stations.find((s) => s.id === id);
      if (!found) throw new Error(`no station ${id}`);
      return found.station.link;
    },
    silence(is: boolean): void {
      isMeterSilent = is;
      device.mischief = is ? "silent" : "none";
    },
    /** A per line more than at rest. */
    buildingMore(a: number): void {
      building = BUILDING_A + a;
    },
    /** Lets depot time pass for stations, whatever the machine does meanwhile. */
    async pass(ms: number): Promise<void> {
      const end = nowMs + ms;
      await until(`${ms} ms of depot time`, () => nowMs >= end);
    },
    async fullLoad(): Promise<number> {
      const from = nowMs;
      await until("full load", () => Math.max(...truth.siteLines) >= 0.93 * LIMIT_A.site);
      return (nowMs - from) / 1000;
    },
    drawsA: () => stations.map(({ id }) => drawA(id)),
    /** Stations try again at once: how long they wait is wire time, which is long on a clock that runs fast. */
    async reconnected(except = ""): Promise<void> {
      const links = stations.flatMap(({ id, station }) => (id === except ? [] : [station.link]));
      for (const link of [...links, meter.link]) {
        if (link.online) continue;
        link.cut();
        link.restore();
      }
      await until("stations are back", () => links.every((link) => link.online));
    },
    /**
     * Half of them leave in two hours, the others in the morning, and a quarter comes before all others; or all leave
     * together and are alike.
     */
    async setDepartures({ alike = false } = {}): Promise<void> {
      const soon = new Date(nowMs + 2 * HOUR_MS).toISOString();
      const late = new Date(nowMs + 14 * HOUR_MS).toISOString();
      await call("departures", {
        departures: stations.map(({ id }, i) => ({
          evse: `${id}/1`,
          depart: alike || i % 2 === 0 ? soon : late,
          energy_kwh: 30,
          ...(!alike && i % 4 === 0 ? { class: "line" } : {}),
        })),
      });
    },
    planSource: async () => (await call<{ source: string | null }>("plan")).source,
    /** A flow's wish for stations, A, for a quarter of an hour; resolves when the gateway grants it. */
    async intend(targets: readonly string[], limitA: number): Promise<void> {
      const flow = await mqtt.connectAsync(mqttUrl, {
        clientId: "flows-of-a-drill",
        username: "flows",
        password: secretOf(depot, "flows-password"),
      });
      let granted = 0;
      flow.on("message", (_topic, payload) => {
        if (JSON.parse(payload.toString()).status === "granted") granted++;
      });
      await flow.subscribeAsync(`${topics.root}/res/flows/#`, { qos: 1 });
      for (const id of targets)
        await flow.publishAsync(
          topics.request("flows", "limit"),
          JSON.stringify({ id, valid_for_s: 900, data: { target: `${id}/1`, limit_a: limitA } }),
          { qos: 1 },
        );
      await until("the wish is granted", () => granted === targets.length);
      await flow.endAsync();
    },
    /** What happens to the solver with the next plan. */
    solver: (to: SolverFate) => writeFileSync(fate, to),
  };
}

export type DrillDepot = Awaited<ReturnType<typeof drillDepot>>;
