/**
 * A bill in words: where each amount comes from, in the reader's language. It explains what the CDR says and rates
 * nothing: amounts are those of the CDR, as decimal text, and only sums and differences of them are made here, exactly.
 */
import type { Cdr, CdrLine, Price, UnbilledTime } from "../model/cdr.ts";
import { exact, fixed } from "../model/money.ts";
import { type ExplainedLine, explainLine } from "./explain-line.ts";
import { type Note, notesOf } from "./explain-notes.ts";
import { remarkIn } from "./explain-remark.ts";
import { billTexts, decimalIn, type Language } from "./explain-texts.ts";
import { durationText, type ExplainedInterval, explainedInterval } from "./explain-time.ts";

/** Decimal text, four digits after the point. `net` + `tax` = `gross`. */
export interface ExplainedAmount {
  net: string;
  tax: string;
  gross: string;
}

/** All sentences are in `language`; all numbers outside of sentences are decimal text with a point. */
export interface Explanation {
  language: Language;
  cdr_id: string;
  session_id: string;
  title: string;
  /** What it credits, when it is a credit; null otherwise. */
  credit: string | null;
  remark: string | null;
  currency: string;
  time_zone: string;
  interval: ExplainedInterval;
  /** kWh, and where they come from. */
  energy: { kwh: string; source: string; public_key: string | null };
  tariff: { id: string; hash: string; sentence: string };
  lines: ExplainedLine[];
  /** Said instead of lines when there are none. */
  nothing: string | null;
  held_back: { state: UnbilledTime["state"]; seconds: string; duration: string; sentence: string }[];
  notes: Note[];
  /** What each dimension comes to; only those with lines. */
  sums: ({ dimension: CdrLine["dimension"]; reservation?: true; name: string } & ExplainedAmount)[];
  total: ExplainedAmount;
  /** Whether the lines sum exactly to the totals, and the sentence that says so. */
  sum_check: { agrees: boolean; sentence: string };
  payable: { amount: string; rounding: string; sentence: string; rounding_sentence: string };
  rules: string;
}

export interface ExplainOptions {
  language: Language;
}

/** @throws RangeError when the CDR's time zone is unknown or one of its numbers is no decimal. */
export function explainCdr(cdr: Cdr, { language }: ExplainOptions): Explanation {
  const texts = billTexts(language);
  const lines = cdr.lines.map((line) => explainLine(cdr, line, language));
  const money = (amount: string) => `${decimalIn(language, amount)} ${cdr.currency}`;
  const { amount, rounding } = cdr.payable;
  const signed = cdr.energy_source === "signed" ? cdr.signed_data : undefined;
  return {
    language,
    cdr_id: cdr.id,
    session_id: cdr.session_id,
    title: texts.title(cdr.id),
    credit: cdr.credit ? texts.credit(cdr.credit_reference_id ?? "") : null,
    remark: cdr.remark === undefined ? null : texts.remark(remarkIn(language, cdr.remark)),
    currency: cdr.currency,
    time_zone: cdr.time_zone,
    interval: explainedInterval(cdr.time_zone, cdr.start_date_time, cdr.end_date_time),
    energy: {
      kwh: cdr.total_energy,
      source:
        cdr.energy_source === "registers"
          ? texts.sources.registers
          : texts.sources[signed?.verified ? "signed" : "signedUnproven"],
      public_key: signed
        ? signed.public_key
          ? texts.publicKey(signed.public_key)
          : texts.noPublicKey
        : null,
    },
    tariff: {
      id: cdr.tariff.body.id,
      hash: cdr.tariff.hash,
      sentence: texts.tariff(cdr.tariff.body.id, cdr.tariff.hash),
    },
    lines,
    nothing: lines.length === 0 ? texts.nothing : null,
    held_back: cdr.unbilled_time.map(({ state, seconds }) => ({
      state,
      seconds: String(seconds),
      duration: durationText(String(seconds)),
      sentence: `${durationText(String(seconds))}: ${texts.unbilled[state]}`,
    })),
    notes: notesOf(cdr, language),
    sums: sumsOf(cdr, language),
    total: amountOf(cdr.total_cost),
    sum_check: sumCheck(cdr, language),
    payable: {
      amount,
      rounding,
      sentence: texts.payable(money(amount)),
      rounding_sentence: exact(rounding).equals(0)
        ? texts.payableExact
        : texts.payableRounded(decimalIn(language, rounding), money(cdr.total_cost.incl_vat)),
    },
    rules: texts.rules(cdr.rules.version, cdr.rules.rounding, cdr.rules.tzdata),
  };
}

/** Net, tax and gross of a price: the tax is their difference, so that the three always fit. */
export function amountOf({ excl_vat, incl_vat }: Price): ExplainedAmount {
  return { net: excl_vat, tax: fixed(exact(incl_vat).sub(exact(excl_vat)), 4), gross: incl_vat };
}

/** The exact sum of some lines, four decimals. */
export function sumOf(lines: readonly CdrLine[]): Price {
  const add = (pick: (price: Price) => string): string =>
    fixed(
      lines.reduce((sum, { amount }) => sum.add(exact(pick(amount))), exact("0")),
      4,
    );
  return { excl_vat: add((price) => price.excl_vat), incl_vat: add((price) => price.incl_vat) };
}

function sumsOf(cdr: Cdr, language: Language): Explanation["sums"] {
  const texts = billTexts(language);
  const groups = new Map<string, CdrLine[]>();
  for (const line of cdr.lines) {
    const key = `${line.dimension} ${line.reservation ?? false}`;
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups.values()].map((lines) => {
    const { dimension, reservation } = lines[0] as CdrLine;
    const name = texts.dimensions[dimension] + (reservation ? ` (${texts.reservation})` : "");
    return { dimension, ...(reservation ? { reservation } : {}), name, ...amountOf(sumOf(lines)) };
  });
}

function sumCheck(cdr: Cdr, language: Language): Explanation["sum_check"] {
  const texts = billTexts(language);
  const sum = sumOf(cdr.lines);
  const net = exact(cdr.total_cost.excl_vat).sub(exact(sum.excl_vat));
  const gross = exact(cdr.total_cost.incl_vat).sub(exact(sum.incl_vat));
  const agrees = net.equals(0) && gross.equals(0);
  const shown = (value: typeof net) => decimalIn(language, fixed(value, 4));
  return { agrees, sentence: agrees ? texts.sumsAgree : texts.sumsDiffer(shown(net), shown(gross)) };
}
