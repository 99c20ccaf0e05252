/** How late the event loop of this thread runs, over the last 10 to 20 s (`perf_hooks.monitorEventLoopDelay`). */
import { monitorEventLoopDelay } from "node:perf_hooks";

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>;

export interface LoopDelay {
  start(): void;
  stop(): void;
  /** Milliseconds; 0 before the first measurement. */
  percentileMs(percent: number): number;
}

export function createLoopDelay(spanMs = 10_000): LoopDelay {
  /** Two histograms in turn, so that no reader's visit empties what another wants to see. */
  let older: IntervalHistogram | undefined;
  let newer: IntervalHistogram | undefined;
  let timer: NodeJS.Timeout | undefined;

  function begin(): IntervalHistogram {
    const histogram = monitorEventLoopDelay({ resolution: 10 });
    histogram.enable();
    return histogram;
  }

  return {
    start() {
      newer = begin();
      timer = setInterval(() => {
        older?.disable();
        older = newer;
        newer = begin();
      }, spanMs).unref();
    },
    stop() {
      clearInterval(timer);
      older?.disable();
      newer?.disable();
    },
    percentileMs(percent) {
      const of = (h: IntervalHistogram | undefined): number => (h && h.count > 0 ? h.percentile(percent) : 0);
      return Math.max(of(older), of(newer)) / 1e6;
    },
  };
}
