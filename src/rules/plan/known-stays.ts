/** The stays under way as planning follows them: what is believed of each, and what each teaches when it ends. */
import type { EvseNeed } from "../../model/departure.ts";
import type { EvseId } from "../../model/ids.ts";
import { type Belief, type Beliefs, learned, type SaidStay } from "./beliefs.ts";

/** A stay that is over. */
export interface PastStay extends SaidStay {
  leftMs: number;
  gotKwh: number;
  /** It had stopped drawing before it left. */
  full: boolean;
}

interface Followed {
  said: SaidStay;
  gotKwh: number;
  heldBack: boolean;
}

/** `hourOf`: which hour of the site's day a time is, 0 to 24. */
export function knownStays(hourOf: (ms: number) => number, beliefs: Beliefs = learned()) {
  const followed = new Map<EvseId, Followed>();

  const learn = ({ leftMs, gotKwh, full, ...said }: PastStay): void =>
    beliefs.left(said, leftMs, gotKwh, full);

  const end = (evse: EvseId, { said, gotKwh, heldBack }: Followed, nowMs: number): void => {
    followed.delete(evse);
    learn({ ...said, leftMs: nowMs, gotKwh, full: heldBack });
  };

  return {
    /** Learns from stays of the past, the oldest first. */
    learn(past: readonly PastStay[]): void {
      for (const stay of past) learn(stay);
    },

    /** Who is there at `nowMs`, and who of them draws nothing of what is offered. Learns from those that left. */
    look(needs: readonly EvseNeed[], holdsBack: (evse: EvseId) => boolean, nowMs: number): void {
      const there = new Set(needs.map(({ evse }) => evse));
      for (const [evse, stay] of followed) if (!there.has(evse)) end(evse, stay, nowMs);
      for (const need of needs) {
        const before = followed.get(need.evse);
        // Within a stay its beginning is only ever found to be earlier.
        const another = before !== undefined && need.pluggedMs > before.said.fromMs;
        if (another) end(need.evse, before, nowMs);
        const known = another ? undefined : before;
        followed.set(need.evse, {
          said: saidOf(need, known?.said, hourOf),
          gotKwh: need.deliveredWh / 1000,
          heldBack: holdsBack(need.evse),
        });
      }
    },

    /** What is believed of the stay at an EVSE; undefined when nobody is there. */
    of(evse: EvseId, nowMs: number): Belief | undefined {
      const stay = followed.get(evse);
      return stay && beliefs.of(stay.said, nowMs, stay.gotKwh);
    },
  };
}

/** A departure that has passed is told as none: what was said is kept, for it tells how long such words hold. */
function saidOf(need: EvseNeed, before: SaidStay | undefined, hourOf: (ms: number) => number): SaidStay {
  const { evse, vehicle, group, pluggedMs } = need;
  const departMs = need.departMs ?? before?.departMs ?? null;
  const energyKwh = need.energyWh === null ? (before?.energyKwh ?? null) : need.energyWh / 1000;
  const source = need.source ?? before?.source ?? null;
  const same =
    before?.fromMs === pluggedMs &&
    before.vehicle === vehicle &&
    before.group === group &&
    before.departMs === departMs &&
    before.energyKwh === energyKwh &&
    before.source === source;
  if (same) return before;
  return {
    id: evse,
    vehicle,
    group,
    source,
    fromMs: pluggedMs,
    hour: before?.fromMs === pluggedMs ? before.hour : hourOf(pluggedMs),
    departMs,
    energyKwh,
  };
}
