/** Keeps EVSEs from starting all at once when the depot's power came back: each waits a time of its own. */
import { startDelayMs } from "../rules/start-delay.ts";
import type { Evses } from "./evses.ts";
import type { ControlTimes } from "./settings.ts";

export function createStarts(evses: Evses, times: ControlTimes, startMs: number) {
  const delays = evses.all.map((e) => startDelayMs(e.id, times.startDelayMs));
  let sinceMs = startMs;
  let dark = true;

  return {
    /** Once a tick. Every station out of reach at once is taken for an outage of the whole site. */
    look(reached: number, nowMs: number): void {
      const isDark = reached === 0;
      if (dark && !isDark) sinceMs = nowMs;
      dark = isDark;
    },
    /** The EVSE is not to be raised yet. */
    waits: (evse: number, nowMs: number): boolean => dark || nowMs - sinceMs < (delays[evse] ?? 0),
  };
}
