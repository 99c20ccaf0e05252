/** The law that keeps what supports a bill, by the site's country; how long, `retention-cutoffs.ts` says. */
const GROUNDS: Readonly<Record<string, string>> = {
  SE: "bokföringslagen (1999:1078) 7 kap. 2 §",
  DE: "AO § 147, UStG § 14b",
};

/** `country`: ISO 3166-1 alpha-2. */
export function bookkeepingGround(country: string): string {
  return GROUNDS[country] ?? `bookkeeping law of ${country}`;
}
