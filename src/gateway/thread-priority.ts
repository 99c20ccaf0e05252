/** Which thread waits when the cores are busy. */
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { basename } from "node:path";

/** Nice value of a thread whose work may come later; a tenth of the weight of the others (sched(7)). */
const LATER = 10;

/**
 * Lets the calling thread run after the others of this process. Linux keeps the nice value by thread; elsewhere it would
 * be the whole process's, so there it stays as it is.
 */
export function yieldToOthers(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(Number(basename(readlinkSync("/proc/thread-self"))), LATER);
  } catch {
    // Without the right or without /proc it runs like the others.
  }
}
