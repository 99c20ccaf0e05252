/** `laddport meters test|list-maps`: what a meter's registers hold, for whoever stands in front of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { meterSpecs } from "../gateway/depot-meters.ts";
import { type MeterRole, pointsOf, type RegisterMap, unitsOf } from "../model/register-map.ts";
import { type MeterReading, meterReading } from "../rules/meter-reading.ts";
import { type PointValue, toNumber, toWh, valuesOf } from "../rules/register-values.ts";
import { type WiringRemark, wiringRemarks } from "../rules/wiring-check.ts";
import { MeterFault } from "../stations/meters/fault.ts";
import { ModbusLine } from "../stations/meters/line.ts";
import { REGISTER_MAPS } from "../stations/meters/maps/index.ts";
import { type MeterPoll, MeterReader } from "../stations/meters/meter-reader.ts";
import type { MeterSpec } from "../stations/meters/meters.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { findMap } from "./register-map-file.ts";

export interface MeterTestOptions {
  config: string;
  name?: string;
  host?: string;
  port?: number;
  unit?: number;
  map?: string;
  instance?: number;
  invert?: boolean;
  role?: MeterRole;
  /** Seconds. */
  timeout?: number;
  /** After the first reading goes on with a line each second, until it is interrupted. */
  watch?: boolean;
  json?: boolean;
}

/**
 * Exit 1 when the meter gave no answer (LP845); remarks about the wiring leave it 0. `waits` ends when the next line
 * of `--watch` is due, with false when there shall be none.
 */
export async function metersTest(
  options: MeterTestOptions,
  io: CommandIo,
  waits = async () => {
    await sleep(1_000);
    return true;
  },
): Promise<number> {
  const spec = options.name === undefined ? specOf(options) : configured(options, options.name);
  const { host, port, unit, map } = spec;
  const line = new ModbusLine({ host, port, units: new Map([[unit, spec.timeoutMs]]) });
  const reader = new MeterReader(line, unit, map, spec.instance);
  try {
    report(await reader.poll(), reader, spec, options, io);
    while (options.watch && (await waits())) io.stdout.write(`${await lineNow(reader, spec)}\n`);
  } catch (error) {
    if (!(error instanceof MeterFault)) throw error;
    throw new LaddportError("LP845", error.message, { fix: error.fix, cause: error });
  } finally {
    line.close();
  }
  return EXIT.ok;
}

function report(
  { values }: MeterPoll,
  { identity, model }: MeterReader,
  spec: MeterSpec,
  { json }: MeterTestOptions,
  io: CommandIo,
): void {
  const { host, port, unit, map, wiring } = spec;
  const { reading, missing } = meterReading(valuesOf(values), wiring);
  const remarks = wiringRemarks(valuesOf(values), wiring);
  const device = { ...identity, ...(model === undefined ? {} : { sunspec: `model ${model}` }) };
  if (json) {
    const points = values.map(pointOf);
    const answer = { host, port, unit, map: map.id, ...device, points, reading, missing, remarks };
    io.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  } else io.stdout.write(`${shown(values, device, reading, spec, remarks)}\n`);
  const verdict = remarks.length === 0 ? "nothing looks wrong" : `${remarks.length} to look at`;
  io.stderr.write(`${host} port ${port} unit ${unit}, ${map.name}: ${verdict}\n`);
}

/** A fault is a line too: whoever works at the meter wants to see it come back. */
async function lineNow(reader: MeterReader, spec: MeterSpec): Promise<string> {
  const at = new Date().toTimeString().slice(0, 8);
  try {
    const { reading } = meterReading(valuesOf((await reader.poll()).values), spec.wiring);
    return `${at}  ${flowOf(reading, spec)}`;
  } catch (error) {
    if (!(error instanceof MeterFault)) throw error;
    return `${at}  ${error.message}`;
  }
}

function specOf({ host, map, ...options }: MeterTestOptions): MeterSpec {
  if (host === undefined || map === undefined)
    throw new LaddportError("LP803", "neither a meter nor --host and --map are named", {
      fix: "Write laddport meters test NAME, or laddport meters test --host 192.168.1.50 --map eastron-sdm630.",
    });
  return {
    id: "test",
    host,
    port: options.port ?? 502,
    unit: options.unit ?? 1,
    map: findMap(map),
    instance: options.instance ?? 1,
    wiring: {
      role: options.role ?? "circuit",
      invert: options.invert ?? false,
      phases: 3,
      phaseOrder: "L1L2L3",
    },
    timeoutMs: timeoutMs(options.timeout ?? 3),
    periodMs: 1_000,
    logMs: 1_000,
  };
}

/** The meter as the config has it; what the command line says besides counts instead. */
function configured(options: MeterTestOptions, name: string): MeterSpec {
  const config = loadConfig(options.config, { env: process.env });
  const specs = meterSpecs(config);
  const spec = specs.find(({ id }) => id === name);
  if (!spec) {
    const isThere = config.meters.some(({ id }) => id === name);
    throw new LaddportError(
      "LP803",
      `${options.config} has no meter ${name} ${isThere ? "with modbus" : ""}`.trim(),
      {
        fix: isThere
          ? "It publishes by MQTT: see laddport log tail --type meter.sampled."
          : `Name one of: ${specs.map(({ id }) => id).join(", ") || "(none is polled)"}.`,
      },
    );
  }
  return {
    ...spec,
    host: options.host ?? spec.host,
    port: options.port ?? spec.port,
    unit: options.unit ?? spec.unit,
    map: options.map === undefined ? spec.map : findMap(options.map, config.registerMaps),
    instance: options.instance ?? spec.instance,
    timeoutMs: options.timeout === undefined ? spec.timeoutMs : timeoutMs(options.timeout),
    wiring: {
      ...spec.wiring,
      role: options.role ?? spec.wiring.role,
      invert: options.invert ?? spec.wiring.invert,
    },
  };
}

function timeoutMs(seconds: number): number {
  if (seconds >= 0.1 && seconds <= 60) return seconds * 1_000;
  throw new LaddportError("LP803", `--timeout ${seconds} is not from 0.1 to 60 seconds`);
}

function pointOf({ point, raw, value }: PointValue) {
  const { quantity, address, type } = point;
  const isEnergy = quantity.startsWith("energy");
  const number = value === null ? null : isEnergy ? toWh(value) : toNumber(value);
  return { quantity, address, type, raw, value: number, unit: unitsOf(quantity)[0] };
}

function shown(
  values: readonly PointValue[],
  device: object,
  reading: MeterReading,
  spec: MeterSpec,
  remarks: readonly WiringRemark[],
): string {
  const rows = values
    .map(pointOf)
    .map((p) => [
      p.quantity,
      p.address,
      p.type,
      p.raw || "(not read)",
      p.value === null ? "absent" : String(Math.round(p.value * 1_000) / 1_000),
      p.unit ?? "",
    ]);
  const parts = [
    ...(Object.keys(device).length > 0 ? [`Device: ${Object.values(device).join(", ")}`] : []),
    table([["quantity", "address", "type", "registers", "value", "unit"], ...rows]),
    `On the grid's lines: ${flowOf(reading, spec)}.`,
    ...(remarks.length > 0
      ? [table([["where", "seen", "what to do"], ...remarks.map((r) => [r.where, r.seen, r.fix])])]
      : []),
  ];
  return parts.join("\n\n");
}

function flowOf({ current_a: amperes, power_w: watts }: MeterReading, { wiring }: MeterSpec): string {
  const lines = amperes?.map((a, i) => `L${i + 1} ${Math.abs(a)} A ${direction(a)}`.trim()).join(", ");
  const power = watts === undefined ? undefined : `${Math.abs(watts)} W ${direction(watts, wiring.role)}`;
  return `${lines ?? "no currents"}; together ${power?.trim() ?? "no power"}`;
}

function direction(value: number, role: MeterRole = "circuit"): string {
  if (value === 0) return "";
  if (role === "pv") return value < 0 ? "produced" : "taken";
  if (role === "battery") return value < 0 ? "discharging" : "charging";
  return value < 0 ? "exported" : "imported";
}

export async function metersListMaps(
  options: { config?: string; json?: boolean },
  io: CommandIo,
): Promise<number> {
  const own = options.config ? loadConfig(options.config, { env: process.env }).registerMaps : [];
  const maps: readonly RegisterMap[] = [...own, ...REGISTER_MAPS];
  if (options.json) io.stdout.write(`${JSON.stringify(maps, null, 2)}\n`);
  else {
    const rows = maps.map((map) => [
      map.id,
      map.name,
      [...new Set(pointsOf(map).map(({ quantity }) => quantity))].length,
    ]);
    io.stdout.write(`${table([["map", "meters", "quantities"], ...rows])}\n`);
  }
  return EXIT.ok;
}
