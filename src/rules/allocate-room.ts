/**
 * The room of every circuit line and power limit in whole tenths of an ampere, and what each EVSE holds of it: integers,
 * so that no sum ever exceeds a limit by rounding.
 */
import { BOUNDS, POWER } from "./allocate-tree.ts";
import type { AllocationInput } from "./allocation.ts";

/** Larger than any sum of currents in tenths, small enough for 32-bit integers. */
export const UNLIMITED = 1_000_000_000;
/** Tenths; swallows binary dust such as 64.1 * 10 = 640.9999999999999. */
export const DUST = 1e-6;
/** V, line to neutral, where the input names none. */
const NOMINAL_V = 230;

export function tenthsDown(amps: number): number {
  return Number.isNaN(amps) ? 0 : Math.max(-UNLIMITED, Math.min(UNLIMITED, Math.floor(amps * 10 + DUST)));
}

/** How many lines a mask names. */
const linesIn = (mask: number) => (mask & 1) + ((mask >> 1) & 1) + ((mask >> 2) & 1);

function tenthsUp(amps: number): number {
  return Number.isNaN(amps) ? UNLIMITED : Math.min(UNLIMITED, Math.ceil(amps * 10 - DUST));
}

/** Per EVSE, in tenths of A on the station's steps: what it may hold. */
export interface Rates {
  step: Int32Array;
  min: Int32Array;
  cap: Int32Array;
  /** What a plan wants, at most `cap`; 0 for none. */
  target: Int32Array;
}

export function ratesOf({ stepA, minA, capA, targetA }: AllocationInput): Rates {
  const n = minA.length;
  const step = new Int32Array(n);
  const min = new Int32Array(n);
  const cap = new Int32Array(n);
  const target = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const s = Math.max(1, tenthsUp(stepA[i] as number));
    step[i] = s;
    min[i] = Math.ceil(Math.max(0, tenthsUp(minA[i] as number)) / s) * s;
    const most = Math.floor(Math.max(0, tenthsDown(capA[i] as number)) / s) * s;
    cap[i] = most;
    if (targetA !== undefined)
      target[i] = Math.min(most, Math.floor(Math.max(0, tenthsDown(targetA[i] as number)) / s) * s);
  }
  return { step, min, cap, target };
}

export interface Room {
  /** The constraints over EVSE `i`, from its own circuit up: `keys[at[i] .. at[i + 1]]`, each a `boundKey`. */
  at: Int32Array;
  keys: Int32Array;
  /** Beside `keys`: how often a tenth of the EVSE counts there: 1 on a line, its number of lines for power. */
  per: Uint8Array;
  /** Per constraint, tenths of A; of power: tenths of A summed over lines. */
  left: Int32Array;
  /** Per EVSE, tenths of A per line. */
  got: Int32Array;
  /** Tenths that `i` could have more. */
  most(i: number): number;
  /** Negative takes back. */
  give(i: number, tenths: number): void;
}

export function createRoom(input: AllocationInput): Room {
  const { parent, circuit, lines, roomA, roomW } = input;
  const n = circuit.length;
  const left = new Int32Array(parent.length * BOUNDS).fill(UNLIMITED);
  const limited = new Uint8Array(parent.length);
  const volts = input.voltageV ?? NOMINAL_V;
  for (let c = 0; c < parent.length; c++) {
    for (let p = 0; p < 3; p++) left[c * BOUNDS + p] = tenthsDown(roomA[c * 3 + p] as number);
    const watts = roomW?.[c] ?? Number.POSITIVE_INFINITY;
    if (watts === Number.POSITIVE_INFINITY) continue;
    limited[c] = 1;
    left[c * BOUNDS + POWER] = tenthsDown(watts / volts);
  }

  /** Circuits from each up to its root, and how many of them have a limit in W. */
  const depth = new Int32Array(parent.length);
  const powers = new Int32Array(parent.length);
  for (let c = 0; c < parent.length; c++) {
    const up = parent[c] as number;
    depth[c] = 1 + (up < 0 ? 0 : (depth[up] as number));
    powers[c] = (limited[c] as number) + (up < 0 ? 0 : (powers[up] as number));
  }
  const at = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) {
    const used = linesIn(lines[i] as number);
    const c = circuit[i] as number;
    const count = used === 0 ? 0 : used * (depth[c] as number) + (powers[c] as number);
    at[i + 1] = (at[i] as number) + count;
  }
  const keys = new Int32Array(at[n] as number);
  const per = new Uint8Array(keys.length).fill(1);
  for (let i = 0, x = 0; i < n; i++) {
    const mask = lines[i] as number;
    if ((mask & 7) === 0) continue;
    for (let c = circuit[i] as number; c >= 0; c = parent[c] as number) {
      const k = c * BOUNDS;
      if (mask & 1) keys[x++] = k;
      if (mask & 2) keys[x++] = k + 1;
      if (mask & 4) keys[x++] = k + 2;
      if (limited[c] === 0) continue;
      per[x] = linesIn(mask);
      keys[x++] = k + POWER;
    }
  }
  const got = new Int32Array(n);

  return {
    at,
    keys,
    per,
    left,
    got,
    most(i) {
      let room = UNLIMITED;
      const to = at[i + 1] as number;
      for (let x = at[i] as number; x < to; x++) {
        const l = left[keys[x] as number] as number;
        if (l < room * (per[x] as number)) room = Math.floor(l / (per[x] as number));
      }
      return room;
    },
    give(i, tenths) {
      got[i] = (got[i] as number) + tenths;
      const to = at[i + 1] as number;
      for (let x = at[i] as number; x < to; x++) {
        const k = keys[x] as number;
        left[k] = (left[k] as number) - tenths * (per[x] as number);
      }
    },
  };
}
