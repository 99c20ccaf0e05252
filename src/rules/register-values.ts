/**
 * What registers hold. Integers stay exact: a decimal is its digits and a power of ten. Values that say "not here" are
 * absent, never numbers: NaN; the lowest signed and the highest value of a type (SunSpec Information Model
 * Specification 2.x, "unimplemented" values; Carlo Gavazzi's overflow 7FFF FFFFh).
 */
import {
  type Quantity,
  REGISTERS_OF,
  type RegisterMap,
  type RegisterPoint,
  type RegisterType,
  UNITS,
} from "../model/register-map.ts";

/** `digits` times ten to `exponent`; a float of the meter comes as it is. */
export type Decimal = { digits: bigint; exponent: number } | { float: number; exponent: number };

export interface PointValue {
  point: RegisterPoint;
  /** The registers as on the wire, hexadecimal: `0000 08fc`. */
  raw: string;
  /** In the plain unit; null when the meter has no such value now. */
  value: Decimal | null;
}

/** The registers at an address, or undefined when they were not read. */
export type RegistersAt = (address: number, count: number) => readonly number[] | undefined;

/** The highest power of ten that a scale register may hold; beyond it the register is not one. */
const MOST_SUNSSF = 10;

export function pointValue(point: RegisterPoint, at: RegistersAt, words: RegisterMap["words"]): PointValue {
  const registers = at(point.address, REGISTERS_OF[point.type]);
  if (registers === undefined) return { point, raw: "", value: null };
  const raw = registers.map((r) => r.toString(16).padStart(4, "0")).join(" ");
  const read = numberIn(words === "low-first" ? registers.toReversed() : registers, point.type);
  const factor = point.factor === undefined ? 0 : factorIn(at(point.factor, 1)?.[0]);
  if (read === null || factor === null) return { point, raw, value: null };
  const exponent = point.exponent + factor + UNITS[point.unit];
  if (typeof read === "number")
    return { point, raw, value: { float: point.negate ? -read : read, exponent } };
  return { point, raw, value: { digits: point.negate ? -read : read, exponent } };
}

function factorIn(register: number | undefined): number | null {
  if (register === undefined) return null;
  const power = Number(BigInt.asIntN(16, BigInt(register)));
  return Math.abs(power) <= MOST_SUNSSF ? power : null;
}

/** High word first. */
function numberIn(registers: readonly number[], type: RegisterType): bigint | number | null {
  const bytes = new DataView(new ArrayBuffer(registers.length * 2));
  for (const [i, register] of registers.entries()) bytes.setUint16(i * 2, register);
  if (type === "float32" || type === "float64") {
    const float = type === "float32" ? bytes.getFloat32(0) : bytes.getFloat64(0);
    return Number.isFinite(float) ? float : null;
  }
  const bits = registers.length * 16;
  const unsigned = registers.reduce((sum, register) => (sum << 16n) | BigInt(register), 0n);
  const highest = (1n << BigInt(bits)) - 1n;
  if (type.startsWith("u")) return unsigned === highest ? null : unsigned;
  const value = BigInt.asIntN(bits, unsigned);
  return value === -(highest >> 1n) - 1n || value === highest >> 1n ? null : value;
}

/** Nearest number in the plain unit. */
export function toNumber(value: Decimal): number {
  return "digits" in value ? Number(`${value.digits}e${value.exponent}`) : value.float * 10 ** value.exponent;
}

/** Whole Wh, rounded down so that a register never tells more than it holds; null below 0 and beyond 2^53. */
export function toWh(value: Decimal): number | null {
  const wh =
    "digits" in value
      ? value.exponent >= 0
        ? Number(value.digits * 10n ** BigInt(value.exponent))
        : Number(value.digits / 10n ** BigInt(-value.exponent))
      : // A float has rounded already: what it means is the nearest.
        Math.round(value.float * 10 ** value.exponent);
  return Number.isSafeInteger(wh) && wh >= 0 ? wh : null;
}

export type Values = ReadonlyMap<Quantity, Decimal>;

/** Those that are there. */
export function valuesOf(read: readonly PointValue[]): Values {
  return new Map(read.flatMap(({ point, value }) => (value === null ? [] : [[point.quantity, value]])));
}
