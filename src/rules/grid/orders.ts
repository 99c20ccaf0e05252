/** Which grid orders stand, as the log tells it, and which of them are in force. */
import type { NewEvent } from "../../model/event.ts";
import type { GridOrder, GridOrdered } from "../../model/grid-order.ts";

/** Facts that orders are known from. */
export const GRID_ORDER_FACTS = [
  "grid.ordered",
  "grid.order_ended",
  "grid.order_met",
  "grid.order_missed",
] as const;

/** The newest revision of an id. */
export interface StandingOrder {
  order: GridOrder;
  body: GridOrdered;
  ended: boolean;
  /** How many verdicts the log has on this revision. */
  verdicts: number;
}

/** By id. Orders that ended stay, because a new one of the same id counts on from their revision. */
export type OrderBook = Map<string, StandingOrder>;

export function enterOrderFact(book: OrderBook, event: NewEvent): void {
  switch (event.type) {
    case "grid.ordered":
      // An emptied body says nothing.
      if (event.body.id !== undefined)
        book.set(event.body.id, {
          order: orderOf(event.body),
          body: event.body,
          ended: false,
          verdicts: 0,
        });
      return;
    case "grid.order_ended": {
      const standing = book.get(event.body.id);
      if (standing?.body.revision === event.body.revision) standing.ended = true;
      return;
    }
    case "grid.order_met":
    case "grid.order_missed": {
      const standing = book.get(event.body.id);
      if (standing?.body.revision === event.body.revision)
        standing.verdicts = Math.max(standing.verdicts, event.body.verdict);
    }
  }
}

export function orderOf({ id, circuit, kind, power_w, from, until, source }: GridOrdered): GridOrder {
  return {
    id,
    circuit,
    kind,
    limitW: kind === "cap" ? power_w : null,
    fromMs: Date.parse(from),
    untilMs: until === null ? null : Date.parse(until),
    source,
  };
}

/** From its start until just before its end. */
export function inForce({ fromMs, untilMs }: GridOrder, nowMs: number): boolean {
  return fromMs <= nowMs && (untilMs === null || nowMs < untilMs);
}

/** Whether its end has come. */
export function isOver({ untilMs }: GridOrder, nowMs: number): boolean {
  return untilMs !== null && untilMs <= nowMs;
}
