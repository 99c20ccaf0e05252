/**
 * The config: one YAML file, overridden by `LADDPORT__...` variables, refused as a whole with every fault listed. This
 * is the only reader of environment and config files.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { checkConsistency } from "./config/consistency.ts";
import { circuitOf, evseSpecsOf } from "./config/depot.ts";
import { type ConfigDocument, readDocument } from "./config/document.ts";
import { checkElectrical } from "./config/electrical.ts";
import { type Fault, formatFault, showPath } from "./config/faults.ts";
import { checkFiles } from "./config/files.ts";
import { Findings, sectionsOf } from "./config/findings.ts";
import { checkFleet, fleetOf } from "./config/fleet.ts";
import { checkGrid } from "./config/grid.ts";
import { faultsOfIssues } from "./config/issues.ts";
import { checkMetering } from "./config/metering-checks.ts";
import { type Camel, toCode } from "./config/paths.ts";
import { retentionClocksOf } from "./config/retention.ts";
import { ConfigFile } from "./config/schema.ts";
import { checkTariffChoice } from "./config/tariff-choice.ts";
import { checkTariffs } from "./config/tariffs.ts";
import { checkTree } from "./config/tree.ts";
import { LaddportError } from "./errors.ts";
import type { Circuit, EvseSpec } from "./model/circuit.ts";
import type { RetentionClocks } from "./model/retention.ts";
import type { Tariff } from "./model/tariff.ts";
import type { Fleet } from "./model/vehicle.ts";

export { type CertificatePlaces, certificatePlaces } from "./config/authority.ts";
export { circuitSums } from "./config/electrical.ts";
export { type Fault, formatFault } from "./config/faults.ts";

/** The config in code's spelling: camelCase, absolute file names, listeners as `{host, port}`. */
export type Config = Camel<Omit<ConfigFile, "tariffs" | "circuits" | "stations" | "station_defaults">> & {
  /** As in the file; `circuits(config)` has the reserve taken off. */
  circuits: Camel<ConfigFile["circuits"]>;
  /** `station_defaults` are filled in. */
  stations: Camel<ConfigFile["stations"]>;
  /** OCPI objects keep OCPI's spelling. */
  tariffs: Tariff[];
};

export type Environment = Readonly<Record<string, string | undefined>>;

export interface CheckedConfig {
  /** Absent when a fault is an error; warnings leave it. */
  config?: Config;
  /** In the order of the file. */
  faults: Fault[];
}

/** A value of the config and where it came from. */
export interface Explained {
  path: string;
  value: unknown;
  /** `default`, `laddport.yaml:3:10` or `LADDPORT__GRID__VOLTAGE_V`. */
  origin: string;
}

/** Refused config: `faults` holds all of them, `message` their lines. */
export class ConfigError extends LaddportError {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const errors = faults.filter((f) => f.severity === "error");
    super(errors[0]?.code ?? "LP100", faults.map(formatFault).join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
  }

  override toString(): string {
    return this.message;
  }
}

/**
 * Reads and checks a config file. `warn` gets what does not keep the gateway from starting.
 * @throws ConfigError with every fault; LaddportError LP300 when the file cannot be read.
 */
export function loadConfig(
  file: string,
  options: { env: Environment; warn?: (fault: Fault) => void },
): Config {
  const { config, faults } = checkConfig(readConfigText(file), file, options.env);
  if (!config) throw new ConfigError(faults);
  for (const found of faults) options.warn?.(found);
  return config;
}

/** @throws LaddportError LP300. */
export function readConfigText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LaddportError("LP300", `${file} cannot be read (${code}).`, { cause });
  }
}

/**
 * The secret in a file that the config names, without the white space around it.
 * @throws LaddportError LP301 when it cannot be read, LP303 when it is empty.
 */
export function readSecret(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new LaddportError("LP301", `${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
  if (text === "") throw new LaddportError("LP303", `${file} is empty.`);
  return text;
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/**
 * How much the program log says: `LADDPORT_LOG`. Of the environment alone, because it holds before there is a config.
 * @throws LaddportError LP105.
 */
export function logLevel(env: Environment): string {
  const level = env.LADDPORT_LOG ?? "info";
  if (LOG_LEVELS.includes(level)) return level;
  throw new LaddportError("LP105", `LADDPORT_LOG is ${JSON.stringify(level)}.`, {
    fix: `Use one of ${LOG_LEVELS.join(", ")}.`,
  });
}

/** Checks the text of a config file named `file`. Relative paths in it start at that file's folder. */
export function checkConfig(text: string, file: string, env: Environment, nowMs = Date.now()): CheckedConfig {
  const { config, faults } = examine(text, file, env, nowMs);
  return config ? { config: codeOf(config, file), faults } : { faults };
}

/** Every value of an accepted config with its origin; `station_defaults` show in the stations that take them. */
export function explainConfig(text: string, file: string, env: Environment): Explained[] {
  const { config, doc } = examine(text, file, env, Date.now());
  if (!config) return [];
  const { station_defaults: _, ...shown } = config;
  return explain(shown, [], doc);
}

function examine(text: string, file: string, env: Environment, nowMs: number) {
  let doc = readDocument(text, file, env);
  if (doc.raw === undefined) return { doc, faults: doc.faults, config: undefined };
  let parsed = ConfigFile.safeParse(doc.raw);
  // A variable is text: 2000 in one may well be the name of a site.
  const textual = new Set(
    (parsed.error?.issues ?? [])
      .filter((issue) => issue.code === "invalid_type" && issue.expected === "string")
      .map((issue) => doc.overrideName(issue.path))
      .filter((name) => name !== undefined),
  );
  if (textual.size > 0) {
    doc = readDocument(text, file, env, textual);
    parsed = ConfigFile.safeParse(doc.raw);
  }
  const findings = new Findings(doc);
  const sections = sectionsOf(doc.raw);
  checkConsistency(doc.raw, findings);
  checkMetering(doc.raw, findings);
  checkTariffChoice(doc.raw, findings);
  checkTariffs(doc.raw, findings);
  checkFleet(doc.raw, dirname(resolve(file)), findings);
  const tree = checkTree(doc.raw, sections.ids, findings);
  checkGrid(doc.raw, sections.ids, findings);
  checkElectrical(doc.raw, sections, tree, findings);
  checkFiles(doc.raw, sections, dirname(resolve(file)), nowMs, findings);
  const faults = [...doc.faults, ...faultsOfIssues(parsed.error?.issues ?? [], doc), ...findings.faults];
  faults.sort((a, b) => a.line - b.line || a.col - b.col);
  const refused = faults.some((f) => f.severity === "error");
  return { doc, faults, config: refused ? undefined : parsed.data };
}

function codeOf(config: ConfigFile, file: string): Config {
  const { tariffs, station_defaults: _, ...rest } = config;
  return { ...toCode(rest, dirname(resolve(file))), tariffs };
}

function explain(value: unknown, path: (string | number)[], doc: ConfigDocument): Explained[] {
  const isGroup = typeof value === "object" && value !== null;
  // Listeners and line currents are one value in the file, though several in code.
  const inside = isGroup && (path.length === 0 || !isLeaf(value));
  if (!inside) {
    const origin = doc.originOf(path);
    const place = origin.from === "default" ? "default" : (origin.place.env ?? positionOf(origin.place));
    return [{ path: showPath(path, doc.raw), value, origin: place }];
  }
  return Object.entries(value as object).flatMap(([key, item]) =>
    item === undefined ? [] : explain(item, [...path, Array.isArray(value) ? Number(key) : key], doc),
  );
}

const isLeaf = (value: object) =>
  Array.isArray(value) ? value.every((item) => typeof item !== "object") : "host" in value && "port" in value;

const positionOf = (place: Fault | { file: string; line: number; col: number }) =>
  `${place.file}:${place.line}:${place.col}`;

/** The circuits in the model's form, reserve taken off. */
export function circuits(config: Config): Circuit[] {
  return config.circuits.map(circuitOf);
}

/** One entry for each EVSE. */
export function evseSpecs(config: Config): EvseSpec[] {
  return config.stations.flatMap(evseSpecsOf);
}

/** How long each kind of data is kept. */
export function retentionClocks(config: Config): RetentionClocks {
  return retentionClocksOf(config);
}

/** Vehicles and their classes, those of `vehicles_file` too; it is read anew. */
export function fleet(config: Pick<Config, "classes" | "vehicles" | "vehiclesFile">): Fleet {
  return fleetOf(config);
}
