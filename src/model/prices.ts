/** Prices that change with time (a spot market, say), as facts of the log. A tariff's `price_source` names a series. */
import { z } from "zod";
import { SeriesId } from "./ids.ts";
import { DecimalText } from "./tariff.ts";

/** The price of `[from, to)`: RFC 3339 UTC, decimal text per kWh (or per hour, as the tariff's component has it). */
export interface PricePoint {
  from: string;
  to: string;
  price: string;
}

/**
 * One publication: points in order, without overlap, each `step_s` long; a hole is time without a price. A later
 * publication overrides an earlier one where they overlap, for sessions that end after it.
 */
export interface PricePublication {
  series: string;
  /** ISO 4217. */
  currency: string;
  /** 900 or 3600. */
  step_s: number;
  points: PricePoint[];
  /** Who said so, for people: a file, a flow. */
  source: string;
}

/** Key of the fact: the same content again is the same fact. */
export const pricesKey = (series: string, sha256: string) => `prices.published:${series}:${sha256}`;

/** A month of quarter hours. */
export const MAX_POINTS = 2_976;

/** What `POST /api/v1/prices` and the request `prices` take. Offsets are explicit; 15 or 60 minutes a point. */
export const PriceRequest = z.object({
  series: SeriesId,
  /** The site's when absent; another one is refused. */
  currency: z.string().length(3).optional(),
  points: z
    .array(
      z.object({
        from: z.string().max(40),
        /** The start of the next point when absent. */
        to: z.string().max(40).optional(),
        price: DecimalText,
      }),
    )
    .min(1)
    .max(MAX_POINTS),
  source: z.string().min(1).max(80).optional(),
});
export type PriceRequest = z.infer<typeof PriceRequest>;

/** `req/{client}/prices`. */
export const PricesMessage = z.object({ id: z.string().regex(/^[\w-]{1,64}$/), data: PriceRequest });

/** What became of them. */
export interface PricesTaken {
  series: string;
  currency: string;
  step_s: number;
  /** How many; the first begins at `from`, the last ends at `to`, and `gaps` stretches between have no price. */
  points: number;
  from: string;
  to: string;
  gaps: number;
  /** True when the newest prices of this time were these already: nothing was appended. */
  known: boolean;
  log_offset: number;
  /** Tariffs that take prices from the series; empty: a misspelt series, perhaps. */
  tariffs: string[];
}

export type PriceAnswer =
  | { taken: PricesTaken }
  | { refused: { code: "BAD_PRICES" | "BUSY"; message: string; fix: string } };
