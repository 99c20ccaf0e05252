/** `laddport check`: every fault of a config, or what it amounts to. */
import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type CheckedConfig,
  type Config,
  checkConfig,
  circuitSums,
  circuits,
  type Environment,
  evseSpecs,
  explainConfig,
  formatFault,
  readConfigText,
} from "../config.ts";
import { LaddportError } from "../errors.ts";
import { certificatesIn } from "../identity/client-trust.ts";
import type { Tariff } from "../model/tariff.ts";
import { timePriced } from "../rules/time-priced.ts";
import { type FallbackMargins, marginsOf, marginsText } from "./check-margins.ts";
import { type CommandIo, EXIT, printable, table } from "./output.ts";

export interface CheckOptions {
  config: string;
  /** Where the log lies; `data` beside the config when absent. */
  data?: string;
  explain?: boolean;
  json?: boolean;
  env?: Environment;
  /** Real time, ms; for certificates. */
  nowMs?: number;
}

/** A reading every 10 s from each EVSE and one a second from each meter: what stations commonly send. */
const EVSE_ROWS_PER_S = 0.1;
const METER_ROWS_PER_S = 1;

/** As it is polled, or as it publishes. */
const meterRows = ({ meters }: Pick<Config, "meters">) =>
  meters.reduce((sum, { modbus }) => sum + (modbus ? 1 / modbus.logS : METER_ROWS_PER_S), 0);
/** A sample in the log with its share of pages and journal, measured on SQLite. */
const ROW_BYTES = 342;
/** Samples may fill this much of the disk before the oldest are reduced. */
const DISK_SHARE = 0.8;

export interface CheckSummary {
  site: string;
  stations: number;
  evses: number;
  meters: number;
  /** `way`: `MQTT`, or where and by which register map it is polled. */
  metering: { id: string; role: string; circuits: string[]; way: string }[];
  inputs: { id: string; way: string }[];
  circuits: {
    id: string;
    parent: string | null;
    evses: number;
    /** A per line, reserve taken off. */
    limit_a: readonly number[];
    fallback_a: readonly number[];
    min_a: readonly number[];
    max_a: readonly number[];
  }[];
  /** All stations at their fallbacks, other load at its worst: what is left. */
  margins: FallbackMargins;
  listeners: { name: string; address: string }[];
  certificates: { key: string; file: string; expires: string; days_left: number }[];
  /** `time_priced`: tariffs whose sessions wait while the clock is not known to be right. */
  clock: { source: "ntp" | "trusted"; time_priced: string[] };
  disk: { data: string; free_mb: number; rows_per_s: number; autonomy_days: number; raw_days: number };
}

/** Exit code 0, or 78 when the config is refused or cannot be read. */
export async function check(options: CheckOptions, io: CommandIo): Promise<number> {
  const { config: file, json = false, env = process.env, nowMs = Date.now() } = options;
  let text: string;
  let checked: CheckedConfig;
  try {
    text = readConfigText(file);
    checked = checkConfig(text, file, env, nowMs);
  } catch (error) {
    if (!(error instanceof LaddportError)) throw error;
    const { code, message, fix } = error;
    if (json)
      io.stdout.write(`${JSON.stringify({ ok: false, faults: [{ code, file, message, fix }] }, null, 2)}\n`);
    else io.stderr.write(`${error}\n`);
    return EXIT.config;
  }
  const { config, faults } = checked;
  const summary = config && (await summarise(config, options.data ?? join(dirname(file), "data"), nowMs));
  const explained = options.explain && config ? explainConfig(text, file, env) : undefined;
  if (json) {
    io.stdout.write(`${JSON.stringify({ ok: config !== undefined, faults, summary, explained }, null, 2)}\n`);
  } else {
    for (const fault of faults) io.stdout.write(`${printable(formatFault(fault))}\n`);
    if (explained) {
      const rows = explained.map((e) => [e.path, JSON.stringify(e.value), e.origin]);
      io.stdout.write(`${table([["key", "value", "from"], ...rows])}\n`);
      if (summary) io.stdout.write("\n");
    }
    const colour = (io.stdout as { isTTY?: boolean }).isTTY === true && !process.env.NO_COLOR;
    if (summary) io.stdout.write(describe(summary, colour));
  }
  const errors = faults.filter((f) => f.severity === "error").length;
  io.stderr.write(`${file}: ${verdict(errors, faults.length - errors)}\n`);
  return config ? EXIT.ok : EXIT.config;
}

function verdict(errors: number, warnings: number): string {
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const also = warnings > 0 ? `, ${count(warnings, "warning")}` : "";
  return errors > 0 ? `${count(errors, "fault")}${also}: the gateway will not start` : `good${also}`;
}

async function summarise(config: Config, data: string, nowMs: number): Promise<CheckSummary> {
  const evses = evseSpecs(config);
  const rowsPerS = evses.length * EVSE_ROWS_PER_S + meterRows(config);
  const freeBytes = await freeSpace(data);
  const days = (freeBytes * DISK_SHARE) / (rowsPerS * ROW_BYTES * 86_400);
  return {
    site: config.site.id,
    stations: config.stations.length,
    evses: evses.length,
    meters: config.meters.length,
    metering: config.meters.map(({ id, role, modbus }) => ({
      id,
      role,
      circuits: config.circuits.filter((c) => c.meter === id).map((c) => c.id),
      way: modbus ? `Modbus ${placeOf(modbus)}, ${modbus.map}, every ${modbus.pollS} s` : "MQTT",
    })),
    inputs: config.inputs.map(({ id, modbus, discrete, coil }) => ({
      id,
      way: `Modbus ${placeOf(modbus)}, ${discrete === undefined ? `coil ${coil}` : `discrete input ${discrete}`}`,
    })),
    circuits: circuitSums(circuits(config), evses).map((sum) => ({
      id: sum.circuit.id,
      parent: sum.circuit.parent,
      evses: sum.evses,
      limit_a: sum.circuit.limitA,
      fallback_a: sum.fallbackA,
      min_a: sum.minA,
      max_a: sum.maxA,
    })),
    margins: marginsOf(config),
    listeners: listenersOf(config),
    certificates: certificatesOf(config, nowMs),
    clock: { source: config.site.clock, time_priced: config.tariffs.filter(isTimePriced).map((t) => t.id) },
    disk: {
      data: resolve(data),
      free_mb: Math.floor(freeBytes / 1e6),
      rows_per_s: Math.round(rowsPerS * 10) / 10,
      autonomy_days: Math.floor(days),
      raw_days: config.retention.rawDays,
    },
  };
}

const placeOf = ({ host, port, unit }: { host: string; port: number; unit: number }) =>
  `${host.includes(":") ? `[${host}]` : host}:${port} unit ${unit}`;

function isTimePriced(tariff: Tariff): boolean {
  const { durations, instants } = timePriced(tariff);
  return durations || instants;
}

/** Of the disk that `folder` is on, or will be on when it is made. */
async function freeSpace(folder: string): Promise<number> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (dirname(at) === at) throw error;
    }
  }
}

function listenersOf({ mqtt, api, flows }: Config): CheckSummary["listeners"] {
  const listeners = [
    ["mqtt", mqtt.tcp],
    ["mqtts", mqtt.tls?.listen],
    ["ws", mqtt.ws],
    ["api", api.listen],
    ["editor", flows?.enabled ? { host: "127.0.0.1", port: flows.port } : undefined],
  ] as const;
  return listeners.flatMap(([name, at]) =>
    at ? [{ name, address: `${at.host.includes(":") ? `[${at.host}]` : at.host}:${at.port}` }] : [],
  );
}

function certificatesOf(config: Config, nowMs: number): CheckSummary["certificates"] {
  const { mqtt, signer, upstream } = config;
  const files: (readonly [string, string | undefined])[] = [
    ["signer.cert_file", signer.certFile],
    ["mqtt.tls.cert_file", mqtt.tls?.certFile],
    ["mqtt.tls.client_ca_file", mqtt.tls?.clientCaFile],
    ["upstream.ca_file", upstream?.caFile],
    ...(upstream?.recipientCertFiles ?? []).map((file) => ["upstream.recipient_cert_files", file] as const),
    ["upstream.escrow_cert_file", upstream?.escrowCertFile],
    ["upstream.receipt_cert_file", upstream?.receiptCertFile],
  ];
  return files.flatMap(([key, file]) => {
    if (file === undefined) return [];
    const certs = certificatesIn(readFileSync(file));
    // What follows the server's own is its chain.
    return certs.slice(0, key === "mqtt.tls.cert_file" ? 1 : certs.length).map(({ validToDate }) => ({
      key,
      file,
      expires: validToDate.toISOString().slice(0, 10),
      days_left: Math.floor((validToDate.getTime() - nowMs) / 86_400_000),
    }));
  });
}

/** One number when the three lines agree. */
const perLine = (amperes: readonly number[]) =>
  new Set(amperes).size === 1 ? String(amperes[0]) : amperes.join("/");

function describe(summary: CheckSummary, colour: boolean): string {
  const { clock, disk } = summary;
  const kept = Math.min(disk.autonomy_days, disk.raw_days);
  const sections = [
    `Site ${summary.site}: ${summary.stations} stations with ${summary.evses} EVSEs, ${summary.meters} meters`,
    table([
      ["circuit", "fed by", "EVSEs", "limit A", "fallbacks A", "minima A", "maxima A"],
      ...summary.circuits.map((c) => [
        c.id,
        c.parent ?? "grid",
        c.evses,
        perLine(c.limit_a),
        perLine(c.fallback_a),
        perLine(c.min_a),
        perLine(c.max_a),
      ]),
    ]),
    marginsText(summary.margins, colour),
    ...(summary.metering.length + summary.inputs.length > 0
      ? [
          table([
            ["meter", "for", "how"],
            ...summary.metering.map((m) => [
              m.id,
              m.role === "circuit" ? m.circuits.join(", ") || "no circuit" : m.role,
              m.way,
            ]),
            ...summary.inputs.map((i) => [i.id, "input", i.way]),
          ]),
        ]
      : []),
    table([["listener", "address"], ...summary.listeners.map((l) => [l.name, l.address])]),
    table([
      ["certificate", "expires", "days left"],
      ...summary.certificates.map((c) => [c.key, c.expires, c.days_left]),
    ]),
    ...(clock.source === "ntp" && clock.time_priced.length > 0
      ? [
          `Clock: tariffs priced by time (${clock.time_priced.join(", ")}) are billed once the host says that its clock is ` +
            "synchronised; laddport doctor shows whether it does.",
        ]
      : []),
    `Disk ${disk.data}: ${disk.free_mb} MB free, about ${disk.rows_per_s} rows/s. Room for ${disk.autonomy_days} ` +
      `days of samples, ${kept} are kept (retention.raw_days ${disk.raw_days}).`,
  ];
  return `${sections.join("\n\n")}\n`;
}
