/** What a controller may believe of a vehicle's departure and need in a run: the truth, or what it has learnt. */
import * as beliefs from "../plan/beliefs.ts";
import type { Stay } from "./site.ts";

export interface Belief {
  /** Slots, see `Stays` of a plan. */
  stays: { until: number; likely: number }[];
  /** kWh of the whole stay, see `Likely` of a plan. */
  asked: { upToKwh: number; likely: number }[];
  /** kWh, the middle of `asked`. */
  askedKwh: number;
  /** Mean part of what they asked for that was missing when vehicles left of late; null when nothing is uncertain. */
  shortage: number | null;
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
    shortage: null,
  }),
  left: () => undefined,
};

const HOUR_MS = 3_600_000;

/** Drivers' estimates, spread as they came out before. */
export function learned(slotsPerHour: number): Knowledge {
  const slotMs = HOUR_MS / slotsPerHour;
  const known = beliefs.learned();
  const said = (stay: Stay): beliefs.SaidStay => ({
    id: stay.id,
    vehicle: null,
    group: null,
    source: null,
    fromMs: stay.arrive * slotMs,
    hour: (stay.arrive / slotsPerHour) % 24,
    departMs: stay.estDepart === null ? null : stay.estDepart * slotMs,
    energyKwh: stay.estKwh,
  });
  return {
    of(stay, t, gotKwh) {
      const { stays, asked, askedKwh, shortage } = known.of(said(stay), t * slotMs, gotKwh);
      return {
        stays: stays.map(({ untilMs, likely }) => ({
          until: Math.max(t + 1, Math.round(untilMs / slotMs)),
          likely,
        })),
        asked,
        askedKwh,
        shortage,
      };
    },
    left: (stay, gotKwh, full) => known.left(said(stay), stay.depart * slotMs, gotKwh, full),
  };
}
