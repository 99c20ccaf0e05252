import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../../src/model/event.ts";
import type { GridOrdered } from "../../../src/model/grid-order.ts";
import { enterOrderFact, inForce, isOver, type OrderBook } from "../../../src/rules/grid/orders.ts";

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 5, 16);
const iso = (hours: number) => new Date(T0 + hours * HOUR).toISOString();

function ordered(more: Partial<GridOrdered> = {}): NewEvent {
  return {
    type: "grid.ordered",
    atMs: T0,
    station: null,
    key: null,
    body: {
      id: "o",
      revision: 1,
      circuit: "main",
      kind: "cap",
      power_w: 40_000,
      from: iso(0),
      until: iso(2),
      source: "api",
      ...more,
    },
  };
}
const ended = (revision: number): NewEvent => ({
  type: "grid.order_ended",
  atMs: T0,
  station: null,
  key: null,
  body: { id: "o", revision, circuit: "main", ended: iso(1), why: "withdrawn" },
});
const met = (revision: number, verdict: number): NewEvent => ({
  type: "grid.order_met",
  atMs: T0,
  station: null,
  key: null,
  body: { id: "o", revision, verdict, circuit: "main", limit_w: 40_000, power_w: 39_000, after_s: 4 },
});

function bookOf(...events: NewEvent[]): OrderBook {
  const book: OrderBook = new Map();
  for (const event of events) enterOrderFact(book, event);
  return book;
}

describe("orders as the log has them", () => {
  it("replaces an order by the next one of its id", () => {
    const book = bookOf(ordered(), ordered({ revision: 2, power_w: 30_000, until: null }));
    expect(book.get("o")).toMatchObject({ order: { limitW: 30_000, untilMs: null }, ended: false });
  });

  it("leaves a replaced order alone when the end of the old one comes late", () => {
    const book = bookOf(ordered(), ordered({ revision: 2 }), ended(1));
    expect(book.get("o")?.ended).toBe(false);
  });

  it("remembers an ended order, so that the next one of its id counts on", () => {
    expect(bookOf(ordered(), ended(1)).get("o")).toMatchObject({ ended: true, body: { revision: 1 } });
  });

  it("counts verdicts of the newest revision alone", () => {
    expect(bookOf(ordered(), met(1, 1), met(1, 2)).get("o")?.verdicts).toBe(2);
    expect(bookOf(ordered(), ordered({ revision: 2 }), met(1, 2)).get("o")?.verdicts).toBe(0);
  });

  it("gives a limit to a cap only", () => {
    expect(bookOf(ordered({ kind: "dimming" })).get("o")?.order.limitW).toBeNull();
  });

  it("leaves out an order whose body retention has emptied", () => {
    expect(bookOf({ ...ordered(), body: {} } as never).size).toBe(0);
  });
});

it("is in force from its start until just before its end", () => {
  const order = bookOf(ordered()).get("o")?.order as never;
  expect([-1, 0, HOUR, 2 * HOUR - 1, 2 * HOUR].map((ms) => inForce(order, T0 + ms))).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect([2 * HOUR - 1, 2 * HOUR].map((ms) => isOver(order, T0 + ms))).toEqual([false, true]);
});
