/**
 * The store behind the log: async and batched, so that a driver over a network fits too. Every driver passes
 * test/log/log-store.conformance.ts. All writing goes through `commit`, by one writer.
 */
import type { Event, EventType, NewEvent } from "../model/event.ts";

/** Bytes that belong to a fact (a sealed summary) and commit with it. `summary.forgotten` deletes them again. */
export interface Attachment {
  /** Index into `Group.events`. */
  event: number;
  bytes: Uint8Array;
}

/** Everything that becomes durable together: one transaction, one fsync. */
export interface Group {
  events: NewEvent[];
  attachments?: Attachment[];
  /** Consumer cursors to move, by name. */
  cursors?: ReadonlyMap<string, number>;
  /** Fold snapshots: the offset they stand at and the parts that changed (null removes a part). */
  snapshots?: FoldSnapshot[];
}

export interface FoldSnapshot {
  fold: string;
  version: number;
  offset: number;
  parts: ReadonlyMap<string, unknown | null>;
}

/** Where the log ends: the last offset and the heads of its two hash chains (hex). */
export interface Head {
  offset: number;
  factHash: string;
  sampleHash: string;
}

/** What an appended event met: a new place, or the place of the fact that already has its key. */
export interface Placed {
  offset: number;
  duplicate: boolean;
}

export interface ReadOptions {
  /** Only these types; all when absent. */
  types?: readonly EventType[];
  /** At most this many events (default 1000). */
  limit?: number;
  /** Also facts whose bodies retention has emptied, as `{}`; left out otherwise. */
  emptied?: boolean;
}

export interface LogReader {
  head(): Promise<Head>;
  /** Events after `offset`, in order. `through` is how far was scanned: the next `after`, also when filtered. */
  read(after: number, options?: ReadOptions): Promise<{ events: Event[]; through: number }>;
  /** Also when retention has emptied its body: `{}`. */
  factByKey(key: string): Promise<Event | undefined>;
  attachment(offset: number): Promise<Uint8Array | undefined>;
  /** 0 when the consumer never committed. */
  cursor(name: string): Promise<number>;
  close(): Promise<void>;
}

export interface LogStore extends LogReader {
  /** Durable when it resolves. A fact whose key exists is skipped and answered with its first place. */
  commit(group: Group): Promise<Placed[]>;
  snapshot(fold: string): Promise<FoldSnapshot | undefined>;
  /** Deletes samples through `offset` and appends `samples.pruned`; facts stay. Returns how many went. */
  prune(offset: number, atMs: number): Promise<number>;
}

/** What sinks outside the ledger thread may ask of it. Resolves when durable. */
export interface LogWriter {
  append(events: NewEvent[], attachments?: Attachment[]): Promise<Placed[]>;
  commitCursor(name: string, offset: number): Promise<void>;
}
