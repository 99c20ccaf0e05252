/**
 * Exact numbers of rating. A quantity is whole base units plus whole parts of one (10^-15), both safe integers, so that
 * what stations and meters send costs no big integer, and decimals of up to 21 digits lose nothing.
 */

/** Base units: 10^-6 kWh for energy (and for 1 of FLAT), microseconds for time. */
export interface Quantity {
  units: number;
  parts: number;
}

export const PARTS = 1e15;
export const UNITS_PER_KWH = 1e6;
export const UNITS_PER_WH = 1e3;
export const UNITS_PER_S = 1e6;
export const UNITS_PER_MS = 1e3;
const UNITS_PER_HOUR = 3600n * 1_000_000n;

export function addTo(sum: Quantity, units: number, parts: number): void {
  sum.units += units;
  sum.parts += parts;
  if (sum.parts >= PARTS) {
    sum.parts -= PARTS;
    sum.units += 1;
  }
}

/** Negative, zero or positive as a is less than, equal to or more than b. */
export function compare(aUnits: number, aParts: number, b: Quantity): number {
  return aUnits !== b.units ? aUnits - b.units : aParts - b.parts;
}

/** `floor(a * b / c)` of safe integers, c > 0. */
export function mulDivFloor(a: number, b: number, c: number): number {
  const product = a * b;
  if (Number.isSafeInteger(product)) return Math.floor((product - (product % c)) / c);
  return Number((BigInt(a) * BigInt(b)) / BigInt(c));
}

/** A decimal as an integer and its digits: 2.50 is 250 and 2. `n` is NaN when it is not a safe integer. */
export interface Scaled {
  n: number;
  big: bigint;
  digits: number;
  text: string;
}

/** Throws `RangeError` when the text is not a plain decimal. */
export function scaled(text: string): Scaled {
  const found = /^(-?\d+)(?:\.(\d+))?$/.exec(text);
  if (!found) throw new RangeError(`"${text}" is not a decimal; write digits with a point, such as 2.50`);
  const fraction = found[2] ?? "";
  return scaledOf(BigInt(`${found[1]}${fraction}`), fraction.length, text);
}

export function scaledOf(big: bigint, digits: number, text = decimal(big, digits)): Scaled {
  const n = Number(big);
  return { n: Number.isSafeInteger(n) ? n : Number.NaN, big, digits, text };
}

/** `factor * price + add`, exactly. */
export function linear(factor: Scaled, price: Scaled, add: Scaled): Scaled {
  const digits = Math.max(factor.digits + price.digits, add.digits);
  const product = factor.big * price.big * 10n ** BigInt(digits - factor.digits - price.digits);
  return scaledOf(product + add.big * 10n ** BigInt(digits - add.digits), digits);
}

/** kWh text as a quantity. Throws `RangeError` past 21 decimals or 9 billion kWh. */
export function kwhOf(text: string): Quantity {
  return quantityOf(scaled(text), BigInt(UNITS_PER_KWH));
}

/** Hours text as a quantity. */
export function hoursOf(text: string): Quantity {
  return quantityOf(scaled(text), UNITS_PER_HOUR);
}

function quantityOf({ big, digits, text }: Scaled, perOne: bigint): Quantity {
  const fine = big * perOne * BigInt(PARTS);
  const scale = 10n ** BigInt(digits);
  const units = Number(fine / scale / BigInt(PARTS));
  if (fine % scale !== 0n || !Number.isSafeInteger(units))
    throw new RangeError(`"${text}" has more digits than a meter; write at most 21 decimals`);
  return { units, parts: Number((fine / scale) % BigInt(PARTS)) };
}

/** `a * b / c` rounded half away from zero. */
export function roundedRatio(a: number, b: number, c: number): number | undefined {
  const product = a * b;
  if (!Number.isSafeInteger(product) || c > 4e15) return undefined;
  const size = Math.abs(product);
  const rest = size % c;
  const whole = (size - rest) / c + (2 * rest >= c ? 1 : 0);
  return product < 0 ? -whole : whole;
}

/** `n / d` rounded half away from zero, d > 0. Throws `RangeError` past what money is. */
export function roundedBig(n: bigint, d: bigint): number {
  const size = n < 0n ? -n : n;
  const whole = Number((2n * size + d) / (2n * d));
  if (!Number.isSafeInteger(whole))
    throw new RangeError("an amount has more than 11 digits before the point");
  return n < 0n && whole !== 0 ? -whole : whole;
}

/** Writes an integer of `digits` decimals with exactly that many: 12345 and 4 are `"1.2345"`. */
export function fixedOf(n: number, digits: number): string {
  const size = String(Math.abs(n));
  const sign = n < 0 ? "-" : "";
  if (digits === 0) return sign + size;
  const text = size.length > digits ? size : size.padStart(digits + 1, "0");
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Writes a quantity in units of `10^power` base units, with `least` decimals or as many more as it has. */
export function exactText({ units, parts }: Quantity, power: number, least: number): string {
  let digits = power;
  let text = String(units);
  if (parts !== 0) {
    text += String(parts).padStart(15, "0");
    digits += 15;
  }
  text = text.padStart(digits + 1, "0");
  const cut = text.length - digits;
  let end = text.length;
  while (end > cut + least && text.charCodeAt(end - 1) === 48) end--;
  return end === cut ? text.slice(0, cut) : `${text.slice(0, cut)}.${text.slice(cut, end)}`;
}

function decimal(big: bigint, digits: number): string {
  const size = String(big < 0n ? -big : big).padStart(digits + 1, "0");
  const cut = size.length - digits;
  const fraction = size.slice(cut).replace(/0+$/, "");
  return `${big < 0n ? "-" : ""}${size.slice(0, cut)}${fraction ? `.${fraction}` : ""}`;
}
