import {
  digits,
  exact,
  fraction,
  less,
  minus,
  over,
  plus,
  type Rational,
  size,
  sum,
  times,
  ZERO,
} from "./rational.ts";
import type { Dimension, Session } from "./shapes.ts";
import { type WallClock, wallClock } from "./wall-clock.ts";

/** Quantities that can be priced: kWh for ENERGY, seconds for the times. Absent where the period lists none. */
export type Quantity = "ENERGY" | "TIME" | "PARKING_TIME" | "RESERVATION_TIME";

/** A charging period and all that a restriction can ask about the moment it starts. */
export interface Period {
  clock: WallClock;
  secondsBefore: Rational;
  kwhBefore: Rational;
  /** kW as the period tells, else the average that its energy gives; undefined for energy in no time. */
  lowestPower: Rational | undefined;
  highestPower: Rational | undefined;
  /** Amperes, summed over the phases, as far as the period tells. */
  lowestCurrent: Rational | undefined;
  highestCurrent: Rational | undefined;
  quantities: Partial<Record<Quantity, Rational>>;
}

const HOUR = fraction(3600n);
const CLOSE = exact("0.18");

function instantOf(stamp: string): number {
  const instant = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(stamp) ? stamp : `${stamp}Z`);
  if (Number.isNaN(instant)) throw new Error(`not a timestamp: ${stamp}`);
  return instant;
}

const seconds = (milliseconds: number) => fraction(BigInt(milliseconds), 1000n);

/**
 * Seconds meant by a volume in hours. OCPI numbers carry few decimals, so a volume that is the period's
 * length as far as its digits go is that length.
 */
export function meantSeconds(volume: number | string, length: Rational): Rational {
  const { decimals } = digits(volume);
  const written = times(exact(volume), HOUR);
  const gap = size(minus(written, length));
  const halfOfLastDigit = fraction(1800n, 10n ** BigInt(decimals));
  if (decimals >= 3 && !less(halfOfLastDigit, gap)) return length;
  return less(CLOSE, gap) ? written : length;
}

function read(dimensions: Dimension[], type: string): Rational | undefined {
  const found = dimensions.filter((dimension) => dimension.type === type);
  return found.length === 0 ? undefined : sum(found.map(({ volume }) => exact(volume)));
}

function quantitiesOf(dimensions: Dimension[], length: Rational): Period["quantities"] {
  const quantities: Period["quantities"] = {};
  for (const { type, volume } of dimensions) {
    if (type !== "ENERGY" && type !== "TIME" && type !== "PARKING_TIME" && type !== "RESERVATION_TIME")
      continue;
    if (less(exact(volume), ZERO)) throw new Error(`negative ${type}: ${volume}`);
    const quantity = type === "ENERGY" ? exact(volume) : meantSeconds(volume, length);
    quantities[type] = plus(quantities[type] ?? ZERO, quantity);
  }
  return quantities;
}

/** The periods of a session in order; throws on a session that cannot be one. */
export function periodsOf(session: Session): Period[] {
  const start = instantOf(session.start_date_time);
  const starts = session.charging_periods.map((period) => instantOf(period.start_date_time));
  if (starts.length === 0) throw new Error("a session has at least one charging period");
  const stops = [...starts.slice(1), instantOf(session.end_date_time)];
  [...starts, ...stops.slice(-1)].forEach((moment, index, moments) => {
    if (moment >= (moments[index - 1] ?? start)) return;
    const what = index < starts.length ? `charging period ${index}` : "end_date_time";
    throw new Error(`${what} is out of order`);
  });

  const periods: Period[] = [];
  let kwh = ZERO;
  session.charging_periods.forEach(({ dimensions }, index) => {
    const from = starts[index] as number;
    const to = stops[index] as number;
    const length = seconds(to - from);
    const quantities = quantitiesOf(dimensions, length);
    const energy = quantities.ENERGY ?? ZERO;
    const average = less(ZERO, length)
      ? over(times(energy, HOUR), length)
      : less(ZERO, energy)
        ? undefined
        : ZERO;
    const power = read(dimensions, "POWER");
    const [leastPower, mostPower] = [read(dimensions, "MIN_POWER"), read(dimensions, "MAX_POWER")];
    const current = read(dimensions, "CURRENT");
    const lowest = read(dimensions, "MIN_CURRENT");
    const highest = read(dimensions, "MAX_CURRENT");
    periods.push({
      clock: wallClock(from, session.time_zone),
      secondsBefore: seconds(from - start),
      kwhBefore: kwh,
      lowestPower: power ?? leastPower ?? mostPower ?? average,
      highestPower: power ?? mostPower ?? leastPower ?? average,
      lowestCurrent: current ?? lowest ?? highest,
      highestCurrent: current ?? highest ?? lowest,
      quantities,
    });
    kwh = plus(kwh, energy);
  });
  return periods;
}
