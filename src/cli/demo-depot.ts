/** Writes the demo's depot: a config with its own secrets for the drawn or recorded stations, and a cloud's keys. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { LaddportError } from "../errors.ts";
import { type Credentials, issueCertificate } from "../identity/certificates.ts";
import {
  formatCredentials,
  type HashCost,
  type Identity,
  newCredential,
  newSecret,
} from "../identity/credentials.ts";
import type { GridMeterPlan, Scenario, StationPlan } from "../simulator/plan.ts";
import type { InfluxSection } from "./demo-influx.ts";

export const DEMO_SITE = "demo";

/** Machine secrets of 128 random bits that live for a demo; hundreds of them are made at its start. */
const DEMO_COST: HashCost = { n: 1024 };

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
  siteLimitA: number;
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
  gridMeter: GridMeterPlan;
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
  const gridMeter: GridMeterPlan = { id: "grid-1", username: "grid-1", password: newSecret() };
  const stations = provisioned(scenario, options.siteLimitA);
  const flowsPassword = newSecret();
  const editorPassword = newSecret();
  const people: [Identity, string][] = [
    ...[...stations, gridMeter].map((s): [Identity, string] => [{ name: s.id, role: "station" }, s.password]),
    [{ name: "flows", role: "flows" }, flowsPassword],
  ];
  const credentials = await Promise.all(people.map(([who, secret]) => newCredential(who, secret, DEMO_COST)));
  const adminLine = formatCredentials([
    await newCredential({ name: "admin", role: "flows" }, editorPassword),
  ]);
  const csv = [...stations, gridMeter].map((s) => `${s.id},${s.username},${s.password}`);
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
    ["laddport.yaml", configText(options, stations)],
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
    editorPassword,
  };
}

/** Credentials, and the minimum as fallback where all of them fit into the site at once; else none has one. */
function provisioned(scenario: Scenario, siteLimitA: number): StationPlan[] {
  const minima = scenario.stations.reduce((sum, s) => sum + s.minMa, 0);
  const fits = minima <= siteLimitA * 1000;
  return scenario.stations.map((station) => ({
    ...station,
    fallbackMa: fits ? station.minMa : 0,
    username: station.id,
    password: newSecret(),
  }));
}

function configText(options: DemoDepotOptions, stations: StationPlan[]): string {
  const { scenario, siteLimitA, voltageV, influx } = options;
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
    grid: { voltage_v: voltageV },
    circuits: [{ id: "site", limit_a: siteLimitA, meter: "grid-1" }],
    meters: [{ id: "grid-1" }],
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
    api: { listen: "127.0.0.1:0", token_file: "secrets/api-token" },
    tariffs: [
      {
        id: "depot",
        currency: "SEK",
        elements: [{ price_components: [{ type: "ENERGY", price: "2.50", vat: "25", step_size: 1 }] }],
      },
    ],
    tokens: { policy: "free" },
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

function influxConfig({ token, ...section }: InfluxSection) {
  return { ...section, ...(token ? { token_file: "secrets/influx-token" } : {}) };
}
