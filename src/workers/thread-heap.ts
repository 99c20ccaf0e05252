/**
 * Heap limits of a thread. V8 lets the young generation of each thread grow to several times what a stream of short
 * messages needs; with five threads that is most of the memory of a gateway. MiB.
 */
import type { ResourceLimits } from "node:worker_threads";

const YOUNG_MB = 24;

export function threadHeap(maxOldMb: number, youngMb = YOUNG_MB): ResourceLimits {
  return { maxOldGenerationSizeMb: maxOldMb, maxYoungGenerationSizeMb: youngMb };
}
