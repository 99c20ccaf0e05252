/**
 * Shares the room of a circuit tree among EVSEs: minima first, in rank order; then weighted max-min fairness by water
 * filling (Radunovic and Le Boudec, "A unified framework for max-min and min-max fairness"); then rounded down to each
 * station's step and the left-over steps handed out in rank order.
 *
 * Currents are counted in whole tenths of an ampere, so that no sum ever exceeds a limit by rounding. The result is
 * deterministic: ties go to the lower index. No limit is exceeded on any line, and every EVSE gets 0 or at least its
 * minimum. Plain typed arrays in and out: the call crosses threads cheaply.
 */
import { LIMIT_REASONS, type LimitReason } from "../model/messages.ts";
import { BOUNDS } from "./allocate-tree.ts";
import { waterFill } from "./water-fill.ts";

/** Order in which minima are admitted. */
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

const BELOW_MINIMUM = reasonCode("below_minimum");
const FAIR_SHARE = reasonCode("fair_share");
const CIRCUIT_LIMIT = reasonCode("circuit_limit");

/** Larger than any sum of currents in tenths, small enough for 32-bit integers. */
const UNLIMITED = 1_000_000_000;
/** Tenths; swallows binary dust such as 64.1 * 10 = 640.9999999999999. */
const DUST = 1e-6;

function tenthsDown(amps: number): number {
  return Number.isNaN(amps) ? 0 : Math.max(-UNLIMITED, Math.min(UNLIMITED, Math.floor(amps * 10 + DUST)));
}

function tenthsUp(amps: number): number {
  return Number.isNaN(amps) ? UNLIMITED : Math.min(UNLIMITED, Math.ceil(amps * 10 - DUST));
}

/** Throws a RangeError when the circuits are not in preorder or an EVSE names no circuit. */
export function allocate(input: AllocationInput): Allocation {
  const { parent, circuit, lines, rank, capReason } = input;
  const n = circuit.length;
  checkShape(input);

  const left = new Int32Array(parent.length * BOUNDS).fill(UNLIMITED);
  for (let c = 0; c < parent.length; c++)
    for (let p = 0; p < 3; p++) left[c * BOUNDS + p] = tenthsDown(input.roomA[c * 3 + p] as number);
  const step = new Int32Array(n);
  const min = new Int32Array(n);
  const cap = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const s = Math.max(1, tenthsUp(input.stepA[i] as number));
    step[i] = s;
    min[i] = Math.ceil(Math.max(0, tenthsUp(input.minA[i] as number)) / s) * s;
    cap[i] = Math.floor(Math.max(0, tenthsDown(input.capA[i] as number)) / s) * s;
  }

  const got = new Int32Array(n);
  const admitted = new Uint8Array(n);
  const order = byRank(rank);

  const { at, keys } = constraintsOver(parent, circuit, lines);
  const most = (i: number): number => {
    let room = UNLIMITED;
    const to = at[i + 1] as number;
    for (let x = at[i] as number; x < to; x++) {
      const l = left[keys[x] as number] as number;
      if (l < room) room = l;
    }
    return room;
  };
  const give = (i: number, tenths: number): void => {
    got[i] = (got[i] as number) + tenths;
    const to = at[i + 1] as number;
    for (let x = at[i] as number; x < to; x++) {
      const k = keys[x] as number;
      left[k] = (left[k] as number) - tenths;
    }
  };
  const admit = (i: number): void => {
    const lo = min[i] as number;
    const hi = cap[i] as number;
    if (hi <= 0 || hi < lo) return;
    const room = most(i);
    if (lo > 0 && room < lo) return;
    admitted[i] = 1;
    const s = step[i] as number;
    const wanted = Math.min(hi, Math.floor(tenthsDown(input.targetA?.[i] ?? 0) / s) * s);
    const possible = Math.max(0, Math.floor(room / s) * s);
    const first = Math.max(lo, Math.min(wanted, possible));
    if (first > 0) give(i, first);
  };

  for (const i of order) if ((rank[i] as number) < RANK.standby) admit(i);

  const level = waterFill({
    parent,
    circuit,
    lines,
    at,
    keys,
    left,
    base: got,
    cap,
    weight: input.weight,
    admitted,
  });
  for (let i = 0; i < n; i++) {
    if (!admitted[i]) continue;
    const s = step[i] as number;
    const whole = Math.floor((level[i] as number) / s + DUST) * s;
    // Rounding may lift a rate by a hair over its line's room; what fits is the last word.
    const more = Math.min(whole - (got[i] as number), Math.floor(most(i) / s) * s);
    if (more > 0) give(i, more);
  }

  // Room only shrinks, so whoever cannot rise once never can again.
  let hopeful = [...order].filter((i) => admitted[i]);
  while (hopeful.length > 0)
    hopeful = hopeful.filter((i) => {
      const s = step[i] as number;
      if ((got[i] as number) + s > (cap[i] as number) || most(i) < s) return false;
      give(i, s);
      return true;
    });
  for (const i of order) if ((rank[i] as number) >= RANK.standby) admitStandby(i);

  function admitStandby(i: number): void {
    const lo = min[i] as number;
    if (lo === 0 || (cap[i] as number) < lo || most(i) < lo) return;
    admitted[i] = 1;
    give(i, lo);
    cap[i] = lo;
  }

  const sharers = new Int32Array(left.length);
  for (let i = 0; i < n; i++)
    if (got[i])
      for (let x = at[i] as number; x < (at[i + 1] as number); x++) {
        const k = keys[x] as number;
        sharers[k] = (sharers[k] as number) + 1;
      }

  /** The tightest constraint over EVSE `i`; of equals the one nearest to it. */
  const tightest = (i: number): number => {
    let bound = -1;
    for (let x = at[i] as number; x < (at[i + 1] as number); x++) {
      const k = keys[x] as number;
      if (bound < 0 || (left[k] as number) < (left[bound] as number)) bound = k;
    }
    return bound;
  };

  const limitA = new Float64Array(n);
  const reason = new Uint8Array(n);
  const boundBy = new Int32Array(n).fill(-1);
  for (let i = 0; i < n; i++) {
    limitA[i] = (got[i] as number) / 10;
    if ((cap[i] as number) <= 0 || (cap[i] as number) < (min[i] as number)) {
      reason[i] = capReason[i] as number;
    } else if (!admitted[i]) {
      reason[i] = BELOW_MINIMUM;
      boundBy[i] = tightest(i);
    } else if ((got[i] as number) + (step[i] as number) > (cap[i] as number)) {
      reason[i] = capReason[i] as number;
    } else {
      const k = tightest(i);
      boundBy[i] = k;
      reason[i] = (sharers[k] as number) > 1 ? FAIR_SHARE : CIRCUIT_LIMIT;
    }
  }
  return { limitA, reason, boundBy };
}

/** EVSE indices by rank, then index. */
function byRank(rank: Uint8Array): Int32Array {
  const start = new Int32Array(257);
  for (const r of rank) start[r + 1] = (start[r + 1] as number) + 1;
  for (let r = 0; r < 256; r++) start[r + 1] = (start[r + 1] as number) + (start[r] as number);
  const order = new Int32Array(rank.length);
  rank.forEach((r, i) => {
    const at = start[r] as number;
    order[at] = i;
    start[r] = at + 1;
  });
  return order;
}

/** Per EVSE the constraints it loads, from its own circuit up: `keys[at[i] .. at[i + 1]]`. */
function constraintsOver(parent: Int32Array, circuit: Int32Array, lines: Uint8Array) {
  const n = circuit.length;
  const at = new Int32Array(n + 1);
  const keys: number[] = [];
  for (let i = 0; i < n; i++) {
    const mask = lines[i] as number;
    for (let c = circuit[i] as number; c >= 0; c = parent[c] as number)
      for (let p = 0; p < 3; p++) if (mask & (1 << p)) keys.push(c * BOUNDS + p);
    at[i + 1] = keys.length;
  }
  return { at, keys: new Int32Array(keys) };
}

function checkShape(input: AllocationInput): void {
  const { parent, circuit, roomA } = input;
  if (roomA.length !== parent.length * 3)
    throw new RangeError(`roomA has ${roomA.length} entries for ${parent.length} circuits; need three each`);
  parent.forEach((p, c) => {
    if (p >= c || p < -1 || !inPreorder(parent, c))
      throw new RangeError(`circuit ${c} has parent ${p}: circuits must be in preorder, see buildTree`);
  });
  circuit.forEach((c, i) => {
    if (!(c >= 0 && c < parent.length)) throw new RangeError(`EVSE ${i} is on circuit ${c}, which is none`);
  });
}

/** A circuit's parent is the one before it or an ancestor of that one. */
function inPreorder(parent: Int32Array, c: number): boolean {
  const p = parent[c] as number;
  if (p < 0) return true;
  for (let a = c - 1; a >= 0; a = parent[a] as number) if (a === p) return true;
  return false;
}
