/** Energy as signed, in exact Wh. */
import Fraction from "fraction.js";

/** Decimal text times a power of ten; `text` as `OcmfReading.value`. */
function scaled(text: string, power: number): Fraction {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().replace("+", "").split("e");
  const tens = BigInt(10) ** BigInt(Math.abs(Number(exponent) + power));
  return Number(exponent) + power < 0 ? new Fraction(mantissa).div(tens) : new Fraction(mantissa).mul(tens);
}

/** Exact Wh; undefined for a unit that is no energy (OCMF 1.4.1, table 20). */
export function wattHours(value: string, unit: string): Fraction | undefined {
  if (/^kwh$/i.test(unit)) return scaled(value, 3);
  if (/^wh$/i.test(unit)) return scaled(value, 0);
  return undefined;
}

/** A finite decimal in full, without needless zeros: `268`, `0.1`. */
export function decimalText(value: Fraction): string {
  let digits = 0;
  for (let scale = 1n; (value.n * scale) % value.d !== 0n; scale *= 10n) digits++;
  const units = ((value.n * 10n ** BigInt(digits)) / value.d).toString().padStart(digits + 1, "0");
  const whole = units.slice(0, units.length - digits);
  return `${value.s < 0n ? "-" : ""}${whole}${digits > 0 ? `.${units.slice(-digits)}` : ""}`;
}
