/**
 * What a depot would draw if nobody balanced it: which car fits a record, and how small the site must be to need us.
 * It runs the same physics as the depot does.
 */
import { linesOf, type PerLine } from "../model/circuit.ts";
import { createEvse } from "./evse.ts";
import { AC_MINIMUM_MA, type CarPlan, type UnnamedStation, type Visit } from "./plan.ts";

/** Provisioned values of a station of one size, without its name and wiring. */
export type StationSize = Pick<UnnamedStation, "kind" | "minMa" | "maxMa" | "efficiency">;

const AC_STATION: StationSize = { kind: "ac", minMa: AC_MINIMUM_MA, maxMa: 32_000, efficiency: 1 };

/** Sizes of DC chargers on the market, W delivered. */
const DC_POWERS_W = [50_000, 150_000, 350_000];
const DC_MINIMUM_W = 5000;
const DC_EFFICIENCY = 0.95;

/** AC-side mA per line for `watts` delivered, rounded up to 0.1 A. */
function dcMa(watts: number, voltageV: number): number {
  return Math.ceil((watts * 10) / (3 * voltageV * DC_EFFICIENCY)) * 100;
}

/** Of a charger that delivers `watts`. */
export function dcStation(watts: number, voltageV: number): StationSize {
  return {
    kind: "dc",
    minMa: dcMa(DC_MINIMUM_W, voltageV),
    maxMa: dcMa(watts, voltageV),
    efficiency: DC_EFFICIENCY,
  };
}

/** An EVSE of this size with the car plugged in and nothing held back. */
function freeEvse(size: StationSize, car: CarPlan, voltageV: number) {
  const evse = createEvse({ ...size, voltageV, dc: size.kind === "dc", registerWh: 0 });
  evse.plug(car);
  evse.offer(size.maxMa);
  evse.enable(true);
  return evse;
}

const PROFILE_STEP_MS = 60_000;

/** Whether the car is full within `ms` when nobody limits it. */
export function fillsWithin(size: StationSize, car: CarPlan, voltageV: number, ms: number): boolean {
  const evse = freeEvse(size, car, voltageV);
  for (let left = ms; left > 0 && !evse.full; left -= PROFILE_STEP_MS) {
    evse.advance(Math.min(left, PROFILE_STEP_MS));
  }
  return evse.full;
}

/** Battery of a car of which only the session is known, and the part of it that is charged with falling current. */
const BATTERY_WH = 60_000;
const TAPER_SHARE = 0.1;

function carOf(phases: 1 | 3, maxMa: number, energyWh: number, tapers: boolean): CarPlan {
  const batteryWh = Math.max(BATTERY_WH, Math.ceil(energyWh / 0.8));
  const fullPct = tapers ? 100 : 80;
  return {
    phases,
    maxMa,
    energyWh,
    taperFromWh: tapers ? Math.max(0, energyWh - Math.round(batteryWh * TAPER_SHARE)) : energyWh,
    batteryWh,
    socPct: Math.max(0, fullPct - (100 * energyWh) / batteryWh),
  };
}

/**
 * The smallest common car that takes `energyWh` within the stay, start-up and authorisation included: one phase at
 * 32 A, three at 16 A, three at 32 A, then DC. A stay too short for a taper means that the car left before it was full.
 * What not even the largest DC charger delivers is marked `clamped`.
 */
export function carFor(
  energyWh: number,
  stayMs: number,
  voltageV: number,
): { car: CarPlan; size: StationSize; clamped: boolean } {
  const marginMs = Math.min(stayMs / 4, Math.max(180_000, stayMs * 0.03));
  const sizes: { phases: 1 | 3; maxMa: number; size: StationSize }[] = [
    { phases: 1, maxMa: 32_000, size: AC_STATION },
    { phases: 3, maxMa: 16_000, size: AC_STATION },
    { phases: 3, maxMa: 32_000, size: AC_STATION },
    ...DC_POWERS_W.map((watts) => {
      const size = dcStation(watts, voltageV);
      return { phases: 3 as const, maxMa: size.maxMa, size };
    }),
  ];
  for (const { phases, maxMa, size } of sizes) {
    for (const tapers of [true, false]) {
      const car = carOf(phases, maxMa, energyWh, tapers);
      if (fillsWithin(size, car, voltageV, Math.floor(stayMs - marginMs)))
        return { car, size, clamped: false };
    }
  }
  const size = dcStation(DC_POWERS_W.at(-1) ?? 0, voltageV);
  return { car: carOf(3, size.maxMa, energyWh, false), size, clamped: true };
}

/** Highest sum of currents per line, A, if every car took what it can from its arrival on. */
export function uncontrolledPeakA(
  stations: readonly UnnamedStation[],
  visits: readonly Visit[],
  voltageV: number,
): PerLine {
  const byId = new Map(stations.map((s) => [s.id, s]));
  const first = Math.min(...visits.map((v) => v.arrivalMs));
  const last = Math.max(...visits.map((v) => v.departureMs));
  const bins = Math.max(1, Math.ceil((last - first) / PROFILE_STEP_MS) + 1);
  const sums = [0, 1, 2].map(() => new Float64Array(bins));
  for (const visit of visits) {
    const station = byId.get(visit.station);
    if (!station) throw new Error(`visit ${visit.id} is at ${visit.station}, which is not in the depot`);
    const evse = freeEvse(station, visit.car, voltageV);
    const onLines = linesOf(station.phaseOrder, evse.phases).map((line) => sums[line] ?? new Float64Array());
    for (let atMs = visit.arrivalMs; atMs < visit.departureMs && !evse.full; atMs += PROFILE_STEP_MS) {
      evse.advance(PROFILE_STEP_MS);
      const bin = Math.floor((atMs - first) / PROFILE_STEP_MS);
      for (const sum of onLines) sum[bin] = (sum[bin] ?? 0) + evse.drawMa;
    }
  }
  const peak = (line: number) =>
    (sums[line] ?? new Float64Array()).reduce((a, b) => Math.max(a, b), 0) / 1000;
  return visits.length > 0 ? [peak(0), peak(1), peak(2)] : [0, 0, 0];
}

/**
 * A site too small for its cars: half of the uncontrolled peak of the busiest line, whole amperes, the same on every
 * line, and never too small for the largest minimum current.
 */
export function siteLimitFromPeak(
  stations: readonly UnnamedStation[],
  visits: readonly Visit[],
  voltageV: number,
): number {
  const peakA = Math.max(...uncontrolledPeakA(stations, visits, voltageV));
  const largestMinimumA = Math.max(...stations.map((s) => s.minMa / 1000));
  return Math.max(Math.ceil(largestMinimumA), Math.round(peakA / 2));
}
