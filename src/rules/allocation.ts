/** Question and answer of the allocation: plain typed arrays, so that the call crosses threads cheaply. */
import { LIMIT_REASONS, type LimitReason } from "../model/messages.ts";

/** Order in which minima are admitted; of running and waiting EVSEs a higher class goes first, whichever runs. */
export const RANK = {
  /** Must be served whatever it costs others: its `targetA` is admitted, not only its minimum. */
  urgent: 0,
  /** Running for less than the minimum on-time. */
  justStarted: 1,
  running: 2,
  waiting: 3,
  /** Offered its minimum only from what nobody else can use. */
  standby: 4,
} as const;

export interface AllocationInput {
  /** Per circuit: index of the parent, -1 for a root, in preorder (see `CircuitTree`). */
  parent: Int32Array;
  /** Per circuit and line, `3 * circuit + line`: A that charging may use. Negative or NaN is no room. */
  roomA: Float64Array;
  /** Per EVSE: its circuit. */
  circuit: Int32Array;
  /** Per EVSE: the grid lines it uses, as bits (1 for L1, 2 for L2, 4 for L3). */
  lines: Uint8Array;
  /** Per EVSE: A per used line; it gets 0 or at least this. */
  minA: Float64Array;
  /** Per EVSE: A per used line it may use at most; 0 shuts it out. */
  capA: Float64Array;
  /** Per EVSE: what set `capA`, as index into `LIMIT_REASONS`; the reason when the EVSE gets all of it. */
  capReason: Uint8Array;
  weight: Float64Array;
  /** Per EVSE: one of `RANK`. */
  rank: Uint8Array;
  /** Per EVSE: the smallest change its station knows, in A (0.1 or more). */
  stepA: Float64Array;
  /** Per EVSE: A that a plan wants for it, admitted before others fill up (0 or absent: no plan). */
  targetA?: Float64Array;
  /**
   * Per circuit: W that charging may use, all lines together; Infinity for no such limit, negative or NaN is no room.
   * Counted as lines times amperes times `voltageV`; a DC EVSE counts with its AC side, three lines.
   */
  roomW?: Float64Array;
  /** V, line to neutral, that turns amperes into watts; 230 when absent. */
  voltageV?: number;
  /** Per circuit: why `roomW` is what it is, as index into `LIMIT_REASONS`; `power_limit` when absent. */
  powerReason?: Uint8Array;
  /** Per circuit: A by which its highest line may exceed its lowest; Infinity for no such limit. */
  unbalanceA?: Float64Array;
  /** Per circuit and line, `3 * circuit + line`: A of other load, which counts for `unbalanceA` only. */
  otherA?: Float64Array;
  /**
   * Per EVSE: A that it draws now, per used line; what a car on the lower line is counted with for `unbalanceA`, up to
   * its limit. Absent: all draw what they may.
   */
  drawnA?: Float64Array;
  /** Per EVSE: weight of its priority class; within a rank higher goes first when not all minima fit. 1 when absent. */
  classWeight?: Float64Array;
  /** Per EVSE: tie-break within rank and class, lower first (see `rotation.ts`); its index when absent. */
  order?: Float64Array;
  /** Per EVSE: 1 when it waits for its turn (see `rotation.ts`): the reason, should its minimum not fit. */
  resting?: Uint8Array;
}

export interface Allocation {
  /** Per EVSE: A per used line. */
  limitA: Float64Array;
  /** Per EVSE: index into `LIMIT_REASONS`. */
  reason: Uint8Array;
  /** Per EVSE: key of the constraint that bound it (see `boundKey`), -1 for none. */
  boundBy: Int32Array;
}

export function reasonCode(reason: LimitReason): number {
  return LIMIT_REASONS.indexOf(reason);
}

export function reasonOf(code: number): LimitReason {
  const reason = LIMIT_REASONS[code];
  if (reason === undefined) throw new RangeError(`no limit reason has code ${code}`);
  return reason;
}
