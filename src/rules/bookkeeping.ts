/**
 * How long bookkeeping law binds what supports a bill. Sweden: seven years after the end of the calendar year in which
 * the fiscal year ended (bokföringslagen 1999:1078, 7 kap. 2 §). Germany: vouchers eight years from the end of the
 * calendar year (AO § 147 (3) and (4), as of 2025). Elsewhere ten years, as for VAT records of the EU one-stop shop
 * (Implementing Regulation (EU) 282/2011, article 63c). Fiscal years are taken for calendar years.
 */

export interface BookkeepingLaw {
  years: number;
  ground: string;
}

const LAWS: Readonly<Record<string, BookkeepingLaw>> = {
  SE: { years: 7, ground: "bokföringslagen (1999:1078) 7 kap. 2 §" },
  DE: { years: 8, ground: "AO § 147, UStG § 14b" },
};
const GENERIC: BookkeepingLaw = {
  years: 10,
  ground: "bookkeeping law, taken as ten years (Regulation (EU) 282/2011, article 63c)",
};

/** `country`: ISO 3166-1 alpha-2. */
export function bookkeepingLaw(country: string): BookkeepingLaw {
  return LAWS[country] ?? GENERIC;
}

/** The last day, such as `2033-12-31`, on which a bill of this instant must still be there, in the site's time zone. */
export function keptUntil(law: BookkeepingLaw, billedMs: number, timeZone: string): string {
  const year = new Intl.DateTimeFormat("en", { timeZone, year: "numeric" }).format(billedMs);
  return `${Number(year) + law.years}-12-31`;
}
