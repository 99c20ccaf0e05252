/** An exact fraction; the denominator is positive. */
export interface Rational {
  over: bigint;
  under: bigint;
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));

export function fraction(over: bigint, under = 1n): Rational {
  const sign = under < 0n ? -1n : 1n;
  const size = gcd(over < 0n ? -over : over, under < 0n ? -under : under) || 1n;
  return { over: (sign * over) / size, under: (sign * under) / size };
}

export const ZERO = fraction(0n);
export const ONE = fraction(1n);

/** Digits and number of decimals of a written number: "0.1667" is 1667 and 4, "1.5e-3" is 15 and 4. */
export function digits(written: number | string): { whole: bigint; decimals: number } {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(String(written));
  if (match === null) throw new Error(`not a decimal number: ${written}`);
  const [, sign, units = "", part = "", exponent = "0"] = match;
  const whole = BigInt(`${units}${part}`) * (sign === "-" ? -1n : 1n);
  const decimals = part.length - Number(exponent);
  return decimals < 0 ? { whole: whole * 10n ** BigInt(-decimals), decimals: 0 } : { whole, decimals };
}

export function exact(written: number | string): Rational {
  const { whole, decimals } = digits(written);
  return fraction(whole, 10n ** BigInt(decimals));
}

export const plus = (a: Rational, b: Rational) =>
  fraction(a.over * b.under + b.over * a.under, a.under * b.under);
export const minus = (a: Rational, b: Rational) =>
  fraction(a.over * b.under - b.over * a.under, a.under * b.under);
export const times = (a: Rational, b: Rational) => fraction(a.over * b.over, a.under * b.under);
export const over = (a: Rational, b: Rational) => fraction(a.over * b.under, a.under * b.over);
export const less = (a: Rational, b: Rational) => a.over * b.under < b.over * a.under;
export const size = (a: Rational) => (a.over < 0n ? fraction(-a.over, a.under) : a);
export const sum = (parts: Rational[]) => parts.reduce(plus, ZERO);

/** The smallest multiple of `step` that is not below `a`; `a` and `step` are not negative. */
export function upTo(a: Rational, step: Rational): Rational {
  const steps = over(a, step);
  const whole = steps.over / steps.under;
  return times(steps.over % steps.under === 0n ? fraction(whole) : fraction(whole + 1n), step);
}

/** Rounded to 4 decimals, half away from zero. */
export function rounded(a: Rational): Rational {
  const twice = size(a).over * 20_000n + a.under;
  const whole = twice / (2n * a.under);
  return fraction(a.over < 0n ? -whole : whole, 10_000n);
}

/** Written with 4 decimals, half away from zero. */
export function text(a: Rational): string {
  const { over: top, under } = rounded(a);
  const whole = (size({ over: top, under }).over * 10_000n) / under;
  const digits = whole.toString().padStart(5, "0");
  return `${top < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}
