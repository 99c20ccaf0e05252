/** What a revised record is rated by: the tariff of whoever it turns out to charge, and prices for the time it gained. */
import type { Hold, PriceSeriesPart, SessionRecord } from "../model/session.ts";
import { beside, laidOver, overlapping } from "./price-series.ts";
import { ratingHolds } from "./rate.ts";
import { clockDoubt } from "./session-host-clock.ts";
import type { KeptSession } from "./session-part.ts";
import { pointsOf, pricedOf, sessionPrices } from "./session-prices.ts";
import type { Message } from "./session-step.ts";
import { type Bearer, tariffIn } from "./session-tariff.ts";

/** Changes `record`, which late data made of `before`. `bearer`: whom its late start names. */
export function reprice(
  m: Message,
  kept: KeptSession,
  before: SessionRecord,
  record: SessionRecord,
  bearer?: Bearer,
): SessionRecord {
  if (bearer && bearer.tokenRef !== null) {
    record.token_ref = bearer.tokenRef;
    record.token_group = bearer.tokenGroup;
    record.vehicle = bearer.vehicle;
    const tariff = tariffIn(m, m.evse, kept.book, bearer, record.started_ms);
    // A bill that stands keeps the tariff that it was made with; who pays less or more is for a person.
    if (kept.state === "held" && tariff !== undefined) record.tariff = tariff;
  }
  const body = record.tariff?.body;
  const prices = body
    ? gained(before, record, sessionPrices(body, m.seriesNamed, record.started_ms, record.ended_ms))
    : [];
  if (prices.length > 0) record.prices = prices;
  else delete record.prices;
  const found = ratingHolds(record);
  record.held = [...record.held.filter(({ code }) => !RATING_HOLDS.has(code)), ...found];
  addTariffHold(m, before, record);
  return record;
}

/** Of a session that had no start the tariff and the clock were not looked at yet. */
function addTariffHold(m: Message, before: SessionRecord, record: SessionRecord): void {
  if (!before.held.some(({ code }) => code === "START_UNKNOWN")) return;
  const { site, settings } = m;
  if (!record.tariff && site.books.length > 0) {
    const detail = `no tariff that it may have was valid at ${new Date(record.started_ms).toISOString()}; choose one`;
    record.held.push({ code: "NO_TARIFF", detail });
  }
  const doubt = clockDoubt(record, site.clock, site.clock, settings.clockSkewMs);
  if (doubt) record.held.push(doubt.hold);
}

/** What rating finds, it finds anew. */
const RATING_HOLDS: ReadonlySet<Hold["code"]> = new Set<Hold["code"]>(["NO_PRICE", "NO_COMPONENT"]);

/** The prices that the session had, with those of the time it gained: what was published since changes no more than that. */
function gained(
  before: SessionRecord,
  record: SessionRecord,
  now: readonly PriceSeriesPart[],
): PriceSeriesPart[] {
  const { started_ms, ended_ms, held } = before;
  // What waits for a price, or for its start, takes all that is known.
  if (held.some(({ code }) => code === "NO_PRICE" || code === "START_UNKNOWN")) return [...now];
  return now.map(({ series, points }) => {
    const had = pricedOf(before.prices?.find((part) => part.series === series)?.points ?? []);
    const settled = [
      Math.min(started_ms, had[0]?.[0] ?? started_ms),
      Math.max(ended_ms, had.at(-1)?.[1] ?? ended_ms),
    ] as const;
    const all = laidOver(beside(pricedOf(points), settled), had);
    return { series, points: pointsOf(overlapping(all, record.started_ms, record.ended_ms)) };
  });
}
