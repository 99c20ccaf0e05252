/**
 * Which tariff a session is billed by: the first rule of the depot's list that matches and whose tariff is valid when
 * the session starts, otherwise the first tariff. Null when that one is not valid either.
 */
import type { EventBodies } from "../model/event.ts";
import { evseId } from "../model/ids.ts";
import type { Tariff, TariffVersion } from "../model/tariff.ts";
import type { TariffChoiceRule } from "../model/tariff-choice.ts";
import { instantMs } from "./instant.ts";

/** One adoption: the tariffs and the rules that choose among them. */
export interface TariffBook {
  hash: string;
  /** The first one is the default. */
  tariffs: TariffVersion[];
  choice: TariffChoiceRule[];
}

/** What the rules look at. */
export interface Charging {
  station: string;
  evse: number;
  /** Null without a token, or when the token list says nothing of it. */
  tokenGroup: string | null;
  vehicle: string | null;
  startedMs: number;
}

export function bookOf(adopted: EventBodies["tariff.adopted"]): TariffBook {
  const { tariff, tariffs = [tariff], choice = [], hash = tariff.hash } = adopted;
  return { hash, tariffs, choice };
}

export function chooseTariff(book: TariffBook, charging: Charging): TariffVersion | null {
  const { startedMs } = charging;
  for (const rule of book.choice) {
    if (!matches(rule, charging)) continue;
    const chosen = book.tariffs.find(({ body }) => body.id === rule.tariff);
    if (chosen && isValid(chosen.body, startedMs)) return chosen;
  }
  const [first] = book.tariffs;
  return first && isValid(first.body, startedMs) ? first : null;
}

function matches(rule: TariffChoiceRule, charging: Charging): boolean {
  const { station, evse, tokenGroup, vehicle, startedMs } = charging;
  return (
    holds(rule.stations, station) &&
    holds(rule.evses, evseId(station, evse)) &&
    holds(rule.groups, tokenGroup) &&
    holds(rule.vehicles, vehicle) &&
    within(rule.from, rule.until, startedMs)
  );
}

const holds = (wanted: readonly string[] | undefined, seen: string | null) =>
  wanted === undefined || (seen !== null && wanted.includes(seen));

/** OCPI 2.2.1, Tariff: from start_date_time, until before end_date_time; UTC when neither says so (types, DateTime). */
const isValid = ({ start_date_time, end_date_time }: Tariff, ms: number) =>
  within(start_date_time && inUtc(start_date_time), end_date_time && inUtc(end_date_time), ms);

const inUtc = (text: string) => (/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);

const within = (from: string | undefined, until: string | undefined, ms: number) =>
  (from === undefined || ms >= instantMs(from)) && (until === undefined || ms < instantMs(until));
