/**
 * Shares the room of a circuit tree among EVSEs (see `share-out.ts`) within the limit of every line, every limit in W
 * and every limit of unbalance.
 *
 * Currents are counted in whole tenths of an ampere, so that no sum ever exceeds a limit by rounding. The result is
 * deterministic: ties go to the lower index. Every EVSE gets 0 or at least its minimum, on its station's steps, and
 * nobody could have more while the others keep what they have.
 */
import { admissionOrder, classesOf, tierOf } from "./allocate-order.ts";
import { reasonsOf } from "./allocate-reasons.ts";
import { createRoom, type Rates, type Room, ratesOf } from "./allocate-room.ts";
import { boundCircuit } from "./allocate-tree.ts";
import { type Allocation, type AllocationInput, RANK } from "./allocation.ts";
import { type Shares, shareOut } from "./share-out.ts";
import { type Balance, createBalance } from "./unbalance.ts";

export { type Allocation, type AllocationInput, RANK, reasonCode, reasonOf } from "./allocation.ts";

/** How often what cuts for unbalance set free is shared out anew before the rest is handed out in steps. */
const ROUNDS = 6;

/** Throws a RangeError when the circuits are not in preorder or an EVSE names no circuit. */
export function allocate(input: AllocationInput): Allocation {
  checkShape(input);
  const { rank } = input;
  const classes = classesOf(input);
  const order = admissionOrder(input, classes);
  const room = createRoom(input);
  const rates = ratesOf(input);
  const cap = rates.cap.slice();

  const shares = { admitted: new Uint8Array(rank.length), wanted: new Uint8Array(rank.length) };
  const sharing = { room, rates, order, classes, shares };
  shareOut(input, { ...sharing, give: room.give }, cap);
  const sameGroup = (a: number, b: number) =>
    rank[a] === rank[b] && (classes === null || classes[a] === classes[b]);
  const balance = createBalance(input, room, rates, order, sameGroup);
  if (balance !== null) {
    const most = cap.slice();
    for (let round = 0; ; round++) {
      const cut = balance.lower();
      for (const i of cut) {
        most[i] = room.got[i] as number;
        if (most[i] === 0) shares.admitted[i] = 0;
      }
      if (cut.length === 0 || round === ROUNDS) break;
      shareOut(input, { ...sharing, give: balance.give }, most);
    }
  }
  const rest = { room, rates, cap, shares, order, balance };
  if (balance !== null) raise(rank, rest, balance);
  while (admitStandby(rank, rest) && balance !== null) raise(rank, rest, balance);
  return reasonsOf(input, room, rates, cap, shares, classes, balance);
}

interface Rest {
  room: Room;
  rates: Rates;
  /** What each may hold; of who is admitted on standby, its minimum. */
  cap: Int32Array;
  shares: Shares;
  order: Int32Array;
  balance: Balance | null;
}

/**
 * Hands out what is left, minima first. One that rises on a low line may let another rise: so until nobody can. Room
 * only shrinks, so whoever finds none is done.
 */
function raise(rank: Uint8Array, rest: Rest, balance: Balance): void {
  const { room, rates, cap, shares, order } = rest;
  let out: number[] = [];
  let rising: number[] = [];
  for (const i of order)
    if (shares.admitted[i]) rising.push(i);
    else if ((rank[i] as number) < RANK.standby && (cap[i] as number) > 0) out.push(i);
  /** The circuit that held an EVSE, and its count of `eased` then. */
  const heldBy = new Int32Array(rank.length).fill(-1);
  const heldAt = new Int32Array(rank.length);
  let again = true;
  const climb = (i: number, tenths: number): "done" | "held" | "risen" => {
    if ((room.got[i] as number) + tenths > (cap[i] as number)) return "done";
    const by = heldBy[i] as number;
    if (by >= 0 && balance.eased[by] === heldAt[i]) return "held";
    // Before the longer look at the room: of those tried again and again most are held here.
    const key = balance.blocks(i, tenths);
    if (key >= 0) {
      const c = boundCircuit(key);
      heldBy[i] = c;
      heldAt[i] = balance.eased[c] as number;
      return "held";
    }
    if (room.most(i) < tenths) return "done";
    balance.give(i, tenths);
    again = true;
    return "risen";
  };
  while (again) {
    again = false;
    out = out.filter((i) => {
      const lo = rates.min[i] as number;
      if (lo > 0) {
        const went = climb(i, lo);
        if (went !== "risen") return went === "held";
      }
      shares.admitted[i] = 1;
      rising.push(i);
      return false;
    });
    rising = rising.filter((i) => climb(i, rates.step[i] as number) !== "done");
  }
}

/** Whether anyone was admitted. */
function admitStandby(rank: Uint8Array, { room, rates, cap, shares, order, balance }: Rest): boolean {
  const give = balance?.give ?? room.give;
  let any = false;
  for (const i of order) {
    const lo = rates.min[i] as number;
    if (tierOf(rank[i] as number) !== tierOf(RANK.standby) || shares.admitted[i] || lo === 0) continue;
    if ((cap[i] as number) < lo || room.most(i) < lo || (balance?.blocks(i, lo) ?? -1) >= 0) continue;
    shares.admitted[i] = 1;
    give(i, lo);
    cap[i] = lo;
    any = true;
  }
  return any;
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
