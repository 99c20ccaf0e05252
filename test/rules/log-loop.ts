/** A ledger in memory: what folds emit comes back to them as events, each fact once by its key. */
import type { Event, NewEvent } from "../../src/model/event.ts";
import type { Fold } from "../../src/model/fold.ts";

export interface LogLoop {
  /** The log: what was appended and what the folds gave, in order, without repeated keys. */
  events: Event[];
  append(event: NewEvent): boolean;
  /** Folds everything appended so far, and what that gives, until nothing new comes. */
  settle(): void;
  /** The process dies: state is lost, the log stays, and a new one folds it from the start. */
  kill(): void;
}

export function logLoop(makeFolds: () => Fold[]): LogLoop {
  const events: Event[] = [];
  const keys = new Set<string>();
  let folds = started();
  let folded = 0;

  function started() {
    return makeFolds().map((fold) => ({ fold, parts: new Map<string, unknown>() }));
  }
  function append(event: NewEvent): boolean {
    if (event.key !== null && keys.has(event.key)) return false;
    if (event.key !== null) keys.add(event.key);
    // Through JSON, as a file would have it.
    events.push({ ...JSON.parse(JSON.stringify(event)), offset: events.length + 1 });
    return true;
  }
  return {
    events,
    append,
    settle() {
      while (folded < events.length) {
        const event = events[folded++] as Event;
        const emitted: NewEvent[] = [];
        const out = { emit: (e: NewEvent) => void emitted.push(structuredClone(e)), touched: () => {} };
        for (const { fold, parts } of folds) fold.apply(parts, event, out);
        for (const e of emitted) append(e);
      }
    },
    kill() {
      folds = started();
      folded = 0;
    },
  };
}
