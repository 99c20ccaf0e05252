/**
 * Drawn visits of a fleet depot's evening and night: vehicles come back once a day and stay until the morning, as in the
 * off-shift dwell of Borlaug et al., "Heavy-duty truck electrification and the impacts of depot charging on electricity
 * distribution systems", Nature Energy 6 (2021). Who they are is in fleet.ts.
 */
import { PHASE_ORDERS } from "../model/circuit.ts";
import { drawCar, drawDelay, drawHour, drawKind, KINDS, type VehicleKind } from "./fleet.ts";
import { AC_MINIMUM_MA, type FleetPlan, type Scenario, type UnnamedStation, type Visit } from "./plan.ts";
import { createRandom } from "./random.ts";
import { dcStation } from "./uncontrolled.ts";

/** Share of the AC stations where another van makes a short stop before: arrival and length in hours. */
const EARLY = { share: 0.4, from: 13, to: 13.5, shortest: 1.25, longest: 1.75, mostKwh: 4 };
/** One station of so many has a meter that signs, the first among them. */
const SIGNING = 8;
/** One station of so many is for a bus: DC. Never one that signs. */
const BUSES = { every: 6, at: 3, watts: 50_000 };
/** People say a little more than the battery takes in the end, up to this part of it. */
const SAID_ABOVE = 0.05;
const SHORTEST_STAY_H = 0.5;

export interface DrawOptions {
  stations: number;
  seed: number;
  /** Depot time of the midnight before the evening, ms since the epoch. */
  midnightMs: number;
  timeZone: string;
  /** Line to neutral, V. */
  voltageV: number;
}

/** Stations `cp-001` and up with an evening's visits by named vehicles; the same options give the same depot. */
export function drawEvening(options: DrawOptions): Scenario & { fleet: FleetPlan } {
  const random = createRandom(options.seed);
  const stations = Array.from({ length: options.stations }, (_, i): UnnamedStation => {
    const registerWh = Math.round(random.between(10_000, 20_000_000));
    return {
      id: `cp-${String(i + 1).padStart(3, "0")}`,
      phaseOrder: PHASE_ORDERS[i % 3] ?? "L1L2L3",
      registerWh,
      ...(i % BUSES.every === BUSES.at
        ? dcStation(BUSES.watts, options.voltageV)
        : { kind: "ac", minMa: AC_MINIMUM_MA, maxMa: 32_000, efficiency: 1 }),
      ...(i % SIGNING === 0 ? { signs: true } : {}),
    };
  });
  const fleet: FleetPlan = { vehicles: [], said: [] };
  const visits: Visit[] = [];
  const counts = new Map<string, number>();
  const at = (hours: number) => Math.round(options.midnightMs + hours * 3_600_000);

  const stay = (station: UnnamedStation, n: number, kind: VehicleKind, from: number, to: number) => {
    const number = (counts.get(kind.name) ?? 0) + 1;
    counts.set(kind.name, number);
    const vehicle = `${kind.name}-${String(number).padStart(2, "0")}`;
    const tokenUid = random.hex(14).toUpperCase();
    const mostKwh = n === 1 ? EARLY.mostKwh : kind.energy.toKwh;
    const car = drawCar(random, kind, mostKwh, station.kind === "dc" ? station.maxMa : null);
    const by = random.next();
    const departMs = minute(at(to));
    const isSaid = n > 1 && by < kind.timetable + kind.dated;
    const delay = drawDelay(random, kind);
    const energyWh = 1000 * Math.ceil((car.energyWh * random.between(1, 1 + SAID_ABOVE)) / 1000);
    if (isSaid) fleet.said.push({ vehicle, departMs, energyWh, isDaily: by < kind.timetable });
    fleet.vehicles.push({
      id: vehicle,
      class: kind.class,
      batteryWh: kind.batteryWh,
      phases: car.phases,
      maxMa: car.maxMa,
      dcMaxW: station.kind === "dc" ? BUSES.watts : null,
      tokenUid,
    });
    const leaves = Math.max(from + SHORTEST_STAY_H, isSaid ? to + delay : to);
    const id = `${station.id}-${n}`;
    const [arrivalMs, departureMs] = [at(from), at(leaves)];
    visits.push({ id, station: station.id, arrivalMs, departureMs, tokenUid, vehicle, car });
  };

  for (const station of stations) {
    const kind = station.kind === "dc" ? KINDS.bus : drawKind(random);
    if (station.kind === "ac" && random.happens(EARLY.share)) {
      const from = random.between(EARLY.from, EARLY.to);
      stay(station, 1, KINDS.van, from, from + random.between(EARLY.shortest, EARLY.longest));
    }
    stay(station, 2, kind, drawHour(random, kind.returns), drawHour(random, kind.leaves));
  }
  return { stations, visits, timeZone: options.timeZone, fleet };
}

/** People say departures by the minute; a timetable by five of them. */
const minute = (ms: number) => Math.round(ms / 300_000) * 300_000;
