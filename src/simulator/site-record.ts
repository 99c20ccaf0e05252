/** The true current of the site per line, held against its limit at every step of the simulation. */
import type { PerLine } from "../model/circuit.ts";

type LineMa = [number, number, number];

export interface SiteRecord {
  /** The site draws `lineMa` now. */
  note(lineMa: readonly [number, number, number]): void;
  readonly nowA: PerLine;
  readonly peakA: PerLine;
  /** Steps at which at least one line was over the limit. */
  readonly violations: number;
  /** Furthest over the limit on any line, A. */
  readonly worstOverA: number;
}

/** Rounding of limits to 0.1 A never reaches this; a real excess does. */
const TOLERANCE_MA = 100;

export function createSiteRecord(limitA: PerLine | null): SiteRecord {
  const limitMa = limitA?.map((a) => a * 1000) ?? null;
  const now: LineMa = [0, 0, 0];
  const peak: LineMa = [0, 0, 0];
  let violations = 0;
  let worstMa = 0;
  const inAmperes = (ma: LineMa): PerLine => [ma[0] / 1000, ma[1] / 1000, ma[2] / 1000];
  return {
    note(lineMa) {
      let overMa = 0;
      for (const line of [0, 1, 2] as const) {
        now[line] = lineMa[line];
        peak[line] = Math.max(peak[line], lineMa[line]);
        overMa = Math.max(overMa, lineMa[line] - (limitMa?.[line] ?? Number.POSITIVE_INFINITY));
      }
      if (overMa <= TOLERANCE_MA) return;
      violations++;
      worstMa = Math.max(worstMa, overMa);
    },
    get nowA() {
      return inAmperes(now);
    },
    get peakA() {
      return inAmperes(peak);
    },
    get violations() {
      return violations;
    },
    get worstOverA() {
      return worstMa / 1000;
    },
  };
}
