/**
 * Targets without a solver: every vehicle keeps a part of its max-min fair rate, and what is left brings the laxities of
 * all (time to departure less time that charging takes at full rate) as near to one level as the limits allow: smoothed
 * least laxity first (Chen, Chen, Low, Wierman, "Smoothed Least-Laxity-First Algorithm for EV Charging",
 * arXiv 2102.08610). It needs no forecast of limits, and keeps vehicles running where plain least laxity alternates.
 */
import { createJointRoom, type Draws, type Limits } from "./joint-room.ts";

export interface LaxVehicle extends Draws {
  max: number;
  /** kWh it still wants, and the hours it is there for, by best guess. */
  needKwh: number;
  hours: number;
  /** Rate that it has for certain; within all limits. */
  floor: number;
}

/** Hours: what one step of laxity is measured in. */
export function byLaxity(limits: Limits, vehicles: readonly LaxVehicle[], slotHours: number): Float64Array {
  const room = createJointRoom(limits, vehicles);
  const rates = Float64Array.from(vehicles, (v, i) => {
    room.add(i, v.floor);
    return v.floor;
  });
  const laxity = vehicles.map((v) => (v.hours - v.needKwh / (v.kwPerUnit * v.max)) / slotHours);
  const wanted = (i: number, level: number): number => {
    const { max, floor } = vehicles[i] as LaxVehicle;
    return Math.max(floor, Math.min(max, max * (level - (laxity[i] as number) + 1)));
  };
  let open = vehicles.map((_, i) => i).filter((i) => (vehicles[i] as LaxVehicle).max > 0);
  let level = Math.min(...laxity) - 1;
  const top = Math.max(...laxity);

  /** Raises all that are open to a level; who has no room for it, and then all is as it was; -1 when all have. */
  const raiseTo = (to: number): number => {
    const raised: [number, number][] = [];
    for (const i of open) {
      const more = wanted(i, to) - (rates[i] as number);
      if (more <= 0) continue;
      if (room.most(i, more) < more - 1e-9) {
        for (const [k, d] of raised) room.add(k, -d);
        return i;
      }
      room.add(i, more);
      raised.push([i, more]);
    }
    for (const [k, d] of raised) rates[k] = (rates[k] as number) + d;
    return -1;
  };

  while (open.length > 0) {
    let stopped = raiseTo(top);
    if (stopped < 0) break;
    let from = level;
    let to = top;
    for (let n = 0; n < 30 && to - from > 1e-4; n++) {
      const middle = (from + to) / 2;
      const who = raiseTo(middle);
      if (who < 0) from = middle;
      else {
        to = middle;
        stopped = who;
      }
    }
    level = from;
    // Who cannot follow the level any further has its rate; the others go on.
    open = open.filter((i) => {
      const more = wanted(i, to) - (rates[i] as number);
      return i !== stopped && (more <= 0 || room.most(i, more) >= more - 1e-9);
    });
  }
  return rates;
}
