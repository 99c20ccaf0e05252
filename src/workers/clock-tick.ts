/** The tick as a fact: what the clock says, whether it may be believed, and how far it was stepped since the last one. */
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";

/** Wire time that two clocks of one machine drift apart in a minute is far below this. */
const STEP_MS = 500;

export interface Ticker {
  tick(): NewEvent;
}

/** `state`: 0 unknown, 1 synchronised, 2 not; nobody is asked without it. */
export function createTicker(clock: DepotClock, state?: SharedArrayBuffer): Ticker {
  const word = state && new Int32Array(state);
  let wasMs = clock.nowMs();
  let wasMonoMs = clock.monoMs();
  return {
    tick() {
      const now = clock.nowMs();
      const mono = clock.monoMs();
      const steppedMs = Math.round(now - wasMs - (mono - wasMonoMs));
      wasMs = now;
      wasMonoMs = mono;
      const asked = word && Atomics.load(word, 0);
      return {
        type: "clock.ticked",
        atMs: now,
        station: null,
        key: null,
        body: {
          at: new Date(now).toISOString(),
          ...(asked === undefined ? {} : { synchronised: asked === 0 ? null : asked === 1 }),
          ...(Math.abs(steppedMs) >= STEP_MS * clock.origin.speed ? { stepped_ms: steppedMs } : {}),
        },
      };
    },
  };
}
