/** A statement as a document: each bill a row, then VAT by rate and what is to be paid. */

import { exact, fixed, ratio } from "../model/money.ts";
import { amountOf } from "../rules/explain.ts";
import { remarkIn } from "../rules/explain-remark.ts";
import type { Language } from "../rules/explain-texts.ts";
import { localTime } from "../rules/explain-time.ts";
import type { Block, Document, Row } from "./document.ts";
import { amountText, decimalsFor, figure, moneyText, NBSP } from "./figures.ts";
import { type Issuer, issuerLines } from "./issuer.ts";
import { vatColumns, vatRow } from "./receipt.ts";
import type { Statement, StatementScope, StatementSums } from "./statement.ts";
import { wordsOf } from "./texts.ts";
import type { Words } from "./words.ts";

export function statementDocument(statement: Statement, issuer: Issuer, language: Language): Document {
  const words = wordsOf(language);
  const { scope, currencies } = statement;
  const whose = whoseOf(scope, words);
  const energyWh = currencies.reduce((sum, { energy_wh }) => sum + energy_wh, 0);
  const payable = currencies.map((sums) => moneyText(language, sums.payable, sums.currency)).join(" + ");
  return {
    language,
    kind: "statement",
    title: `${words.statement} ${scope.month}`,
    number: whose,
    issuer: issuerLines(issuer, language),
    highlights: [
      { label: words.sessions, value: String(currencies.reduce((sum, { bills }) => sum + bills.length, 0)) },
      { label: words.energy, value: `${kwh(energyWh, language)}${NBSP}kWh` },
      { label: words.toPay, value: payable === "" ? words.lines.none : payable },
    ],
    blocks: [
      ...currencies.flatMap((sums) => [billsTable(sums, words, language), sumsTable(sums, words, language)]),
      {
        kind: "notes",
        heading: words.month.proof,
        notes: currencies.length === 0 ? [words.month.none(scope.month)] : [words.month.check],
      },
    ],
    footer: `${words.statement} ${scope.month} · ${whose}`,
    datedMs: Math.max(
      Date.parse(`${scope.month}-01T00:00:00Z`),
      ...currencies.flatMap(({ bills }) => bills.map(({ cdr }) => Date.parse(cdr.end_date_time))),
    ),
  };
}

function whoseOf({ group, tokenRef }: StatementScope, { month }: Words): string {
  if (group !== undefined) return month.group(group);
  return tokenRef === undefined ? month.whole : month.token(tokenRef);
}

const kwh = (wh: number, language: Language) => figure(language, fixed(ratio(wh, 1000), 3));

function digitsOf({ bills, currency }: StatementSums): number {
  return decimalsFor(
    currency,
    bills.flatMap(({ cdr: { lines, total_cost, payable } }) => [
      payable.rounding,
      ...[total_cost, ...lines.map((line) => line.amount)].flatMap((p) => [p.excl_vat, p.incl_vat]),
    ]),
  );
}

function billsTable(sums: StatementSums, words: Words, language: Language): Block {
  const { month, lines } = words;
  const digits = digitsOf(sums);
  const amounts = (of: { net: string; tax: string; gross: string }) =>
    [of.net, of.tax, of.gross].map((amount) => amountText(language, amount, digits));
  const payable = (amount: string) => figure(language, amount);
  return {
    kind: "table",
    heading: month.heading(sums.currency),
    caption: month.caption(
      sums.currency,
      [...new Set(sums.bills.map(({ cdr }) => cdr.time_zone))].join(", "),
    ),
    columns: [
      { head: month.cdr, align: "start", share: 92 },
      { head: words.place, align: "start", share: 58 },
      { head: month.ended, align: "start", share: 88 },
      { head: "kWh", align: "end", share: 48 },
      { head: lines.net, align: "end", share: 52 },
      { head: lines.vat, align: "end", share: 50 },
      { head: lines.gross, align: "end", share: 52 },
      { head: words.toPay, align: "end", share: 52 },
    ],
    rows: sums.bills.map(
      ({ cdr, sha256 }): Row => ({
        cells: [
          cdr.id,
          cdr.cdr_location.evse_uid,
          localTime(cdr.time_zone, cdr.end_date_time).slice(0, 16),
          kwh((cdr.credit ? -1 : 1) * Math.abs(cdr.energy_wh), language),
          ...amounts(amountOf(cdr.total_cost)),
          payable(cdr.payable.amount),
        ],
        notes: [
          ...(cdr.credit ? [month.credit(cdr.credit_reference_id ?? "")] : []),
          ...(cdr.remark === undefined ? [] : [remarkIn(language, cdr.remark)]),
          month.hash(sha256),
        ],
      }),
    ),
    foot: [
      {
        cells: [
          month.total,
          "",
          "",
          kwh(sums.energy_wh, language),
          ...amounts(sums.total),
          payable(sums.payable),
        ],
      },
    ],
  };
}

function sumsTable(sums: StatementSums, words: Words, language: Language): Block {
  const digits = digitsOf(sums);
  const text = (amount: string) => amountText(language, amount, digits);
  return {
    kind: "table",
    heading: words.month.vatHeading(sums.currency),
    caption: words.vat.caption(sums.currency),
    columns: vatColumns(words),
    rows: sums.vat.map((rate) => vatRow(rate, digits, words, language)),
    foot: [
      { cells: [words.vat.sum, text(sums.total.net), text(sums.total.tax), text(sums.total.gross)] },
      { cells: [words.vat.rounding, "", "", text(sums.rounding)] },
      {
        cells: [
          exact(sums.payable).compare(0) < 0 ? words.toCredit : words.toPay,
          "",
          "",
          moneyText(language, sums.payable, sums.currency),
        ],
        strong: true,
      },
    ],
  };
}
