/** The answer in sentences, in the reader's language. */
import type { Language } from "../explain-texts.ts";
import type { Why } from "./facts.ts";
import type { WhyWords } from "./words.ts";
import { WHY_EN } from "./words-en.ts";
import { WHY_SV } from "./words-sv.ts";

const LANGUAGE: Readonly<Record<Language, WhyWords>> = { en: WHY_EN, sv: WHY_SV };

export const whyWords = (language: Language): WhyWords => LANGUAGE[language];

/** `16.0 A` */
const ampsOf = (words: WhyWords, a: number) => `${a.toFixed(1).replace(".", words.mark)} A`;

function wanted({ energy_wh, soc_pct }: NonNullable<Why["departure"]>, mark: string): string | null {
  if (energy_wh !== null) return `${String(Math.round(energy_wh / 100) / 10).replace(".", mark)} kWh`;
  return soc_pct === null ? null : `${soc_pct} %`;
}

/** `clock` writes an RFC 3339 time for the reader. */
export function whySentences(why: Why, language: Language, clock: (at: string) => string): string[] {
  const words = whyWords(language);
  const amps = (a: number) => ampsOf(words, a);
  const vehicle = why.vehicle === null ? "" : ` (${why.vehicle})`;
  const who = `${why.station}/${why.evse}${vehicle}`;
  const { out_of_reach: gone, measured } = why;
  const of =
    why.max_a === null || why.percent === null ? null : { max: amps(why.max_a), percent: why.percent };
  const reason = words.reasons[why.reason];
  return [
    gone
      ? words.limit(
          clock(why.at),
          who,
          amps(why.limit_a),
          of,
          words.outOfReach(
            gone.because,
            clock(gone.since),
            clock(gone.lease_until),
            gone.lapsed,
            amps(why.fallback_a),
          ),
        )
      : words.limit(clock(why.at), who, amps(why.limit_a), of, reason.why(why)),
    ...(why.plan === null || why.target_a === null ? [] : [words.plans[why.plan](amps(why.target_a))]),
    words.sent(clock(why.since)),
    measured && measured.current_a !== null
      ? words.measured(amps(measured.current_a), clock(measured.at))
      : words.notMeasured,
    ...(why.class === null ? [] : [words.class(why.class)]),
    ...(why.departure === null
      ? []
      : [words.departure(clock(why.departure.at), wanted(why.departure, words.mark))]),
    ...why.orders.map((o) => {
      const kw = `${String(Math.round(o.power_w / 10) / 100).replace(".", words.mark)} kW`;
      return words.order(o.kind, o.circuit, kw, clock(o.from), o.until && clock(o.until));
    }),
    ...why.alerts.map((a) => words.alert(a.kind, a.subject, a.cause, clock(a.since))),
    words.toDo(gone?.because === "gateway" ? words.gatewayToDo : reason.toDo),
  ];
}

/** The limits around the time as rows of a table, with its head. */
export function changeRows(why: Why, language: Language, clock: (at: string) => string): string[][] {
  const words = whyWords(language);
  return [
    [...words.head],
    ...why.changes.map((c) => [
      clock(c.at),
      c.limit_a.toFixed(1).replace(".", words.mark),
      c.reason,
      c.bound_by ?? "",
      c.in_force ? words.atThatTime : "",
    ]),
  ];
}
