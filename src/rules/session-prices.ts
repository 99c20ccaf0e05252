/**
 * The prices that sessions may need, as a part of the fold's state for each series, and what of them a session takes
 * along when it ends. A session is billed by the newest prices in the log when it ends: what is published later changes
 * no bill.
 */
import type { PricePublication } from "../model/prices.ts";
import type { Hold, PriceSeriesPart } from "../model/session.ts";
import type { PriceComponent, Tariff } from "../model/tariff.ts";
import type { TariffBook } from "./choose-tariff.ts";
import { holes, overlapping, type Priced, type PriceSeries, published } from "./price-series.ts";

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
      points: overlapping(points, startedMs, Math.max(endedMs, startedMs + 1)).map(
        ([from_ms, to_ms, price]) => ({ from_ms, to_ms, price }),
      ),
    };
  });
}

/** When a session needs prices. Energy needs none where nothing was delivered, nor after the stop. */
export interface PricedTime {
  startedMs: number;
  endedMs: number;
  energyToMs: number;
  energyWh: number;
}

/** One hold for each series that lacks a price which a component with `on_missing: hold` needs. */
export function missingPrices(tariff: Tariff, prices: readonly PriceSeriesPart[], time: PricedTime): Hold[] {
  return prices.flatMap(({ series, points }): Hold[] => {
    const priced = points.map(({ from_ms, to_ms, price }): Priced => [from_ms, to_ms, price]);
    const toMs = Math.max(
      ...componentsOf(tariff)
        .filter(({ price_source: s }) => s?.series === series && s.on_missing === "hold")
        .map(({ type }) => neededUntil(type, time)),
      time.startedMs,
    );
    const missing = holes(priced, time.startedMs, toMs);
    const [first] = missing;
    if (!first) return [];
    const minutes = missing.reduce((sum, [from, to]) => sum + (to - from), 0) / 60_000;
    const [from, to] = first.map((ms) => new Date(ms).toISOString());
    const all = missing.length > 1 ? ` and ${missing.length - 1} more times` : "";
    return [
      {
        code: "NO_PRICE",
        detail: `series ${series} has no price from ${from} to ${to}${all}, ${Math.ceil(minutes)} min of the session`,
      },
    ];
  });
}

function neededUntil(type: PriceComponent["type"], time: PricedTime): number {
  if (type === "FLAT") return time.startedMs + 1;
  if (type === "ENERGY") return time.energyWh > 0 ? time.energyToMs : time.startedMs;
  return time.endedMs;
}
