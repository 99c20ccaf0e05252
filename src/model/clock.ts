/**
 * Depot time: event time, tariffs, leases, ages, ramps and ticks run on it. The demo scales it; `run` does not.
 * Wire time (sockets, keepalive, watchdogs, retries) is always the real clock and never passes through here.
 */

/** Where a scaled clock started; plain data, so every thread builds the same clock from it. */
export interface ClockOrigin {
  /** Real time (ms since the epoch) at which depot time was `depotMs`. */
  realMs: number;
  depotMs: number;
  /** Depot seconds per real second; 1 in a depot. */
  speed: number;
}

export interface DepotClock {
  readonly origin: ClockOrigin;
  /** Depot time, ms since the epoch. May be stepped by NTP at speed 1. */
  nowMs(): number;
  /** Depot time that never goes back and never steps, in ms from an arbitrary start. */
  monoMs(): number;
  /** Real ms until `depotMs` of depot time have passed. */
  realDelayMs(depotMs: number): number;
}

export const REAL_TIME: ClockOrigin = { realMs: 0, depotMs: 0, speed: 1 };

export function depotClock(origin: ClockOrigin): DepotClock {
  const { realMs, depotMs, speed } = origin;
  return {
    origin,
    nowMs: () => depotMs + (Date.now() - realMs) * speed,
    monoMs: () => performance.now() * speed,
    realDelayMs: (ms) => ms / speed,
  };
}
