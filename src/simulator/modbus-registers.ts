/** What a simulated meter has in its registers: the truth, written as its register map says. */
import {
  type Quantity,
  REGISTERS_OF,
  type RegisterMap,
  type RegisterPoint,
  UNITS,
} from "../model/register-map.ts";

/** Import positive; NaN where the meter has no value. */
export interface MeterTruth {
  /** A, signed, per line. */
  currentA: readonly [number, number, number];
  /** Line to neutral. */
  voltageV: readonly [number, number, number];
  frequencyHz: number;
  importWh: number;
  exportWh: number;
  /** Of a battery. */
  socPct?: number;
}

/** Register addresses to 16-bit words. */
export type Registers = Map<number, number>;

export interface RegisterWriting {
  /** Which of the map's SunSpec layouts, by the model's id; the first when absent. */
  model?: number;
  /** The meter shows currents without their sign, as many do. */
  unsignedCurrents?: boolean;
}

const SUNSPEC_BASE = 40_000;
const COMMON_LENGTH = 66;
const FILL = 0x8000;

export function registersOf(map: RegisterMap, truth: MeterTruth, writing: RegisterWriting = {}): Registers {
  const registers: Registers = new Map();
  if (map.points) write(map.points, map, truth, writing, registers);
  const layout = map.sunspec?.find((m) => writing.model === undefined || m.models.includes(writing.model));
  if (!layout) return registers;
  const start = SUNSPEC_BASE + 2 + 2 + COMMON_LENGTH;
  const length =
    Math.max(...layout.points.map((p) => Math.max(p.address + REGISTERS_OF[p.type], (p.factor ?? 0) + 1))) -
    2;
  const put = (address: number, words: readonly number[]) => {
    for (const [i, word] of words.entries()) registers.set(address + i, word);
  };
  put(SUNSPEC_BASE, [0x5375, 0x6e53, 1, COMMON_LENGTH]);
  put(SUNSPEC_BASE + 4, Array(COMMON_LENGTH).fill(0));
  put(SUNSPEC_BASE + 4, text("Laddport", 16));
  put(SUNSPEC_BASE + 20, text("Simulated meter", 16));
  put(SUNSPEC_BASE + 52, text("SIM-1", 16));
  put(start, [writing.model ?? (layout.models[0] as number), length, ...Array(length).fill(FILL)]);
  put(start + 2 + length, [0xffff, 0]);
  const moved = layout.points.map((p) => ({
    ...p,
    address: p.address + start,
    ...(p.factor === undefined ? {} : { factor: p.factor + start }),
  }));
  write(moved, map, truth, writing, registers);
  return registers;
}

function write(
  points: readonly RegisterPoint[],
  { words }: RegisterMap,
  truth: MeterTruth,
  writing: RegisterWriting,
  registers: Registers,
): void {
  const shown = (point: RegisterPoint) => {
    const value = truthOf(point.quantity, truth);
    const isCurrent = point.quantity.startsWith("current");
    return (isCurrent && writing.unsignedCurrents ? Math.abs(value) : value) * (point.negate ? -1 : 1);
  };
  const factors = new Map<number, number>();
  for (const { factor } of points) {
    if (factor === undefined || factors.has(factor)) continue;
    const scaled = points.filter((p) => p.factor === factor);
    const most = Math.max(...scaled.map((p) => Math.abs(shown(p)) || 0));
    const room = scaled[0]?.type.endsWith("32") ? 2 ** 31 : 32_000;
    const power = [-2, -1, 0, 1, 2, 3].find((e) => most / 10 ** e < room) ?? 4;
    factors.set(factor, power);
    registers.set(factor, power & 0xffff);
  }
  for (const point of points) {
    const power = UNITS[point.unit] + point.exponent + (factors.get(point.factor ?? -1) ?? 0);
    const found = wordsOf(shown(point) / 10 ** power, point.type);
    for (const [i, word] of (words === "low-first" ? found.toReversed() : found).entries())
      registers.set(point.address + i, word);
  }
}

function truthOf(quantity: Quantity, truth: MeterTruth): number {
  const line = Number(quantity.at(-1)) - 1;
  const powers = truth.currentA.map((a, i) => a * (truth.voltageV[i] as number));
  switch (quantity.split("_")[0]) {
    case "current":
      return truth.currentA[line] as number;
    case "voltage":
      return truth.voltageV[line] as number;
    case "power":
      return quantity === "power" ? powers.reduce((sum, w) => sum + w, 0) : (powers[line] as number);
    case "energy":
      return quantity === "energy_import" ? truth.importWh : truth.exportWh;
    case "frequency":
      return truth.frequencyHz;
    default:
      return truth.socPct ?? Number.NaN;
  }
}

/** High word first. What is no number is written as the type's "not here". */
function wordsOf(value: number, type: RegisterPoint["type"]): number[] {
  const count = REGISTERS_OF[type];
  const bytes = new DataView(new ArrayBuffer(count * 2));
  if (type === "float32") bytes.setFloat32(0, value);
  else if (type === "float64") bytes.setFloat64(0, value);
  else {
    const bits = count * 16;
    const absent = type.startsWith("u") ? (1n << BigInt(bits)) - 1n : 1n << BigInt(bits - 1);
    const whole = Number.isFinite(value) ? BigInt.asUintN(bits, BigInt(Math.round(value))) : absent;
    for (let i = 0; i < count; i++)
      bytes.setUint16(i * 2, Number((whole >> BigInt(bits - 16 * (i + 1))) & 0xffffn));
  }
  return Array.from({ length: count }, (_, i) => bytes.getUint16(i * 2));
}

const text = (words: string, registers: number) => {
  const bytes = Buffer.alloc(registers * 2);
  bytes.write(words, "latin1");
  return Array.from({ length: registers }, (_, i) => bytes.readUInt16BE(i * 2));
};
