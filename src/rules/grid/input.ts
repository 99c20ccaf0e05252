/** What a digital input says when nobody can read it: what it said last for a while, then the safe side. */

/** How long the last word of an input that cannot be read still counts, ms. */
export const INPUT_KEPT_MS = 60_000;

export interface InputMemory {
  /** The last state that was read; null before the first. */
  closed: boolean | null;
  /** When it was read; before the first reading, since when it is waited for. Depot time, monotonic, ms. */
  atMs: number;
}

/**
 * Whether the input counts as closed, which is an order in force; null before anybody knows. Silent for longer than
 * `INPUT_KEPT_MS` it counts as closed: a broken wire must not lift an order.
 */
export function countsAsClosed({ closed, atMs }: InputMemory, nowMs: number): boolean | null {
  return nowMs - atMs > INPUT_KEPT_MS ? true : closed;
}
