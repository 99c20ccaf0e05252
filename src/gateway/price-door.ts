/** Prices from outside on their way to the log: checked, made a fact, and answered once they are durable. */
import { createHash } from "node:crypto";
import type { Config } from "../config.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import { type PriceAnswer, type PricePublication, PriceRequest } from "../model/prices.ts";
import { firstFault } from "../model/schema-fault.ts";
import { readPrices } from "../rules/price-points.ts";
import { seriesOf } from "../rules/session-prices.ts";
import type { AppendFact } from "./operator-facts.ts";
import type { Outbox } from "./outbox.ts";
import { turns } from "./turns.ts";

/** `source` is who asks, for requests that do not say. Never rejects. */
export type PriceDoor = (request: unknown, source: string) => Promise<PriceAnswer>;

interface Context {
  config: Pick<Config, "site" | "tariffs">;
  clock: Pick<DepotClock, "nowMs">;
  appendFact: AppendFact;
  outbox: Pick<Outbox, "ask">;
}

const AHEAD_MS = 14 * 86_400_000;
export function priceDoor(context: Context): PriceDoor {
  // One at a time: whether prices are known already depends on what came before them.
  const inTurn = turns(BUSY);
  return async (request, source) => {
    const checked = check(context, request, source);
    return "refused" in checked ? checked : inTurn(() => publish(context, checked.publication));
  };
}

const BUSY: PriceAnswer = {
  refused: {
    code: "BUSY",
    message: "the log has not confirmed these prices yet",
    fix: "Send the same prices again: they are taken once.",
  },
};

const refuse = (message: string, fix: string): Extract<PriceAnswer, { refused: unknown }> => ({
  refused: { code: "BAD_PRICES", message, fix },
});

function check(
  { config, clock }: Context,
  request: unknown,
  source: string,
): { publication: PricePublication } | Extract<PriceAnswer, { refused: unknown }> {
  const parsed = PriceRequest.safeParse(request);
  if (!parsed.success) {
    return refuse(firstFault(parsed.error), "Correct the request.");
  }
  const { series, currency = config.site.currency, points } = parsed.data;
  if (currency !== config.site.currency)
    return refuse(
      `/currency: ${currency} is not the site's currency`,
      `Give prices in ${config.site.currency}.`,
    );
  const read = readPrices(
    points.map((point, i) => ({ at: `/points/${i}`, ...point })),
    currency,
  );
  const [fault] = read.faults;
  if (fault) return refuse(`${fault.at}: ${fault.message}`, fault.fix);
  if (!("points" in read)) return refuse("/points: there is no price", "Give at least one point.");
  const end = read.points.at(-1)?.to ?? "";
  if (Date.parse(end) > clock.nowMs() + AHEAD_MS)
    return refuse(
      `/points: ${end} is more than 14 days ahead`,
      "Check the dates, and publish those prices later.",
    );
  return {
    publication: {
      series,
      currency,
      step_s: read.stepS,
      points: read.points,
      source: parsed.data.source ?? source,
    },
  };
}

async function publish(
  { config, clock, appendFact, outbox }: Context,
  publication: PricePublication,
): Promise<PriceAnswer> {
  const { series, currency, step_s, points } = publication;
  const [from, to] = [points[0]?.from ?? "", points.at(-1)?.to ?? ""];
  const sha256 = createHash("sha256")
    .update(JSON.stringify({ series, currency, step_s, points }))
    .digest("hex");
  const { knownAt, key } = await outbox.ask("prices", { series, sha256, from, to });
  const fact: NewEvent = {
    type: "prices.published",
    atMs: clock.nowMs(),
    station: null,
    key,
    body: publication,
  };
  const placed = knownAt === null ? await appendFact(fact) : { offset: knownAt, duplicate: true };
  return {
    taken: {
      series,
      currency,
      step_s,
      points: points.length,
      from,
      to,
      gaps: points.filter((point, i) => i > 0 && points[i - 1]?.to !== point.from).length,
      known: placed.duplicate,
      log_offset: placed.offset,
      tariffs: config.tariffs.filter((tariff) => seriesOf(tariff).includes(series)).map(({ id }) => id),
    },
  };
}
