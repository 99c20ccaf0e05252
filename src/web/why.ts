/** `GET /api/v1/why/:station`: why an EVSE may draw what it may, now or then; over a stretch of time with `from`. */
import type { FastifyInstance } from "fastify";
import { ID_PATTERN } from "../model/ids.ts";
import { LANGUAGES, type Language } from "../rules/explain-texts.ts";
import type { Why } from "../rules/why/facts.ts";
import { whySentences } from "../rules/why/sentences.ts";
import { badQuery, instant, RequestError, wholeNumber } from "./api.ts";
import type { NoAnswer, PeriodAnswer } from "./log-why.ts";

export interface WhyAsk {
  /** A station or a vehicle. */
  name: string;
  evse: number | null;
}

export interface WhyDoor {
  /** `atMs` null: now. */
  at(ask: WhyAsk, atMs: number | null): Promise<Why[] | NoAnswer>;
  period(ask: WhyAsk, fromMs: number, toMs: number): Promise<PeriodAnswer[] | NoAnswer>;
}

type Query = Readonly<Record<string, string | string[] | undefined>>;

const MAX_PERIOD_MS = 31 * 86_400_000;

export function registerWhy(server: FastifyInstance, door: WhyDoor, nowMs: () => number): void {
  server.get("/api/v1/why/:station", async (request) => {
    const { station: name } = request.params as { station: string };
    const query = request.query as Query;
    if (!ID_PATTERN.test(name))
      throw badQuery("station", name, "name a station or a vehicle, as in why/cp-007");
    const evse = query.evse === undefined ? null : wholeNumber(query, "evse", 1, 1, 99);
    if (query.from === undefined) {
      const atMs = query.at === undefined ? null : instant(query, "at", nowMs());
      const answer = await door.at({ name, evse }, atMs);
      if (!Array.isArray(answer)) return refused(answer);
      const language = languageOf(query);
      return {
        answers: answer.map((why) => ({ ...why, sentences: whySentences(why, language, (at) => at) })),
      };
    }
    const fromMs = instant(query, "from", nowMs());
    const toMs = instant(query, "to", nowMs());
    if (fromMs >= toMs || toMs - fromMs > MAX_PERIOD_MS)
      throw badQuery("from", query.from, "use a time before `to`, at most 31 days");
    const answer = await door.period({ name, evse }, fromMs, toMs);
    if (!Array.isArray(answer)) return refused(answer);
    return {
      periods: answer.map(({ fromMs: from, toMs: to, ...rest }) => ({
        ...rest,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
      })),
    };
  });
}

function languageOf({ lang = "en" }: Query): Language {
  const known = LANGUAGES.find((one) => one === lang);
  if (!known) throw badQuery("lang", lang, `use one of ${LANGUAGES.join(", ")}`);
  return known;
}

function refused(no: NoAnswer): never {
  throw new RequestError(404, {
    code: "NOTHING_TO_EXPLAIN",
    message: noAnswerText(no, (ms) => new Date(ms).toISOString()),
    fix: "Name a station or vehicle of the depot, and a time that retention still covers.",
  });
}

/** In one sentence. `clock` writes a time for the reader. */
export function noAnswerText(no: NoAnswer, clock: (ms: number) => string): string {
  switch (no.no) {
    case "unknown":
      return `No station of this name is known, and no vehicle: "${no.name}".`;
    case "not_seen":
      return `The depot knows ${no.name}, but the log, as far as it is kept, has not seen it plugged in by then.`;
    case "not_plugged":
      return no.last === null
        ? `${no.name} was not plugged in then.`
        : `${no.name} was not plugged in then; before, it was at ${no.last.station}/${no.last.evse} until ${clock(no.last.untilMs)}.`;
    case "pruned":
      return no.fromMs === null
        ? "No limits of then are kept any more (retention.raw_days)."
        : `Limits that were sent before ${clock(no.fromMs)} are not kept any more (retention.raw_days), and the one in force then is among them.`;
    case "never_sent":
      return `The log has no limit that was sent to ${no.name} by then.`;
  }
}
