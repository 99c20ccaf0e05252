/** What taking departures back comes to: of dated ones, single days of the timetable, and whole lines of it. */
import type { DeparturesAnswer, TimetableLine } from "../model/departure.ts";
import type { DepartureBook } from "../rules/departures/book.ts";
import { weekdayOf } from "../rules/departures/timetable.ts";

type Refused = Extract<DeparturesAnswer, { refused: unknown }>;

export interface Removal {
  /** Dated departures, and days of lines, that hold now. */
  departures: string[];
  /** The timetable without the lines named; null when none was. */
  lines: TimetableLine[] | null;
}

export function removalOf(known: DepartureBook, ids: readonly string[]): Removal | Refused {
  const departures: string[] = [];
  const gone = new Set<string>();
  for (const id of new Set(ids)) {
    if (known.dated.has(id)) departures.push(id);
    else if (known.timetable.lines.some((line) => line.id === id)) gone.add(id);
    else if (isDayOf(known.timetable.lines, id)) {
      if (!known.skipped.has(id)) departures.push(id);
    } else
      return {
        refused: {
          code: "NO_SUCH_DEPARTURE",
          message: `there is no departure "${id.slice(0, 80)}"`,
          fix: "See which there are: laddport departures list.",
        },
      };
  }
  const lines = gone.size > 0 ? known.timetable.lines.filter(({ id }) => !gone.has(id)) : null;
  return { departures, lines };
}

/** `line@2026-11-26`, where the line leaves on that weekday. */
function isDayOf(lines: readonly TimetableLine[], id: string): boolean {
  const at = id.lastIndexOf("@");
  const date = id.slice(at + 1);
  if (at < 0 || !/^\d{4}-\d\d-\d\d$/.test(date) || Number.isNaN(Date.parse(date))) return false;
  return lines.some((line) => line.id === id.slice(0, at) && line.days.includes(weekdayOf(date)));
}

export const forFlow = (message: string): Refused => ({
  refused: {
    code: "BAD_DEPARTURE",
    message,
    fix: "Flows set and remove dated departures; a person changes the timetable: laddport departures import.",
  },
});
