/** Grid orders as the log has them at a start: they hold before control raises anything. */
import { existsSync } from "node:fs";
import { enterOrderFact, GRID_ORDER_FACTS, type OrderBook } from "../rules/grid/orders.ts";
import { logFileIn, readLogFile } from "./log-file.ts";

const PAGE = 1_000;

/** Reads on the main thread, so call it before anything is connected. Only facts of orders are read, by their index. */
export async function restoredOrders(dataDir: string): Promise<OrderBook> {
  const book: OrderBook = new Map();
  if (!existsSync(logFileIn(dataDir))) return book;
  const reader = readLogFile(dataDir);
  // The order of types is that in which they follow upon each other within a revision.
  for (const type of GRID_ORDER_FACTS)
    for (let after = 0; ; ) {
      const events = reader.factsOfType(type, after, PAGE);
      for (const event of events) enterOrderFact(book, event);
      if (events.length < PAGE) break;
      after = events.at(-1)?.offset ?? after;
    }
  await reader.close();
  return book;
}
