/** The textbook rule to compare with: in each slot whoever leaves first gets all it can draw. */
import { createJointRoom } from "../../src/rules/plan/joint-room.ts";
import type { Site } from "../../src/rules/what-if/site.ts";

const FILLED = 0.99;

/** Sessions that get 99 % of what they want or more. For sites without phasors. */
export function earliestDeadlineFirst(site: Site): number {
  const hours = site.slotMs / 3_600_000;
  const left = Float64Array.from(site.stays, (s) => s.energyKwh);
  const byDeparture = [...site.stays].sort((a, b) => a.depart - b.depart || a.index - b.index);
  for (let t = 0; t < site.slots; t++) {
    const there = byDeparture.filter(
      (s) => s.arrive <= t && t < s.depart && (left[s.index] as number) > 1e-9,
    );
    if (there.length === 0) continue;
    const roomA = new Float64Array(site.circuits.length * 3).fill(Number.POSITIVE_INFINITY);
    const roomKw = new Float64Array(site.circuits.length).fill(Number.POSITIVE_INFINITY);
    site.circuits.forEach(({ room }, c) => {
      const step = room.findLast(({ fromMs }) => fromMs <= t * site.slotMs);
      if (step?.lineA) roomA.set(step.lineA, c * 3);
      if (step && step.kw !== null) roomKw[c] = step.kw;
    });
    const joint = createJointRoom({ parent: site.parent, roomA, roomKw, phasors: [] }, there);
    there.forEach((s, i) => {
      const perUnit = s.kwPerUnit * hours;
      const rate = Math.min(joint.most(i, s.max), (left[s.index] as number) / perUnit);
      joint.add(i, rate);
      left[s.index] = (left[s.index] as number) - rate * perUnit;
    });
  }
  return site.stays.filter((s) => (left[s.index] as number) <= (1 - FILLED) * s.energyKwh).length;
}
