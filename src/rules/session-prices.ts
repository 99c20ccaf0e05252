/**
 * The prices that sessions may need, as a part of the fold's state for each series, and what of them a session takes
 * along when it ends. A session is billed by the newest prices in the log when it ends: what is published later changes
 * no bill.
 */
import type { PricePublication } from "../model/prices.ts";
import type { PriceSeriesPart, SessionRecord } from "../model/session.ts";
import type { PriceComponent, Tariff } from "../model/tariff.ts";
import type { TariffBook } from "./choose-tariff.ts";
import { laidOver, overlapping, type Priced, type PriceSeries, published } from "./price-series.ts";

const DAY_MS = 86_400_000;
/** A session that lasts longer, or is told of later, has no price for its beginning. */
const KEEP_MS = 8 * DAY_MS;
const AHEAD_MS = 14 * DAY_MS;
/** Beside the series that tariffs name, which are always kept. */
const MAX_UNNAMED = 32;

/** Name of a series' part: no station is called so. */
const PART = "prices:";

/** True for a part of the fold's state that holds prices. */
export const isPricesPart = (part: string) => part.startsWith(PART);
export const pricesPart = (series: string) => `${PART}${series}`;

type Parts = Map<string, unknown>;

/** Returns the name of the part that changed, if one did. */
export function takePrices(
  parts: Parts,
  publication: PricePublication,
  atMs: number,
  books: readonly TariffBook[],
): string | undefined {
  const { series, points } = publication;
  // Retention may have emptied the body of a fact.
  if (points === undefined) return undefined;
  const name = pricesPart(series);
  const known = parts.get(name) as PriceSeries | undefined;
  if (!known && !namedSeries(books).has(series) && unnamed(parts, books) >= MAX_UNNAMED) return undefined;
  const all = published(known, publication);
  const kept = all.points.filter(([from, to]) => to > atMs - KEEP_MS && from < atMs + AHEAD_MS);
  parts.set(name, { currency: all.currency, points: kept });
  return name;
}

/** Forgets points that no session needs any more; returns the parts that changed. */
export function forgetPrices(parts: Parts, atMs: number): string[] {
  const changed: string[] = [];
  for (const [name, part] of parts) {
    if (!isPricesPart(name)) continue;
    const { currency, points } = part as PriceSeries;
    const oldest = points[0];
    if (oldest && oldest[1] > atMs - KEEP_MS) continue;
    const kept = points.filter(([, to]) => to > atMs - KEEP_MS);
    if (kept.length > 0) parts.set(name, { currency, points: kept });
    else parts.delete(name);
    changed.push(name);
  }
  return changed;
}

function namedSeries(books: readonly TariffBook[]): Set<string> {
  return new Set(books.flatMap(({ tariffs }) => tariffs.flatMap(({ body }) => seriesOf(body))));
}

function unnamed(parts: Parts, books: readonly TariffBook[]): number {
  const named = namedSeries(books);
  return [...parts.keys()].filter((name) => isPricesPart(name) && !named.has(name.slice(PART.length))).length;
}

const componentsOf = (tariff: Tariff): PriceComponent[] =>
  tariff.elements.flatMap((element) => element.price_components);

/** The series that a tariff takes prices from, each once. */
export function seriesOf(tariff: Tariff): string[] {
  return [...new Set(componentsOf(tariff).flatMap(({ price_source }) => price_source?.series ?? []))];
}

type Lookup = (series: string) => PriceSeries | undefined;

/** The points that overlap the session, for each series of its tariff; one in another currency gives none. */
export function sessionPrices(
  tariff: Tariff,
  seriesNamed: Lookup,
  startedMs: number,
  endedMs: number,
): PriceSeriesPart[] {
  return seriesOf(tariff).map((series) => {
    const known = seriesNamed(series);
    const points = known?.currency === tariff.currency ? known.points : [];
    return {
      series,
      // A session of no length still has an instant that a flat fee falls on.
      points: pointsOf(overlapping(points, startedMs, Math.max(endedMs, startedMs + 1))),
    };
  });
}

export const pricedOf = (points: PriceSeriesPart["points"]): Priced[] =>
  points.map(({ from_ms, to_ms, price }) => [from_ms, to_ms, price]);

export const pointsOf = (points: readonly Priced[]): PriceSeriesPart["points"] =>
  points.map(([from_ms, to_ms, price]) => ({ from_ms, to_ms, price }));

/** The record with its holes filled by the newest prices: what a person releases may take those that came too late. */
export function filled(record: SessionRecord, seriesNamed: Lookup): SessionRecord {
  const { tariff, prices, started_ms: startedMs, ended_ms: endedMs } = record;
  if (!tariff || !prices) return record;
  const whole: Lookup = (series) => {
    const points = pricedOf(prices.find((part) => part.series === series)?.points ?? []);
    const known = seriesNamed(series);
    const late = known?.currency === tariff.body.currency ? known.points : [];
    return { currency: tariff.body.currency, points: laidOver(late, points) };
  };
  return { ...record, prices: sessionPrices(tariff.body, whole, startedMs, endedMs) };
}
