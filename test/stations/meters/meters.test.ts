/** The poller against a simulated device over TCP, which misbehaves. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { depotClock, REAL_TIME } from "../../../src/model/clock.ts";
import { Hello, Meter } from "../../../src/model/messages.ts";
import {
  createModbusMeter,
  type ModbusMeter,
  type SimulatedUnit,
} from "../../../src/simulator/modbus-meter.ts";
import type { MeterTruth } from "../../../src/simulator/modbus-registers.ts";
import { mapNamed, REGISTER_MAPS } from "../../../src/stations/meters/maps/index.ts";
import {
  createModbusMeters,
  type InputSpec,
  type MeterSpec,
  type ModbusMeters,
} from "../../../src/stations/meters/meters.ts";
import type { PolledMessage, Trouble } from "../../../src/stations/meters/poller.ts";

const WAITS = { backoffMs: [20, 60], connectTimeoutMs: 500, troubleAfterMs: 200 } as const;
const TRUTH: MeterTruth = {
  currentA: [12.34, -4, -7],
  voltageV: [230.4, 231, 229.8],
  frequencyHz: 50,
  importWh: 12_345_600,
  exportWh: 100_000,
};

const devices: ModbusMeter[] = [];
const running: ModbusMeters[] = [];
afterEach(async () => {
  for (const meters of running.splice(0)) await meters.stop();
  for (const device of devices.splice(0)) await device.stop();
});

async function device(units: Record<number, SimulatedUnit>, port?: number) {
  const made = createModbusMeter(new Map(Object.entries(units).map(([id, unit]) => [Number(id), unit])));
  devices.push(made);
  return { made, port: await made.start(port) };
}

const mapOf = (id: string) => {
  const map = mapNamed(id);
  if (!map) throw new Error(`no map ${id}`);
  return map;
};

const spec = (port: number, more: Partial<MeterSpec> = {}): MeterSpec => ({
  id: "grid",
  host: "127.0.0.1",
  port,
  unit: 1,
  timeoutMs: 150,
  map: mapOf("eastron-sdm630"),
  instance: 1,
  wiring: { role: "circuit", invert: false, phases: 3, phaseOrder: "L1L2L3" },
  periodMs: 20,
  logMs: 1_000_000,
  ...more,
});

function poll(meters: MeterSpec[], inputs: InputSpec[] = []) {
  const noted: PolledMessage[] = [];
  const logged: PolledMessage[] = [];
  const dones: (() => void)[] = [];
  const troubles: [string, Trouble | null][] = [];
  const heard: [string, boolean | null][] = [];
  const made = createModbusMeters({
    meters,
    inputs,
    clock: depotClock(REAL_TIME),
    boot: "gw-1",
    note: (message) => noted.push(message),
    accept(message, done) {
      noted.push(message);
      logged.push(message);
      dones.push(done);
    },
    heard: (id, closed) => heard.push([id, closed]),
    trouble: (id, what) => troubles.push([id, what]),
    waits: WAITS,
  });
  running.push(made);
  made.start();
  const readings = (id = "grid") =>
    noted
      .filter((m) => m.station === id && m.kind === "meter")
      .map((m) => Meter.parse(JSON.parse(m.payload.toString())));
  return { made, noted, logged, dones, troubles, heard, readings };
}

async function until(what: () => boolean, ms = 10_000): Promise<void> {
  const endMs = performance.now() + ms;
  while (!what()) {
    if (performance.now() > endMs) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(5);
  }
}

const simulated = (more: Partial<SimulatedUnit> = {}): SimulatedUnit => ({
  map: mapOf("eastron-sdm630"),
  truth: () => TRUTH,
  ...more,
});

describe("a polled meter", () => {
  it.each(REGISTER_MAPS.filter((m) => m.id !== "sunspec-inverter").map((m) => m.id))(
    "%s shows what flows, with signs that its currents do not have",
    async (id) => {
      const { port } = await device({ 1: simulated({ map: mapOf(id), unsignedCurrents: true }) });
      const { readings, troubles } = poll([spec(port, { map: mapOf(id) })]);
      await until(() => readings().length > 0);
      expect(readings()[0]).toMatchObject({
        current_a: [12.34, -4, -7],
        voltage_v: [230.4, 231, 229.8],
        energy_import_wh: 12_345_600,
        energy_export_wh: 100_000,
      });
      expect(troubles.filter(([, what]) => what !== null)).toEqual([]);
    },
  );

  it("sends every reading to control, and to the log a hello, then readings numbered without a gap", async () => {
    const { port } = await device({ 1: simulated() });
    const { logged, dones, readings } = poll([spec(port, { logMs: 100 })]);
    await until(() => {
      for (const done of dones.splice(0)) done();
      return logged.length >= 4;
    });
    const bodies = logged.map((m) => JSON.parse(m.payload.toString()));
    expect(Hello.parse(bodies[0])).toMatchObject({ online: true, model: mapOf("eastron-sdm630").name });
    expect(bodies.map(({ boot, seq }) => [boot, seq])).toEqual(bodies.map((_, seq) => ["gw-1", seq]));
    expect(readings().length).toBeGreaterThan(logged.length);
  });

  it("keeps no queue before a disk that takes nothing, and goes on for control", async () => {
    const { port } = await device({ 1: simulated() });
    const { logged, readings } = poll([spec(port, { logMs: 1 })]);
    await until(() => readings().length > 20);
    expect(logged.map((m) => m.kind)).toEqual(["hello", "meter"]);
  });

  it("reads a SunSpec device's name", async () => {
    const { port } = await device({ 1: simulated({ map: mapOf("sunspec-meter") }) });
    const { logged } = poll([spec(port, { map: mapOf("sunspec-meter") })]);
    await until(() => logged.length > 0);
    expect(JSON.parse(logged[0]?.payload.toString() ?? "")).toMatchObject({
      vendor: "Laddport",
      model: "Simulated meter",
      meter_serial: "SIM-1",
    });
  });
});

describe("what goes wrong with a meter", () => {
  it.each([
    ["silent", "no answer within 150 ms", "Check `unit`"],
    ["wrong_unit", "no answer within 150 ms", "Check `unit`"],
    ["garbage", "is not Modbus TCP", "Modbus RTU over TCP"],
    ["drops", "closed the connection", "who else is connected"],
    [{ exception: 2 }, "exception 2, it has no such register", "register map"],
    [{ exception: 11 }, "behind the gateway the unit does not answer", "RS485"],
    [{ slowMs: 400 }, "150 ms", ""],
  ] as const)(
    "%j: told with cause and fix, no reading meanwhile, well again afterwards",
    async (mischief, cause, fix) => {
      const { made, port } = await device({ 1: simulated() });
      const { readings, troubles } = poll([spec(port)]);
      await until(() => readings().length > 2);
      made.mischief = mischief;
      await until(() => troubles.at(-1)?.[1] != null);
      const silentFrom = readings().length;
      expect(troubles.at(-1)).toEqual([
        "grid",
        { cause: expect.stringContaining(cause), fix: expect.stringContaining(fix) },
      ]);
      await sleep(100);
      expect(readings().length).toBe(silentFrom);
      made.mischief = "none";
      await until(() => readings().length > silentFrom + 2);
      expect(troubles.at(-1)).toEqual(["grid", null]);
    },
  );

  it("a device that is not there yet, and goes away later", async () => {
    const first = await device({ 1: simulated() });
    await first.made.stop();
    const { readings, troubles } = poll([spec(first.port)]);
    await until(() => troubles.length > 0);
    expect(troubles[0]?.[1]).toMatchObject({ cause: expect.stringContaining("ECONNREFUSED") });
    const second = await device({ 1: simulated() }, first.port);
    await until(() => readings().length > 2);
    await second.made.stop();
    await until(() => troubles.length > 2);
    expect(troubles.map(([, what]) => what === null)).toEqual([false, true, false]);
  });

  it("a meter that answers and measures nothing any more is told", async () => {
    let n = 0;
    const truth = () => ({ ...TRUTH, frequencyHz: 50 + (n++ % 7) / 100 });
    const { made, port } = await device({ 1: simulated({ truth }) });
    const { readings, troubles } = poll([spec(port, { periodMs: 5 })]);
    await until(() => readings().length > 40);
    made.mischief = "frozen";
    await until(() => troubles.at(-1)?.[1] != null, 20_000);
    expect(troubles.at(-1)?.[1]?.cause).toContain("no register has changed");
    const frozenAt = readings().length;
    await sleep(50);
    expect(readings().length).toBe(frozenAt);
    made.mischief = "none";
    await until(() => readings().length > frozenAt);
  });

  it("a line without a current is told, and gives control no currents to believe", async () => {
    const truth = () => ({ ...TRUTH, currentA: [10, Number.NaN, 5] as const });
    const { port } = await device({ 1: simulated({ truth }) });
    const { readings, troubles } = poll([spec(port)]);
    await until(() => troubles.length > 0);
    expect(troubles[0]?.[1]?.cause).toContain("no value of current_l2");
    expect(readings().every((r) => r.current_a === undefined)).toBe(true);
  });
});

describe("several units behind one gateway", () => {
  const two = () => ({
    1: simulated(),
    2: simulated({ truth: () => ({ ...TRUTH, currentA: [1, 2, 3] as const }) }),
  });

  it("share one connection and keep their answers apart", async () => {
    const { made, port } = await device(two());
    const { readings } = poll([spec(port), spec(port, { id: "pv", unit: 2 })]);
    await until(() => readings("grid").length > 20 && readings("pv").length > 20);
    expect(made.connections).toBe(1);
    expect(readings("grid").every((r) => r.current_a?.[0] === 12.34)).toBe(true);
    expect(readings("pv").every((r) => r.current_a?.[0] === 1)).toBe(true);
  });

  it("one that is missing does not keep the other from being read", async () => {
    const { port } = await device(two());
    const { readings, troubles } = poll([spec(port), spec(port, { id: "gone", unit: 9 })]);
    await until(() => troubles.some(([id, what]) => id === "gone" && what !== null));
    expect(troubles.find(([id, what]) => id === "gone" && what !== null)?.[1]?.cause).toContain(
      "exception 10",
    );
    const before = readings().length;
    await until(() => readings().length > before + 10);
  });
});

describe("a digital input", () => {
  const input = (port: number, more: Partial<InputSpec> = {}): InputSpec => ({
    id: "ripple",
    host: "127.0.0.1",
    port,
    unit: 1,
    timeoutMs: 150,
    table: "discrete",
    address: 3,
    invert: false,
    periodMs: 20,
    ...more,
  });

  it.each([
    ["discrete", false],
    ["coil", true],
  ] as const)("%s, inverted %s: tells how it stands with every poll", async (table, invert) => {
    let on = false;
    const { port } = await device({ 1: { bits: () => new Map([[3, on]]) } });
    const { made, heard } = poll([], [input(port, { table, invert })]);
    await until(() => heard.length > 2);
    expect(heard.every(([id, closed]) => id === "ripple" && closed === invert)).toBe(true);
    on = true;
    await until(() => made.input("ripple") === !invert);
  });

  it("is unknown when nobody answers, from the start too, and known again afterwards", async () => {
    const { made, port } = await device({ 1: { bits: () => new Map([[3, true]]) } });
    made.mischief = "silent";
    const { made: meters, heard, troubles } = poll([], [input(port)]);
    await until(() => troubles.length > 0);
    expect(meters.input("ripple")).toBeNull();
    expect(heard.every(([, closed]) => closed === null)).toBe(true);
    made.mischief = "none";
    await until(() => meters.input("ripple") === true);
    expect(troubles.at(-1)).toEqual(["ripple", null]);
    made.mischief = "silent";
    await until(() => meters.input("ripple") === null);
    expect(heard.at(-1)).toEqual(["ripple", null]);
  });
});
