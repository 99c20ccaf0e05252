/**
 * Rates a session: exact decimals from the registers and intervals of `session.ended` to the lines of a bill, by the
 * rules of OCPI 2.2.1 and 2.3.0 (modules Tariffs and CDRs). What OCPI leaves open is decided in
 * docs/decisions/0008-rating.md and named in every CDR by `RATING`, so that a bill can be rated again under the rules it
 * was made with.
 */
import type { Cdr, CdrLine, ChargingPeriod, Price, RatingWarning, TariffDimension } from "../model/cdr.ts";
import { exact, fixed, minorDigits } from "../model/money.ts";
import type { Hold, SessionRecord } from "../model/session.ts";
import type { Tariff } from "../model/tariff.ts";
import { priceText } from "./rate/amount.ts";
import type { MissingPrice } from "./rate/bill.ts";
import { compile } from "./rate/compile.ts";
import { rateRecord } from "./rate/record.ts";

/**
 * Raised when a rule changes what a bill says. `rounding`: each line to 4 decimals, half away from zero; totals are sums
 * of lines; what is asked for is the total in the currency's minor unit.
 */
export const RATING = { version: "rate-2", rounding: "line-4.payable-minor.half-up" } as const;

/** The result of rating. */
export interface Rated {
  currency: string;
  lines: CdrLine[];
  charging_periods: ChargingPeriod[];
  /** Sums of the lines, four decimals. */
  total_cost: Price;
  by_dimension: Record<TariffDimension, Price>;
  payable: Cdr["payable"];
  energy_wh: number;
  /** Exact, in ms. */
  charging_ms: number;
  parking_ms: number;
  total_ms: number;
  unbilled_time: Cdr["unbilled_time"];
  warnings: RatingWarning[];
  /** Why this is no bill (OCPI: INVALID): nothing was delivered and only the flat fee would be charged. */
  invalid: string | null;
  /** Time or energy whose price a series does not have: the session waits for a person. */
  missing: readonly MissingPrice[];
  /** Something was used and no element applies to any of it. */
  unpriced: boolean;
}

/**
 * Rates `session` under `tariff` (without one: the tariff frozen at its start). Throws `TypeError` when there is none,
 * `RangeError` when the record's or the tariff's numbers are none that can be billed.
 */
export function rateSession(
  session: SessionRecord,
  tariff: Tariff | undefined = session.tariff?.body,
): Rated {
  if (!tariff) throw new TypeError(`session ${session.session_id} has no tariff; give one to rate it with`);
  const { energy_wh, started_ms, ended_ms } = session;
  if (!Number.isSafeInteger(energy_wh) || energy_wh < 0)
    throw new RangeError(
      `session ${session.session_id} has ${energy_wh} Wh; whole Wh of at least 0 are billed`,
    );
  const { bill, charges, periods, ...rated } = rateRecord(session, compile(tariff));
  const paid = charges.lines.some(
    ({ dimension, amount }) => (dimension === "ENERGY" || dimension.endsWith("TIME")) && !isZero(amount),
  );
  const { FLAT, ENERGY, TIME, PARKING_TIME } = charges.byDimension;
  const total_cost = priceText(charges.total);
  return {
    currency: tariff.currency,
    lines: charges.lines,
    charging_periods: periods,
    total_cost,
    by_dimension: {
      FLAT: priceText(FLAT),
      ENERGY: priceText(ENERGY),
      TIME: priceText(TIME),
      PARKING_TIME: priceText(PARKING_TIME),
    },
    payable: payable(total_cost.incl_vat, minorDigits(tariff.currency)),
    energy_wh,
    charging_ms: rated.chargingMs,
    parking_ms: rated.parkingMs,
    total_ms: ended_ms - started_ms,
    unbilled_time: rated.unbilled,
    warnings: bill.warnings(),
    invalid:
      energy_wh === 0 && !paid && rated.missing.length === 0
        ? "no energy was delivered and no time is charged"
        : null,
    missing: rated.missing,
    unpriced: rated.unpriced,
  };
}

/** What rating itself finds that a person must settle before there is a bill. Empty when there is nothing to bill. */
export function ratingHolds(session: SessionRecord): Hold[] {
  return session.tariff ? judge(session).holds : [];
}

/**
 * Rates a session under its own tariff and says what holds it. What cannot be rated at all is held too, with the reason:
 * a bill that waits for a person must not stop those behind it. Throws `TypeError` without a tariff.
 */
export function judge(session: SessionRecord): { rated: Rated | undefined; holds: Hold[] } {
  try {
    const rated = rateSession(session);
    return { rated, holds: holdsOf(rated) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const code = error.message.startsWith("prices") ? "NO_PRICE" : "NO_TARIFF";
    return { rated: undefined, holds: [{ code, detail: `the session cannot be rated: ${error.message}` }] };
  }
}

function holdsOf({ invalid, missing, unpriced }: Rated): Hold[] {
  if (invalid !== null) return [];
  const holds = missing.map(({ series, from_ms, to_ms }): Hold => {
    const [from, to] = [new Date(from_ms).toISOString(), new Date(to_ms).toISOString()];
    return { code: "NO_PRICE", detail: `series "${series}" has no price from ${from} to ${to}; supply it` };
  });
  if (unpriced)
    holds.push({
      code: "NO_COMPONENT",
      detail: "no element of the tariff applies to any of the session; add one without restrictions",
    });
  return holds;
}

const isZero = ({ excl_vat, incl_vat }: Price): boolean => Number(excl_vat) === 0 && Number(incl_vat) === 0;

/** In the currency's minor unit, half away from zero, and what that added. */
function payable(total: string, digits: number): Cdr["payable"] {
  const amount = fixed(exact(total), digits);
  return { amount, rounding: fixed(exact(amount).sub(exact(total)), 4) };
}
