/**
 * Vehicles that nothing tells apart get alike. To a program it is all one which of them gets what, so a solution gives
 * one of them nearly all and another one nothing, by the order of their columns. What a group gets together is shared
 * out so that all of it end with the same part of what they asked for.
 */
import { gridKw } from "./joint-room.ts";
import { isCertain, lastMs, mostKwh, type PlanProblem, type PlanVehicle } from "./problem.ts";

const HOUR_MS = 3_600_000;
const DUST = 1e-9;

/** `rates` per vehicle and interval of `marks`; those of groups are changed in place. Sums of a group stay as they are. */
export function evenOut(
  problem: PlanProblem,
  rates: readonly Float64Array[],
  marks: readonly number[],
): void {
  const groups = Map.groupBy(problem.vehicles.keys(), (i) => kindOf(problem, i));
  for (const [kind, group] of groups)
    if (kind !== null && group.length > 1) evenGroup(problem, group, rates, marks);
}

/** Equal for whoever may change places in every row; null for those of whom too little is certain. */
function kindOf({ vehicles, phasors }: PlanProblem, i: number): string | null {
  const v = vehicles[i] as PlanVehicle;
  if (!isCertain(v)) return null;
  const angles = phasors.map(({ terms }) =>
    terms.filter((t) => t.vehicle === i).map((t) => [t.coefficient, t.angleDeg]),
  );
  const { circuit, lines, ampsPerUnit, kwPerUnit, max, askedKwh, fromMs, weight } = v;
  const own = [circuit, lines, ampsPerUnit, kwPerUnit, gridKw(v), max, askedKwh, fromMs, weight];
  return JSON.stringify([own, lastMs(v), angles]);
}

function evenGroup(
  { vehicles }: PlanProblem,
  group: readonly number[],
  rates: readonly Float64Array[],
  marks: readonly number[],
): void {
  const cars = group.map((i) => vehicles[i] as PlanVehicle);
  const { kwPerUnit, max } = cars[0] as PlanVehicle;
  const sums = (rates[group[0] as number] as Float64Array).map((_, j) =>
    group.reduce((sum, i) => sum + (rates[i]?.[j] ?? 0), 0),
  );
  const kwh = sums.reduce(
    (sum, rate, j) => sum + (rate * kwPerUnit * ((marks[j + 1] as number) - (marks[j] as number))) / HOUR_MS,
    0,
  );
  if (kwh <= DUST) return;
  const parts = filledUp(cars, kwh).map((own) => own / kwh);
  const highest = Math.max(...parts) * Math.max(...sums);
  const now = sums[0] ?? 0;
  // All at once would leave some below their minimum: then one after the other, as the program has it.
  const tooLittle = cars.some(({ keep }, k) => {
    const rate = now * (parts[k] as number);
    return rate > DUST && rate < keep - DUST;
  });
  if (tooLittle || highest > max + DUST) return;
  group.forEach((i, k) => {
    (rates[i] as Float64Array).set(sums.map((rate) => rate * (parts[k] as number)));
  });
}

/** kWh for each, `kwh` in all, so that what each has got in the end is as even as what it still wants allows. */
function filledUp(cars: readonly PlanVehicle[], kwh: number): number[] {
  const at = (level: number) => cars.map((v) => Math.max(0, Math.min(mostKwh(v), level - v.gotKwh)));
  let low = 0;
  let high = Math.max(...cars.map((v) => v.gotKwh + mostKwh(v)));
  for (let n = 0; n < 50; n++) {
    const level = (low + high) / 2;
    if (at(level).reduce((a, b) => a + b, 0) < kwh) low = level;
    else high = level;
  }
  return at(high);
}
