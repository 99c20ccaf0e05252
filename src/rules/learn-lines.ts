/**
 * Learns from measured currents which grid lines a car uses. A line is freed only after several readings that show
 * the car charging without it; any current on a freed or unexpected line takes that line back at once.
 */
import type { EvseSpec } from "../model/circuit.ts";
import { lineMask } from "./allocate-tree.ts";
import { type Amps3, NO_CURRENT_A, onGridLines } from "./currents.ts";

export interface LearntLines {
  /** Grid lines as bits; what the allocation and the envelopes count. */
  mask: number;
  /** Current flows on a line the EVSE is not wired to by the config. */
  unexpected: boolean;
  /** Lines seen in use by readings in a row that agree, how many of them, and since when (ms, monotonic). */
  candidate: number;
  agreeing: number;
  sinceMs: number;
}

const READINGS = 3;
const SPAN_MS = 10_000;

export function unlearntLines(spec: EvseSpec): LearntLines {
  return {
    mask: lineMask(spec.phaseOrder, spec.phases),
    unexpected: false,
    candidate: 0,
    agreeing: 0,
    sinceMs: 0,
  };
}

/**
 * The state after a reading of the EVSE's own conductors at `nowMs`. A car that draws less than the EVSE's minimum on
 * every line proves nothing about lines it does not use.
 */
export function learnLines(before: LearntLines, spec: EvseSpec, own: Amps3, nowMs: number): LearntLines {
  const grid = onGridLines(spec, own);
  const wired = lineMask(spec.phaseOrder, spec.phases);
  let used = 0;
  grid.forEach((a, line) => {
    if (a >= NO_CURRENT_A) used |= 1 << line;
  });
  const unexpected = (used & ~wired) !== 0;
  const beyond = (used & ~before.mask) !== 0;
  const mask = beyond ? before.mask | used | wired : before.mask;
  const charging = Math.max(...grid) >= 0.8 * Math.max(spec.minA, NO_CURRENT_A);
  if (!charging) return { ...before, mask, unexpected: before.unexpected || unexpected, agreeing: 0 };
  if (used !== before.candidate || before.agreeing === 0)
    return { mask, unexpected, candidate: used, agreeing: 1, sinceMs: nowMs };
  const agreeing = before.agreeing + 1;
  const proven = agreeing >= READINGS && nowMs - before.sinceMs >= SPAN_MS;
  return {
    mask: proven ? used : mask,
    unexpected,
    candidate: used,
    agreeing,
    sinceMs: before.sinceMs,
  };
}
