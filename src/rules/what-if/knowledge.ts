/**
 * What a controller may believe of a vehicle's departure and need: the truth where it is known. Otherwise what the
 * driver said, spread as such estimates came out before; for the silent, what all others did.
 */
import { X } from "../plan/build.ts";
import type { Stay } from "./site.ts";

export interface Belief {
  /** Slots, see `Stays` of a plan. */
  stays: { until: number; likely: number }[];
  /** kWh of the whole stay, see `Likely` of a plan. */
  asked: { upToKwh: number; likely: number }[];
  /** kWh, the middle of `asked`. */
  askedKwh: number;
}

export interface Knowledge {
  /** What is believed at slot `t` of a vehicle that has got `gotKwh` and still draws. */
  of(stay: Stay, t: number, gotKwh: number): Belief;
  /** A vehicle left at its departure; `full` when it had stopped drawing before. */
  left(stay: Stay, gotKwh: number, full: boolean): void;
}

export const CERTAIN: Knowledge = {
  of: ({ depart, energyKwh }) => ({
    stays: [{ until: depart, likely: 1 }],
    asked: [{ upToKwh: energyKwh, likely: 1 }],
    askedKwh: energyKwh,
  }),
  left: () => undefined,
};

/** So many stays are remembered, beside a few to begin with; so many of the most alike tell of a new one. */
const MEMORY = 600;
const ALIKE = X.K ?? 80;
/** Fewer examples than this say nothing. */
const FEW = 4;
/** Parts of the examples at which beliefs change, and how likely what lies before each is. */
const STEPS = X.steps ?? [
  { quantile: 0.03, likely: 0.985 },
  { quantile: 0.1, likely: 0.95 },
  { quantile: 0.3, likely: 0.8 },
  { quantile: 0.5, likely: 0.6 },
  { quantile: 0.7, likely: 0.4 },
  { quantile: 0.9, likely: 0.2 },
];

/** A vehicle beyond all that was expected of it is a guest: hours that it may still stay. */
const GUEST_H = [2, 3, 5, 8, 12];
/** To begin with: hours that departures were later than said, hours that vehicles stayed, parts of the said energy, kWh. */
const LATER_H = [-2, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 3];
const STAYED_H = [1, 2, 3, 4, 6, 8, 9, 9.5, 10, 12];
const ENERGY_PART = [0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9, 1, 1];
const ENERGY_KWH = [2, 4, 6, 8, 10, 12, 16, 20, 26, 35];

export function learned(slotsPerHour: number): Knowledge {
  const later = remembered(LATER_H.map((h) => h * slotsPerHour));
  const stayed = remembered(STAYED_H.map((h) => h * slotsPerHour));
  const parts = remembered(ENERGY_PART);
  const energies = remembered(ENERGY_KWH);
  const hourOf = (stay: Stay) => (stay.arrive / slotsPerHour) % 24;
  const saidH = (stay: Stay) => ((stay.estDepart ?? stay.arrive) - stay.arrive) / slotsPerHour;
  const saidKwh = (stay: Stay) => (stay.estKwh !== null && stay.estKwh > 0 ? stay.estKwh : null);
  // What the examples say of a vehicle is looked up when it comes, not again and again.
  const examples = new Map<string, { leaves: Example[]; wants: Example[] }>();
  const saidTraits = (stay: Stay): Traits => ({
    near: [hourOf(stay) / 2, saidH(stay), (hourOf(stay) + saidH(stay)) / 2],
    same: saidKwh(stay),
  });
  const kwhTraits = (stay: Stay): Traits => ({
    near: [hourOf(stay) / 4, (saidKwh(stay) ?? 0) / 4, saidH(stay) / 4],
    same: saidKwh(stay),
  });
  const silentTraits = (stay: Stay): Traits => ({ near: [hourOf(stay)], same: null });
  const examplesOf = (stay: Stay) => {
    const known = examples.get(stay.id);
    if (known !== undefined) return known;
    const kwh = saidKwh(stay);
    const moved = (list: Example[], to: (value: number) => number) =>
      list.map(({ value, weight }) => ({ value: to(value), weight }));
    const found = {
      leaves:
        stay.estDepart === null
          ? moved(stayed.like(silentTraits(stay)), (d) => stay.arrive + d)
          : moved(later.like(saidTraits(stay)), (d) => (stay.estDepart ?? 0) + d),
      wants:
        kwh === null
          ? energies.like(silentTraits(stay))
          : moved(parts.like(kwhTraits(stay)), (part) => part * kwh),
    };
    examples.set(stay.id, found);
    return found;
  };
  return {
    of(stay, t, gotKwh) {
      const { leaves, wants } = examplesOf(stay);
      const there = leaves.filter(({ value }) => value > t);
      const until = there.length >= FEW ? there : even(GUEST_H.map((h) => t + h * slotsPerHour));
      const more = wants.filter(({ value }) => value > gotKwh);
      // Whoever still draws beyond all of them wants some more.
      const asked = more.length >= FEW ? more : even([1.05, 1.1, 1.2, 1.3, 1.5].map((f) => (gotKwh + 0.2) * f));
      return {
        stays: STEPS.map(({ quantile, likely }) => ({
          until: Math.max(t + 1, Math.round(at(until, quantile))),
          likely,
        })),
        asked: STEPS.map(({ quantile, likely }) => ({ upToKwh: at(asked, quantile), likely })),
        askedKwh: at(asked, 0.5),
      };
    },
    left(stay, gotKwh, full) {
      examples.delete(stay.id);
      stayed.add(silentTraits(stay), stay.depart - stay.arrive);
      if (stay.estDepart !== null) later.add(saidTraits(stay), stay.depart - stay.estDepart);
      if (!full) return;
      energies.add(silentTraits(stay), gotKwh);
      const kwh = saidKwh(stay);
      if (kwh !== null) parts.add(kwhTraits(stay), gotKwh / kwh);
    },
  };
}

interface Example {
  value: number;
  weight: number;
}

/** The value below which a part, 0 to 1, of the weight of sorted examples lies. */
function at(sorted: readonly Example[], part: number): number {
  let left = part * sorted.reduce((sum, { weight }) => sum + weight, 0);
  for (const { value, weight } of sorted) {
    left -= weight;
    if (left < 0) return value;
  }
  return sorted.at(-1)?.value ?? 0;
}

const even = (values: readonly number[]): Example[] => values.map((value) => ({ value, weight: 1 }));

/** Where an example stands: its traits, scaled so that a distance of 1 is alike; and what it is the same in or not. */
interface Traits {
  near: readonly number[];
  same: number | null;
}

/** Examples that came before any are this far from everything. */
const FAR = 4;
/** Weight falls with the square of the distance, and no faster than that of a stay this near. */
const NEAR = X.near ?? 0.3;

function remembered(first: readonly number[]) {
  const kept: { traits: Traits | null; value: number }[] = first.map((value) => ({ traits: null, value }));
  const apart = (a: Traits, b: Traits): number =>
    a.near.reduce((sum, x, k) => sum + Math.abs(x - (b.near[k] ?? 0)), a.same === b.same ? 0 : 1);
  return {
    add(traits: Traits, value: number): void {
      kept.push({ traits, value });
      if (kept.length > MEMORY) kept.shift();
    },
    /** Values of the examples most like `traits`, sorted, the more alike the more weight. */
    like(of: Traits): Example[] {
      return kept
        .map(({ traits, value }) => ({ value, distance: traits === null ? FAR : apart(traits, of) }))
        .sort((x, y) => x.distance - y.distance)
        .slice(0, ALIKE)
        .map(({ value, distance }) => ({ value, weight: 1 / (NEAR + distance) ** 2 }))
        .sort((x, y) => x.value - y.value);
    },
  };
}
