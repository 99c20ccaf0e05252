/** Reads a session in OCPI form: times, and volumes as exact quantities. What is wrong is named with its place. */
import { decimalText } from "../../model/money.ts";
import type { PriceSeriesPart } from "../../model/session.ts";
import { instantMs } from "../instant.ts";
import { type Quantity, UNITS_PER_MS } from "./exact.ts";
import { RatingInputError } from "./input-error.ts";
import { hoursText } from "./lines.ts";
import { energyOf, fineOf, timeOf } from "./ocpi-volumes.ts";
import { type ZoneClock, zoneClock } from "./zone.ts";

/** A session as its CDR or an OCPI Session tells it: a period ends where the next one starts. */
export interface OcpiSession {
  /** IANA zone of the Location. */
  time_zone: string;
  /** RFC 3339; of a reserved session the start of the reservation. */
  start_date_time: string;
  end_date_time: string;
  /** Absent or null: normal. */
  kind?: "normal" | "reservation_expired" | null;
  charging_periods: {
    start_date_time: string;
    dimensions: { type: string; volume: number | string }[];
  }[];
  prices?: PriceSeriesPart[] | null;
}

/** OCPI 2.2.1 and 2.3.0, CdrDimensionType; FLAT is of 2.1.1. What is not in the switch below bears no price. */
const WITHOUT_PRICE = new Set(["ENERGY_EXPORT", "ENERGY_IMPORT", "STATE_OF_CHARGE", "FLAT"]);

/** One period. Quantities are zero and powers NaN when the period does not have them. */
export interface Period {
  fromMs: number;
  toMs: number;
  energy: Quantity;
  time: Quantity;
  parking: Quantity;
  reservation: Quantity;
  reserved: boolean;
  /** 10^-8 A and 10^-8 kW. */
  current: number;
  minCurrent: number;
  maxCurrent: number;
  power: number;
  minPower: number;
  maxPower: number;
}

export interface SessionInput {
  zone: ZoneClock;
  startMs: number;
  endMs: number;
  expired: boolean;
  periods: Period[];
  prices: PriceSeriesPart[];
  notes: InputNote[];
}

/** What is odd in a session or a tariff that can be rated all the same. */
export interface InputNote {
  code: "LONGER_THAN_PERIOD" | "UNKNOWN_FIELD";
  detail: string;
}

/** Half of the last digit of hours with two decimals, in microseconds. */
const HALF_OF_SECOND = 18_000 * UNITS_PER_MS;

/** Throws `RatingInputError` naming the first field that is wrong. */
export function readSession(session: OcpiSession): SessionInput {
  if (typeof session !== "object" || session === null || Array.isArray(session))
    throw new RatingInputError(
      [],
      session,
      undefined,
      "write an object with start_date_time, end_date_time, time_zone and charging_periods",
    );
  const startMs = instant(session.start_date_time, ["start_date_time"]);
  const endMs = instant(session.end_date_time, ["end_date_time"]);
  if (endMs < startMs)
    throw new RatingInputError(["end_date_time"], session.end_date_time, undefined, "end after the start");
  const { charging_periods: list } = session;
  const kind = session.kind ?? "normal";
  if (kind !== "normal" && kind !== "reservation_expired")
    throw new RatingInputError(["kind"], kind, undefined, "write normal or reservation_expired");
  if (!Array.isArray(list) || list.length === 0)
    throw new RatingInputError(["charging_periods"], list, undefined, "list at least one period");
  const expired = kind === "reservation_expired";
  const periods = list.map((_, index) => periodAt(list, index, startMs, endMs));
  periods.forEach((period, index) => {
    const next = periods[index + 1];
    period.toMs = next ? next.fromMs : endMs;
    if (period.toMs < period.fromMs)
      throw new RatingInputError(
        ["charging_periods", index + 1, "start_date_time"],
        list[index + 1]?.start_date_time,
        undefined,
        "list periods in the order of time",
      );
    readVolumes(period, list[index]?.dimensions, index);
    if (expired && (period.energy.units > 0 || period.time.units > 0 || period.parking.units > 0))
      throw new RatingInputError(
        ["charging_periods", index, "dimensions"],
        list[index]?.dimensions,
        undefined,
        "an expired reservation has RESERVATION_TIME only; write kind normal when there was charging",
      );
  });
  return {
    zone: zoneAt(session.time_zone),
    startMs,
    endMs,
    expired,
    periods,
    prices: pricesOf(session.prices),
    notes: lengthNotes(periods),
  };
}

/** Hours of use that a period is too short for are billed as written, since nobody knows which of the two is wrong. */
function lengthNotes(periods: readonly Period[]): InputNote[] {
  const hours = ({ time, parking, reservation }: Period): number =>
    time.units + parking.units + reservation.units;
  const over = periods.filter(
    (period) => hours(period) > (period.toMs - period.fromMs) * UNITS_PER_MS + HALF_OF_SECOND,
  );
  const [first] = over;
  if (!first) return [];
  const { fromMs, toMs } = first;
  const times = over.length > 1 ? ` (${over.length} times)` : "";
  const detail = `the period from ${new Date(fromMs).toISOString()} has ${hoursText({ units: hours(first), parts: 0 })} h of time and lasts ${hoursText({ units: (toMs - fromMs) * UNITS_PER_MS, parts: 0 })} h: billed as written${times}`;
  return [{ code: "LONGER_THAN_PERIOD", detail }];
}

function periodAt(
  list: OcpiSession["charging_periods"],
  index: number,
  startMs: number,
  endMs: number,
): Period {
  const path = ["charging_periods", index];
  const text = list[index]?.start_date_time;
  const fromMs = instant(text, [...path, "start_date_time"]);
  if (fromMs < startMs || fromMs > endMs)
    throw new RatingInputError(
      [...path, "start_date_time"],
      text,
      undefined,
      "start within start_date_time and end_date_time of the session",
    );
  const zero = (): Quantity => ({ units: 0, parts: 0 });
  return {
    fromMs,
    toMs: endMs,
    energy: zero(),
    time: zero(),
    parking: zero(),
    reservation: zero(),
    reserved: false,
    current: Number.NaN,
    minCurrent: Number.NaN,
    maxCurrent: Number.NaN,
    power: Number.NaN,
    minPower: Number.NaN,
    maxPower: Number.NaN,
  };
}

function readVolumes(period: Period, dimensions: unknown, index: number): void {
  const at = ["charging_periods", index, "dimensions"];
  if (!Array.isArray(dimensions))
    throw new RatingInputError(at, dimensions, undefined, "list dimensions as {type, volume}");
  for (let d = 0; d < dimensions.length; d++) {
    const dimension = dimensions[d] as { type?: unknown; volume?: unknown } | null;
    for (let before = 0; before < d; before++)
      if (dimensions[before].type === dimension?.type)
        throw new RatingInputError(
          [...at, d, "type"],
          dimension?.type,
          `is a second ${dimension?.type}`,
          "write each dimension once in a period",
        );
    readVolume(period, dimension?.type, dimension?.volume, at, d);
  }
}

function readVolume(period: Period, type: unknown, volume: unknown, at: PropertyKey[], d: number): void {
  switch (type) {
    case "ENERGY":
      Object.assign(period.energy, energyOf(volume, at, d));
      return;
    case "TIME":
      Object.assign(period.time, timeOf(volume, period.toMs - period.fromMs, at, d));
      return;
    case "PARKING_TIME":
      Object.assign(period.parking, timeOf(volume, period.toMs - period.fromMs, at, d));
      return;
    case "RESERVATION_TIME":
      period.reserved = true;
      Object.assign(period.reservation, timeOf(volume, period.toMs - period.fromMs, at, d));
      return;
    case "CURRENT":
      period.current = fineOf(volume, at, d);
      return;
    case "MIN_CURRENT":
      period.minCurrent = fineOf(volume, at, d);
      return;
    case "MAX_CURRENT":
      period.maxCurrent = fineOf(volume, at, d);
      return;
    case "POWER":
      period.power = fineOf(volume, at, d);
      return;
    case "MIN_POWER":
      period.minPower = fineOf(volume, at, d);
      return;
    case "MAX_POWER":
      period.maxPower = fineOf(volume, at, d);
      return;
    default:
      if (typeof type === "string" && WITHOUT_PRICE.has(type)) return;
      throw new RatingInputError(
        [...at, d, "type"],
        type,
        undefined,
        "write a CdrDimensionType of OCPI, such as ENERGY",
      );
  }
}

function zoneAt(name: unknown): ZoneClock {
  try {
    if (typeof name === "string" && !/^[+-]/.test(name)) return zoneClock(name);
  } catch {
    // Told below with the value.
  }
  throw new RatingInputError(["time_zone"], name, undefined, "write an IANA name such as Europe/Stockholm");
}

/** Ms of an OCPI DateTime; without a designator it is UTC (OCPI 2.2.1, types, DateTime). */
function instant(text: unknown, path: PropertyKey[]): number {
  if (typeof text === "string") {
    const ms = instantMs(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
    const month = digits(text, 5);
    const day = digits(text, 8);
    const sane =
      month >= 1 &&
      month <= 12 &&
      day >= 1 &&
      (day <= 28 ||
        day <= new Date(Date.UTC(digits(text, 0) * 100 + digits(text, 2), month, 0)).getUTCDate()) &&
      digits(text, 11) < 24 &&
      digits(text, 14) < 60 &&
      digits(text, 17) < 60;
    if (sane && Number.isSafeInteger(ms)) return ms;
  }
  throw new RatingInputError(path, text, undefined, "write a time such as 2026-03-29T01:00:00Z");
}

function digits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function pricesOf(prices: unknown): PriceSeriesPart[] {
  if (prices === undefined || prices === null) return [];
  if (!Array.isArray(prices))
    throw new RatingInputError(["prices"], prices, undefined, "list series as {series, points}");
  return prices.map((part: { series?: unknown; points?: unknown } | null, p) => {
    if (typeof part?.series !== "string" || !Array.isArray(part.points))
      throw new RatingInputError(
        ["prices", p],
        part,
        undefined,
        "write {series, points: [{from_ms, to_ms, price}]}",
      );
    return {
      series: part.series,
      points: part.points.map((point, i) => pointOf(point, ["prices", p, "points", i])),
    };
  });
}

function pointOf(point: unknown, path: PropertyKey[]): PriceSeriesPart["points"][number] {
  const { from_ms, to_ms, price } = (point ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(from_ms) || !Number.isSafeInteger(to_ms))
    throw new RatingInputError(path, point, undefined, "write from_ms and to_ms in ms since 1970, and price");
  const text = typeof price === "number" ? decimalText(price) : String(price);
  return { from_ms: from_ms as number, to_ms: to_ms as number, price: text };
}
