/** `laddport init`: a commented config with secrets of its own, ready for `laddport run`. */
import { randomBytes, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { LaddportError } from "../errors.ts";
import { freePorts } from "../gateway/free-port.ts";
import { formatIndex, indexEntry } from "../identity/certificate-index.ts";
import { issueCertificate } from "../identity/certificates.ts";
import {
  formatCredentials,
  type HashCost,
  type Identity,
  MACHINE_COST,
  newCredential,
  newSecret,
} from "../identity/credentials.ts";
import { newAuthority } from "../identity/depot-authority.ts";
import { type DemoDepot, demoYaml, type Ports, starterYaml, stationName } from "./init-yaml.ts";
import { type CommandIo, EXIT } from "./output.ts";

export interface InitOptions {
  dir: string;
  demo?: boolean;
  /** `auto` takes free ports on 127.0.0.1. */
  ports?: string;
  json?: boolean;
}

/** What `init --json` prints. */
export interface Initialised {
  config: string;
  data: string;
  mqtt_url: string;
  api_url: string;
  site: string;
  /** CSV `station,username,password`. */
  credentials_file: string;
}

/** Apart from the secrets that the gateway needs: it is to leave this machine. */
const ESCROW_KEY = "escrow.key";

const DEFAULT_PORTS: Ports & { mqtts: number } = { mqtt: 1883, api: 8080, flows: 1880, mqtts: 8883 };

/** Five hundred stations on loopback, with 128-bit passwords: a depot to try out should not take ten seconds to make. */
const DEMO_COST: HashCost = { n: 1024 };

/** Exit code 0, 1 when it would overwrite or cannot write, 2 for a bad option. */
export async function init(options: InitOptions, io: CommandIo): Promise<number> {
  const { ports = "default", json = false } = options;
  try {
    if (ports !== "auto" && ports !== "default") {
      throw new LaddportError("LP803", `--ports is ${JSON.stringify(ports)}.`, {
        fix: "Write --ports auto.",
      });
    }
    const chosen = ports === "auto" ? await freeDepotPorts() : DEFAULT_PORTS;
    const made = options.demo
      ? await initDemo(options.dir, { ports: chosen })
      : await initStarter(options.dir, chosen);
    io.stdout.write(json ? `${JSON.stringify(made)}\n` : `${made.config}\n`);
    if (!json) io.stderr.write(nextSteps(made, options.demo ? [] : [escrowStep(options.dir)]));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof LaddportError)) throw error;
    io.stderr.write(`${error}\n`);
    return error.code === "LP803" ? EXIT.usage : EXIT.failed;
  }
}

function escrowStep(dir: string): string {
  return (
    `Move ${join(resolve(dir), ESCROW_KEY)} to a medium that is kept offline, and delete it here: it opens every ` +
    "sealed summary when a receiver has lost its own key."
  );
}

function nextSteps(made: Initialised, more: readonly string[]): string {
  return [
    `Wrote a config with its own keys and passwords. Station passwords: ${made.credentials_file}`,
    `secrets/ca.key signs the depot's certificates. The gateway does not need it: keep it offline (docs/certificates.md).`,
    ...more,
    `Next: laddport check --config ${made.config}`,
    `Then: laddport run --config ${made.config} --data ${made.data}\n`,
  ].join("\n");
}

/** Writes the demo depot into `dir`. @throws LaddportError LP801, LP802. */
export async function initDemo(dir: string, depot: DemoDepot): Promise<Initialised> {
  refuseToOverwrite(dir);
  const names = Array.from({ length: depot.stations ?? 500 }, (_, i) => stationName(i));
  const files = new Map([
    ["laddport.yaml", demoYaml(depot)],
    ...authorityFiles(newAuthority()),
    ...(await secretFiles("demo", names, DEMO_COST)),
  ]);
  return write(dir, files, "demo", depot.ports);
}

async function initStarter(dir: string, ports: Ports & { mqtts: number }): Promise<Initialised> {
  refuseToOverwrite(dir);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const timezone = own === "UTC" || own === "Etc/UTC" ? "Europe/Stockholm" : own;
  const authority = newAuthority();
  const hosts = ownNames();
  const server = issueCertificate({ name: "laddport depot", purpose: "server", hosts, issuer: authority });
  const [ca, shown] = [authority.certPem, server.certPem].map((pem) => new X509Certificate(pem));
  if (ca && shown) authority.index.certificates.push(indexEntry(shown, "server", ca, hosts));
  const escrow = issueCertificate({ name: "laddport escrow", purpose: "recipient" });
  const files = new Map([
    ["laddport.yaml", starterYaml(timezone, ports)],
    ["tokens.csv", "uid,type,status,valid_until,group,vehicle\n"],
    ...authorityFiles(authority),
    [ESCROW_KEY, escrow.keyPem],
    ["secrets/escrow.pem", escrow.certPem],
    ["secrets/mqtt.key", server.keyPem],
    ["secrets/mqtt.pem", server.certPem + authority.certPem],
    ...(await secretFiles("depot", ["cp-01", "cp-02", "grid-1"], MACHINE_COST)),
  ]);
  return write(dir, files, "depot", ports);
}

function authorityFiles({
  keyPem,
  certPem,
  index,
  crlPem,
}: ReturnType<typeof newAuthority>): [string, string][] {
  return [
    ["secrets/ca.key", keyPem],
    ["secrets/ca.pem", certPem],
    ["pki/index.json", formatIndex(index)],
    ["pki/crl.pem", crlPem],
  ];
}

/** Every name and address that stations may reach this machine by. */
export function ownNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const usable = addresses.filter((a) => a.family === "IPv4" && !a.internal).map((a) => a.address);
  const name = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(hostname()) ? [hostname()] : [];
  return [...new Set(["localhost", "127.0.0.1", ...name, ...usable])];
}

async function secretFiles(
  site: string,
  stations: readonly string[],
  cost: HashCost,
): Promise<[string, string][]> {
  const identities: Identity[] = [
    ...stations.map((name) => ({ name, role: "station" as const })),
    { name: "flows", role: "flows" },
  ];
  const secrets = identities.map(() => newSecret());
  const credentials = await Promise.all(
    identities.map((who, i) => newCredential(who, secrets[i] ?? "", cost)),
  );
  const admin = newSecret();
  const adminHash = formatCredentials([await newCredential({ name: "admin", role: "flows" }, admin)]);
  const signer = issueCertificate({ name: `laddport ${site}`, purpose: "signer" });
  const csv = stations.map((name, i) => `${name},${name},${secrets[i]}`);
  return [
    ["credentials.csv", `${["station,username,password", ...csv].join("\n")}\n`],
    ["secrets/credentials", formatCredentials(credentials)],
    ["secrets/kek", `${randomBytes(32).toString("base64")}\n`],
    ["secrets/api-token", `${newSecret()}\n`],
    ["secrets/flows-password", `${secrets.at(-1)}\n`],
    ["secrets/flows-admin-password", `${admin}\n`],
    ["secrets/flows-admin-hash", `${/scrypt\$\S+/.exec(adminHash.split("\n")[1] ?? "")?.[0]}\n`],
    ["secrets/flows-credential-secret", `${newSecret()}\n`],
    // Hexadecimal: InfluxDB's own setup takes them as arguments, and must not see an option in a leading dash.
    ["secrets/influx-token", `${randomBytes(32).toString("hex")}\n`],
    ["secrets/influx-password", `${randomBytes(16).toString("hex")}\n`],
    ["secrets/gateway.key", signer.keyPem],
    ["secrets/gateway.pem", signer.certPem],
  ];
}

function refuseToOverwrite(folder: string): void {
  const dir = resolve(folder);
  const there = ["laddport.yaml", "secrets", "pki", "credentials.csv", "tokens.csv", ESCROW_KEY].filter(
    (name) => existsSync(join(dir, name)),
  );
  if (there.length === 0) return;
  throw new LaddportError("LP801", `${dir} already has ${there.join(", ")}.`, { detail: { dir, there } });
}

async function write(
  folder: string,
  files: ReadonlyMap<string, string>,
  site: string,
  ports: Ports,
): Promise<Initialised> {
  const dir = resolve(folder);
  try {
    await mkdir(dir, { recursive: true });
    await mkdir(join(dir, "secrets"), { recursive: true, mode: 0o700 });
    await mkdir(join(dir, "pki"), { recursive: true, mode: 0o700 });
    await mkdir(join(dir, "data"), { recursive: true, mode: 0o700 });
    // The config comes last: where it is, everything it names is.
    const entries = [...files].sort(
      ([a], [b]) => Number(a === "laddport.yaml") - Number(b === "laddport.yaml"),
    );
    for (const [name, text] of entries) {
      await writeFile(join(dir, name), text, { mode: 0o600, flag: "wx" });
    }
  } catch (cause) {
    throw new LaddportError("LP802", `Cannot write to ${dir} (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
  return {
    config: join(dir, "laddport.yaml"),
    data: join(dir, "data"),
    mqtt_url: `mqtt://127.0.0.1:${ports.mqtt}`,
    api_url: `http://127.0.0.1:${ports.api}`,
    site,
    credentials_file: join(dir, "credentials.csv"),
  };
}

/** Free ports on 127.0.0.1 for a depot. */
export async function freeDepotPorts(): Promise<Ports & { mqtts: number }> {
  const [mqtt = 0, api = 0, flows = 0, mqtts = 0] = await freePorts(4);
  return { mqtt, api, flows, mqtts };
}
