/** Seeded draws: the same seed gives the same depot on every machine. */

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  between(low: number, high: number): number;
  /** True with probability `chance`. */
  happens(chance: number): boolean;
  normal(mean: number, deviation: number): number;
  /** exp of a normal: `mu` and `sigma` are those of the logarithm. */
  logNormal(mu: number, sigma: number): number;
  hex(digits: number): string;
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded from one integer. */
export function createRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed | 0;
  let d = 1;
  const word = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t >>> 0;
  };
  for (let i = 0; i < 16; i++) word();
  const next = () => word() / 2 ** 32;
  const normal = (mean: number, deviation: number) =>
    mean + deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    happens: (chance) => next() < chance,
    normal,
    logNormal: (mu, sigma) => Math.exp(normal(mu, sigma)),
    hex: (digits) => Array.from({ length: digits }, () => (word() & 15).toString(16)).join(""),
  };
}
