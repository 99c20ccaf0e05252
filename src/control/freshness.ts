/**
 * Tells news from backlog. A station that was cut off sends what it buffered when it returns, and its clock may stand
 * wrong: so a message counts as current by its `seq` and by its delay against the station's usual delay, never by its
 * time alone.
 */

interface Numbered {
  ts: string;
  boot?: string | undefined;
  seq?: number | undefined;
}

interface Station {
  boot: string | undefined;
  /** Smallest (arrival less `ts`) seen: the clock's offset plus the shortest way. */
  leastLagMs: number;
  /** Since when everything has been late: then the station's clock was set, not the message old. */
  lateSinceMs: number | null;
  lastSeq: Map<string, number>;
}

export interface Freshness {
  /** `topic` names the message within the station. Must be called in order of arrival. */
  isCurrent(station: string, topic: string, message: Numbered, monoMs: number, depotMs: number): boolean;
}

export function createFreshness(lateAfterMs: number): Freshness {
  const stations = new Map<string, Station>();
  return {
    isCurrent(id, topic, message, monoMs, depotMs) {
      const lagMs = depotMs - Date.parse(message.ts);
      let station = stations.get(id);
      if (station === undefined || (message.boot !== undefined && message.boot !== station.boot)) {
        station = { boot: message.boot, leastLagMs: lagMs, lateSinceMs: null, lastSeq: new Map() };
        stations.set(id, station);
      }
      if (message.seq !== undefined && message.boot !== undefined) {
        if (message.seq <= (station.lastSeq.get(topic) ?? -1)) return false;
        station.lastSeq.set(topic, message.seq);
      }
      if (lagMs - station.leastLagMs <= lateAfterMs) {
        station.leastLagMs = Math.min(station.leastLagMs, lagMs);
        station.lateSinceMs = null;
        return true;
      }
      station.lateSinceMs ??= monoMs;
      if (monoMs - station.lateSinceMs < lateAfterMs) return false;
      station.leastLagMs = lagMs;
      station.lateSinceMs = null;
      return true;
    },
  };
}
