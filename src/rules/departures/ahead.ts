/** The departures of the days to come, dated ones and those of the timetable, by vehicle and by EVSE. */
import type { Departure } from "../../model/departure.ts";
import { dateIn } from "../report-calendar.ts";
import type { DepartureBook } from "./book.ts";
import { datesBetween, localInstants, occurrences } from "./timetable.ts";

export interface Coming extends Departure {
  /** Id of its line of the timetable; null for a dated one. */
  line: string | null;
}

/** All in order of time, and the same by who leaves. */
export interface Ahead {
  all: Coming[];
  ofVehicle: ReadonlyMap<string, Coming[]>;
  ofEvse: ReadonlyMap<string, Coming[]>;
}

/** With `fromMs <= departMs < toMs`. What somebody said of a date stands for the timetable of that date. */
export function ahead(book: DepartureBook, fromMs: number, toMs: number, zone: string): Ahead {
  const isWithin = ({ departMs }: { departMs: number }) => departMs >= fromMs && departMs < toMs;
  const all: Coming[] = [...book.dated.values()].filter(isWithin).map((one) => ({ ...one, line: null }));
  const said = new Set([...book.dated.values()].map((one) => `${whoOf(one)} ${dateIn(one.departMs, zone)}`));
  const instantOf = localInstants(zone);
  const dates = datesBetween(fromMs, toMs, zone);
  for (const line of book.timetable.lines) {
    const { vehicle = null, evse = null } = line;
    for (const { id, date, departMs } of occurrences(line, dates, instantOf)) {
      if (!isWithin({ departMs }) || book.skipped.has(id) || said.has(`${whoOf({ vehicle, evse })} ${date}`))
        continue;
      all.push({
        id,
        vehicle,
        evse,
        departMs,
        energyWh: line.energy_wh ?? null,
        socPct: line.soc_pct ?? null,
        class: line.class ?? null,
        source: book.timetable.source,
        line: line.id,
      });
    }
  }
  all.sort((a, b) => a.departMs - b.departMs || (a.id < b.id ? -1 : 1));
  return { all, ofVehicle: by(all, "vehicle"), ofEvse: by(all, "evse") };
}

/** An EVSE has a slash, a vehicle none. */
const whoOf = ({ vehicle, evse }: Pick<Departure, "vehicle" | "evse">) => vehicle ?? evse;

function by(all: readonly Coming[], who: "vehicle" | "evse"): Map<string, Coming[]> {
  const named = all.filter((one) => one[who] !== null);
  return Map.groupBy(named, (one) => one[who] as string);
}
