/** In which order EVSEs are admitted. */
import { type AllocationInput, RANK } from "./allocation.ts";

/** Ranks within which class goes before rank: a running car gives way to a waiting one of a higher class. */
const TIER = [0, 1, 2, 2, 3] as const;

export const tierOf = (rank: number): number => TIER[Math.min(rank, RANK.standby)] as number;

/** Class weights where they differ, else null: then class decides nothing. */
export function classesOf({ circuit, classWeight }: AllocationInput): Float64Array | null {
  if (classWeight === undefined) return null;
  const clean = new Float64Array(circuit.length);
  let differ = false;
  for (let i = 0; i < clean.length; i++) {
    const w = classWeight[i] as number;
    clean[i] = Number.isFinite(w) ? w : 1;
    if (clean[i] !== clean[0]) differ = true;
  }
  return differ ? clean : null;
}

/** EVSE indices by tier, class (higher first), rank, `order` (lower first), index. */
export function admissionOrder(input: AllocationInput, classes: Float64Array | null): Int32Array {
  const { rank, order } = input;
  const sorted = byRank(rank);
  if (classes === null && order === undefined) return sorted;
  const n = rank.length;
  const tier = new Uint8Array(n);
  const place = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    tier[i] = tierOf(rank[i] as number);
    const at = order?.[i] ?? 0;
    place[i] = Number.isNaN(at) ? 0 : at;
  }
  return sorted.sort((a, b) => {
    const byTier = (tier[a] as number) - (tier[b] as number);
    if (byTier !== 0) return byTier;
    const byClass = classes === null ? 0 : (classes[b] as number) - (classes[a] as number);
    if (byClass !== 0) return byClass;
    const by = (rank[a] as number) - (rank[b] as number);
    if (by !== 0) return by;
    const [pa, pb] = [place[a] as number, place[b] as number];
    return pa < pb ? -1 : pa > pb ? 1 : a - b;
  });
}

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
