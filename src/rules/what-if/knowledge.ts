/**
 * What a controller may believe of a vehicle's departure and need: the truth where it is known, otherwise what the
 * driver said, corrected by how such estimates came out before, and for the silent what others did.
 */
import type { Stay } from "./site.ts";

export interface Belief {
  /** Slot. */
  depart: number;
  /** kWh of the whole stay. */
  askedKwh: number;
}

export interface Knowledge {
  /** What is believed at slot `t` of a vehicle that has got `gotKwh` and still draws. */
  of(stay: Stay, t: number, gotKwh: number): Belief;
  /** A vehicle left at its departure; `full` when it had stopped drawing before. */
  left(stay: Stay, gotKwh: number, full: boolean): void;
}

export const CERTAIN: Knowledge = {
  of: (stay) => ({ depart: stay.depart, askedKwh: stay.energyKwh }),
  left: () => undefined,
};

/** So many stays are remembered. */
const MEMORY = 200;
/** Before so many have left, nothing is concluded from them. */
const ENOUGH = 20;
/** A vehicle that stays beyond its time is a guest who leaves some time, in hours. */
const GUEST_H = 3;
const FIRST_STAY_H = 8;
const FIRST_KWH = 12;
/** Of what estimates of energy came out as: rather too much than too little. */
const ENERGY_QUANTILE = 0.6;

export function learned(slotsPerHour: number): Knowledge {
  const overstay = remembered();
  const energyRatio = remembered();
  const stays = remembered();
  const energies = remembered();

  const departOf = (stay: Stay, t: number): number => {
    if (stay.estDepart !== null) {
      const late = overstay.enough() ? Math.max(0, overstay.at(0.5)) : 0;
      const depart = stay.estDepart + late;
      return depart > t ? depart : t + GUEST_H * slotsPerHour;
    }
    const here = t - stay.arrive;
    const longer = stays.above(here);
    return stay.arrive + (longer ?? Math.max(FIRST_STAY_H * slotsPerHour, here + GUEST_H * slotsPerHour));
  };

  const askedOf = (stay: Stay, gotKwh: number): number => {
    const said =
      stay.estKwh === null
        ? energies.enough()
          ? energies.at(ENERGY_QUANTILE)
          : FIRST_KWH
        : stay.estKwh * (energyRatio.enough() ? Math.min(1, energyRatio.at(ENERGY_QUANTILE)) : 1);
    // Whoever still draws beyond that wants some more.
    return Math.max(said, gotKwh + 0.2 * said, gotKwh + 0.5);
  };

  return {
    of: (stay, t, gotKwh) => ({
      depart: Math.max(t + 1, departOf(stay, t)),
      askedKwh: askedOf(stay, gotKwh),
    }),
    left(stay, gotKwh, full) {
      stays.add(stay.depart - stay.arrive);
      if (stay.estDepart !== null) overstay.add(stay.depart - stay.estDepart);
      if (!full) return;
      energies.add(gotKwh);
      if (stay.estKwh !== null && stay.estKwh > 0) energyRatio.add(gotKwh / stay.estKwh);
    },
  };
}

function remembered() {
  const kept: number[] = [];
  const sorted = () => [...kept].sort((a, b) => a - b);
  return {
    add(value: number): void {
      kept.push(value);
      if (kept.length > MEMORY) kept.shift();
    },
    enough: () => kept.length >= ENOUGH,
    at(quantile: number): number {
      const all = sorted();
      return all[Math.min(all.length - 1, Math.floor(quantile * all.length))] ?? 0;
    },
    /** The middle one of those above `least`; null when there are too few. */
    above(least: number): number | null {
      const all = sorted().filter((v) => v > least);
      return all.length >= ENOUGH / 4 ? (all[Math.floor(all.length / 2)] ?? null) : null;
    },
  };
}
