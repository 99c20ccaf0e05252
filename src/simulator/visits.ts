/**
 * Drawn visits of a fleet depot's evening and night: vans come back once a day and stay until the morning, as in the
 * off-shift dwell of Borlaug et al., "Heavy-duty truck electrification and the impacts of depot charging on electricity
 * distribution systems", Nature Energy 6 (2021). Energy is log-normal with the spread of the JPL sessions of ACN-Data
 * (Lee, Li, Low, e-Energy 2019; May to August 2019: mean 2.34, deviation 0.87 of the logarithm of kWh), its median
 * raised to a van's day. Hours and shares below are this project's assumptions and easy to change.
 */
import { PHASE_ORDERS } from "../model/circuit.ts";
import { AC_MINIMUM_MA, type CarPlan, type Scenario, type UnnamedStation, type Visit } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";

/** Hours of depot time after midnight of the first day; a normal distribution cut at both ends. */
const RETURN = { mean: 17.5, deviation: 1.25, from: 15.5, to: 21.5 };
const LEAVE = { mean: 30.25, deviation: 0.6, from: 29, to: 31.5 };
/** Share of the stations where another van makes a short stop before: arrival and length in hours. */
const EARLY = { share: 0.4, from: 13.75, to: 14.25, shortest: 0.75, longest: 1.1 };

const ENERGY = { muLogKwh: Math.log(28), sigmaLogKwh: 0.87 * 0.6, fromKwh: 4, toKwh: 75 };
/** One station of so many has a meter that signs, the first among them. */
const SIGNING = 8;
const BATTERY_WH = 80_000;

/** A quarter of the vans charge from one phase, a fifth from three at 32 A, the rest from three at 16 A. */
function drawSize(share: number): Pick<CarPlan, "phases" | "maxMa"> {
  if (share < 0.25) return { phases: 1, maxMa: 32_000 };
  return { phases: 3, maxMa: share < 0.45 ? 32_000 : 16_000 };
}

export interface DrawOptions {
  stations: number;
  seed: number;
  /** Depot time of the midnight before the evening, ms since the epoch. */
  midnightMs: number;
  timeZone: string;
}

/** Stations `cp-001` and up with an evening's visits; the same options give the same depot. */
export function drawEvening(options: DrawOptions): Scenario {
  const random = createRandom(options.seed);
  const stations = Array.from(
    { length: options.stations },
    (_, i): UnnamedStation => ({
      id: `cp-${String(i + 1).padStart(3, "0")}`,
      kind: "ac",
      phaseOrder: PHASE_ORDERS[i % 3] ?? "L1L2L3",
      minMa: AC_MINIMUM_MA,
      maxMa: 32_000,
      efficiency: 1,
      registerWh: Math.round(random.between(10_000, 20_000_000)),
      ...(i % SIGNING === 0 ? { signs: true } : {}),
    }),
  );
  const at = (hours: number) => Math.round(options.midnightMs + hours * 3_600_000);
  const visits = stations.flatMap(({ id }): Visit[] => {
    const stays: Visit[] = [];
    const stay = (n: number, from: number, to: number, mostKwh: number) =>
      stays.push({
        id: `${id}-${n}`,
        station: id,
        arrivalMs: at(from),
        departureMs: at(to),
        tokenUid: random.hex(14).toUpperCase(),
        car: drawCar(random, mostKwh),
      });
    if (random.happens(EARLY.share)) {
      const from = random.between(EARLY.from, EARLY.to);
      stay(1, from, from + random.between(EARLY.shortest, EARLY.longest), 12);
    }
    stay(2, drawHour(random, RETURN), drawHour(random, LEAVE), ENERGY.toKwh);
    return stays;
  });
  return { stations, visits, timeZone: options.timeZone };
}

function drawHour(random: Random, hours: typeof RETURN): number {
  return Math.min(hours.to, Math.max(hours.from, random.normal(hours.mean, hours.deviation)));
}

function drawCar(random: Random, mostKwh: number): CarPlan {
  const kwh = random.logNormal(ENERGY.muLogKwh, ENERGY.sigmaLogKwh);
  const energyWh = Math.round(1000 * Math.min(mostKwh, Math.max(ENERGY.fromKwh, kwh)));
  const size = drawSize(random.next());
  const socPct = Math.max(0, 100 - (100 * energyWh) / BATTERY_WH);
  return {
    phases: size.phases,
    maxMa: size.maxMa,
    energyWh,
    taperFromWh: Math.max(0, energyWh - Math.round(BATTERY_WH * 0.1)),
    batteryWh: BATTERY_WH,
    socPct,
  };
}
