/**
 * Vehicles that will probably still come today, by what came on days that began like this one: whoever keeps a peak low
 * must leave room for them. Those of an hour that leave in the same hour count as one.
 */
import type { PlanVehicle } from "../plan/problem.ts";
import type { Site, Stay } from "./site.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Days that began like this one, and how much more than on them is expected: a peak raised late is raised most. */
const ALIKE_DAYS = 5;
const MARGIN = 1.25;

interface Came {
  /** ms of its day. */
  fromMs: number;
  stayedMs: number;
  kwh: number;
  kw: number;
}

export function expectations(site: Site) {
  const days = new Map<number, Came[]>();
  const kwhOf = (day: number) => (days.get(day) ?? []).reduce((sum, c) => sum + c.kwh, 0);

  return {
    came(stay: Stay, gotKwh: number): void {
      const fromMs = stay.arrive * site.slotMs;
      const day = Math.floor(fromMs / DAY_MS);
      const stayedMs = (stay.depart - stay.arrive) * site.slotMs;
      const list = days.get(day) ?? [];
      list.push({ fromMs: fromMs - day * DAY_MS, stayedMs, kwh: gotKwh, kw: stay.max * stay.kwPerUnit });
      days.set(day, list);
    },
    /** Who is expected after slot `t` on its day, when `arrived` have come on it so far. */
    from(t: number, arrived: number): PlanVehicle[] {
      const nowMs = t * site.slotMs;
      const today = Math.floor(nowMs / DAY_MS);
      const timeMs = nowMs - today * DAY_MS;
      const alike = [...days]
        .filter(([day]) => day < today)
        .map(([day, list]) => ({
          list,
          off: Math.abs(list.filter((c) => c.fromMs <= timeMs).length - arrived),
          kwh: kwhOf(day),
        }))
        .sort((a, b) => a.off - b.off || b.kwh - a.kwh)
        .slice(0, ALIKE_DAYS);
      const groups = new Map<string, { fromMs: number; untilMs: number; kwh: number; kw: number }>();
      for (const { list } of alike)
        for (const c of list) {
          const fromMs = today * DAY_MS + c.fromMs;
          if (fromMs <= nowMs || c.kwh <= 0) continue;
          const untilMs = fromMs + c.stayedMs;
          const key = `${Math.floor(fromMs / HOUR_MS)} ${Math.floor(untilMs / HOUR_MS)}`;
          const group = groups.get(key) ?? { fromMs: 0, untilMs: 0, kwh: 0, kw: 0 };
          const kwh = (c.kwh * MARGIN) / alike.length;
          const part = kwh / (group.kwh + kwh);
          group.fromMs += (fromMs - group.fromMs) * part;
          group.untilMs += (untilMs - group.untilMs) * part;
          group.kwh += kwh;
          group.kw += (c.kw * MARGIN) / alike.length;
          groups.set(key, group);
        }
      return [...groups].map(([key, { fromMs, untilMs, kwh, kw }]) => ({
        id: `expected ${key}`,
        // On no circuit: only the peak is shared with those that are there.
        circuit: site.circuits.length - 1,
        lines: 0,
        ampsPerUnit: 0,
        kwPerUnit: 1,
        max: kw,
        needs: [{ upToKwh: kwh, likely: 1 }],
        askedKwh: kwh,
        gotKwh: 0,
        fromMs,
        stays: [{ untilMs, likely: 1 }],
        weight: 1,
        rate: 0,
        keep: 0,
        floor: 0,
      }));
    },
  };
}
