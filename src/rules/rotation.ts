/**
 * Takes turns among EVSEs that wait for a minimum when not all minima fit: who held one for longer than a turn goes
 * behind all of its class that wait, longest waiting first. Pure: the memory of one time is the argument of the next.
 *
 * Only the order of admission changes, so a turn ends only where the room it leaves goes to one that waits; on another
 * branch nothing happens. Who was given a turn holds its place while its car wakes up, and whoever has just been paused
 * does not count as waiting until its minimum off-time is over: both keep turns from being cut short.
 */
import { RANK } from "./allocation.ts";

/** What is known of an EVSE now. */
export interface TurnFacts {
  /** One of `RANK`, as its demand has it. */
  rank: number;
  /** Weight of its class; only EVSEs of one class take turns. */
  classWeight: number;
  /** It may have its minimum: plugged, not on standby, with a cap of at least that. */
  wants: boolean;
  /** It would want, but its minimum off-time is not over. */
  pausing: boolean;
  /** The last limit sent is above 0. */
  offered: boolean;
}

export interface TurnMemory {
  /** Monotonic ms; null while it does not, as `waitsSinceMs`. */
  holdsSinceMs: number | null;
  waitsSinceMs: number | null;
  /** Of all turns that ended, ms: of those that wait equally long, who had less goes first. */
  heldMs: number;
}

export interface Turns {
  memory: TurnMemory[];
  /** Per EVSE: its rank for `AllocationInput`, `RANK.waiting` for one whose turn is over. */
  rank: Uint8Array;
  /** Per EVSE: `AllocationInput.order`. */
  order: Float64Array;
  /** Per EVSE: `AllocationInput.resting`. */
  resting: Uint8Array;
}

export const TURN_MS = 30 * 60_000;

export const noTurn: TurnMemory = { holdsSinceMs: null, waitsSinceMs: null, heldMs: 0 };

/** `before` by EVSE, as `facts`. `turnMs` should be no less than the minimum on-time. */
export function takeTurns(
  before: readonly TurnMemory[],
  facts: readonly TurnFacts[],
  turnMs: number,
  nowMs: number,
): Turns {
  const memory = facts.map((f, i): TurnMemory => {
    const { holdsSinceMs, waitsSinceMs, heldMs } = before[i] ?? noTurn;
    const holds = f.wants && f.offered;
    const waits = !holds && (f.wants || f.pausing);
    if (!holds && !waits) return noTurn;
    return {
      heldMs: waits && holdsSinceMs !== null ? heldMs + nowMs - holdsSinceMs : heldMs,
      holdsSinceMs: holds ? (holdsSinceMs ?? nowMs) : null,
      waitsSinceMs: waits ? (waitsSinceMs ?? nowMs) : null,
    };
  });
  const rank = Uint8Array.from(facts, (f) => f.rank);
  const order = new Float64Array(facts.length);
  const resting = new Uint8Array(facts.length);

  const takesPart = (f: TurnFacts) => f.rank === RANK.running || f.rank === RANK.waiting;
  const byClass = Map.groupBy(
    [...facts.keys()].filter((i) => takesPart(facts[i] as TurnFacts)),
    (i) => (facts[i] as TurnFacts).classWeight,
  );
  for (const members of byClass.values()) {
    const holders = members.filter((i) => memory[i]?.holdsSinceMs !== null);
    const waiting = members.filter((i) => memory[i]?.waitsSinceMs !== null && facts[i]?.wants);
    if (waiting.length === 0 || holders.length === 0) continue;
    const since = (i: number) => memory[i]?.holdsSinceMs ?? memory[i]?.waitsSinceMs ?? nowMs;
    const over = holders.filter((i) => nowMs - since(i) >= turnMs);
    const held = (i: number) => memory[i]?.heldMs ?? 0;
    // Of those whose turn is over, the one that held longest is the first to go.
    const queue = [
      ...waiting.toSorted((a, b) => since(a) - since(b) || held(a) - held(b) || a - b),
      ...over.toSorted((a, b) => since(b) - since(a) || a - b),
    ];
    queue.forEach((i, place) => {
      order[i] = 1 + place;
      resting[i] = 1;
    });
    for (const i of over) rank[i] = RANK.waiting;
  }
  return { memory, rank, order, resting };
}
