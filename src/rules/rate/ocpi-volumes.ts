/** Volumes of OCPI dimensions as exact quantities. Each throws `RatingInputError` naming the place when it is none. */
import { decimalText } from "../../model/money.ts";
import { hoursOf, kwhOf, type Quantity, UNITS_PER_MS } from "./exact.ts";
import { RatingInputError } from "./input-error.ts";

const HALF_OF_FOURTH = 180 * UNITS_PER_MS;
const HALF_OF_THIRD = 1800 * UNITS_PER_MS;

/** kWh. */
export function energyOf(volume: unknown, at: PropertyKey[], d: number): Quantity {
  const fast = sixDecimals(volume);
  if (fast >= 0) return { units: fast, parts: 0 };
  return exactly(kwhOf, volume, at, d);
}

/**
 * Hours. A volume that says the period's length as well as its digits can (three decimals or more, at most 1.8 s off)
 * means that length: one third of an hour is 1200 s, not 0.3333 h.
 */
export function timeOf(volume: unknown, lengthMs: number, at: PropertyKey[], d: number): Quantity {
  const fast = sixDecimals(volume);
  const quantity = fast >= 0 ? { units: fast * 3600, parts: 0 } : exactly(hoursOf, volume, at, d);
  const length = lengthMs * UNITS_PER_MS;
  const off = Math.abs(quantity.units - length);
  if (off === 0 && quantity.parts === 0) return quantity;
  if (quantity.units === 0 && quantity.parts === 0) return quantity;
  if (off <= HALF_OF_FOURTH || (off <= HALF_OF_THIRD && decimalsOf(volume) === 3))
    return { units: length, parts: 0 };
  return quantity;
}

/** A or kW in 10^-8 of them, cut; negative when it flows to the grid (OCPI 2.2.1, CdrDimensionType). */
export function fineOf(volume: unknown, at: PropertyKey[], d: number): number {
  const fast = sixDecimals(volume);
  if (fast >= 0) return fast * 100;
  const text = typeof volume === "number" ? decimalText(volume) : volume;
  if (typeof text === "string" && text.startsWith("-")) return -fineOf(text.slice(1), at, d);
  const { units, parts } = exactly(kwhOf, volume, at, d);
  return units * 100 + Math.floor(parts / 1e13);
}

/** Millionths, when the decimal has no more digits than that; else -1. Below 10^15 a number's shortest form is unique. */
function sixDecimals(volume: unknown): number {
  let value = volume as number;
  if (typeof volume === "string") {
    if (volume.length > 15 || !/^\d+(?:\.\d{1,6})?$/.test(volume)) return -1;
    value = Number(volume);
  } else if (typeof volume !== "number") return -1;
  const millionths = Math.round(value * 1e6);
  return millionths < 1e15 && millionths / 1e6 === value ? millionths : -1;
}

function exactly(read: (text: string) => Quantity, volume: unknown, at: PropertyKey[], d: number): Quantity {
  const path = [...at, d, "volume"];
  const text = typeof volume === "number" ? decimalText(volume) : volume;
  if (typeof text !== "string" || !/^\d+(?:\.\d+)?$/.test(text))
    throw new RatingInputError(
      path,
      volume,
      undefined,
      "write a decimal of at least 0; energy given back is not billed",
    );
  try {
    return read(text);
  } catch {
    throw new RatingInputError(
      path,
      volume,
      undefined,
      "write at most 21 decimals and 9 digits before the point",
    );
  }
}

function decimalsOf(volume: unknown): number {
  const text = typeof volume === "number" ? decimalText(volume) : String(volume);
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}
