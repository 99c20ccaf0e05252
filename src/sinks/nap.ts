/** A sleep that can be ended early, for loops that wait for news or for a time, whichever is first. */

/** The longest that `setTimeout` takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Nap {
  /** Ends the sleep, or the next one if none is on. */
  wake(): void;
  /** Real ms; `Infinity` sleeps until woken. */
  sleep(ms: number): Promise<void>;
}

export function createNap(): Nap {
  let woken = false;
  let end: (() => void) | undefined;
  return {
    wake() {
      woken = true;
      end?.();
    },
    async sleep(ms) {
      if (!woken) {
        await new Promise<void>((resolve) => {
          const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(resolve, clamp(ms));
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      woken = false;
      end = undefined;
    },
  };
}

const clamp = (ms: number): number => Math.min(MAX_TIMER_MS, Math.max(0, ms));

/** Back-off with jitter: doubles from `minMs` to `maxMs`, of which half to all is taken. `attempt` counts from 0. */
export function backoffMs(attempt: number, { minMs, maxMs }: { minMs: number; maxMs: number }): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30)) * (0.5 + Math.random() / 2);
}
