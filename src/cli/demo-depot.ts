/** Writes the demo's depot: a config with its own secrets for the drawn or recorded stations, and a cloud's keys. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { LaddportError } from "../errors.ts";
import { freePorts } from "../gateway/free-port.ts";
import { type Credentials, issueCertificate } from "../identity/certificates.ts";
import {
  formatCredentials,
  type HashCost,
  type Identity,
  newCredential,
  newSecret,
} from "../identity/credentials.ts";
import type { RegisterMap } from "../model/register-map.ts";
import { FLEET_CLASSES } from "../simulator/fleet.ts";
import type {
  BuildingPlan,
  FleetPlan,
  GridMeterPlan,
  PolledMeterPlan,
  Scenario,
  StationPlan,
} from "../simulator/plan.ts";
import { dateAt, offsetMinutes } from "../simulator/time-text.ts";
import { mapNamed } from "../stations/meters/maps/index.ts";
import type { DemoGrid } from "./demo-grid.ts";
import type { InfluxSection } from "./demo-influx.ts";

export const DEMO_SITE = "demo";

/** Machine secrets of 128 random bits that live for a demo; hundreds of them are made at its start. */
const DEMO_COST: HashCost = { n: 1024 };

const METER = "grid-1";
const BUILDING_METER = "building-1";
const METER_MAP = "carlo-gavazzi-em300";
/** Real time, on loopback: a machine with much to do still answers in it. */
const METER_TIMEOUT_S = 2;
/** Real seconds until control has obeyed a reading, on a machine with much to do. */
const OBEYED_WIRE_S = 1;
/** Real seconds in which the meter must show that an order is kept. */
const REACTION_WIRE_S = 1;

/** Real seconds that a lease should last; the config allows at most 600 s of depot time. */
const LEASE_WIRE_S = 3;

export interface DemoKeys {
  gateway: Credentials;
  /** The cloud's: summaries are sealed to it. */
  receiver: Credentials;
}

export const demoKeys = (): DemoKeys => ({
  gateway: issueCertificate({ name: "laddport demo", purpose: "signer" }),
  receiver: issueCertificate({ name: "laddport demo receiver", purpose: "recipient" }),
});

export interface DemoDepotOptions {
  dir: string;
  keys: DemoKeys;
  scenario: Scenario;
  /** A per line of the grid connection. */
  grid: DemoGrid;
  voltageV: number;
  flows: boolean;
  /** How fast depot time will run; leases are lengthened so that renewing them does not become the main load. */
  speed: number;
  cloudUrl: string;
  influx: InfluxSection | null;
}

export interface DemoDepot {
  configFile: string;
  dataDir: string;
  stations: StationPlan[];
  /** It publishes with the stamp of its own clock, so that it fits the stations' readings however fast time runs. */
  gridMeter: GridMeterPlan;
  /** Of the building. */
  polledMeter: PolledMeterPlan | null;
  /** For `departures import`; empty in a replay. */
  departures: string;
  /** Of the user `admin` in the Node-RED editor. */
  editorPassword: string;
}

/** Where a demo keeps the sealed summaries, the receiver's key and the certificates. */
export const summariesDir = (dir: string): string => join(dir, "summaries");

/** @throws LaddportError LP801 when `dir` holds an earlier depot, LP802 when it cannot be written. */
export async function writeDemoDepot(options: DemoDepotOptions): Promise<DemoDepot> {
  const { dir, keys, scenario } = options;
  if (existsSync(join(dir, "laddport.yaml"))) {
    throw new LaddportError("LP801", `${dir} holds an earlier depot.`, { fix: "Choose another --keep." });
  }
  const [apiPort = 0, meterPort = 0] = await freePorts(2);
  const polledMeter = options.grid.building ? { port: meterPort, unit: 1, map: mapOf(METER_MAP) } : null;
  const gridMeter = { id: METER, username: METER, password: newSecret() };
  const stations = provisioned(options);
  const publishers = [...stations, gridMeter];
  const flowsPassword = newSecret();
  const editorPassword = newSecret();
  const people: [Identity, string][] = [
    ...publishers.map((s): [Identity, string] => [{ name: s.id, role: "station" }, s.password]),
    [{ name: "flows", role: "flows" }, flowsPassword],
  ];
  const credentials = await Promise.all(people.map(([who, secret]) => newCredential(who, secret, DEMO_COST)));
  const adminLine = formatCredentials([
    await newCredential({ name: "admin", role: "flows" }, editorPassword),
  ]);
  const csv = publishers.map((s) => `${s.id},${s.username},${s.password}`);
  const files = new Map([
    ["credentials.csv", `${["station,username,password", ...csv].join("\n")}\n`],
    ["secrets/credentials", formatCredentials(credentials)],
    ["secrets/kek", `${randomBytes(32).toString("base64")}\n`],
    ["secrets/api-token", `${newSecret()}\n`],
    ["secrets/flows-password", `${flowsPassword}\n`],
    ["secrets/flows-admin-password", `${editorPassword}\n`],
    ["secrets/flows-admin-hash", `${/scrypt\$\S+/.exec(adminLine.split("\n")[1] ?? "")?.[0]}\n`],
    ["secrets/flows-credential-secret", `${newSecret()}\n`],
    ["secrets/gateway.key", keys.gateway.keyPem],
    ["secrets/gateway.pem", keys.gateway.certPem],
    ...(options.influx?.token ? [["secrets/influx-token", `${options.influx.token}\n`] as const] : []),
    ["summaries/receiver.key", keys.receiver.keyPem],
    ["summaries/receiver.pem", keys.receiver.certPem],
    ["summaries/gateway.pem", keys.gateway.certPem],
    ...Object.entries(fleetFiles(scenario)),
    ["laddport.yaml", configText(options, stations, { apiPort, polledMeter })],
  ]);
  try {
    for (const folder of ["secrets", "data", "summaries"]) {
      await mkdir(join(dir, folder), { recursive: true, mode: 0o700 });
    }
    for (const [name, text] of files) await writeFile(join(dir, name), text, { mode: 0o600 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LaddportError("LP802", `Cannot write to ${dir} (${code}).`, { cause });
  }
  return {
    configFile: join(dir, "laddport.yaml"),
    dataDir: join(dir, "data"),
    stations,
    gridMeter,
    polledMeter,
    departures: join(dir, "departures.csv"),
    editorPassword,
  };
}

/** Credentials, and the minimum as fallback where all of them fit into the site at once; else none has one. */
function provisioned({ scenario, grid, speed }: DemoDepotOptions): StationPlan[] {
  const { siteLimitA, building } = grid;
  const minima = scenario.stations.reduce((sum, s) => sum + s.minMa, 0);
  const reserved = building ? mostA(building) + reserveA(building, speed) : 0;
  const fits = minima <= (siteLimitA - reserved) * 1000;
  return scenario.stations.map((station) => ({
    ...station,
    fallbackMa: fits ? station.minMa : 0,
    username: station.id,
    password: newSecret(),
  }));
}

/** Most that the building draws on a line, A. */
const mostA = (building: BuildingPlan | null): number =>
  building ? Math.ceil(building.baseA + building.swingA) : 0;

/** By how much the building may grow until control has obeyed a reading; faster in depot time that runs fast. */
const reserveA = ({ swingA }: BuildingPlan, speed: number): number =>
  Math.max(1, Math.ceil((2 * Math.PI * swingA * Math.max(1, speed) * OBEYED_WIRE_S) / 86_400));

interface Doors {
  apiPort: number;
  polledMeter: PolledMeterPlan | null;
}

function configText(options: DemoDepotOptions, stations: StationPlan[], doors: Doors): string {
  const { scenario, grid, voltageV, influx, speed } = options;
  const { siteLimitA, building } = grid;
  // A config names zones, not bare offsets; nothing in the demo's tariff depends on it.
  const timezone = /^[+-]/.test(scenario.timeZone) ? "Etc/UTC" : scenario.timeZone;
  const config = {
    version: 1,
    site: {
      id: DEMO_SITE,
      name: "Demo depot",
      timezone,
      language: "en",
      currency: "SEK",
      country: "SE",
      // It runs fast: no reference could vouch for it.
      clock: "trusted",
    },
    // A tick lasts so much longer in a depot that runs fast: so may the reaction to an order.
    grid: {
      voltage_v: voltageV,
      reaction_s: Math.round(Math.min(900, Math.max(60, REACTION_WIRE_S * speed))),
    },
    circuits: [
      {
        id: "site",
        limit_a: siteLimitA,
        meter: METER,
        ...(building ? { reserve_a: reserveA(building, speed) } : {}),
        ...(building ? { worst_other_a: mostA(building) } : {}),
      },
    ],
    meters: [
      { id: METER },
      ...(doors.polledMeter
        ? [{ id: BUILDING_METER, role: "building", modbus: modbusOf(doors.polledMeter) }]
        : []),
    ],
    ...(scenario.fleet
      ? { classes: FLEET_CLASSES.map((one) => ({ ...one })), vehicles_file: "vehicles.csv" }
      : {}),
    stations: stations.map((s) => ({
      id: s.id,
      circuit: "site",
      kind: s.kind,
      max_a: s.maxMa / 1000,
      min_a: s.minMa / 1000,
      phases: 3,
      phase_order: s.phaseOrder,
      fallback_a: s.fallbackMa / 1000,
      ...(s.kind === "dc" ? { efficiency: s.efficiency } : {}),
    })),
    mqtt: { tcp: "127.0.0.1:0", credentials_file: "secrets/credentials" },
    api: { listen: `127.0.0.1:${doors.apiPort}`, token_file: "secrets/api-token" },
    tariffs: [
      {
        id: "depot",
        currency: "SEK",
        elements: [{ price_components: [{ type: "ENERGY", price: "2.50", vat: "25", step_size: 1 }] }],
      },
    ],
    tokens: { policy: "free", ...(scenario.fleet ? { file: "tokens.csv" } : {}) },
    control: {
      lease_s: Math.round(Math.min(600, Math.max(60, LEASE_WIRE_S * options.speed))),
      start_delay_s: 0,
    },
    signer: { cert_file: "secrets/gateway.pem", key_file: "secrets/gateway.key" },
    identity: { kek_file: "secrets/kek" },
    ...(influx ? { influx: influxConfig(influx) } : {}),
    upstream: { url: options.cloudUrl, recipient_cert_files: ["summaries/receiver.pem"] },
    ...(options.flows
      ? {
          flows: {
            port: 0,
            password_file: "secrets/flows-password",
            admin_password_hash_file: "secrets/flows-admin-hash",
            credential_secret_file: "secrets/flows-credential-secret",
          },
        }
      : {}),
  };
  return `# The depot of a demo.\n${stringify(config, { lineWidth: 0 })}`;
}

const modbusOf = ({ port, unit, map }: PolledMeterPlan) => ({
  host: "127.0.0.1",
  port,
  unit,
  map: map.id,
  timeout_s: METER_TIMEOUT_S,
});

function mapOf(id: string): RegisterMap {
  const map = mapNamed(id);
  if (!map) throw new Error(`no register map ${id}`);
  return map;
}

/** `ac_phases,ac_max_a,dc_max_kw`; nothing is known of guests before they charge. */
function figuresOf({ class: kind, phases, maxMa, dcMaxW }: FleetPlan["vehicles"][number]): (number | "")[] {
  if (kind === "guest") return ["", "", ""];
  return dcMaxW === null ? [phases, maxMa / 1000, ""] : ["", "", dcMaxW / 1000];
}

/** Vehicles, their tokens and what was said of their departures, as a depot would bring them. */
function fleetFiles({ fleet, timeZone }: Scenario): Record<string, string> {
  if (!fleet) return {};
  const file = (head: string, lines: string[]) => `${[head, ...lines].join("\n")}\n`;
  const local = (ms: number) => {
    const offsetMin = offsetMinutes(ms, timeZone);
    const [, time = ""] = new Date(ms + offsetMin * 60_000).toISOString().split("T");
    return [dateAt(ms, offsetMin), time.slice(0, 5)] as const;
  };
  return {
    "vehicles.csv": file(
      "id,class,battery_kwh,ac_phases,ac_max_a,dc_max_kw",
      fleet.vehicles.map((v) => [v.id, v.class, v.batteryWh / 1000, ...figuresOf(v)].join(",")),
    ),
    "tokens.csv": file(
      "uid,type,status,valid_until,group,vehicle",
      fleet.vehicles.map((v) => `${v.tokenUid},rfid,accepted,,${v.class},${v.id}`),
    ),
    "departures.csv": file(
      "vehicle,days,depart,energy_kwh",
      fleet.said.map(({ vehicle, departMs, energyWh, isDaily }) => {
        const [date, time] = local(departMs);
        return `${vehicle},${isDaily ? `daily,${time}` : `,${date} ${time}`},${energyWh / 1000}`;
      }),
    ),
  };
}

function influxConfig({ token, ...section }: InfluxSection) {
  return { ...section, ...(token ? { token_file: "secrets/influx-token" } : {}) };
}
