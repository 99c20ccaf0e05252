/** The grid side of a drawn demo: a connection that is too small for its vehicles, a building, one order in the night. */
import type { GridOrderRequest } from "../model/grid-request.ts";
import type { BuildingPlan, Scenario } from "../simulator/plan.ts";

export interface DemoGrid {
  /** A per line. */
  siteLimitA: number;
  building: BuildingPlan | null;
  /** In the middle of the night, for a while. */
  order: (GridOrderRequest & { kw: number }) | null;
}

/** Of the connection: what the building draws, and by how much that swings over a day. */
const BUILDING = { share: 0.12, swing: 0.03 };
/** More stations report so seldom in fast depot time that what the building draws could not be told from them. */
const MOST_STATIONS_WITH_BUILDING = 60;
/** Between the first and the last vehicle. */
const ORDER = { id: "night-cap", from: 0.6, lastsMs: 90 * 60_000, share: 0.6 };
/** Hours at full connection that give all vehicles what they need: so many that equal shares leave some short. */
const NIGHT_H = 11.2;

/** `siteLimitA`: as the user wants it; else so much that the night is just long enough when nothing is wasted. */
export function demoGrid(scenario: Scenario, siteLimitA: number | undefined, voltageV: number): DemoGrid {
  const { stations, visits } = scenario;
  const kindOf = new Map(stations.map((s) => [s.id, s]));
  const wh = visits.reduce((sum, v) => sum + v.car.energyWh / (kindOf.get(v.station)?.efficiency ?? 1), 0);
  const neededA = wh / NIGHT_H / (3 * voltageV) / (1 - BUILDING.share);
  const largestMa = Math.max(...stations.map((s) => s.minMa), ...visits.map((v) => v.car.maxMa));
  const limitA = siteLimitA ?? Math.max(Math.ceil(neededA), Math.ceil((1.25 * largestMa) / 1000));
  const firstMs = Math.min(...visits.map((v) => v.arrivalMs));
  const lastMs = Math.max(...visits.map((v) => v.departureMs));
  const fromMs = firstMs + ORDER.from * (lastMs - firstMs);
  return {
    siteLimitA: limitA,
    building:
      stations.length > MOST_STATIONS_WITH_BUILDING
        ? null
        : { baseA: limitA * BUILDING.share, swingA: limitA * BUILDING.swing },
    order: {
      id: ORDER.id,
      kind: "cap",
      kw: Math.round((ORDER.share * limitA * 3 * voltageV) / 1000),
      from: iso(fromMs),
      until: iso(fromMs + ORDER.lastsMs),
      reference: "demo",
    },
  };
}

/** By five minutes. */
const iso = (ms: number) => new Date(Math.round(ms / 300_000) * 300_000).toISOString();
