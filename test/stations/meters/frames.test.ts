/** Each map against registers written by hand from the manufacturer's document, read over TCP. */
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { meterReading } from "../../../src/rules/meter-reading.ts";
import { toNumber, valuesOf } from "../../../src/rules/register-values.ts";
import { ModbusLine } from "../../../src/stations/meters/line.ts";
import { mapNamed } from "../../../src/stations/meters/maps/index.ts";
import { MeterReader } from "../../../src/stations/meters/meter-reader.ts";

let server: Server | undefined;
let line: ModbusLine | undefined;
afterEach(async () => {
  line?.close();
  await new Promise((resolve) => server?.close(resolve));
});

/** Blocks of registers in hexadecimal, by their first address; anything else is refused as it is by a meter. */
type Blocks = Record<number, string>;

async function serve(code: number, blocks: Blocks): Promise<number> {
  const registers = new Map<number, number>();
  for (const [first, hex] of Object.entries(blocks))
    for (const [i, word] of hex.trim().split(/\s+/).entries())
      registers.set(Number(first) + i, Number.parseInt(word, 16));
  server = createServer((socket) => {
    socket.on("data", (request) => {
      const [address, count] = [request.readUInt16BE(8), request.readUInt16BE(10)];
      const words = Array.from({ length: count }, (_, i) => registers.get(address + i));
      const known = request[7] === code && words.every((word) => word !== undefined);
      const pdu = known
        ? Buffer.from([code, count * 2, ...words.flatMap((w) => [(w as number) >> 8, (w as number) & 255])])
        : Buffer.from([(request[7] as number) | 0x80, 2]);
      const header = Buffer.from(request.subarray(0, 7));
      header.writeUInt16BE(pdu.length + 1, 4);
      socket.write(Buffer.concat([header, pdu]));
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

async function read(name: string, code: number, blocks: Blocks, instance = 1) {
  const port = await serve(code, blocks);
  line = new ModbusLine({ host: "127.0.0.1", port, units: new Map([[1, 2_000]]) });
  const map = mapNamed(name);
  if (!map) throw new Error(`no map ${name}`);
  const reader = new MeterReader(line, 1, map, instance);
  const { values } = await reader.poll();
  const numbers = Object.fromEntries([...valuesOf(values)].map(([q, v]) => [q, toNumber(v)]));
  const role = name === "sunspec-inverter" ? "pv" : "circuit";
  const { reading, missing } = meterReading(valuesOf(values), {
    role,
    invert: false,
    phases: 3,
    phaseOrder: "L1L2L3",
  });
  return { numbers, reading, missing, reader };
}

/** int32, low word first. */
const EM300: Blocks = {
  // 230.4, 231.0, 229.8 V
  0: "0900 0000  0906 0000  08fa 0000",
  // 12.345 A, 4.000 A, 7.000 A, without sign; 2840.0 W, -924.0 W, -1609.0 W
  12: "3039 0000  0fa0 0000  1b58 0000  6ef0 0000  dbe8 ffff  c126 ffff",
  // 307.0 W
  40: "0bfe 0000",
  // 50.0 Hz; 12345.6 kWh
  51: "01f4  e240 0001",
  // 100.0 kWh
  78: "03e8 0000",
};

describe("frames as manufacturers document them", () => {
  it("Carlo Gavazzi EM340", async () => {
    const { numbers, reading, missing } = await read("carlo-gavazzi-em300", 4, EM300);
    expect(missing).toEqual([]);
    expect(numbers).toMatchObject({ frequency: 50, voltage_l1: 230.4, power_l2: -924 });
    expect(reading).toEqual({
      current_a: [12.345, -4, -7],
      voltage_v: [230.4, 231, 229.8],
      power_w: 307,
      energy_import_wh: 12_345_600,
      energy_export_wh: 100_000,
    });
  });

  it("Carlo Gavazzi EM24-DIN whose application counts no export", async () => {
    const { 0x33: _, 0x4e: __, ...same } = EM300;
    const blocks = { ...same, 55: "01f4", 66: "e240 0001" };
    const { reading, numbers } = await read("carlo-gavazzi-em24", 4, blocks);
    expect(reading).toMatchObject({ current_a: [12.345, -4, -7], energy_import_wh: 12_345_600 });
    expect(reading).not.toHaveProperty("energy_export_wh");
    expect(numbers.frequency).toBe(50);
  });

  it("Eastron SDM630: 4366 3334 is 230.2 V", async () => {
    const { reading, numbers } = await read("eastron-sdm630", 4, {
      0: "4366 3334  4366 3334  4366 3334  4120 0000  4080 0000  40e0 0000  4510 0000  c466 0000  c4c9 8000",
      52: "c2f0 0000",
      70: "4248 0000  447a 0000  3f80 0000",
    });
    expect(reading).toEqual({
      current_a: [10, -4, -7],
      voltage_v: [230.2, 230.2, 230.2],
      power_w: -120,
      energy_import_wh: 1_000_000,
      energy_export_wh: 1_000,
    });
    expect(numbers.frequency).toBe(50);
  });

  it("Janitza UMG 604", async () => {
    const zeros = (n: number) => "0000 ".repeat(n);
    const { reading } = await read("janitza-umg", 3, {
      // Voltages, line voltages, currents, their sum, power per line, sum
      19000: `4366 0000 4367 0000 4365 0000 ${zeros(6)} 41a0 0000 4140 0000 4120 0000 ${zeros(2)}
        458f c000 4530 0000 c50f c000 45a0 0000 ${zeros(22)} 4248 0000 ${zeros(16)} 4974 2400 ${zeros(6)} 4479 c000`,
    });
    expect(reading).toEqual({
      current_a: [20, 12, -10],
      voltage_v: [230, 231, 229],
      power_w: 5120,
      energy_import_wh: 1_000_000,
      energy_export_wh: 999,
    });
  });

  /** Marker, common block of `Fronius`, then the models, then the end. */
  const sunspec = (base: number, ...models: string[]) => {
    const common = `5375 6e53 0001 0042 ${"4672 6f6e 6975 7300 "}${"0000 ".repeat(62)}`;
    return { [base]: [common, ...models, "ffff 0000"].join(" ") };
  };
  const model203 = (phaseA = "04d2") => `00cb 0069 8000 ${phaseA} 0190 02bc fffe
    0905 0900 0906 08fa ${"8000 ".repeat(4)} ffff 1388 fffe 0133 0b18 fc64 f9b7 0000
    ${"8000 ".repeat(15)} 0000 03e8 ${"0000 ".repeat(6)} 0012 d687 ${"0000 ".repeat(6)} 0001 ${"8000 ".repeat(52)}`;

  it.each([40_000, 50_000, 0])("SunSpec model 203, found from %d", async (base) => {
    const { reading, reader, numbers } = await read("sunspec-meter", 3, sunspec(base, model203()));
    expect(reader.model).toBe(203);
    expect(reader.identity).toEqual({ vendor: "Fronius" });
    expect(numbers.frequency).toBe(50);
    expect(reading).toEqual({
      current_a: [12.34, -4, -7],
      voltage_v: [230.4, 231, 229.8],
      power_w: 307,
      energy_import_wh: 12_345_670,
      energy_export_wh: 10_000,
    });
  });

  it("SunSpec 203 that leaves a line's current out says so", async () => {
    const { missing, reading } = await read("sunspec-meter", 3, sunspec(0, model203("8000")));
    expect(missing).toEqual(["current_l1"]);
    expect(reading).not.toHaveProperty("current_a");
  });

  it("the second SunSpec meter behind one address", async () => {
    const two = sunspec(40_000, model203(), model203("0064"));
    const { reading } = await read("sunspec-meter", 3, two, 2);
    expect(reading.current_a?.[0]).toBe(1);
  });

  it("SunSpec model 213 (floats), after an unknown model", async () => {
    const floats = `00d5 007c 7fc0 0000 4120 0000 4080 0000 40e0 0000 7fc0 0000 4366 0000 4367 0000 4365 0000
      ${"7fc0 0000 ".repeat(4)} 4248 0000 c2f0 0000 4510 0000 c466 0000 c4c9 8000 ${"7fc0 0000 ".repeat(12)}
      447a 0000 ${"0000 ".repeat(6)} 461c 4000 ${"0000 ".repeat(56)}`;
    const { reading } = await read("sunspec-meter", 3, sunspec(40_000, "0040 0002 0000 0000", floats));
    expect(reading).toEqual({
      current_a: [10, -4, -7],
      voltage_v: [230, 231, 229],
      power_w: -120,
      energy_import_wh: 10_000,
      energy_export_wh: 1_000,
    });
  });

  it("SunSpec inverter 103: production is negative power and exported energy", async () => {
    const inverter = `0067 0032 0bb8 03e8 03e8 03e8 fffe ffff ffff ffff 0900 0906 08fa ffff 02b2 0001 1388 fffe
      ${"8000 ".repeat(6)} 0012 d687 0000 ${"8000 ".repeat(25)}`;
    const { reading } = await read("sunspec-inverter", 3, sunspec(40_000, inverter));
    expect(reading).toEqual({
      current_a: [-10, -10, -10],
      voltage_v: [230.4, 231, 229.8],
      power_w: -6_900,
      energy_export_wh: 1_234_567,
    });
  });

  it("a device without the model wanted says what it has, one without SunSpec what to switch on", async () => {
    await expect(read("sunspec-inverter", 3, sunspec(0, model203()))).rejects.toMatchObject({
      kind: "unsuitable",
      message: expect.stringContaining("lists the SunSpec models 1, 203"),
    });
    line?.close();
    await new Promise((resolve) => server?.close(resolve));
    await expect(read("sunspec-meter", 3, { 0: "0000 0000" })).rejects.toMatchObject({
      fix: expect.stringContaining("Switch SunSpec on"),
    });
  });
});
