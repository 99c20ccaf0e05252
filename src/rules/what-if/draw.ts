/**
 * What vehicles draw in a slot. The fast layer answers within seconds: when a vehicle has all it wants in the middle of
 * a slot, the rest of its share goes to others at once. A rate in a trace is the mean of its slot, so whoever is bound
 * to steps keeps its rate for the whole slot, and nobody starts in the middle of one.
 */
import { RANK } from "../allocate.ts";
import type { Limits } from "../plan/joint-room.ts";
import { type Claim, shareOut } from "../plan/share-out.ts";

export interface Drawn {
  /** Mean of the slot. */
  rate: number;
  /** It took less than it was offered. */
  full: boolean;
}

/** From the last change of a draw to the new rates of the others. */
const REACTION_MS = 30_000;

export function drawSlot(
  limits: Limits,
  claims: readonly Claim[],
  wants: readonly { leftKwh: number }[],
  slotMs: number,
): Drawn[] {
  const hoursOf = (ms: number) => ms / 3_600_000;
  const left = wants.map((w) => w.leftKwh);
  const mean = claims.map(() => 0);
  let offered = shareOut(limits, claims);
  const full = claims.map(() => false);
  const lastStep = claims.map(() => false);
  for (let from = 0; from < slotMs; ) {
    let until = slotMs;
    claims.forEach(({ kwPerUnit, step }, i) => {
      const rate = offered[i] as number;
      if (full[i] || rate <= 0 || step > 0) return;
      const fullAt = from + ((left[i] as number) / (rate * kwPerUnit)) * 3_600_000;
      until = Math.min(until, Math.max(fullAt, from) + REACTION_MS);
    });
    claims.forEach(({ kwPerUnit, step }, i) => {
      const rate = offered[i] as number;
      if (full[i] || rate <= 0) return;
      const perUnit = kwPerUnit * hoursOf(until - from);
      let drawn = Math.min(rate, (left[i] as number) / perUnit);
      if (step > 0) {
        const whole = (left[i] as number) / (kwPerUnit * hoursOf(slotMs));
        const fits = Math.floor(whole / step + 1e-6) * step;
        lastStep[i] = fits < rate - 1e-9;
        drawn = Math.min(rate, fits);
      }
      full[i] = step > 0 ? false : drawn < rate;
      mean[i] = (mean[i] as number) + (drawn * (until - from)) / slotMs;
      if (step === 0) left[i] = full[i] ? 0 : (left[i] as number) - drawn * perUnit;
    });
    from = until;
    if (from >= slotMs) break;
    const before = offered;
    offered = shareOut(
      limits,
      claims.map((claim, i): Claim => {
        const rate = before[i] as number;
        const fixed = claim.step > 0 || (claim.min > 0 && rate === 0);
        return {
          ...claim,
          target: full[i] ? 0 : rate,
          cap: full[i] ? 0 : fixed ? rate : claim.cap,
          rank: RANK.running,
        };
      }),
    );
  }
  return claims.map(({ step }, i) => {
    const rate = step > 0 ? Math.round((mean[i] as number) / step) * step : (mean[i] as number);
    return { rate, full: full[i] === true || lastStep[i] === true };
  });
}
