/** From the demo's options to what is played and how fast. */
import { LaddportError } from "../errors.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { Scenario } from "../simulator/plan.ts";
import { loadReplay } from "../simulator/replay.ts";
import { ReplayError } from "../simulator/replay-file.ts";
import { fromWall } from "../simulator/time-text.ts";
import { drawEvening } from "../simulator/visits.ts";

export interface DemoOptions {
  /** Simulated stations; a replay has as many as its record. */
  stations: number;
  /** Real ms that the demo takes, closing aside. */
  forMs: number;
  /** Depot seconds a real second; chosen so that everything fits into `forMs` when absent. */
  speed?: number;
  replay?: string;
  day?: string;
  timeZone?: string;
  /** A per line; half of the uncontrolled peak when absent. */
  siteA?: number;
  /** File for the closing figures, `-` for stdout. */
  json?: string;
  influx?: string;
  /** Folder that stays: config, data, summaries. */
  keep?: string;
  flows: boolean;
  /** Whether stations drop their link, reboot, fault and repeat themselves; not in a replay. */
  mischief: boolean;
  seed: number;
}

export interface Played {
  scenario: Scenario;
  title: string;
  /** For the reader, one sentence each. */
  notes: string[];
}

const ZONE = "Europe/Stockholm";
const DAY_MS = 86_400_000;

/** Draws the evening or reads the record. @throws LaddportError LP803 with the record's faults. */
export function whatIsPlayed(options: DemoOptions, voltageV: number, nowMs: number): Played {
  if (options.replay === undefined) {
    const lost = options.day !== undefined ? "--day" : options.timeZone !== undefined ? "--time-zone" : null;
    if (lost)
      throw new LaddportError("LP803", `${lost} belongs to a record`, { fix: "Name it with --replay FILE." });
    // An evening that is over in real time: time series databases do not like the future.
    const midnightMs = fromWall(Math.floor(nowMs / DAY_MS) * DAY_MS - 2 * DAY_MS, ZONE);
    const { stations, seed } = options;
    const scenario = drawEvening({ stations, seed, midnightMs, timeZone: ZONE, voltageV });
    return { scenario, title: `Depot of ${stations} stations, an evening and its night`, notes: [] };
  }
  try {
    const replay = loadReplay({
      file: options.replay,
      voltageV,
      ...(options.day === undefined ? {} : { day: options.day }),
      ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
    });
    const { visits, stations } = replay;
    const many = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
    const title = `Recorded ${replay.day}: ${many(visits.length, "session")} at ${many(stations.length, "station")}`;
    return { scenario: replay, title, notes: replay.notes };
  } catch (cause) {
    if (!(cause instanceof ReplayError)) throw cause;
    throw new LaddportError("LP803", cause.message, { fix: "", cause });
  }
}

export interface Pace {
  speed: number;
  /** Real ms from the first car to the end of the demo. */
  windowMs: number;
  firstMs: number;
  lastMs: number;
}

/** So much of getting ready counts as part of the demo; a slow machine takes longer instead of playing faster. */
const COUNTED_LEAD_MS = 5000;

/** How fast depot time runs so that the visits fit into what is left of it after getting ready. */
export function paceOf(scenario: Scenario, options: DemoOptions, leadMs: number): Pace {
  const firstMs = scenario.visits.reduce(
    (least, v) => Math.min(least, v.arrivalMs),
    Number.POSITIVE_INFINITY,
  );
  const lastMs = scenario.visits.reduce((most, v) => Math.max(most, v.departureMs), 0);
  const windowMs = options.forMs - Math.min(leadMs, COUNTED_LEAD_MS, options.forMs / 2);
  const speed = options.speed ?? Math.max(1, Math.ceil((lastMs - firstMs) / windowMs));
  return { firstMs, lastMs, windowMs, speed };
}

/** Depot time as it must stand now so that the first car comes in `leadMs`. */
export function originOf({ firstMs, speed }: Pace, leadMs: number, nowMs: number): ClockOrigin {
  return { realMs: nowMs, depotMs: Math.round(firstMs - leadMs * speed), speed };
}
