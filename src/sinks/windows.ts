/**
 * Fixed windows of event time, fed from the log in order. A window stays open until log time (an event's `atMs`) has
 * passed its end by the grace, so that its point is normally written once, whole. State lives in memory only: whoever
 * keeps the cursor must not move it past `heldFrom() - 1`, so that a restart reads the events of every open window
 * again. A restart, or a straggler after the grace, may open a window a second time with only the later part of its
 * events; so a content must depend on the last event of each kind alone (last value wins, never a sum or a mean): then
 * any later part of the events gives the same values, and writing the point again changes nothing.
 */

export interface WindowOptions {
  lengthMs: number;
  /** How long after its end a window waits for late samples. */
  graceMs: number;
  /** Windows open at once; past that the oldest is closed early, so that a flood of old samples cannot fill memory. */
  maxOpen: number;
}

export interface Windows<W> {
  /** The content of the window of `key` around `timeMs`; made by `open` when there is none. */
  at(key: string, timeMs: number, event: { offset: number; atMs: number }, open: () => W): W;
  /** Hands over, oldest first, what log time `atMs` has closed. */
  close(atMs: number, emit: (startMs: number, content: W) => void): void;
  /** Offset of the oldest event that an open window depends on. */
  heldFrom(): number | undefined;
}

interface Open<W> {
  startMs: number;
  firstOffset: number;
  closesAtMs: number;
  content: W;
}

/** Log time that steps back by more than this (NTP, a restored clock) closes everything: nothing waits an hour. */
const STEP_BACK_MS = 60_000;

export function createWindows<W>({ lengthMs, graceMs, maxOpen }: WindowOptions): Windows<W> {
  /** By insertion, so by first offset: the first entry is the oldest. */
  const open = new Map<string, Open<W>>();
  let nextDueMs = Number.POSITIVE_INFINITY;
  let latestAtMs = Number.NEGATIVE_INFINITY;

  return {
    at(key, timeMs, { offset, atMs }, create) {
      const startMs = Math.floor(timeMs / lengthMs) * lengthMs;
      const id = `${key} ${startMs}`;
      let window = open.get(id);
      if (!window) {
        // A sample from the past (a station that was offline) has its window's rest right behind it.
        const closesAtMs = Math.max(startMs + lengthMs, atMs) + graceMs;
        window = { startMs, firstOffset: offset, closesAtMs, content: create() };
        open.set(id, window);
        nextDueMs = Math.min(nextDueMs, closesAtMs);
      }
      return window.content;
    },
    close(atMs, emit) {
      const all = atMs < latestAtMs - STEP_BACK_MS;
      if (all) latestAtMs = atMs;
      latestAtMs = Math.max(latestAtMs, atMs);
      if (all || atMs >= nextDueMs) {
        nextDueMs = Number.POSITIVE_INFINITY;
        for (const [id, window] of open) {
          if (all || window.closesAtMs <= atMs) {
            open.delete(id);
            emit(window.startMs, window.content);
          } else {
            nextDueMs = Math.min(nextDueMs, window.closesAtMs);
          }
        }
      }
      if (open.size <= maxOpen) return;
      for (const [id, window] of open) {
        open.delete(id);
        emit(window.startMs, window.content);
        if (open.size <= maxOpen) return;
      }
    },
    heldFrom: () => open.values().next().value?.firstOffset,
  };
}
