/** Why each EVSE got what it got, and which line or power limit bound it (promise 8). */
import type { Rates, Room } from "./allocate-room.ts";
import { BOUNDS, boundCircuit, POWER } from "./allocate-tree.ts";
import { type Allocation, type AllocationInput, reasonCode } from "./allocation.ts";
import type { Shares } from "./share-out.ts";
import type { Balance } from "./unbalance.ts";

const BELOW_MINIMUM = reasonCode("below_minimum");
const FAIR_SHARE = reasonCode("fair_share");
const CIRCUIT_LIMIT = reasonCode("circuit_limit");
const HIGHER_CLASS = reasonCode("higher_class");
const POWER_LIMIT = reasonCode("power_limit");
const UNBALANCE = reasonCode("unbalance");
const ROTATION = reasonCode("rotation");

/** `cap`: what each may hold in the end, in tenths of A. */
export function reasonsOf(
  input: AllocationInput,
  room: Room,
  { min, step }: Rates,
  cap: Int32Array,
  { admitted, wanted }: Shares,
  classes: Float64Array | null,
  balance: Balance | null,
): Allocation {
  const { at, keys, per, left, got } = room;
  const n = got.length;

  const sharers = new Int32Array(left.length);
  for (let i = 0; i < n; i++)
    if (got[i])
      for (let x = at[i] as number; x < (at[i + 1] as number); x++) {
        const k = keys[x] as number;
        sharers[k] = (sharers[k] as number) + 1;
      }
  /** The highest class on each constraint: of all that hold something, and of those that a plan gave more. */
  const holding = classes && highest(room, classes, (i) => (got[i] as number) > 0);
  const planned = classes && highest(room, classes, (i) => wanted[i] === 1);

  /** The tightest constraint over EVSE `i`; of equals the one nearest to it. */
  const tightest = (i: number): number => {
    let bound = -1;
    let least = 0;
    for (let x = at[i] as number; x < (at[i + 1] as number); x++) {
      const k = keys[x] as number;
      const here = Math.floor((left[k] as number) / (per[x] as number));
      if (bound < 0 || here < least) {
        bound = k;
        least = here;
      }
    }
    return bound;
  };
  const outranked = (i: number, key: number, top: Float64Array | null) =>
    key >= 0 && classes !== null && top !== null && (classes[i] as number) < (top[key] as number);
  const ofPower = (key: number) =>
    key % BOUNDS === POWER ? (input.powerReason?.[boundCircuit(key)] ?? POWER_LIMIT) : null;

  const limitA = new Float64Array(n);
  const reason = new Uint8Array(n);
  const boundBy = new Int32Array(n).fill(-1);
  for (let i = 0; i < n; i++) {
    const held = got[i] as number;
    limitA[i] = held / 10;
    const next = admitted[i] ? (step[i] as number) : Math.max(1, min[i] as number);
    if ((cap[i] as number) <= 0 || (cap[i] as number) < held + next) {
      reason[i] = input.capReason[i] as number;
      continue;
    }
    const apart = balance !== null && room.most(i) >= next ? balance.blocks(i, next) : -1;
    const key = apart >= 0 ? apart : tightest(i);
    boundBy[i] = key;
    if (apart >= 0) reason[i] = UNBALANCE;
    else if (!admitted[i])
      reason[i] = input.resting?.[i]
        ? ROTATION
        : outranked(i, key, holding)
          ? HIGHER_CLASS
          : (ofPower(key) ?? BELOW_MINIMUM);
    else if (outranked(i, key, planned)) reason[i] = HIGHER_CLASS;
    else reason[i] = ofPower(key) ?? ((sharers[key] as number) > 1 ? FAIR_SHARE : CIRCUIT_LIMIT);
  }
  return { limitA, reason, boundBy };
}

function highest(room: Room, classes: Float64Array, counts: (i: number) => boolean): Float64Array {
  const { at, keys, left, got } = room;
  const top = new Float64Array(left.length).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < got.length; i++) {
    if (!counts(i)) continue;
    for (let x = at[i] as number; x < (at[i + 1] as number); x++) {
      const k = keys[x] as number;
      top[k] = Math.max(top[k] as number, classes[i] as number);
    }
  }
  return top;
}
