/**
 * Tariffs as OCPI writes them (2.2.1 and 2.3.0, module Tariffs). Prices are JSON numbers or strings on the wire and
 * exact decimals here: a binary float never enters an amount. What would change a price is refused when it is not
 * known (restrictions, components); texts and the energy mix are kept as they are.
 */
import { z } from "zod";
import { SeriesId } from "./ids.ts";
import { decimalText } from "./money.ts";

/** A decimal as text: `"2.50"`. Numbers are accepted from YAML and JSON and taken at their shortest decimal form. */
export const DecimalText = z
  .union([z.string(), z.number()])
  .transform((v) => (typeof v === "number" ? decimalText(v) : v))
  .pipe(z.string().regex(/^-?\d{1,12}(\.\d{1,8})?$/, "write a decimal such as 2.50"));

/** Prices that were divided by a tax rate have as many digits as a program gave them. */
const PriceText = z
  .union([z.string(), z.number()])
  .transform((v) => (typeof v === "number" ? decimalText(v) : v))
  .pipe(z.string().regex(/^-?\d{1,12}(\.\d{1,20})?$/, "write a decimal such as 2.50"));

const NotNegative = z
  .union([z.string(), z.number()])
  .transform((v) => (typeof v === "number" ? decimalText(v) : v))
  .pipe(
    z
      .string()
      .regex(
        /^\d{1,12}(\.\d{1,8})?$/,
        "write a decimal of at least 0 and at most 8 digits after the point, such as 2.50",
      ),
  );

const TimeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "write a time of day from 00:00 to 23:59, with leading zeros");

const DayOfYear = z
  .string()
  .regex(/^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/, "write a date such as 2026-03-29")
  .refine((text) => {
    const at = new Date(`${text}T00:00:00Z`);
    return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
  }, "is not in the calendar. Write a date such as 2026-03-29");

/** OCPI DateTime: RFC 3339 in UTC; without a designator it is UTC too (OCPI 2.2.1, types, DateTime). */
const DateTime = z
  .string()
  .regex(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?$/,
    "write a time such as 2026-03-29T01:00:00Z",
  );

export const DAYS_OF_WEEK = [
  "MONDAY",
  "TUESDAY",
  "WEDNESDAY",
  "THURSDAY",
  "FRIDAY",
  "SATURDAY",
  "SUNDAY",
] as const;

/**
 * When an element applies; all that are given must hold (OCPI 2.2.1, TariffRestrictions). `min_*` include their value,
 * `max_*` and `end_date` exclude it. Times of day are the Location's; current is the sum over the phases.
 */
export const TariffRestrictions = z.strictObject({
  start_time: TimeOfDay.optional().describe("Local time of day, such as `22:00`."),
  end_time: TimeOfDay.optional().describe(
    "Not included; before `start_time` it is on the next day, `00:00` ends the day.",
  ),
  start_date: DayOfYear.optional().describe("Local date."),
  end_date: DayOfYear.optional().describe("Not included."),
  min_kwh: NotNegative.optional().describe("From this energy of the session on."),
  max_kwh: NotNegative.optional().describe("Below this energy."),
  min_current: NotNegative.optional().describe(
    "A, sum over the lines. Sessions of this gateway carry none: use power.",
  ),
  max_current: NotNegative.optional(),
  min_power: NotNegative.optional().describe("kW, average between two register readings."),
  max_power: NotNegative.optional(),
  min_duration: z.int().nonnegative().optional().describe("Seconds since the session began."),
  max_duration: z.int().nonnegative().optional(),
  day_of_week: z.array(z.enum(DAYS_OF_WEEK)).min(1).optional(),
  reservation: z.enum(["RESERVATION", "RESERVATION_EXPIRES"]).optional(),
});
export type TariffRestrictions = z.infer<typeof TariffRestrictions>;

/** Not OCPI: the price is `factor` times a series' price plus `add`, at each instant. */
export const PriceSource = z.strictObject({
  series: SeriesId.describe("Whose price is taken, per kWh or hour."),
  factor: DecimalText.default("1").describe("Times this; `1` when absent."),
  add: DecimalText.default("0").describe("And this added; `0` when absent."),
  on_missing: z
    .enum(["hold", "price"])
    .default("hold")
    .describe("Where the series has no price: hold the bill for a person, or take `price`."),
});

export const PriceComponent = z.strictObject({
  type: z
    .enum(["FLAT", "ENERGY", "TIME", "PARKING_TIME"])
    .describe("ENERGY per kWh; TIME per hour charging; PARKING_TIME per hour not charging; FLAT once."),
  price: PriceText.describe("Before tax unless `tax_included` is YES."),
  vat: NotNegative.optional().describe("Percent. Absent: no tax applies."),
  step_size: z
    .int()
    .nonnegative()
    .default(1)
    .describe("Wh or seconds: the total is rounded up to a multiple, 0 to none."),
  price_source: PriceSource.optional().describe(
    "Not OCPI: takes the price from a series, instant by instant.",
  ),
});
export type PriceComponent = z.infer<typeof PriceComponent>;

export const TariffElement = z
  .strictObject({
    price_components: z.array(PriceComponent).min(1),
    restrictions: TariffRestrictions.optional().describe("All that are given must hold."),
  })
  .superRefine(({ price_components, restrictions }, context) => {
    if (!restrictions?.reservation) return;
    for (const [i, { type }] of price_components.entries())
      if (type === "ENERGY" || type === "PARKING_TIME")
        context.addIssue({
          code: "custom",
          path: ["price_components", i, "type"],
          message: "has no place in a reservation. Write FLAT or TIME",
        });
  });

export type TariffElement = z.infer<typeof TariffElement>;

/** OCPI 2.2.1 Price, or OCPI 2.3.0 PriceLimit (and Price, whose `taxes` are amounts). */
const PriceLimit = z.union(
  [
    z.strictObject({ excl_vat: NotNegative, incl_vat: NotNegative.optional() }),
    z.strictObject({
      before_taxes: NotNegative,
      after_taxes: NotNegative.optional(),
      taxes: z
        .array(z.looseObject({ name: z.string(), percentage: NotNegative.optional(), amount: NotNegative }))
        .optional(),
    }),
  ],
  {
    error:
      "is no price limit. Write {excl_vat, incl_vat} (OCPI 2.2.1) or {before_taxes, after_taxes} (OCPI 2.3.0), decimals of at least 0",
  },
);
export type PriceLimit = z.infer<typeof PriceLimit>;

/**
 * What a tariff that comes in may be called (OCPI 2.2.1, types, CiString: printable; letters beyond ASCII harm nobody).
 * Tariffs that bills were frozen to keep the ids they have.
 */
export const TariffId = z
  .string()
  .min(1)
  .max(36)
  .regex(
    /^[ -~\u00a0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\uffff]*$/,
    "write an id of printable characters",
  );

export const Tariff = z.object({
  country_code: z.string().length(2).optional(),
  party_id: z.string().min(1).max(3).optional(),
  id: z.string().min(1).max(36),
  currency: z.string().regex(/^[A-Z]{3}$/, "use an ISO 4217 code such as SEK"),
  type: z.enum(["AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR"]).optional(),
  tariff_alt_text: z.array(z.strictObject({ language: z.string(), text: z.string() })).optional(),
  tariff_alt_url: z.string().optional(),
  min_price: PriceLimit.optional().describe(
    "`{excl_vat, incl_vat}` or, OCPI 2.3.0, `{before_taxes, after_taxes}`.",
  ),
  max_price: PriceLimit.optional().describe("In the same forms."),
  preauthorize_amount: NotNegative.optional(),
  elements: z.array(TariffElement).min(1).describe("For each kind of price the first one that applies wins."),
  tax_included: z
    .enum(["YES", "NO", "N/A"])
    .optional()
    .describe("OCPI 2.3.0: whether prices contain their tax; N/A: there is none. Absent: NO."),
  /** Sessions that start at or after this (OCPI 2.2.1, Tariff.start_date_time). */
  start_date_time: DateTime.optional(),
  /** Sessions that start before this. */
  end_date_time: DateTime.optional(),
  energy_mix: z.record(z.string(), z.unknown()).optional(),
  last_updated: DateTime.optional(),
});
export type Tariff = z.infer<typeof Tariff>;

/** A tariff with the hash of its canonical JSON: what a session is frozen to. */
export interface TariffVersion {
  /** SHA-256, hex, of the canonical JSON of `body`. */
  hash: string;
  body: Tariff;
}

/** Which OCPI a tariff is written in: 2.3.0 has `tax_included` and limits before and after taxes. */
export function ocpiVersion(tariff: Tariff): "2.2.1" | "2.3.0" {
  const limits = [tariff.min_price, tariff.max_price];
  const newer =
    tariff.tax_included !== undefined ||
    tariff.preauthorize_amount !== undefined ||
    limits.some((limit) => limit !== undefined && "before_taxes" in limit);
  return newer ? "2.3.0" : "2.2.1";
}
