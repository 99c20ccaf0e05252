/** `laddport departures import|list|set|remove` and `laddport vehicles list`: through the running gateway. */

import { readFileSync } from "node:fs";
import { type Config, evseSpecs, fleet, loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import type { DepartureShown, DeparturesTaken, VehicleShown } from "../model/departure.ts";
import { evseId } from "../model/ids.ts";
import { type GivenDeparture, type ReadDepartures, readDepartures } from "../rules/departures/read.ts";
import { someOf } from "../rules/proof/words.ts";
import { gatewayBody } from "./ask-gateway.ts";
import { DEPARTURE_COLUMNS, NotDepartures, readDepartureFile } from "./departure-file.ts";
import { leavesText, strangersIn } from "./departure-words.ts";
import { runningAddress } from "./gateway-call.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

interface Common {
  config: string;
  /** Of the gateway. */
  data: string;
  json?: boolean;
}

/** Sends nothing of a file that has a fault. Lines with `days` are the weekly timetable, which is replaced whole. */
export async function departuresImport(options: Common & { file: string }, io: CommandIo): Promise<number> {
  const { file } = options;
  const config = loadConfig(options.config, { env: process.env });
  const { given, unused } = readFile(file);
  const read = exact(config, given);
  if (read.faults.length > 0) {
    const lines = read.faults.map(({ at, message, fix }) => `${at} ${message}. ${fix}`);
    throw new LaddportError("LP822", `no departure was taken from ${file}:\n${lines.join("\n")}`);
  }
  if (unused.length > 0)
    io.stderr.write(
      `not used: the columns ${unused.join(", ")}; there are: ${DEPARTURE_COLUMNS.join(", ")}\n`,
    );
  if (read.departures.length === 0 && read.lines.length === 0)
    throw new LaddportError(
      "LP822",
      read.passed > 0 ? `all ${read.passed} departures of ${file} are past` : `${file} has no departure`,
      { fix: "Check the dates." },
    );
  const taken = await send(config, options.data, read, "file");
  taken.passed += read.passed;
  tell(taken, options, io);
  warnOfStrangers(read, config, options, io);
  return EXIT.ok;
}

export interface SetOptions extends Common {
  vehicle?: string;
  evse?: string;
  at: string;
  energyKwh?: string;
  soc?: string;
  class?: string;
  id?: string;
}

export async function departuresSet(options: SetOptions, io: CommandIo): Promise<number> {
  const { vehicle, evse, at, energyKwh, soc, class: kind, id } = options;
  const config = loadConfig(options.config, { env: process.env });
  const fields = { id, vehicle, evse, depart: at, energy_kwh: energyKwh, soc_pct: soc, class: kind };
  const read = exact(config, [{ at: "", fields }]);
  const [fault] = read.faults;
  if (fault) throw new LaddportError("LP803", fault.message, { fix: fault.fix });
  if (read.passed > 0)
    throw new LaddportError("LP803", `--at ${at} is past`, { fix: "Give a time to come." });
  const taken = await send(config, options.data, read, "api");
  const [one] = read.departures;
  if (options.json || !one) tell(taken, options, io);
  else {
    io.stdout.write(`${leavesText(one, config.site.timezone)}${taken.known ? "; known already" : ""}\n`);
    noted(taken, io);
  }
  warnOfStrangers(read, config, options, io);
  return EXIT.ok;
}

export async function departuresRemove(options: Common & { id: string }, io: CommandIo): Promise<number> {
  const config = loadConfig(options.config, { env: process.env });
  const path = `/api/v1/departures/${encodeURIComponent(options.id)}`;
  const taken = await gatewayBody<DeparturesTaken>(runningAddress(config, options.data), path, {
    method: "DELETE",
  });
  if (options.json) io.stdout.write(`${JSON.stringify(taken)}\n`);
  else io.stdout.write(`${options.id}: ${taken.known ? "was removed already" : "removed"}\n`);
  return EXIT.ok;
}

/** `--json`: one line a departure. */
export async function departuresList(options: Common & { vehicle?: string }, io: CommandIo): Promise<number> {
  const config = loadConfig(options.config, { env: process.env });
  const { departures } = await gatewayBody<{ departures: DepartureShown[] }>(
    runningAddress(config, options.data),
    "/api/v1/departures",
  );
  const rows = departures.filter(({ vehicle }) => !options.vehicle || vehicle === options.vehicle);
  if (options.json) {
    io.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return EXIT.ok;
  }
  if (rows.length === 0) io.stderr.write("no departure is to come; laddport departures import brings some\n");
  else io.stdout.write(`${table([HEAD, ...rows.map(cells)])}\n`);
  return EXIT.ok;
}

const HEAD = ["departs", "who", "energy kWh", "SoC %", "class", "plugged in at", "delivered kWh", "id", ""];

function cells(one: DepartureShown): (string | number)[] {
  return [
    one.depart.slice(0, 16).replace("T", " "),
    one.vehicle ?? `whoever is at ${one.evse}`,
    kwh(one.energy_wh),
    one.soc_pct ?? "",
    one.class ?? "",
    one.at ?? "",
    kwh(one.delivered_wh),
    one.id,
    one.note ?? "",
  ];
}

export async function vehiclesList(options: Common, io: CommandIo): Promise<number> {
  const config = loadConfig(options.config, { env: process.env });
  const { vehicles } = await gatewayBody<{ vehicles: VehicleShown[] }>(
    runningAddress(config, options.data),
    "/api/v1/vehicles",
  );
  if (options.json) {
    io.stdout.write(vehicles.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return EXIT.ok;
  }
  if (vehicles.length === 0) {
    io.stderr.write("no vehicle is known; name them in vehicles or vehicles_file of the config\n");
    return EXIT.ok;
  }
  const head = ["vehicle", "class", "battery kWh", "AC phases", "AC max A", "DC max kW", "learned"];
  const rows = vehicles.map((one) => [
    one.id,
    one.class ?? "",
    one.battery_kwh ?? "",
    one.ac_phases ?? "",
    one.ac_max_a ?? "",
    one.dc_max_kw ?? "",
    one.learned.join(", "),
    one.next_depart?.slice(0, 16).replace("T", " ") ?? "",
    one.at ?? "",
  ]);
  io.stdout.write(`${table([[...head, "next departure", "plugged in at"], ...rows])}\n`);
  return EXIT.ok;
}

const kwh = (wh: number | null) => (wh === null ? "" : (wh / 1000).toFixed(1));

function readFile(file: string) {
  try {
    return readDepartureFile(readFileSync(file, "utf8"), file);
  } catch (error) {
    if (!(error instanceof NotDepartures)) throw error;
    throw new LaddportError("LP822", error.message, { cause: error });
  }
}

function exact(config: Config, given: readonly GivenDeparture[]): ReadDepartures {
  const evses = new Set(evseSpecs(config).map(({ station, evse }) => evseId(station, evse)));
  return readDepartures(given, {
    ...fleet(config),
    evses,
    zone: config.site.timezone,
    nowMs: Date.now(),
  });
}

function send(
  config: Config,
  data: string,
  read: ReadDepartures,
  source: "file" | "api",
): Promise<DeparturesTaken> {
  const { departures, lines } = read;
  const body = { departures, ...(lines.length > 0 ? { timetable: lines } : {}), source };
  return gatewayBody(runningAddress(config, data), "/api/v1/departures", { method: "POST", body });
}

function tell(taken: DeparturesTaken, { json }: Common, io: CommandIo): void {
  if (json) {
    io.stdout.write(`${JSON.stringify(taken)}\n`);
    return;
  }
  const parts = [
    ...(taken.departures.length > 0 ? [count(taken.departures.length, "departure")] : []),
    ...(taken.timetable === undefined ? [] : [`a timetable of ${count(taken.timetable, "line")}`]),
  ];
  const what = taken.known ? "known already" : "taken";
  const passed = taken.passed > 0 ? `; ${taken.passed} were past and are left out` : "";
  io.stdout.write(`${parts.join(" and ")} ${what}${passed}\n`);
  noted(taken, io);
}

function noted(taken: DeparturesTaken, io: CommandIo): void {
  for (const note of taken.notes) io.stderr.write(`${note}\n`);
}

function warnOfStrangers(read: ReadDepartures, config: Config, { data }: Common, io: CommandIo): void {
  const strange = strangersIn(read, config, data);
  if (strange.length > 0)
    io.stderr.write(
      `warning: neither the config nor the token list has ${someOf(strange)}: it counts once a token of it plugs in\n`,
    );
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
