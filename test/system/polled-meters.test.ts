/** Meters and inputs that the gateway polls, from the wire to what it shows, logs and refuses. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import { loadConfig, readSecret } from "../../src/config.ts";
import { formatCredentials, newCredential } from "../../src/identity/credentials.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import type { Alert } from "../../src/model/alert.ts";
import type { EventOf } from "../../src/model/event.ts";
import { createModbusMeter, type SimulatedUnit } from "../../src/simulator/modbus-meter.ts";
import type { MeterTruth } from "../../src/simulator/modbus-registers.ts";
import { mapNamed } from "../../src/stations/meters/maps/index.ts";
import { StationClient } from "../faults/station-client.ts";
import { depot, started } from "./small-depot.ts";

const SPEED = 10;

interface Status {
  circuits: { id: string; meter: string; measured_a: number[] | null }[];
  pv_w?: number;
  battery_w?: number;
  battery_soc_pct?: number;
  alerts: Alert[];
}

function simulated(map: string, currentA: MeterTruth["currentA"]): SimulatedUnit {
  const known = mapNamed(map);
  if (!known) throw new Error(`no map ${map}`);
  const truth = (): MeterTruth => ({
    currentA,
    voltageV: [230, 230, 230],
    frequencyHz: 50,
    importWh: 1_000_000,
    exportWh: 5_000,
  });
  return { map: known, truth, unsignedCurrents: true };
}

it("are seen by control, shown, logged, missed when silent, and nobody's to publish", async () => {
  const device = createModbusMeter(
    new Map([
      [1, simulated("carlo-gavazzi-em300", [20, -4, 7])],
      [2, simulated("sunspec-inverter", [-10, -10, -10])],
    ]),
  );
  const port = await device.start();
  onTestFinished(() => device.stop());

  const { made, port: mqttPort } = await depot();
  const config = parse(readFileSync(made.config, "utf8"));
  const modbus = (unit: number, map: string) => ({ host: "127.0.0.1", port, unit, map, timeout_s: 0.1 });
  config.circuits[0].meter = "grid";
  config.meters = [
    { id: "grid", modbus: modbus(1, "carlo-gavazzi-em300") },
    { id: "roof", role: "pv", modbus: modbus(2, "sunspec-inverter") },
  ];
  writeFileSync(made.config, stringify(config));
  const { mqtt, api: apiConfig } = loadConfig(made.config, { env: {} });
  appendFileSync(
    mqtt.credentialsFile,
    formatCredentials([await newCredential({ name: "grid", role: "station" }, "secret", { n: 1024 })]),
  );

  const now = Date.now();
  const gateway = started(made.config, made.data, { realMs: now, depotMs: now, speed: SPEED });
  const { api } = await gateway.start();
  onTestFinished(() => gateway.stop("test"));
  const headers = { authorization: `Bearer ${readSecret(apiConfig.tokenFile)}` };
  const status = async () => (await (await fetch(`${api}/api/v1/status`, { headers })).json()) as Status;
  const meter = async () => (await status()).circuits[0]?.meter;
  const open = async () => (await status()).alerts.map((a) => a.id).filter((id) => id.startsWith("meter_"));

  await expect.poll(meter, { timeout: 30_000 }).toBe("fresh");
  expect((await status()).circuits[0]?.measured_a).toEqual([20, -4, 7]);
  await expect.poll(async () => (await status()).pv_w, { timeout: 30_000 }).toBe(6_900);
  expect(await open()).toEqual([]);

  // The right password opens nothing: the meter's readings are the gateway's own.
  const impostor = new StationClient("grid", "secret", "b1", 1, () => undefined);
  await expect(impostor.connect(mqttPort)).rejects.toThrow();

  device.mischief = "silent";
  await expect.poll(meter, { timeout: 30_000 }).toBe("frozen");
  await expect.poll(meter, { timeout: 30_000 }).toBe("stale");
  await expect
    .poll(async () => (await open()).sort(), { timeout: 30_000 })
    .toEqual(["meter_stale:grid", "meter_unreachable:grid", "meter_unreachable:roof"]);
  const told = (await status()).alerts.find((a) => a.id === "meter_unreachable:grid");
  expect(told?.cause).toMatch(/^LP845 .*no answer within 100 ms.*Check `unit`/s);
  expect(await status()).not.toHaveProperty("pv_w");

  device.mischief = "none";
  await expect.poll(meter, { timeout: 60_000 }).toBe("fresh");
  expect((await status()).circuits[0]?.measured_a).toEqual([20, -4, 7]);
  await expect.poll(open, { timeout: 30_000 }).toEqual([]);

  const reader = openSqliteReader(join(made.data, "log.db"));
  onTestFinished(() => reader.close());
  const logged = async () => {
    const { events } = await reader.read(0, { types: ["meter.sampled"], limit: 10_000 });
    return (events as EventOf<"meter.sampled">[]).filter((e) => e.station === "grid");
  };
  await expect.poll(async () => (await logged()).length, { timeout: 30_000 }).toBeGreaterThan(2);
  const rows = await logged();
  expect(rows[0]?.body).toMatchObject({
    evse: 0,
    current_a: [20, -4, 7],
    energy_import_wh: 1_000_000,
    energy_export_wh: 5_000,
  });
  const gapsS = rows.slice(1).map((row, i) => (row.atMs - (rows[i]?.atMs ?? 0)) / 1_000);
  expect(Math.min(...gapsS)).toBeGreaterThan(9);
});
