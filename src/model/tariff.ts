/**
 * Tariffs in OCPI 2.2.1 shape (module Tariffs, section 11.3/11.4). Prices are JSON numbers or strings on the wire and
 * exact decimals here: a binary float never enters an amount.
 */
import { z } from "zod";
import { Id } from "./ids.ts";

/** A decimal as text: `"2.50"`. Numbers are accepted from YAML and JSON and taken at their shortest decimal form. */
export const DecimalText = z
  .union([z.string(), z.number()])
  .transform((v) => String(v))
  .pipe(z.string().regex(/^-?\d{1,12}(\.\d{1,8})?$/, "write a decimal such as 2.50"));

/** A component's price that changes with time: facts `prices.published` of a series, in the tariff's currency. */
export const PriceSource = z.strictObject({
  series: Id.describe("As `laddport prices import --series` names it."),
  on_missing: z
    .enum(["hold", "price"])
    .default("hold")
    .describe(
      "hold: a session without one of its prices waits for a person. price: the price above, with a warning.",
    ),
});
export type PriceSource = z.infer<typeof PriceSource>;

export const PriceComponent = z.object({
  /** ENERGY per kWh; TIME per hour charging; PARKING_TIME per hour not charging; FLAT once per session. */
  type: z.enum(["FLAT", "ENERGY", "TIME", "PARKING_TIME"]),
  price: DecimalText,
  /** Percent. Absent means that no VAT applies (OCPI 2.2.1, PriceComponent.vat). */
  vat: DecimalText.optional(),
  /** 1 Wh for ENERGY, 1 s for time. */
  step_size: z.int().nonnegative().default(1),
  price_source: PriceSource.optional().describe(
    "Takes the price of each moment from a series, in place of `price`.",
  ),
});
export type PriceComponent = z.infer<typeof PriceComponent>;

export const TariffElement = z.object({
  price_components: z.array(PriceComponent).min(1),
});

export const Tariff = z.object({
  id: z.string().min(1).max(36),
  currency: z.string().regex(/^[A-Z]{3}$/, "use an ISO 4217 code such as SEK"),
  elements: z.array(TariffElement).min(1),
  // OCPI 2.2.1, Tariff Object: when the tariff becomes active, and when it is no longer valid.
  start_date_time: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("For sessions that start at or after this time."),
  end_date_time: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("For sessions that start before this time."),
});
export type Tariff = z.infer<typeof Tariff>;

/** A tariff with the hash of its canonical JSON: what a session is frozen to. */
export interface TariffVersion {
  /** SHA-256, hex, of the canonical JSON of `body`. */
  hash: string;
  body: Tariff;
}
