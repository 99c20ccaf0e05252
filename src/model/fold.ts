/**
 * A fold is deterministic: the same events in the same order give the same state and the same new events, whatever
 * thread, batch size or restart lies between. It has no clock: silence arrives as `clock.ticked`.
 */
import type { Event, NewEvent } from "./event.ts";

/** What a fold hands back while it applies one event. */
export interface FoldOutput {
  /** A new fact. Its key must follow from the log alone, so that folding again appends nothing twice. */
  emit(event: NewEvent): void;
  /** Part `part` of the state changed and belongs in the next snapshot. */
  touched(part: string): void;
}

/** State is split in parts (one a station, say) of plain JSON, so that a snapshot writes only what changed. */
export interface Fold<Part = unknown> {
  readonly name: string;
  /** Raised when the meaning of the state changes: older snapshots are dropped and the log is folded again. */
  readonly version: number;
  /** Applies one event to the parts, which the fold owns and may change in place. */
  apply(parts: Map<string, Part>, event: Event, out: FoldOutput): void;
}
