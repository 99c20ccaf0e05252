/**
 * Notices a meter that answers and has stopped measuring: all its registers, voltage and frequency among them, stay as
 * they were. A meter that is slow, coarse or without load is not taken for one: how long it stands still is held
 * against its own past, and nothing is said before it was seen to change often enough.
 */

/** Changes that must have been seen before standing still means anything. */
const CHANGES_KNOWN = 20;
/** So many polls without a change at least, and so many times the longest run there was. */
const LEAST_POLLS = 30;
const TIMES_LONGEST = 10;

export interface Standstill {
  /** Takes the registers of one poll; true while the meter stands still. */
  takes(registers: string): boolean;
}

export function createStandstill(): Standstill {
  let last: string | undefined;
  let run = 0;
  let longest = 1;
  let changes = 0;
  return {
    takes(registers) {
      if (registers !== last) {
        // The run that ends an alarm says nothing about how the meter usually is.
        if (last !== undefined && run < most()) longest = Math.max(longest, run);
        last = registers;
        run = 1;
        changes += 1;
        return false;
      }
      run += 1;
      return changes >= CHANGES_KNOWN && run >= most();
    },
  };

  function most(): number {
    return changes < CHANGES_KNOWN
      ? Number.POSITIVE_INFINITY
      : Math.max(LEAST_POLLS, TIMES_LONGEST * longest);
  }
}
