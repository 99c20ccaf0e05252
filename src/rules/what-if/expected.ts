/**
 * Vehicles that will probably still come today, by what came on the busiest day so far: whoever keeps a peak low must leave
 * room for them. Those of an hour that leave in the same hour count as one.
 */
import type { PlanVehicle } from "../plan/problem.ts";
import type { Site, Stay } from "./site.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

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
    /** Who is expected after slot `t` on its day. */
    from(t: number): PlanVehicle[] {
      const nowMs = t * site.slotMs;
      const today = Math.floor(nowMs / DAY_MS);
      const past = [...days.keys()].filter((day) => day < today);
      const busiest = past.reduce((a, b) => (kwhOf(b) > kwhOf(a) ? b : a), past[0] ?? today);
      const groups = new Map<string, { fromMs: number; untilMs: number; kwh: number; kw: number }>();
      if (busiest !== today)
        for (const c of days.get(busiest) ?? []) {
          const fromMs = today * DAY_MS + c.fromMs;
          if (fromMs <= nowMs) continue;
          const untilMs = fromMs + c.stayedMs;
          const key = `${Math.floor(fromMs / HOUR_MS)} ${Math.floor(untilMs / HOUR_MS)}`;
          const group = groups.get(key) ?? { fromMs, untilMs, kwh: 0, kw: 0 };
          group.fromMs = Math.min(group.fromMs, fromMs);
          group.untilMs = Math.max(group.untilMs, untilMs);
          group.kwh += c.kwh;
          group.kw += c.kw;
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
