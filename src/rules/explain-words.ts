/** What every language of a bill must have words for: a code of the model without a sentence does not compile. */
import type { CdrLine, RatingWarning, UnbilledTime } from "../model/cdr.ts";
import type { Hold, SessionFlag } from "../model/session.ts";
import type { DAYS_OF_WEEK } from "../model/tariff.ts";

type Label =
  | "line"
  | "measured"
  | "billed"
  | "unit"
  | "price"
  | "per"
  | "taxPercent"
  | "taxIncluded"
  | "net"
  | "tax"
  | "gross"
  | "total"
  | "meter"
  | "interpolated"
  | "notBilled";

/** Numbers reach the functions as the reader writes them: see `decimalIn`. Elements are counted from 1 here. */
export interface BillTexts {
  decimalPoint: string;
  dimensions: Record<CdrLine["dimension"], string>;
  flags: Record<SessionFlag, string>;
  holds: Record<Hold["code"], string>;
  warnings: Record<RatingWarning["code"], string>;
  unbilled: Record<UnbilledTime["state"], string>;
  days: Record<(typeof DAYS_OF_WEEK)[number], string>;
  and: string;
  reservation: string;
  units: { hour: string; once: string };
  title: (id: string) => string;
  /** Heads of columns and short labels. */
  labels: Record<Label, string>;
  credit: (original: string) => string;
  remark: (text: string) => string;
  sources: { signed: string; signedUnproven: string; registers: string };
  publicKey: (key: string) => string;
  noPublicKey: string;
  noMeter: string;
  nothing: string;
  tariff: (id: string, hash: string) => string;
  element: (index: number, count: number, conditions: string) => string;
  elementGone: (index: number) => string;
  noRestriction: string;
  oncePerSession: string;
  elementNot: (index: number, why: string) => string;
  noPriceFor: (dimension: string) => string;
  only: (conditions: string) => string;
  minimum: (limit: string) => string;
  maximum: (limit: string) => string;
  limit: { net: (amount: string) => string; gross: (amount: string) => string };
  step: (added: string, step: string | null) => string;
  fromSeries: (series: string, factor: string, add: string) => string;
  notFromSeries: (series: string) => string;
  dayRange: (first: string, last: string) => string;
  between: (from: string, to: string) => string;
  fromTime: (time: string) => string;
  untilTime: (time: string) => string;
  allDay: string;
  fromDate: (date: string) => string;
  beforeDate: (date: string) => string;
  fromKwh: (kwh: string) => string;
  belowKwh: (kwh: string) => string;
  fromCurrent: (a: string) => string;
  belowCurrent: (a: string) => string;
  fromPower: (kw: string) => string;
  belowPower: (kw: string) => string;
  afterDuration: (time: string) => string;
  withinDuration: (time: string) => string;
  reserved: string;
  reservationExpired: string;
  notReserved: string;
  sumsAgree: string;
  sumsDiffer: (net: string, gross: string) => string;
  payable: (amount: string) => string;
  payableExact: string;
  payableRounded: (rounding: string, total: string) => string;
  rules: (version: string, rounding: string, tzdata: string) => string;
}
