/**
 * The vehicles of a drawn depot and what was said of their departures. Buses leave early and by a timetable, vans by one
 * that is mostly true, pool cars when their drivers say and often otherwise, and of guests hardly anything is known. All
 * shares, hours and energies are this project's assumptions and easy to change; the spread of a van's energy is that of
 * the JPL sessions of ACN-Data (Lee, Li, Low, e-Energy 2019; May to August 2019: mean 2.34, deviation 0.87 of the
 * logarithm of kWh), its median raised to a van's day.
 */
import { AC_MINIMUM_MA, type CarPlan } from "./plan.ts";
import type { Random } from "./random.ts";

export const FLEET_CLASSES = [
  { id: "bus", weight: 10 },
  { id: "pool", weight: 3 },
  { id: "guest", weight: 1 },
] as const;

/** Hours of depot time after midnight; a normal distribution cut at both ends. */
interface Hours {
  mean: number;
  deviation: number;
  from: number;
  to: number;
}

export interface VehicleKind {
  name: "bus" | "van" | "pool" | "guest";
  class: (typeof FLEET_CLASSES)[number]["id"];
  batteryWh: number;
  /** Part of the battery that is charged with falling current; none for one that is never charged full. */
  taper: number;
  energy: { medianKwh: number; sigmaLog: number; fromKwh: number; toKwh: number };
  returns: Hours;
  leaves: Hours;
  /** Chances that its departure stands in the timetable, and that somebody says it for the day; else it is unknown. */
  timetable: number;
  dated: number;
  /** Chances that it leaves earlier and later than was said. */
  early: number;
  late: number;
}

export const KINDS: Record<VehicleKind["name"], VehicleKind> = {
  bus: {
    name: "bus",
    class: "bus",
    batteryWh: 300_000,
    taper: 0,
    energy: { medianKwh: 120, sigmaLog: 0.3, fromKwh: 60, toKwh: 220 },
    returns: { mean: 19, deviation: 0.75, from: 17.5, to: 20.5 },
    leaves: { mean: 28, deviation: 0.5, from: 27, to: 29 },
    timetable: 1,
    dated: 0,
    early: 0.05,
    late: 0.15,
  },
  van: {
    name: "van",
    class: "pool",
    batteryWh: 80_000,
    taper: 0.05,
    energy: { medianKwh: 30, sigmaLog: 0.87 * 0.6, fromKwh: 6, toKwh: 75 },
    returns: { mean: 17.25, deviation: 1.1, from: 15.5, to: 21 },
    leaves: { mean: 30.25, deviation: 0.6, from: 29, to: 31.5 },
    timetable: 0.9,
    dated: 0,
    early: 0.08,
    late: 0.15,
  },
  pool: {
    name: "pool",
    class: "pool",
    batteryWh: 60_000,
    taper: 0.05,
    energy: { medianKwh: 16, sigmaLog: 0.5, fromKwh: 4, toKwh: 45 },
    returns: { mean: 16.75, deviation: 1, from: 15.5, to: 20 },
    leaves: { mean: 31, deviation: 0.5, from: 30, to: 31.5 },
    timetable: 0,
    dated: 0.7,
    early: 0.15,
    late: 0.25,
  },
  guest: {
    name: "guest",
    class: "guest",
    batteryWh: 70_000,
    taper: 0.05,
    energy: { medianKwh: 20, sigmaLog: 0.5, fromKwh: 4, toKwh: 50 },
    returns: { mean: 18, deviation: 1.25, from: 15.5, to: 21.5 },
    leaves: { mean: 30.5, deviation: 0.7, from: 29, to: 31.5 },
    timetable: 0,
    dated: 0.25,
    early: 0.15,
    late: 0.25,
  },
};

/** Of the vehicles at AC stations. */
export function drawKind(random: Random): VehicleKind {
  const share = random.next();
  return share < 0.6 ? KINDS.van : share < 0.85 ? KINDS.pool : KINDS.guest;
}

export function drawHour(random: Random, { mean, deviation, from, to }: Hours): number {
  return Math.min(to, Math.max(from, random.normal(mean, deviation)));
}

/** How much later than said it leaves, hours: most within a few minutes, some far off. */
export function drawDelay(random: Random, kind: VehicleKind): number {
  const share = random.next();
  const far = random.between(0.25, 0.75);
  if (share < kind.early) return -far;
  if (share < kind.early + kind.late) return far;
  return random.between(-0.05, 0.1);
}

/** A quarter of the AC cars charge from one phase, a fifth from three at 32 A, the rest from three at 16 A. */
function drawSize(share: number): Pick<CarPlan, "phases" | "maxMa"> {
  if (share < 0.25) return { phases: 1, maxMa: 32_000 };
  return { phases: 3, maxMa: share < 0.45 ? 32_000 : 16_000 };
}

/** `dcMaxMa`: of a DC station, AC side; its vehicle takes all of it. */
export function drawCar(random: Random, kind: VehicleKind, mostKwh: number, dcMaxMa: number | null): CarPlan {
  const { medianKwh, sigmaLog, fromKwh, toKwh } = kind.energy;
  const kwh = random.logNormal(Math.log(medianKwh), sigmaLog);
  const energyWh = Math.round(1000 * Math.min(mostKwh, toKwh, Math.max(fromKwh, kwh)));
  const drawn = drawSize(random.next());
  const size = dcMaxMa === null ? drawn : { phases: 3 as const, maxMa: Math.max(AC_MINIMUM_MA, dcMaxMa) };
  return {
    ...size,
    energyWh,
    taperFromWh: Math.max(0, energyWh - Math.round(kind.batteryWh * kind.taper)),
    batteryWh: kind.batteryWh,
    socPct: Math.max(0, 100 - (100 * energyWh) / kind.batteryWh),
  };
}
