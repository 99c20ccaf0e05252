/** How long each kind of data is kept, in words, with the figures of a site. */
import type { Kept, Text } from "../model/data-map-entry.ts";
import type { RetentionClocks } from "../model/retention.ts";

export interface KeptFigures extends RetentionClocks {
  rawDays: number;
  quarantineDays: number;
}

export function keptText(kept: Kept, of: KeptFigures): Text {
  switch (kept) {
    case "raw":
      return {
        en: `${of.rawDays} days, less when the disk fills; then one value a minute`,
        sv: `${of.rawDays} dagar, kortare om disken fylls; sedan ett värde i minuten`,
      };
    case "events":
      return { en: `${of.eventDays} days`, sv: `${of.eventDays} dagar` };
    case "series":
      return { en: `${of.seriesMonths} months`, sv: `${of.seriesMonths} månader` };
    case "audit":
      return { en: `${of.auditMonths} months`, sv: `${of.auditMonths} månader` };
    case "books":
      return {
        en: `until the end of year ${of.booksYears} after the calendar year in which the fiscal year ended`,
        sv: `till utgången av år ${of.booksYears} efter det kalenderår då räkenskapsåret avslutades`,
      };
    case "quarantine":
      return { en: `${of.quarantineDays} days`, sv: `${of.quarantineDays} dagar` };
    default:
      return FIXED[kept];
  }
}

const FIXED: Readonly<
  Record<Exclude<Kept, "raw" | "events" | "series" | "audit" | "books" | "quarantine">, Text>
> = {
  log: { en: "as long as the log", sv: "så länge loggen finns" },
  subject: {
    en: "until the person is erased, or the day's key goes",
    sv: "tills personen raderas, eller dagens nyckel",
  },
  list: { en: "until the token list is replaced", sv: "tills listan över brickor byts ut" },
  summaries: {
    en: "until some days after the receiver's receipt; unsent ones until they are sent",
    sv: "till några dagar efter mottagarens kvitto; osända tills de sänts",
  },
  state: { en: "at most 35 days after the session", sv: "högst 35 dagar efter laddningen" },
  moment: { en: "not stored: passed on at once", sv: "lagras inte: skickas vidare direkt" },
  influx: { en: "as the retention of the InfluxDB bucket says", sv: "enligt inställningen i InfluxDB" },
  program_log: {
    en: "14 days, set in journald or the container's log driver",
    sv: "14 dagar, ställs in i journald eller containerns loggdrivrutin",
  },
  config: { en: "until it is changed", sv: "tills den ändras" },
};

/** Of a site that sets nothing, in a country whose bookkeeping law is Sweden's. */
export const DEFAULT_FIGURES: KeptFigures = {
  rawDays: 14,
  quarantineDays: 30,
  eventDays: 90,
  seriesMonths: 25,
  auditMonths: 24,
  booksYears: 7,
  fiscalYearEnd: "12-31",
  timeZone: "Europe/Stockholm",
};
