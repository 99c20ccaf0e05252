/**
 * Rates a session: exact decimals from the registers and intervals of `session.ended` to the lines of a bill, by the
 * rules of OCPI 2.2.1 (modules Tariffs, section 11, and CDRs, section 10). What OCPI leaves open is decided here and
 * named in every CDR by `RATING`, so that a bill can be rated again under the rules it was made with.
 */
import type Fraction from "fraction.js";
import type { Cdr, CdrLine, Price, TariffDimension } from "../model/cdr.ts";
import { exact, fixed, minorDigits, ratio } from "../model/money.ts";
import type { SessionRecord, SessionState } from "../model/session.ts";
import type { PriceComponent, Tariff } from "../model/tariff.ts";

/**
 * Raised when a rule below changes what a bill says.
 * - `rounding`: each line to 4 decimals, half away from zero; totals are sums of lines; what is asked for is the total in
 *   the currency's minor unit.
 * - Time billed by state: see `BILLED_AS`. A gap is billed as the state on both of its sides, else not at all.
 * - `step_size` 0 means no rounding; an exact multiple of the step stays.
 */
export const RATING = { version: "rate-2", rounding: "line-4.payable-minor.half-up" } as const;

/**
 * What a state is billed as. Time the station or the gateway holds the car back (`suspended_evse`), or is broken, is
 * ours: it is neither charging nor parking.
 */
const BILLED_AS: Readonly<Record<Exclude<SessionState, "gap">, "TIME" | "PARKING_TIME" | null>> = {
  charging: "TIME",
  suspended_ev: "PARKING_TIME",
  finishing: "PARKING_TIME",
  suspended_evse: null,
  faulted: null,
};

type Dimension = TariffDimension;

/** The result of rating. Quantities are whole Wh and whole seconds. */
export interface Rated {
  currency: string;
  lines: CdrLine[];
  /** Sums of the lines, four decimals. */
  total_cost: Price;
  by_dimension: Record<TariffDimension, Price>;
  payable: Cdr["payable"];
  energy_wh: number;
  charging_s: number;
  parking_s: number;
  total_s: number;
  /** Why this is no bill (OCPI: INVALID): nothing was delivered and only the flat fee would be charged. */
  invalid: string | null;
}

/**
 * Rates `session` under `tariff` (without one: the tariff frozen at its start). Throws `TypeError` when there is none,
 * `RangeError` when the record's numbers are not whole or its tariff's prices are not decimals.
 */
export function rate(session: SessionRecord, tariff: Tariff | undefined = session.tariff?.body): Rated {
  if (!tariff) throw new TypeError(`session ${session.session_id} has no tariff; give one to rate it with`);
  const seconds = billedSeconds(session);
  const parkingPriced = seconds.PARKING_TIME > 0 && componentFor(tariff, "PARKING_TIME") !== undefined;
  const lines: CdrLine[] = [];
  const span = {
    from: new Date(session.started_ms).toISOString(),
    to: new Date(session.ended_ms).toISOString(),
  };
  const add = (dimension: Dimension, measured: number, stepped: boolean): void => {
    const found = measured > 0 ? componentFor(tariff, dimension) : undefined;
    if (found) lines.push({ ...lineOf(dimension, found, measured, stepped), ...span });
  };
  add("FLAT", 1, false);
  add("ENERGY", session.energy_wh, true);
  // Time and parking share one rounding, taken by parking when there is any (OCPI 2.2.1, PriceComponent.step_size).
  add("TIME", seconds.TIME, !parkingPriced);
  add("PARKING_TIME", seconds.PARKING_TIME, true);
  const billable = lines.some((line) => line.dimension !== "FLAT" && Number(line.amount.excl_vat) !== 0);
  return {
    currency: tariff.currency,
    lines,
    total_cost: totalOf(lines),
    payable: payable(totalOf(lines).incl_vat, minorDigits(tariff.currency)),
    by_dimension: {
      FLAT: totalOf(lines.filter((l) => l.dimension === "FLAT")),
      ENERGY: totalOf(lines.filter((l) => l.dimension === "ENERGY")),
      TIME: totalOf(lines.filter((l) => l.dimension === "TIME")),
      PARKING_TIME: totalOf(lines.filter((l) => l.dimension === "PARKING_TIME")),
    },
    energy_wh: session.energy_wh,
    charging_s: seconds.TIME,
    parking_s: seconds.PARKING_TIME,
    total_s: Math.round((session.ended_ms - session.started_ms) / 1000),
    invalid: session.energy_wh === 0 && !billable ? "no energy was delivered and no time is charged" : null,
  };
}

interface Found {
  element: number;
  component: number;
  price: PriceComponent;
}

/** The first element with a component for the dimension wins (OCPI 2.2.1, Tariff.elements). */
function componentFor(tariff: Tariff, dimension: Dimension): Found | undefined {
  for (const [element, { price_components }] of tariff.elements.entries()) {
    const component = price_components.findIndex((price) => price.type === dimension);
    const price = price_components[component];
    if (price) return { element, component, price };
  }
  return undefined;
}

function lineOf(
  dimension: Dimension,
  found: Found,
  measured: number,
  stepped: boolean,
): Omit<CdrLine, "from" | "to"> {
  const { price, vat, step_size } = found.price;
  const step = stepped && dimension !== "FLAT" ? step_size : 0;
  const billed = step > 1 ? Math.ceil(measured / step) * step : measured;
  const exclVat = quantity(dimension, billed).mul(exact(price));
  const inclVat = vat === undefined ? exclVat : exclVat.mul(exact(vat).div(100).add(1));
  return {
    dimension,
    element: found.element,
    component: found.component,
    measured: shown(dimension, measured),
    billed: shown(dimension, billed),
    measured_units: String(measured),
    billed_units: String(billed),
    unit_price: price,
    vat_percent: vat ?? null,
    amount: { excl_vat: fixed(exclVat, 4), incl_vat: fixed(inclVat, 4) },
  };
}

/** kWh of Wh, hours of seconds. */
function quantity(dimension: Dimension, units: number): Fraction {
  return ratio(units, dimension === "ENERGY" ? 1000 : dimension === "FLAT" ? 1 : 3600);
}

function shown(dimension: Dimension, units: number): string {
  return fixed(quantity(dimension, units), dimension === "ENERGY" ? 3 : dimension === "FLAT" ? 0 : 4);
}

/** In the currency's minor unit, half away from zero, and what that added. */
function payable(total: string, digits: number): Cdr["payable"] {
  const amount = fixed(exact(total), digits);
  return { amount, rounding: fixed(exact(amount).sub(exact(total)), 4) };
}

function totalOf(lines: readonly CdrLine[]): Price {
  const sum = (pick: (price: Price) => string): string =>
    fixed(
      lines.reduce((total, line) => total.add(exact(pick(line.amount))), ratio(0, 1)),
      4,
    );
  return { excl_vat: sum((price) => price.excl_vat), incl_vat: sum((price) => price.incl_vat) };
}

function billedSeconds(session: SessionRecord): { TIME: number; PARKING_TIME: number } {
  const ms = { TIME: 0, PARKING_TIME: 0 };
  for (const { state, under, from_ms, to_ms } of session.intervals) {
    const counted = state === "gap" ? under : state;
    const dimension = counted && BILLED_AS[counted];
    if (dimension) ms[dimension] += to_ms - from_ms;
  }
  return { TIME: Math.round(ms.TIME / 1000), PARKING_TIME: Math.round(ms.PARKING_TIME / 1000) };
}
