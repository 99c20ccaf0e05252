/**
 * What else draws on a metered circuit line: the meter less the charging below it, measured at the same moment. Cars
 * that ramp up before their own reading arrives look like other load for a while; three answers keep that from
 * causing needless cuts and from hiding a real jump.
 */

export interface OtherLoadInput {
  /** A, by the circuit's meter; negative is export. */
  meterA: number;
  /** A of charging below the circuit at the time of that reading. */
  chargingA: number;
  /** A that cars may have ramped up since their last readings: the sum of envelope less reading. */
  unseenRampA: number;
  limitA: number;
  /** The lowest `nowA` of the last few seconds: what a jump is compared with. */
  recentLeastA: number;
  /**
   * The highest other load of the raise delay or longer, counting as other load all charging that no current reading
   * proves.
   */
  recentMostA: number;
  /** Whether own production that exceeds other load makes more room for charging. */
  exportIsRoom: boolean;
}

export interface OtherLoad {
  /** The plain difference. */
  nowA: number;
  /** What cuts are computed with: a jump that cars' own ramp may explain waits, unless the limit is exceeded. */
  forCutsA: number;
  /** What raises must leave room for. */
  forRaisesA: number;
}

export function otherLoad(input: OtherLoadInput): OtherLoad {
  const nowA = input.meterA - input.chargingA;
  const certain = nowA - Math.max(0, input.unseenRampA);
  const overloaded = input.meterA > input.limitA;
  const cuts = overloaded ? nowA : Math.max(certain, Math.min(nowA, input.recentLeastA));
  const raises = Math.max(nowA, input.recentMostA);
  const least = input.exportIsRoom ? Number.NEGATIVE_INFINITY : 0;
  return { nowA, forCutsA: Math.max(least, cuts), forRaisesA: Math.max(least, raises) };
}

/**
 * What is implausible in a circuit meter's reading, in words; null when it may be believed. `lastA` is the last reading
 * that was: a meter whose current clamps were turned shows the mirror image of what flows.
 */
export function implausibleMeter(
  currentA: readonly number[],
  limitA: readonly number[],
  lastA: readonly number[] | null,
): string | null {
  if (currentA.length !== 3) return `currents of ${currentA.length} lines; a circuit's meter reports three`;
  let mirrored = 0;
  let loaded = 0;
  for (let p = 0; p < 3; p++) {
    const a = currentA[p] as number;
    const most = 5 * Math.max(...limitA) + 100;
    if (!Number.isFinite(a) || Math.abs(a) > most)
      return `${a} A on L${p + 1}; more than ${most} A cannot be`;
    const last = lastA?.[p] ?? 0;
    if (last < MIRROR_FROM_A) continue;
    loaded++;
    if (a < 0 && Math.abs(a + last) <= 0.1 * last + 1) mirrored++;
  }
  if (loaded > 0 && mirrored === loaded)
    return `${currentA.join(", ")} A straight after ${lastA?.join(", ")} A: the sign has flipped`;
  return null;
}

/** Lines that carry less say nothing about a flipped sign. */
const MIRROR_FROM_A = 5;
