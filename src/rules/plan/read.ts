/** What a solved program says of each vehicle. */
import type { Layout } from "./build.ts";
import { evenOut } from "./even-out.ts";
import { mostKwh, type PlanProblem, type PlanVehicle } from "./problem.ts";
import type { Solution } from "./program.ts";

const HOUR_MS = 3_600_000;

export interface PlannedVehicle {
  id: string;
  /** Rate per interval of the plan's `marks`, in the vehicle's unit; none after its departure. */
  rates: Float64Array;
  /** kWh it will have got at departure, counted from the start of the plan. */
  forecastKwh: number;
  /** kWh that will be missing at departure. */
  missingKwh: number;
  /** What bounds it now: circuit and line, circuit and kW, or phasor; empty when nothing does. */
  boundBy: readonly string[];
}

export interface Plan {
  madeMs: number;
  /** Interval `j` is from `marks[j]` to `marks[j + 1]`, ms. */
  marks: readonly number[];
  vehicles: readonly PlannedVehicle[];
  /** The highest window that the plan expects, kW; null without a demand charge. */
  peakKw: number | null;
}

/** Less than this of a missing kWh for a unit of room is dust of the solver. */
const BINDS = 1e-7;

export function readPlan(problem: PlanProblem, layout: Layout, { value, rowDual }: Solution): Plan {
  const { marks } = layout.grid;
  const boundBy = new Map<number, string[]>();
  for (const { row, name, vehicles } of layout.named)
    if (Math.abs(rowDual[row] ?? 0) > BINDS)
      for (const i of vehicles) {
        const names = boundBy.get(i);
        if (names === undefined) boundBy.set(i, [name]);
        else if (!names.includes(name)) names.push(name);
      }
  const ratesOf = problem.vehicles.map((v, i) => {
    const first = layout.first[i] as number;
    const own = value.slice(first, first + (layout.count[i] as number));
    return own.map((rate) => Math.max(0, Math.min(v.max, rate)));
  });
  evenOut(problem, ratesOf, marks);
  const vehicles = problem.vehicles.map((v: PlanVehicle, i): PlannedVehicle => {
    const rates = ratesOf[i] as Float64Array;
    let forecastKwh = 0;
    rates.forEach((rate, j) => {
      const hours = ((marks[j + 1] as number) - (marks[j] as number)) / HOUR_MS;
      forecastKwh += rate * v.kwPerUnit * hours;
    });
    return {
      id: v.id,
      rates,
      forecastKwh,
      missingKwh: Math.max(0, mostKwh(v) - forecastKwh),
      boundBy: boundBy.get(i) ?? [],
    };
  });
  const peakKw = layout.peak === null ? null : (value[layout.peak] ?? null);
  return { madeMs: problem.startMs, marks, vehicles, peakKw };
}

/** The plan's rate for vehicle `i` at `atMs`; 0 outside of the plan. */
export function rateAt({ marks, vehicles }: Plan, i: number, atMs: number): number {
  const rates = vehicles[i]?.rates;
  if (rates === undefined) return 0;
  for (let j = 0; j < rates.length; j++)
    if (atMs >= (marks[j] as number) && atMs < (marks[j + 1] as number)) return rates[j] as number;
  return 0;
}
