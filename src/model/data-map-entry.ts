/** Words of the data map: what an entry says, and entries that more than one place shares. */

/** In both languages of the product. */
export interface Text {
  en: string;
  sv: string;
}

/**
 * What it says of people. `none`; `pseudonym`: a random token_ref, or what leads to one; `sealed`: under a key that
 * erasure or its day destroys; `staff`: names of those who work with the gateway.
 */
export type Personal = "none" | "pseudonym" | "sealed" | "staff";

/** How long; `retention.ts` and the config have the figures. */
export type Kept =
  | "raw"
  | "events"
  | "series"
  | "books"
  | "audit"
  | "log"
  | "quarantine"
  | "subject"
  | "list"
  | "summaries"
  | "state"
  | "moment"
  | "influx"
  | "program_log"
  | "config";

export type Reader =
  | "operator"
  | "billing"
  | "privacy"
  | "admin"
  | "flows"
  | "stations"
  | "cloud"
  | "gateway";

export interface DataEntry {
  what: Text;
  why: Text;
  personal: Personal;
  kept: Kept;
  readers: readonly Reader[];
}

export const WHY = {
  control: { en: "To share the power of the depot safely.", sv: "För att fördela depåns effekt säkert." },
  bill: {
    en: "To bill charging and to prove the bill.",
    sv: "För att fakturera laddning och styrka fakturan.",
  },
  grid: {
    en: "Orders and the reaction to them must be proven for two years (BNetzA BK6-22-300, Anlage 1, 7).",
    sv: "Order och hur de följs ska kunna visas i två år (BNetzA BK6-22-300, bilaga 1, 7).",
  },
  law: {
    en: "Bookkeeping law asks for vouchers.",
    sv: "Bokföringslagen kräver verifikationer.",
  },
  run: { en: "To run the depot and find faults.", sv: "För att driva depån och hitta fel." },
  proof: {
    en: "To prove that the log is whole (GDPR article 5(2)).",
    sv: "För att visa att loggen är hel (dataskyddsförordningen artikel 5.2).",
  },
  account: {
    en: "To show who did what with personal data (GDPR articles 5(2), 32 and 33).",
    sv: "För att visa vem som gjort vad med personuppgifter (dataskyddsförordningen artikel 5.2, 32 och 33).",
  },
  who: { en: "To know whose charging it is.", sv: "För att veta vems laddning det är." },
  rights: {
    en: "To answer people about their data (GDPR articles 12 to 21).",
    sv: "För att svara människor om deras uppgifter (dataskyddsförordningen artikel 12 till 21).",
  },
} as const satisfies Record<string, Text>;

export const entry = (
  [en, sv]: readonly [string, string],
  why: keyof typeof WHY,
  personal: Personal,
  kept: Kept,
  ...readers: Reader[]
): DataEntry => ({ what: { en, sv }, why: WHY[why], personal, kept, readers });

export const state = entry(
  ["State and connection of a station.", "En laddstations läge och anslutning."],
  "run",
  "none",
  "series",
  "operator",
  "flows",
);
export const sample = entry(
  ["Readings and limits of an EVSE.", "Mätvärden och gränser för ett uttag."],
  "control",
  "none",
  "raw",
  "operator",
  "flows",
);
export const transaction = entry(
  [
    "A transaction as the station reported it: register, times, token_ref, cost centre, vehicle.",
    "En transaktion som stationen rapporterat den: mätarställning, tider, token_ref, kostnadsställe, fordon.",
  ],
  "bill",
  "pseudonym",
  "events",
  "billing",
  "privacy",
);
export const summary = entry(
  [
    "That bills were sealed, sent and received: hashes and ids of bills.",
    "Att fakturor förseglats, sänts och tagits emot: kontrollsummor och fakturornas id.",
  ],
  "proof",
  "none",
  "log",
  "billing",
  "cloud",
);
export const alert = entry(
  [
    "An alert about a station, a session or the gateway.",
    "Ett larm om en station, en laddning eller gatewayen.",
  ],
  "run",
  "none",
  "series",
  "operator",
  "flows",
);
export const own = entry(
  [
    "The gateway's own record of its run and its log.",
    "Gatewayens egna uppgifter om sin drift och sin logg.",
  ],
  "proof",
  "none",
  "log",
  "operator",
  "admin",
);
