import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { initDemo } from "../../src/cli/init.ts";
import { type MeterTestOptions, metersListMaps, metersTest } from "../../src/cli/meters.ts";
import { createModbusMeter, type ModbusMeter, type SimulatedUnit } from "../../src/simulator/modbus-meter.ts";
import { mapNamed, REGISTER_MAPS } from "../../src/stations/meters/maps/index.ts";
import { scratchDir } from "../log/sample-events.ts";

let device: ModbusMeter;
let port: number;

beforeAll(async () => {
  const truth = () => ({
    currentA: [12.34, -4, 7] as const,
    voltageV: [230.4, 231, 229.8] as const,
    frequencyHz: 50,
    importWh: 12_345_678,
    exportWh: 100_000,
  });
  const unit = (id: string): SimulatedUnit => {
    const map = mapNamed(id);
    if (!map) throw new Error(`no map ${id}`);
    return { map, truth, unsignedCurrents: true };
  };
  device = createModbusMeter(
    new Map([
      [1, unit("sunspec-meter")],
      [2, unit("eastron-sdm630")],
    ]),
  );
  port = await device.start();
});
afterAll(() => device.stop());

async function run(options: Partial<MeterTestOptions>) {
  let [stdout, stderr] = ["", ""];
  const code = await metersTest(
    { config: "none.yaml", host: "127.0.0.1", port, timeout: 2, ...options },
    { stdout: { write: (text) => (stdout += text) }, stderr: { write: (text) => (stderr += text) } },
  );
  return { code, stdout, stderr };
}

describe("laddport meters test", () => {
  it("shows each register as read and as understood, the grid's lines, and what to look at", async () => {
    const { code, stdout, stderr } = await run({ map: "sunspec-meter" });
    expect(code).toBe(0);
    expect(stdout).toContain("Device: Laddport, Simulated meter, SIM-1, model 201");
    expect(stdout).toMatch(/^current_l1 +40073 +int16 +04d2 +12\.34 +A$/m);
    expect(stdout).toContain(
      "L1 12.34 A imported, L2 4 A exported, L3 7 A imported; together 3528 W imported.",
    );
    expect(stdout).toMatch(/^L2 +4 A are exported/m);
    expect(stderr).toContain("1 to look at");
  });

  it("says the same as JSON", async () => {
    const { stdout } = await run({ map: "eastron-sdm630", unit: 2, json: true });
    expect(JSON.parse(stdout)).toMatchObject({
      map: "eastron-sdm630",
      points: expect.arrayContaining([
        { quantity: "voltage_l2", address: 2, type: "float32", raw: "4367 0000", value: 231, unit: "V" },
      ]),
      reading: { current_a: [12.34, -4, 7], energy_import_wh: 12_345_678 },
      remarks: [{ where: "L2" }],
    });
  });

  it("takes a map from a file, and names the field of one that is wrong", async () => {
    const file = join(scratchDir(), "map.yaml");
    const write = (type: string) =>
      writeFileSync(
        file,
        `id: mine\nname: Mine\ntable: input\npoints:\n  - {quantity: voltage_l1, address: 0, type: ${type}, unit: V}\n`,
      );
    write("float32");
    expect((await run({ map: file, unit: 2 })).stdout).toMatch(
      /^voltage_l1 +0 +float32 +4366 6666 +230\.4 +V$/m,
    );
    write("float");
    await expect(run({ map: file })).rejects.toMatchObject({
      code: "LP846",
      message: expect.stringContaining("points[0].type"),
    });
  });

  it.each([
    [{ map: "eastron-sdm630", unit: 7 }, "LP845", "exception 10"],
    [{ map: "carlo-gavazzi-em300", unit: 2 }, "LP845", "exception 2"],
    [{ map: "sunspec-inverter" }, "LP845", "lists the SunSpec models 1, 201"],
    [{ map: "nix" }, "LP840", "nix"],
    [{}, "LP803", "neither a meter"],
    [{ map: "eastron-sdm630", timeout: 0 }, "LP803", "--timeout"],
  ])("%j fails with %s", async (options, code, words) => {
    await expect(run(options)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it("reads a meter as the config has it, and names those there are when it has not", async () => {
    const ports = { mqtt: 1883, api: 8080, flows: 1880 };
    const { config } = await initDemo(join(scratchDir(), "depot"), { ports, stations: 1 });
    const raw = parse(readFileSync(config, "utf8"));
    const modbus = { host: "127.0.0.1", port, unit: 2, map: "eastron-sdm630", phase_order: "L2L3L1" };
    raw.meters = [
      { id: "grid", modbus },
      { id: "old", auth: "password" },
    ];
    writeFileSync(config, stringify(raw));
    const asked = (name: string) =>
      metersTest(
        { config, name },
        { stdout: { write: (text) => (shown += text) }, stderr: { write: () => true } },
      );
    let shown = "";
    expect(await asked("grid")).toBe(0);
    expect(shown).toContain("L1 7 A imported, L2 12.34 A imported, L3 4 A exported");
    await expect(asked("old")).rejects.toMatchObject({ fix: expect.stringContaining("publishes by MQTT") });
    await expect(asked("nix")).rejects.toMatchObject({ code: "LP803", fix: "Name one of: grid." });
  });

  it("--watch goes on with a line each time, through a fault too", async () => {
    let stdout = "";
    let left = 3;
    const io = { stdout: { write: (text: string) => (stdout += text) }, stderr: { write: () => true } };
    const options = {
      config: "none.yaml",
      host: "127.0.0.1",
      port,
      unit: 2,
      map: "eastron-sdm630",
      timeout: 0.2,
    };
    const code = await metersTest({ ...options, watch: true }, io, async () => {
      device.mischief = left === 2 ? "silent" : "none";
      return left-- > 0;
    });
    expect(code).toBe(0);
    const lines = stdout.split("\n").slice(-4, -1);
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, ""))).toEqual([
      "L1 12.34 A imported, L2 4 A exported, L3 7 A imported; together 3527.7 W imported",
      expect.stringContaining("no answer within 200 ms"),
      "L1 12.34 A imported, L2 4 A exported, L3 7 A imported; together 3527.7 W imported",
    ]);
  });

  it("list-maps names each map", async () => {
    let stdout = "";
    const io = { stdout: { write: (text: string) => (stdout += text) }, stderr: process.stderr };
    expect(await metersListMaps({}, io)).toBe(0);
    for (const { id } of REGISTER_MAPS) expect(stdout).toContain(id);
  });
});
