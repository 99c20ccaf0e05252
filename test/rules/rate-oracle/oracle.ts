import { componentFor, stepOf } from "./matching.ts";
import { type Period, periodsOf, type Quantity } from "./periods.ts";
import {
  exact,
  fraction,
  less,
  minus,
  ONE,
  over,
  plus,
  type Rational,
  rounded,
  sum,
  text,
  times,
  upTo,
  ZERO,
} from "./rational.ts";
import type { ComponentType, Limit, PriceComponent, Rated, Session, Share, Tariff } from "./shapes.ts";

/** A quantity of one period (kWh, seconds, or 1 for FLAT) and the component that prices it. */
interface Use {
  /** Among the periods that measured any of it, priced or not. */
  index: number;
  component: PriceComponent;
  quantity: Rational;
}

/** Money of one line, each side rounded to 4 decimals; `billed` in kWh, hours or sessions. */
interface Line {
  type: ComponentType;
  net: Rational;
  gross: Rational;
  billed: Rational;
}

const isPositive = (quantity: Rational | undefined) => quantity !== undefined && less(ZERO, quantity);

const isReserved = ({ quantities }: Period) => quantities.RESERVATION_TIME !== undefined;

/** A period in which the place is only held for the driver belongs to no charging session. */
const isCharging = (period: Period, { kind }: Session) =>
  kind === "normal" &&
  (!isReserved(period) ||
    isPositive(period.quantities.ENERGY) ||
    isPositive(period.quantities.TIME) ||
    isPositive(period.quantities.PARKING_TIME));

/** "When the duration of a Charging Session": it lasts from where charging could begin, not from its reservation. */
function fromCharging(period: Period, periods: Period[], session: Session): Period {
  const first = periods.find((each) => isCharging(each, session)) ?? period;
  return { ...period, secondsBefore: minus(period.secondsBefore, first.secondsBefore) };
}

/** "The time based cost of an expired reservation will be calculated based on the RESERVATION_EXPIRES" one. */
function reservationComponent(tariff: Tariff, type: ComponentType, period: Period, { kind }: Session) {
  const expired =
    kind === "reservation_expired" ? componentFor(tariff, type, "RESERVATION_EXPIRES", period) : undefined;
  return expired ?? componentFor(tariff, type, "RESERVATION", period);
}

function usesOf(quantity: Quantity, periods: Period[], session: Session, tariff: Tariff): Use[] {
  const measured = periods.filter(
    (period) =>
      isPositive(period.quantities[quantity]) &&
      (quantity === "RESERVATION_TIME" || isCharging(period, session)),
  );
  return measured.flatMap((period, index) => {
    const amount = period.quantities[quantity] ?? ZERO;
    const component =
      quantity === "RESERVATION_TIME"
        ? reservationComponent(tariff, "TIME", period, session)
        : componentFor(tariff, quantity, undefined, fromCharging(period, periods, session));
    return component === undefined ? [] : [{ index, component, quantity: amount }];
  });
}

/** FLAT is due once, at the first period for which an element with a FLAT component matches. */
function flatUses(periods: Period[], session: Session, tariff: Tariff): Use[] {
  const first = (find: (period: Period) => PriceComponent | undefined) => {
    const component = periods.map(find).find((found) => found !== undefined);
    return component === undefined ? [] : [{ index: 0, component, quantity: ONE }];
  };
  return [
    ...first((period) =>
      isReserved(period) ? reservationComponent(tariff, "FLAT", period, session) : undefined,
    ),
    ...first((period) =>
      isCharging(period, session)
        ? componentFor(tariff, "FLAT", undefined, fromCharging(period, periods, session))
        : undefined,
    ),
  ];
}

/** The total is rounded up by the last component's step, and what that adds falls on the last use. */
function stepped(uses: Use[]): Use[] {
  const last = uses.findLast((use) => isPositive(use.quantity));
  if (last === undefined || last.component.step_size === 0) return uses;
  const total = sum(uses.map((use) => use.quantity));
  const added = minus(upTo(total, stepOf(last.component)), total);
  return uses.map((use) => (use === last ? { ...use, quantity: plus(use.quantity, added) } : use));
}

/** Net and gross amount of a quantity. Without `vat` no tax applies, nor where the tariff says "N/A". */
function lineOf(component: PriceComponent, quantity: Rational, tariff: Tariff): Line {
  const { type, price, vat } = component;
  const isTime = type === "TIME" || type === "PARKING_TIME";
  const billed = isTime ? over(quantity, fraction(3600n)) : quantity;
  const amount = times(billed, exact(price));
  const isTaxed = vat !== undefined && tariff.tax_included !== "N/A";
  const factor = isTaxed ? plus(ONE, over(exact(vat), fraction(100n))) : ONE;
  return tariff.tax_included === "YES"
    ? { type, net: rounded(over(amount, factor)), gross: rounded(amount), billed }
    : { type, net: rounded(amount), gross: rounded(times(amount, factor)), billed };
}

/** One line for each run of periods that the same component prices; what lies between measured nothing of its kind. */
function linesOf(uses: Use[], tariff: Tariff): Line[] {
  const runs: Use[] = [];
  for (const use of uses) {
    const run = runs.at(-1);
    if (run !== undefined && run.component === use.component && run.index + 1 === use.index)
      runs[runs.length - 1] = { ...use, quantity: plus(run.quantity, use.quantity) };
    else runs.push(use);
  }
  return runs.map(({ component, quantity }) => lineOf(component, quantity, tariff));
}

function bounds(limit: Limit | undefined): { net?: Rational; gross?: Rational } {
  if (limit === undefined) return {};
  const [net, gross] =
    "excl_vat" in limit ? [limit.excl_vat, limit.incl_vat] : [limit.before_taxes, limit.after_taxes];
  return { net: exact(net), ...(gross === undefined ? {} : { gross: exact(gross) }) };
}

function clamped(total: Rational, low: Rational | undefined, high: Rational | undefined): Rational {
  const raised = low !== undefined && less(total, low) ? low : total;
  return high !== undefined && less(high, raised) ? high : raised;
}

function shareOf(type: ComponentType, lines: Line[]): Share {
  const own = lines.filter((line) => line.type === type);
  return {
    excl_tax: text(sum(own.map((line) => line.net))),
    incl_tax: text(sum(own.map((line) => line.gross))),
    billed: text(sum(own.map((line) => line.billed))),
  };
}

/**
 * The cost of a session by OCPI 2.2.1 and 2.3.0 (mod_tariffs; mod_cdrs, step_size), done period by period and
 * element by element in exact fractions. Throws on input no session or tariff can be.
 */
export function rateByTheBook(session: Session, tariff: Tariff): Rated {
  const periods = periodsOf(session);
  const uses = (quantity: Quantity) => usesOf(quantity, periods, session, tariff);
  const time = uses("TIME");
  const parking = uses("PARKING_TIME");
  const hasParking = parking.some((use) => isPositive(use.quantity));

  const lines = [
    flatUses(periods, session, tariff).map(({ component }) => lineOf(component, ONE, tariff)),
    linesOf(stepped(uses("ENERGY")), tariff),
    linesOf(hasParking ? time : stepped(time), tariff),
    linesOf(stepped(parking), tariff),
    linesOf(stepped(uses("RESERVATION_TIME")), tariff),
  ].flat();

  // A price limit is one of "a Charging Session", which an expired reservation never became.
  const isLimited = session.kind === "normal";
  const least = bounds(isLimited ? tariff.min_price : undefined);
  const most = bounds(isLimited ? tariff.max_price : undefined);
  return {
    currency: tariff.currency,
    total_excl_tax: text(clamped(sum(lines.map((line) => line.net)), least.net, most.net)),
    total_incl_tax: text(clamped(sum(lines.map((line) => line.gross)), least.gross, most.gross)),
    by_dimension: {
      FLAT: shareOf("FLAT", lines),
      ENERGY: shareOf("ENERGY", lines),
      TIME: shareOf("TIME", lines),
      PARKING_TIME: shareOf("PARKING_TIME", lines),
    },
  };
}
