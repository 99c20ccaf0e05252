/**
 * Prices as people and programs hand them in: text with an explicit UTC offset, quarter-hourly or hourly. What could be
 * read in two ways, or cannot be a price, is refused with every fault named.
 */
import type { PricePoint } from "../model/prices.ts";

/** One price as given. `at` names its place for faults (`prices.csv:3`, `/points/2`). Without `to` it lasts a step. */
export interface GivenPrice {
  at: string;
  from: string;
  to?: string | undefined;
  price: string;
}

export interface PriceFault {
  at: string;
  /** What is wrong, with the value seen. */
  message: string;
  fix: string;
}

export type ReadPrices =
  | { faults: []; stepS: number; points: PricePoint[] }
  | { faults: [PriceFault, ...PriceFault[]] };

/** Market time units of the European day-ahead market: 15 minutes, and 60 before and beside it. */
const STEPS_S = [900, 3600];
const QUARTER_MS = 900_000;
const MAX_FAULTS = 20;

/**
 * Beyond these a price per kWh is another unit. The harmonised limit of the European day-ahead market is 4 EUR/kWh
 * (ACER decision 01/2023 on the harmonised maximum clearing price); a price per MWh is hardly ever below 10.
 */
const LIKE_EURO = new Set(["EUR", "USD", "GBP", "CHF"]);
const LIKE_CROWN = new Set(["SEK", "NOK", "DKK", "PLN"]);
const limitOf = (currency: string) =>
  LIKE_EURO.has(currency) ? 10 : LIKE_CROWN.has(currency) ? 100 : 100_000;

interface Timed {
  at: string;
  fromMs: number;
  toMs: number | undefined;
  price: string;
}

export function readPrices(given: readonly GivenPrice[], currency: string): ReadPrices {
  const faults: PriceFault[] = [];
  const timed: Timed[] = [];
  for (const { at, from, to, price } of given) {
    const fromMs = explicitMs(from);
    const toMs = to === undefined ? undefined : explicitMs(to);
    const found = [
      timeFault(at, from, fromMs),
      to === undefined ? undefined : timeFault(at, to, toMs),
      priceFault(at, price, currency),
    ].filter((fault) => fault !== undefined);
    faults.push(...found);
    if (found.length === 0 && typeof fromMs === "number")
      timed.push({ at, fromMs, toMs: typeof toMs === "number" ? toMs : undefined, price });
  }
  if (given.length === 0)
    faults.push({ at: "", message: "there is no price", fix: "Give at least one point." });
  timed.sort((a, b) => a.fromMs - b.fromMs);
  const stepS = faults.length === 0 ? stepOf(timed, faults) : undefined;
  if (stepS !== undefined) checkSteps(timed, stepS, faults);
  const [first, ...others] = faults;
  if (first || stepS === undefined)
    return {
      faults: [
        first ?? { at: "", message: "there is no price", fix: "" },
        ...others.slice(0, MAX_FAULTS - 1),
      ],
    };
  const points = timed.map(({ fromMs, price }) => ({
    from: utcText(fromMs),
    to: utcText(fromMs + stepS * 1000),
    price,
  }));
  return { faults: [], stepS, points };
}

/** RFC 3339 UTC, to the second. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.0+)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** Milliseconds since the epoch, or why the text is not one instant. Days that no calendar has are not rolled over. */
function explicitMs(text: string): number | "no offset" | "no time" {
  const parts = TIME.exec(text);
  if (!parts) return "no time";
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((p) => Number(p ?? 0));
  const civil = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const rolled =
    civil.getUTCMonth() !== month - 1 || civil.getUTCDate() !== day || civil.getUTCHours() !== hour;
  if (rolled || minute > 59 || second > 59 || year < 2000 || year > 2100) return "no time";
  const offset = parts[7];
  if (offset === undefined) return "no offset";
  return civil.getTime() - offsetMs(offset);
}

function offsetMs(offset: string): number {
  if (offset === "Z") return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))];
  return (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function timeFault(
  at: string,
  text: string,
  ms: number | "no offset" | "no time" | undefined,
): PriceFault | undefined {
  if (typeof ms === "number") {
    if (ms % QUARTER_MS === 0) return undefined;
    return {
      at,
      message: `${shown(text)} is not on a quarter of an hour`,
      fix: "Write times such as 2026-12-01T00:15:00+01:00.",
    };
  }
  if (ms === "no offset")
    return {
      at,
      message: `${shown(text)} has no UTC offset, and an hour of autumn has two meanings without one`,
      fix: `Write ${text.replace(" ", "T")}+01:00, or the UTC time with Z.`,
    };
  return {
    at,
    message: `${shown(text)} is not a time`,
    fix: "Write RFC 3339 such as 2026-12-01T00:00:00+01:00.",
  };
}

function priceFault(at: string, price: string, currency: string): PriceFault | undefined {
  if (!/^-?\d{1,12}(\.\d{1,8})?$/.test(price))
    return {
      at,
      message: `${shown(price)} is not a price`,
      fix: "Write a decimal such as 0.4321, with at most 8 decimals.",
    };
  const limit = limitOf(currency);
  const whole = Number(price.replace(/^-/, "").split(".")[0]);
  if (whole < limit) return undefined;
  return {
    at,
    message: `${price} ${currency} is no price of a kWh (less than ${limit} is expected)`,
    fix: "Divide prices per MWh by 1000, and minor units (cents, öre) by 100.",
  };
}

/** The length of every point: as written, or the least distance of two starts. */
function stepOf(timed: readonly Timed[], faults: PriceFault[]): number | undefined {
  const lengths = timed.flatMap(({ fromMs, toMs }, i) => {
    const next = timed[i + 1]?.fromMs;
    if (toMs !== undefined) return [toMs - fromMs];
    return next === undefined || next === fromMs ? [] : [next - fromMs];
  });
  const at = timed[0]?.at ?? "";
  if (lengths.length === 0) {
    faults.push({
      at,
      message: "one start alone does not say how long its price holds",
      fix: "Give its end in `to`.",
    });
    return undefined;
  }
  const stepS = lengths.reduce((least, length) => Math.min(least, length)) / 1000;
  if (STEPS_S.includes(stepS)) return stepS;
  const [found] = timed.filter(({ fromMs, toMs }) => toMs === fromMs + stepS * 1000);
  faults.push({
    at: found?.at ?? at,
    message: `a price holds for ${stepS / 60} minutes`,
    fix: "Give prices for 15 or for 60 minutes each.",
  });
  return undefined;
}

function checkSteps(timed: readonly Timed[], stepS: number, faults: PriceFault[]): void {
  for (const [i, { at, fromMs, toMs }] of timed.entries()) {
    const endMs = fromMs + stepS * 1000;
    if (toMs !== undefined && toMs !== endMs)
      faults.push({
        at,
        message: `lasts ${(toMs - fromMs) / 60_000} minutes, others ${stepS / 60}`,
        fix: "Hand in quarter-hourly and hourly prices each on their own.",
      });
    const next = timed[i + 1];
    if (next && next.fromMs < endMs)
      faults.push({
        at: next.at,
        message: `${utcText(next.fromMs)} overlaps the price of ${utcText(fromMs)} (${at})`,
        fix: "Give each time one price.",
      });
  }
}

const shown = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 37)}...` : text);
