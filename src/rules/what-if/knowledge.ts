/**
 * What a controller may believe of a vehicle's departure and need: the truth where it is known. Otherwise what the
 * driver said, spread as such estimates came out before; for the silent, what all others did.
 */
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
const ALIKE = 40;
/** Fewer examples than this say nothing. */
const FEW = 4;
/** Parts of the examples at which beliefs change, and how likely what lies before each is. */
const STEPS = [
  { quantile: 0.1, likely: 0.95 },
  { quantile: 0.3, likely: 0.8 },
  { quantile: 0.5, likely: 0.6 },
  { quantile: 0.7, likely: 0.4 },
  { quantile: 0.9, likely: 0.2 },
] as const;

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
  const examples = new Map<string, { leaves: number[]; wants: number[] }>();
  const examplesOf = (stay: Stay) => {
    const known = examples.get(stay.id);
    if (known !== undefined) return known;
    const hour = hourOf(stay);
    const kwh = saidKwh(stay);
    const found = {
      leaves:
        stay.estDepart === null
          ? stayed.like([hour, 0]).map((d) => stay.arrive + d)
          : later.like([hour / 2, saidH(stay)]).map((d) => (stay.estDepart ?? 0) + d),
      wants:
        kwh === null ? energies.like([hour, 0]) : parts.like([hour / 4, kwh / 4]).map((part) => part * kwh),
    };
    examples.set(stay.id, found);
    return found;
  };
  return {
    of(stay, t, gotKwh) {
      const { leaves, wants } = examplesOf(stay);
      const there = leaves.filter((slot) => slot > t);
      const until = there.length >= FEW ? there : GUEST_H.map((h) => t + h * slotsPerHour);
      const more = wants.filter((kwh) => kwh > gotKwh);
      // Whoever still draws beyond all of them wants some more.
      const asked = more.length >= FEW ? more : [1.05, 1.1, 1.2, 1.3, 1.5].map((f) => (gotKwh + 0.2) * f);
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
      const hour = hourOf(stay);
      stayed.add([hour, 0], stay.depart - stay.arrive);
      if (stay.estDepart !== null) later.add([hour / 2, saidH(stay)], stay.depart - stay.estDepart);
      if (!full) return;
      energies.add([hour, 0], gotKwh);
      const kwh = saidKwh(stay);
      if (kwh !== null) parts.add([hour / 4, kwh / 4], gotKwh / kwh);
    },
  };
}

/** The value at a part, 0 to 1, of sorted values. */
function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

/** Where an example stands: two of its traits, scaled so that a distance of 1 is alike. */
type Traits = readonly [number, number];

/** Examples that came before any are this far from everything. */
const FAR = 4;

function remembered(first: readonly number[]) {
  const kept: { traits: Traits | null; value: number }[] = first.map((value) => ({ traits: null, value }));
  return {
    add(traits: Traits, value: number): void {
      kept.push({ traits, value });
      if (kept.length > MEMORY) kept.shift();
    },
    /** Values of the examples most like `traits`, sorted. */
    like([a, b]: Traits): number[] {
      return kept
        .map(({ traits, value }) => ({
          value,
          distance: traits === null ? FAR : Math.abs(traits[0] - a) + Math.abs(traits[1] - b),
        }))
        .sort((x, y) => x.distance - y.distance)
        .slice(0, ALIKE)
        .map(({ value }) => value)
        .sort((x, y) => x - y);
    },
  };
}
