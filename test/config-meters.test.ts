/** Meters over Modbus, register maps and inputs in the config: what is taken, and how a fault is told. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { check } from "../src/cli/check.ts";
import { initDemo } from "../src/cli/init.ts";
import { checkConfig } from "../src/config.ts";
import { meterSpecs } from "../src/gateway/depot-meters.ts";

let dir: string;
let file: string;
let base: Record<string, unknown> & { circuits: Record<string, unknown>[] };

afterAll(() => rmSync(dir, { recursive: true }));
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "laddport-meters-"));
  const ports = { mqtt: 1883, api: 8080, flows: 1880 };
  file = (await initDemo(join(dir, "depot"), { ports, stations: 3, siteLimitA: 100 })).config;
  base = parse(readFileSync(file, "utf8"));
});

const MAP = {
  id: "mine",
  name: "Mine",
  points: [1, 2, 3].map((n) => ({ quantity: `current_l${n}`, address: n, type: "int16", unit: "A" })),
};
const modbus = { host: "10.0.0.5", map: "eastron-sdm630" };
const METERS = [{ id: "grid", modbus }];

function withMeters(more: object, meter = "grid"): string {
  const circuits = base.circuits.map((c, i) => (i === 0 ? { ...c, meter } : c));
  return stringify({ ...base, circuits, meters: METERS, ...more });
}

const faults = (more: object, meter?: string) =>
  checkConfig(withMeters(more, meter), file, {}).faults.map((f) => `${f.code} ${f.path}`);
const fixOf = (more: object) => checkConfig(withMeters(more), file, {}).faults[0]?.fix;

describe("meters over Modbus in the config", () => {
  it("are taken with defaults, need no credentials, and find their register map", () => {
    const { config, faults } = checkConfig(withMeters({}), file, {});
    expect(faults).toEqual([]);
    expect(config && meterSpecs(config)).toMatchObject([
      {
        id: "grid",
        host: "10.0.0.5",
        port: 502,
        unit: 1,
        map: { id: "eastron-sdm630" },
        wiring: { role: "circuit", invert: false, phases: 3 },
        periodMs: 1_000,
        timeoutMs: 1_000,
        logMs: 10_000,
      },
    ]);
  });

  it("a register map of one's own is taken as it is written", () => {
    const own = { register_maps: [MAP], meters: [{ id: "grid", modbus: { ...modbus, map: "mine" } }] };
    const { config, faults } = checkConfig(withMeters(own), file, {});
    expect(faults).toEqual([]);
    expect(config && meterSpecs(config)[0]?.map).toMatchObject({
      ...MAP,
      table: "holding",
      words: "high-first",
    });
  });

  it.each([
    [
      "a map that nobody wrote",
      { meters: [{ id: "grid", modbus: { ...modbus, map: "eastron-sdm63" } }] },
      "LP840 meters[grid].modbus.map",
    ],
    [
      "auth of a meter that is polled",
      { meters: [{ id: "grid", auth: "password", modbus }] },
      "LP843 meters[grid].auth",
    ],
    [
      "no address",
      { meters: [{ id: "grid", modbus: { map: "janitza-umg" } }] },
      "LP103 meters[grid].modbus.host",
    ],
    [
      "a port in the host",
      { meters: [{ id: "grid", modbus: { ...modbus, host: "10.0.0.5:502" } }] },
      "LP105 meters[grid].modbus.host",
    ],
    [
      "a poll too fast",
      { meters: [{ id: "grid", modbus: { ...modbus, poll_s: 0.1 } }] },
      "LP106 meters[grid].modbus.poll_s",
    ],
    [
      "a circuit that names the plant's meter",
      { meters: [{ id: "grid", role: "pv", modbus }] },
      "LP842 circuits[site].meter",
    ],
    [
      "a circuit's map without currents",
      {
        meters: [{ id: "grid", modbus: { ...modbus, map: "mine" } }],
        register_maps: [{ ...MAP, points: [{ quantity: "power", address: 0, type: "int32", unit: "W" }] }],
      },
      "LP841 meters[grid].modbus.map",
    ],
    [
      "a map's name that is taken",
      { register_maps: [{ ...MAP, id: "janitza-umg" }] },
      "LP110 register_maps[janitza-umg].id",
    ],
    [
      "a type that there is not",
      { register_maps: [{ ...MAP, points: [{ quantity: "power", address: 0, type: "float", unit: "W" }] }] },
      "LP105 register_maps[mine].points[0].type",
    ],
    [
      "a unit of something else",
      { register_maps: [{ ...MAP, points: [{ quantity: "power", address: 0, type: "int16", unit: "A" }] }] },
      "LP105 register_maps[mine].points[0].unit",
    ],
    [
      "a quantity twice",
      { register_maps: [{ ...MAP, points: [MAP.points[0], MAP.points[0]] }] },
      "LP110 register_maps[mine].points[1].quantity",
    ],
    [
      "neither points nor sunspec",
      { register_maps: [{ id: "mine", name: "Mine" }] },
      "LP108 register_maps[mine]",
    ],
    ["a misspelt key", { register_maps: [{ ...MAP, tabel: "input" }] }, "LP102 register_maps[mine].tabel"],
    [
      "an input at no address",
      { inputs: [{ id: "ripple", modbus: { host: "10.0.0.6" } }] },
      "LP108 inputs[ripple]",
    ],
    [
      "an input at two",
      { inputs: [{ id: "ripple", modbus: { host: "10.0.0.6" }, coil: 1, discrete: 1 }] },
      "LP108 inputs[ripple]",
    ],
  ])("%s is refused", (_, more, fault) => {
    expect(faults(more)).toContain(fault);
  });

  it("a slip of the fingers gets the right name", () => {
    expect(fixOf({ meters: [{ id: "grid", modbus: { ...modbus, map: "eastron-sdm63" } }] })).toBe(
      "Did you mean eastron-sdm630?",
    );
    expect(
      fixOf({
        register_maps: [{ ...MAP, points: [{ quantity: "power", address: 0, type: "int16", unit: "A" }] }],
      }),
    ).toBe("Write one of: W, kW, MW.");
  });

  it("what docs/meters.md shows is taken as it stands there", () => {
    const page = readFileSync(new URL("../docs/meters.md", import.meta.url), "utf8");
    const shown = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = ""]) => parse(yaml));
    expect(shown.map((part) => Object.keys(part).at(-1))).toEqual(["meters", "register_maps", "inputs"]);
    for (const { circuits: _, ...part } of shown)
      expect(checkConfig(withMeters(part), file, {}).faults).toEqual([]);
  });

  it("check shows how each meter is read and what it is for", async () => {
    const text = withMeters({
      meters: [...METERS, { id: "roof", role: "pv", modbus: { host: "::1", map: "sunspec-inverter" } }],
      inputs: [{ id: "ripple", modbus: { host: "10.0.0.6", unit: 3 }, discrete: 2 }],
    });
    const other = join(file, "..", "meters.yaml");
    writeFileSync(other, text);
    let stdout = "";
    const io = { stdout: { write: (t: string) => (stdout += t) }, stderr: { write: () => true } };
    expect(await check({ config: other, env: {} }, io)).toBe(0);
    expect(stdout).toMatch(/^grid +site +Modbus 10\.0\.0\.5:502 unit 1, eastron-sdm630, every 1 s$/m);
    expect(stdout).toMatch(/^roof +pv +Modbus \[::1\]:502 unit 1, sunspec-inverter, every 1 s$/m);
    expect(stdout).toMatch(/^ripple +input +Modbus 10\.0\.0\.6:502 unit 3, discrete input 2$/m);
  });
});
