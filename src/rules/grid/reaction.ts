/**
 * Whether an order is kept, as the meter shows it. BNetzA BK6-22-300, Anlage 1, 7 asks for proof of each order and of
 * the reaction to it.
 */

export interface Reaction {
  /** Since when the circuit has been above the order without a break, or the order waits for its first verdict, ms. */
  overSinceMs: number | null;
  verdict: "waiting" | "met" | "missed";
}

export interface Measured {
  nowMs: number;
  /** What the order asks to be low: the draw of the circuit, W; null when nothing believable is measured. */
  powerW: number | null;
  limitW: number;
  /** How long it may take, ms. */
  reactionMs: number;
}

/** A verdict that is news. */
export interface Verdict {
  met: boolean;
  powerW: number | null;
  /** From the start, or from when it was exceeded, ms. */
  afterMs: number;
}

export const firstReaction = (startMs: number): Reaction => ({ overSinceMs: startMs, verdict: "waiting" });

/** The next state, and the verdict when it changes. A moment above the order is none: only one that lasts. */
export function reactionAfter(
  { overSinceMs, verdict }: Reaction,
  { nowMs, powerW, limitW, reactionMs }: Measured,
): { reaction: Reaction; news: Verdict | null } {
  const isUnder = powerW !== null && powerW <= limitW;
  const sinceMs = overSinceMs ?? nowMs;
  const afterMs = Math.max(0, nowMs - sinceMs);
  if (isUnder) {
    const news = verdict === "met" ? null : { met: true, powerW, afterMs };
    return { reaction: { overSinceMs: null, verdict: "met" }, news };
  }
  if (verdict !== "missed" && afterMs > reactionMs)
    return {
      reaction: { overSinceMs: sinceMs, verdict: "missed" },
      news: { met: false, powerW, afterMs },
    };
  return { reaction: { overSinceMs: sinceMs, verdict }, news: null };
}
