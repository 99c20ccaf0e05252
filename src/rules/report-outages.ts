/**
 * What kept stations from charging, from the alerts and hellos of the log. One thing that happened counts once: a
 * station that reboots is also offline for a while and leaves a gap in the readings, and all of that is the reboot.
 */
import type { Event, EventType } from "../model/event.ts";

/** A fault or a lost link, from its begin until it was over, on the gateway's clock. */
export interface Outage {
  kind: "fault" | "offline";
  station: string;
  /** Null: the whole station. */
  evse: number | null;
  from_ms: number;
  /** Infinity while it lasts. */
  to_ms: number;
  /** `fault:GroundFailure`, `fault` without a code, `offline`, or null when another cause already counts. */
  cause: string | null;
}

export interface Reboot {
  station: string;
  at_ms: number;
}

export interface Outages {
  outages: Outage[];
  reboots: Reboot[];
}

/** All that tells of outages. Alerts are few, so they are read from the begin of the log. */
export const OUTAGE_TYPES = [
  "alert.raised",
  "alert.cleared",
  "station.announced",
] as const satisfies EventType[];

/** A station says hello within this after its link is back, and its readings begin again. */
export const AROUND_MS = 60_000;
const KNOWN_BOOTS = 8;

/** Takes events in order; keeps what touches the time from `fromMs` to `toMs`. */
export function collectOutages(fromMs: number, toMs: number) {
  const open = new Map<string, Outage>();
  const over: Outage[] = [];
  const reboots: Reboot[] = [];
  const boots = new Map<string, string[]>();
  const touches = (outage: Outage) => outage.to_ms > fromMs - AROUND_MS && outage.from_ms < toMs;

  return {
    take(event: Event): void {
      if (event.type === "station.announced") {
        const { boot } = event.body;
        if (event.station === null || boot === null || boot === undefined) return;
        const known = boots.get(event.station) ?? [];
        if (known.includes(boot)) return;
        if (known.length > 0 && event.atMs >= fromMs && event.atMs < toMs)
          reboots.push({ station: event.station, at_ms: event.atMs });
        boots.set(event.station, [...known, boot].slice(-KNOWN_BOOTS));
        return;
      }
      if (event.type !== "alert.raised" && event.type !== "alert.cleared") return;
      const { id, kind, subject, cause, since_ms } = event.body;
      if (kind !== "station_faulted" && kind !== "station_offline") return;
      const [station = subject, evse] = subject.split("/");
      const outage: Outage = {
        kind: kind === "station_faulted" ? "fault" : "offline",
        station,
        evse: evse === undefined ? null : Number(evse),
        from_ms: since_ms,
        to_ms: event.type === "alert.cleared" ? event.atMs : Number.POSITIVE_INFINITY,
        cause: kind === "station_offline" ? "offline" : faultName(cause),
      };
      if (event.type === "alert.raised") open.set(id, outage);
      else {
        open.delete(id);
        if (touches(outage)) over.push(outage);
      }
    },

    done(): Outages {
      const outages = [...over, ...[...open.values()].filter(touches)];
      const rebootsOf = byStation(reboots);
      for (const outage of outages) {
        if (outage.kind !== "offline") continue;
        const rebooted = rebootsOf.get(outage.station)?.some((r) => isAround(outage, r.at_ms, r.at_ms));
        if (rebooted) outage.cause = null;
      }
      return { outages, reboots };
    },
  };
}

/** The outages and reboots of each station. */
export function byStation<Item extends { station: string }>(items: readonly Item[]): Map<string, Item[]> {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const list = found.get(item.station);
    if (list) list.push(item);
    else found.set(item.station, [item]);
  }
  return found;
}

/** Whether `outage` touches a stretch, give or take the minute in which a station comes back. */
export function isAround(outage: { from_ms: number; to_ms: number }, fromMs: number, toMs: number): boolean {
  return outage.from_ms - AROUND_MS <= toMs && fromMs <= outage.to_ms + AROUND_MS;
}

/** A fault code is one word; anything else is a sentence that says there was none. */
function faultName(cause: string): string {
  return /^\S+$/.test(cause) ? `fault:${cause}` : "fault";
}
