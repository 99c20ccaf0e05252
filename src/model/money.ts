/**
 * Exact amounts. Decimals are text at the edges and fractions inside; nothing here ever passes through a binary float.
 */
import Fraction from "fraction.js";

/** ISO 4217 currencies whose minor unit is not 1/100. */
const MINOR_DIGITS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map((c) => [c, 0]),
  ),
  ...Object.fromEntries("BHD IQD JOD KWD LYD OMR TND".split(" ").map((c) => [c, 3])),
  CLF: 4,
  UYW: 4,
};

/** Digits of a currency's minor unit: 2 for SEK and EUR, 0 for JPY, 3 for KWD. */
export function minorDigits(currency: string): number {
  return MINOR_DIGITS[currency] ?? 2;
}

/** An exact number from decimal text such as `"2.50"`. Throws `RangeError` for anything else. */
export function exact(decimal: string): Fraction {
  // fraction.js also reads "1/3", "0.(3)" and "1 1/2"; a price never means that.
  if (!/^-?\d+(\.\d+)?$/.test(decimal)) {
    throw new RangeError(`"${decimal}" is not a decimal; write digits with a point, such as 2.50`);
  }
  return new Fraction(decimal);
}

/** `numerator / denominator` of two safe integers. Throws `RangeError` when one is not. */
export function ratio(numerator: number, denominator: number): Fraction {
  if (!Number.isSafeInteger(numerator) || !Number.isSafeInteger(denominator)) {
    throw new RangeError(`${numerator} / ${denominator}: both must be whole numbers`);
  }
  return new Fraction(BigInt(numerator), BigInt(denominator));
}

/** Rounds half away from zero to `digits` decimals and writes exactly that many: `"0.3333"`, `"-2.50"`. */
export function fixed(value: Fraction, digits: number): string {
  const scale = 10n ** BigInt(digits);
  const units = (2n * value.n * scale + value.d) / (2n * value.d);
  const text = units.toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const sign = value.s < 0n && units !== 0n ? "-" : "";
  return digits === 0 ? sign + whole : `${sign}${whole}.${text.slice(text.length - digits)}`;
}

/** The shortest decimal that is this number, without an exponent: what JSON and YAML meant by it. */
export function decimalText(value: number): string {
  const text = String(value);
  const [mantissa = "", exponent = ""] = text.split("e");
  if (!/^-\d+$/.test(exponent)) return text;
  const digits = mantissa.replace(/[-.]/g, "");
  return `${value < 0 ? "-" : ""}0.${"0".repeat(-Number(exponent) - 1)}${digits}`;
}
