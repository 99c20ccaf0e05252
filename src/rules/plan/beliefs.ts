/**
 * What may be believed of a vehicle's departure and need: what somebody said, spread as such words came out before, and
 * for the silent what others did. Learnt from the vehicle's own stays where there are enough, else from those of its
 * group, else from all whose departure came from the same kind of source. Unknown traits are null.
 */
import type { DepartureSource } from "../../model/departure.ts";
import type { Quantiles } from "../../model/plan-view.ts";
import { at, type Circles, remembered, type Traits, type Weighted } from "./examples.ts";
import { SHORTAGE_AT_FIRST, shortageAfter } from "./floor.ts";
import type { Likely, Stays } from "./problem.ts";

/** A stay as far as anybody spoke of it. */
export interface SaidStay {
  /** Of the EVSE, or of the stay: who is there now. */
  id: string;
  vehicle: string | null;
  group: string | null;
  source: DepartureSource | null;
  /** When it came, ms, and which hour of its day that was, 0 to 24. */
  fromMs: number;
  hour: number;
  /** ms; null when nobody said. */
  departMs: number | null;
  /** kWh of the whole stay; null when nobody said. */
  energyKwh: number | null;
}

export interface Belief {
  /** See `Stays` of a plan. */
  stays: Stays[];
  /** kWh of the whole stay, see `Likely` of a plan. */
  asked: Likely[];
  /** kWh, the middle of `asked`. */
  askedKwh: number;
  /** ms. */
  departs: Quantiles;
  /** kWh of the whole stay. */
  wants: Quantiles;
  /** Stays that these were learnt from; 0 when they are what is assumed to begin with. */
  examples: { departures: number; energies: number };
  /** It stays beyond all that was expected: how long is anybody's guess. */
  guest: boolean;
  /** Mean part of what they asked for that was missing when vehicles left of late, 0 to 1. */
  shortage: number;
}

export interface Beliefs {
  /** What is believed at `nowMs` of a vehicle that has got `gotKwh` and still draws. */
  of(stay: SaidStay, nowMs: number, gotKwh: number): Belief;
  /** A vehicle left at `leftMs`; `full` when it had stopped drawing before. */
  left(stay: SaidStay, leftMs: number, gotKwh: number, full: boolean): void;
}

const HOUR_MS = 3_600_000;
/** Fewer examples than this say nothing. */
const FEW = 4;
/** Parts of the examples at which beliefs change, and how likely what lies before each is. */
const STEPS = [
  { quantile: 0.03, likely: 0.985 },
  { quantile: 0.1, likely: 0.95 },
  { quantile: 0.3, likely: 0.8 },
  { quantile: 0.5, likely: 0.6 },
  { quantile: 0.7, likely: 0.4 },
  { quantile: 0.9, likely: 0.2 },
] as const;

/** A vehicle beyond all that was expected of it is a guest: hours that it may still stay. */
const GUEST_H = [2, 3, 5, 8, 12];
/** Parts of what it has got that a vehicle may want in all which still draws beyond all that was expected of it. */
const BEYOND = [1.05, 1.1, 1.2, 1.3, 1.5];
/** To begin with: hours that departures were later than said, hours that vehicles stayed, parts of the said energy, kWh. */
const LATER_H = [-2, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 3];
const STAYED_H = [1, 2, 3, 4, 6, 8, 9, 9.5, 10, 12];
const ENERGY_PART = [0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9, 1, 1];
const ENERGY_KWH = [2, 4, 6, 8, 10, 12, 16, 20, 26, 35];
/** A schedule or a depot's own system is taken at its word until its history says otherwise. */
const BY_SCHEDULE: ReadonlySet<DepartureSource | null> = new Set(["file", "api", "flow"] as const);
const SCHEDULED_LATER_H = [-0.1, 0, 0, 0, 0, 0, 0.05, 0.1, 0.25, 0.5];
const SCHEDULED_PART = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

export function learned(): Beliefs {
  const later = remembered((source) => (BY_SCHEDULE.has(source) ? SCHEDULED_LATER_H : LATER_H));
  const stayed = remembered(() => STAYED_H);
  const parts = remembered((source) => (BY_SCHEDULE.has(source) ? SCHEDULED_PART : ENERGY_PART));
  const energies = remembered(() => ENERGY_KWH);
  const saidH = (stay: SaidStay) => ((stay.departMs ?? stay.fromMs) - stay.fromMs) / HOUR_MS;
  const saidKwh = ({ energyKwh }: SaidStay) => (energyKwh !== null && energyKwh > 0 ? energyKwh : null);
  const silentTraits = ({ hour }: SaidStay): Traits => ({ near: [hour], same: null });
  const departTraits = (stay: SaidStay): Traits => ({
    near: [stay.hour / 2, saidH(stay), (stay.hour + saidH(stay)) / 2],
    same: saidKwh(stay),
  });
  const energyTraits = (stay: SaidStay): Traits => ({
    near: [stay.hour / 4, (saidKwh(stay) ?? 0) / 4, saidH(stay) / 4],
    same: saidKwh(stay),
  });
  const whose = ({ vehicle, group, source }: SaidStay): Circles => ({ vehicle, group, source });
  const anySource = (stay: SaidStay): Circles => ({ ...whose(stay), source: null });
  let shortage = SHORTAGE_AT_FIRST;
  // What the examples say of a vehicle is looked up when it comes, not again and again.
  const looked = new Map<string, Looked>();
  const lookedUp = (stay: SaidStay): Looked => {
    const known = looked.get(stay.id);
    if (known !== undefined && isSame(known.stay, stay)) return known;
    const { departMs } = stay;
    const kwh = saidKwh(stay);
    const leaves =
      departMs === null
        ? stayed.like(anySource(stay), silentTraits(stay))
        : later.like(whose(stay), departTraits(stay));
    const wants =
      kwh === null
        ? energies.like(anySource(stay), silentTraits(stay))
        : parts.like(whose(stay), energyTraits(stay));
    const found = {
      stay,
      leavesMs: moved(leaves.values, (h) => (departMs ?? stay.fromMs) + h * HOUR_MS),
      wantsKwh: moved(wants.values, (x) => (kwh === null ? x : x * kwh)),
      examples: { departures: leaves.real, energies: wants.real },
    };
    looked.set(stay.id, found);
    return found;
  };
  return {
    of(stay, nowMs, gotKwh) {
      const { leavesMs, wantsKwh, examples } = lookedUp(stay);
      const there = leavesMs.filter(({ value }) => value > nowMs);
      const guest = there.length < FEW;
      const until = guest ? even(GUEST_H.map((h) => nowMs + h * HOUR_MS)) : there;
      const more = wantsKwh.filter(({ value }) => value > gotKwh);
      // Whoever still draws beyond all of them wants some more.
      const asked = more.length >= FEW ? more : even(BEYOND.map((f) => (gotKwh + 0.2) * f));
      return {
        stays: STEPS.map(({ quantile, likely }) => ({ untilMs: at(until, quantile), likely })),
        asked: STEPS.map(({ quantile, likely }) => ({ upToKwh: at(asked, quantile), likely })),
        askedKwh: at(asked, 0.5),
        departs: quantilesOf(until),
        wants: quantilesOf(asked),
        examples: {
          departures: guest ? 0 : examples.departures,
          energies: more.length >= FEW ? examples.energies : 0,
        },
        guest,
        shortage,
      };
    },
    left(stay, leftMs, gotKwh, full) {
      const wanted = lookedUp(stay).wantsKwh.filter(({ value }) => value > gotKwh);
      shortage = shortageAfter(shortage, at(wanted, 0.5), gotKwh, full);
      looked.delete(stay.id);
      const { departMs } = stay;
      stayed.add(anySource(stay), silentTraits(stay), (leftMs - stay.fromMs) / HOUR_MS);
      if (departMs !== null) later.add(whose(stay), departTraits(stay), (leftMs - departMs) / HOUR_MS);
      if (!full) return;
      energies.add(anySource(stay), silentTraits(stay), gotKwh);
      const kwh = saidKwh(stay);
      if (kwh !== null) parts.add(whose(stay), energyTraits(stay), gotKwh / kwh);
    },
  };
}

interface Looked {
  stay: SaidStay;
  leavesMs: Weighted[];
  wantsKwh: Weighted[];
  examples: Belief["examples"];
}

const even = (values: readonly number[]): Weighted[] => values.map((value) => ({ value, weight: 1 }));

const moved = (list: readonly Weighted[], to: (value: number) => number): Weighted[] =>
  list.map(({ value, weight }) => ({ value: to(value), weight }));

const quantilesOf = (sorted: readonly Weighted[]): Quantiles => ({
  p10: at(sorted, 0.1),
  p50: at(sorted, 0.5),
  p90: at(sorted, 0.9),
});

const isSame = (a: SaidStay, b: SaidStay): boolean =>
  a === b ||
  (a.fromMs === b.fromMs &&
    a.vehicle === b.vehicle &&
    a.group === b.group &&
    a.source === b.source &&
    a.departMs === b.departMs &&
    a.energyKwh === b.energyKwh);
