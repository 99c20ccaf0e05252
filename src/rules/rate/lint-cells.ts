/** The combinations that a tariff's restrictions tell apart: within one, the same elements apply. */
import { DAYS_OF_WEEK } from "../../model/tariff.ts";
import type { CompiledTariff, Restrictions } from "./compile.ts";
import { compare, exactText, type Quantity } from "./exact.ts";
import type { Moment } from "./match.ts";
import { DAY_MS } from "./zone.ts";

export interface Cell {
  moment: Moment;
}

const MOST_CELLS = 50_000;
/** 2026-01-05, a Monday: any week does where no dates are named. */
const A_MONDAY = 20_458;

/** Undefined when there are too many to try. Times of day are those of UTC. */
export function cellsOf(compiled: CompiledTariff): Cell[] | undefined {
  const given = compiled.restrictions.filter((r) => r !== null);
  const times = compiled.times.includes(0) ? compiled.times : [0, ...compiled.times];
  const days = daysOf(given);
  const energies = [{ units: 0, parts: 0 }, ...distinct(compiled.energies)];
  const durations = [0, ...compiled.durations];
  const powers = steps(given.flatMap(({ minPower, maxPower }) => [minPower, maxPower]));
  const currents = steps(given.flatMap(({ minCurrent, maxCurrent }) => [minCurrent, maxCurrent]));
  const count =
    times.length * days.length * energies.length * durations.length * powers.length * currents.length;
  if (count > MOST_CELLS) return undefined;
  const cells: Cell[] = [];
  for (const day of days)
    for (const time of times)
      for (const energy of energies)
        for (const elapsedMs of durations)
          for (const power of powers)
            for (const current of currents)
              cells.push({
                moment: {
                  ms: day * DAY_MS + time,
                  energy: { ...energy },
                  elapsedMs,
                  leastPower: power,
                  mostPower: power,
                  leastCurrent: current,
                  mostCurrent: current,
                },
              });
  return cells;
}

/** `on MONDAY from 22:00 at 10 kWh`: only what the restrictions look at. */
export function describeCell({ moment }: Cell, compiled: CompiledTariff): string {
  const words: string[] = [];
  const day = Math.floor(moment.ms / DAY_MS);
  if (compiled.restrictions.some((r) => r && (r.fromDay > -Infinity || r.untilDay < Infinity)))
    words.push(`on ${new Date(moment.ms).toISOString().slice(0, 10)}`);
  else if (compiled.restrictions.some((r) => r && r.weekdays !== 127))
    words.push(`on ${DAYS_OF_WEEK[(day + 3) % 7]}`);
  if (compiled.restrictions.some((r) => r?.window))
    words.push(`from ${new Date(moment.ms).toISOString().slice(11, 16)}`);
  if (compiled.energies.length > 0) words.push(`at ${exactText(moment.energy, 6, 0)} kWh`);
  if (compiled.durations.length > 0) words.push(`after ${moment.elapsedMs / 1000} s`);
  if (compiled.usesPower) words.push(`with ${moment.leastPower / 1e8} kW`);
  if (compiled.usesCurrent) words.push(`with ${moment.leastCurrent / 1e8} A`);
  return words.join(" ") || "at all times";
}

/** Seven days, or up to seven from each date at which a restriction begins or ends. */
function daysOf(given: readonly Restrictions[]): number[] {
  const dates = given.flatMap(({ fromDay, untilDay }) => [fromDay, untilDay]).filter(Number.isFinite);
  const starts = [...new Set(dates)].sort((a, b) => a - b);
  const first = starts[0];
  const weekly = given.some(({ weekdays }) => weekdays !== 127);
  const length = weekly ? 7 : 1;
  if (first === undefined) return Array.from({ length }, (_, i) => A_MONDAY + i);
  return [first - 7, ...starts].flatMap((start, i) => {
    const end = starts[i] ?? Infinity;
    return Array.from({ length }, (_, d) => start + d).filter((day) => day < end);
  });
}

function steps(limits: readonly (number | null)[]): number[] {
  const values = limits.filter((limit) => limit !== null);
  return [...new Set([0, ...values])].sort((a, b) => a - b);
}

function distinct(energies: readonly Quantity[]): Quantity[] {
  return energies.filter((energy, i) => {
    const before = energies[i - 1];
    return compare(energy.units, energy.parts, before ?? { units: 0, parts: 0 }) > 0;
  });
}
