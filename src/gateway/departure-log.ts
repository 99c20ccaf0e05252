/** What the log has of departures and vehicles, read once at start. */
import type { LogReader } from "../log/log-store.ts";
import { BOOKED_TYPES, book, type DepartureBook, emptyBook } from "../rules/departures/book.ts";

export async function readDepartureBook(reader: Pick<LogReader, "read">): Promise<DepartureBook> {
  const known = emptyBook();
  for (let after = 0; ; ) {
    const { events, through } = await reader.read(after, { types: [...BOOKED_TYPES], limit: 500 });
    for (const event of events) book(known, event);
    if (through === after) return known;
    after = through;
  }
}
