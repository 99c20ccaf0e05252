/** The clocks of retention as the config sets them, or the law of the site's country. */
import type { RetentionClocks } from "../model/retention.ts";
import type { Camel } from "./paths.ts";
import type { ConfigFile } from "./schema.ts";

/**
 * Calendar years that bookkeeping law asks for, by country: SE bokföringslagen (1999:1078) 7 kap. 2 §; DE § 147 (3) AO
 * as of 2025, vouchers.
 */
const BOOKS_YEARS: Readonly<Record<string, number>> = { SE: 7, DE: 8 };
/** No law of the Union or its members that is known here asks for more of vouchers. */
const BOOKS_YEARS_ELSEWHERE = 10;

export function retentionClocksOf({
  site,
  retention,
}: Camel<Pick<ConfigFile, "site" | "retention">>): RetentionClocks {
  const { eventDays, seriesMonths, auditMonths, fiscalYearEnd } = retention;
  const booksYears = retention.booksYears ?? BOOKS_YEARS[site.country] ?? BOOKS_YEARS_ELSEWHERE;
  return { eventDays, seriesMonths, auditMonths, booksYears, fiscalYearEnd, timeZone: site.timezone };
}
