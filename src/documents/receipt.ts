/**
 * A CDR as a document: receipt or credit note. Its figures are the CDR's own; what is computed here (tax as gross less
 * net, sums per rate) is exact. Of the person it shows the pseudonym alone.
 */
import type { Cdr } from "../model/cdr.ts";
import { exact, fixed } from "../model/money.ts";
import { type Explanation, explainCdr } from "../rules/explain.ts";
import type { ExplainedLine } from "../rules/explain-line.ts";
import { remarkIn } from "../rules/explain-remark.ts";
import type { Language } from "../rules/explain-texts.ts";
import { durationText } from "../rules/explain-time.ts";
import { completeCdr } from "../rules/older-cdr.ts";
import { cdrHash } from "./cdr-hash.ts";
import type { Block, Document, Labelled, Row } from "./document.ts";
import { amountText, decimalsFor, figure, moneyText, NBSP } from "./figures.ts";
import { type Issuer, issuerLines, missingForInvoice } from "./issuer.ts";
import { signedFacts } from "./signed-values.ts";
import { wordsOf } from "./texts.ts";
import { type VatRate, vatByRate } from "./vat.ts";
import type { Words } from "./words.ts";

/**
 * @param stored as the log has it: its hash is the one that is shown.
 * @throws RangeError when the CDR's time zone is unknown or one of its numbers is no decimal.
 */
export function receiptOf(stored: Cdr, issuer: Issuer, language: Language): Document {
  const words = wordsOf(language);
  const cdr = completeCdr(stored);
  const explained = explainCdr(cdr, { language });
  const hash = cdrHash(stored);
  return {
    language,
    kind: cdr.credit ? "credit_note" : "receipt",
    title: cdr.credit ? words.creditNote : words.receipt,
    number: cdr.id,
    issuer: issuerLines(issuer, language),
    highlights: highlightsOf(cdr, words, language),
    blocks: [
      { kind: "facts", heading: words.session.heading, facts: sessionFacts(cdr, explained, issuer, words) },
      linesTable(cdr, explained, words),
      vatTable(cdr, words, language),
      ...notesBlocks(explained, words),
      ...signedFacts(cdr, words),
      { kind: "facts", heading: words.origin.heading, facts: originFacts(cdr, explained, hash, words) },
      {
        kind: "notes",
        heading: words.invoice.heading,
        notes: [`${words.invoice.intro} ${missingForInvoice(issuer, words).join("; ")}.`],
      },
    ],
    footer: words.footer(cdr.id, hash),
    datedMs: Date.parse(cdr.end_date_time),
  };
}

const wh = (language: Language, value: string | number) => `${figure(language, String(value))}${NBSP}Wh`;

function highlightsOf(cdr: Cdr, words: Words, language: Language): Labelled[] {
  const ms = Date.parse(cdr.end_date_time) - Date.parse(cdr.start_date_time);
  return [
    { label: words.energy, value: `${figure(language, cdr.total_energy)}${NBSP}kWh` },
    { label: words.time, value: durationText(fixed(exact(String(ms)).div(1000), 0)) },
    { label: words.place, value: cdr.cdr_location.evse_uid },
    {
      label: cdr.credit ? words.toCredit : words.toPay,
      value: moneyText(language, cdr.payable.amount, cdr.currency),
    },
  ];
}

function sessionFacts(cdr: Cdr, explained: Explanation, issuer: Issuer, words: Words): Labelled[] {
  const { session } = words;
  const { language, interval } = explained;
  return [
    ...(explained.credit ? [{ label: session.credits, value: explained.credit }] : []),
    ...(cdr.remark ? [{ label: session.remark, value: remarkIn(language, cdr.remark) }] : []),
    { label: session.station, value: cdr.cdr_location.evse_uid },
    { label: session.site, value: `${issuer.site} (${cdr.cdr_location.id})` },
    { label: session.start, value: interval.local_from },
    { label: session.end, value: interval.local_to },
    { label: session.zone, value: cdr.time_zone },
    { label: session.id, value: cdr.session_id },
    ...cdr.registers.map(({ meter_serial, from_wh, to_wh }) => ({
      label: session.meter(meter_serial ?? "–"),
      value: session.register(wh(language, from_wh), wh(language, to_wh)),
    })),
    {
      label: session.energy,
      value: `${figure(language, cdr.total_energy)}${NBSP}kWh. ${explained.energy.source}`,
    },
    { label: session.token, value: cdr.cdr_token ?? session.noToken },
    ...(cdr.token_group === undefined ? [] : [{ label: session.group, value: cdr.token_group }]),
  ];
}

function linesTable(cdr: Cdr, explained: Explanation, words: Words): Block {
  const { lines } = words;
  const { language, total } = explained;
  const digits = amountDigits(cdr);
  const amounts = ({ net, tax, gross }: { net: string; tax: string; gross: string }) =>
    [net, tax, gross].map((amount) => amountText(language, amount, digits));
  return {
    kind: "table",
    heading: cdr.credit ? lines.creditHeading : lines.heading,
    caption: [
      lines.caption(cdr.currency, explained.sum_check.sentence),
      ...(explained.nothing ? [explained.nothing] : []),
    ].join(" "),
    columns: [
      { head: lines.what, align: "start", share: 82 },
      { head: lines.measured, align: "end", share: 65 },
      { head: lines.billed, align: "end", share: 65 },
      { head: lines.price, align: "end", share: 68 },
      { head: lines.rate, align: "end", share: 42 },
      { head: lines.net, align: "end", share: 56 },
      { head: lines.vat, align: "end", share: 52 },
      { head: lines.gross, align: "end", share: 58 },
    ],
    rows: explained.lines.map((line, index) => ({
      cells: [
        line.name,
        quantity(line.measured, line, language, lines.none),
        quantity(line.billed, line, language, lines.none),
        priceOf(line, cdr.currency, language, lines.none),
        line.tax_percent === null ? lines.none : figure(language, line.tax_percent),
        ...amounts(line),
      ],
      notes: lineNotes(line, cdr.lines[index]?.measured_units, words, language),
    })),
    foot: [{ cells: [lines.total, "", "", "", "", ...amounts(total)] }],
  };
}

/** So many decimals that every amount of the bill is shown as it is. */
function amountDigits(cdr: Cdr): number {
  const amounts = [...cdr.lines.map((line) => line.amount), cdr.total_cost];
  return decimalsFor(cdr.currency, [
    ...amounts.flatMap(({ excl_vat, incl_vat }) => [excl_vat, incl_vat]),
    cdr.payable.rounding,
  ]);
}

function quantity(value: string | null, line: ExplainedLine, language: Language, none: string): string {
  return value === null ? none : `${figure(language, value)}${NBSP}${line.quantity_unit}`;
}

function priceOf(line: ExplainedLine, currency: string, language: Language, none: string): string {
  if (line.unit_price === null) return none;
  return `${figure(language, line.unit_price)}${line.price_unit.slice(currency.length)}`;
}

function lineNotes(
  line: ExplainedLine,
  measuredUnits: string | undefined,
  { lines }: Words,
  language: Language,
): string[] {
  const { local_from, local_to } = line.interval;
  const lasted = line.quantity_unit === "h" && measuredUnits !== undefined;
  const register = (value: string, interpolated: boolean | undefined) =>
    wh(language, value) + (interpolated ? ` (${lines.interpolated})` : "");
  const reasons = [
    ...(line.tax_included ? [lines.taxIncluded] : []),
    line.reason,
    ...line.not_applied,
    ...(line.step === null ? [] : [line.step]),
  ];
  return [
    `${local_from}${local_to === local_from ? "" : ` – ${local_to}`}${lasted ? `, ${lines.lasted(durationText(measuredUnits))}` : ""}`,
    ...line.registers.map(({ meter_serial, from_wh, to_wh, from_interpolated, to_interpolated }) =>
      lines.register(
        meter_serial ?? "–",
        register(from_wh, from_interpolated),
        register(to_wh, to_interpolated),
      ),
    ),
    `${capital(reasons.join("; "))}.`,
  ];
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function vatTable(cdr: Cdr, words: Words, language: Language): Block {
  const digits = amountDigits(cdr);
  const rates = vatByRate(cdr.lines);
  const { excl_vat: net, incl_vat: gross } = cdr.total_cost;
  return {
    kind: "table",
    heading: words.vat.heading,
    caption: words.vat.caption(cdr.currency),
    columns: vatColumns(words),
    rows: rates.map((rate) => vatRow(rate, digits, words, language)),
    foot: [
      {
        cells: [
          words.vat.sum,
          amountText(language, net, digits),
          amountText(language, fixed(exact(gross).sub(exact(net)), 4), digits),
          amountText(language, gross, digits),
        ],
      },
      { cells: [words.vat.rounding, "", "", amountText(language, cdr.payable.rounding, digits)] },
      {
        cells: [
          cdr.credit ? words.toCredit : words.toPay,
          "",
          "",
          moneyText(language, cdr.payable.amount, cdr.currency),
        ],
        strong: true,
      },
    ],
  };
}

export function vatColumns({ vat, lines }: Words): Extract<Block, { kind: "table" }>["columns"] {
  return [
    { head: vat.rate, align: "start", share: 40 },
    { head: lines.net, align: "end", share: 20 },
    { head: lines.vat, align: "end", share: 20 },
    { head: lines.gross, align: "end", share: 24 },
  ];
}

export function vatRow(rate: VatRate, digits: number, { vat }: Words, language: Language): Row {
  const head = rate.percent === null ? vat.noRate : `${figure(language, rate.percent)}${NBSP}%`;
  return {
    cells: [head, ...[rate.net, rate.tax, rate.gross].map((amount) => amountText(language, amount, digits))],
  };
}

function notesBlocks(explained: Explanation, words: Words): Block[] {
  const { held_back, language, notes, sum_check } = explained;
  const attention = [
    ...(sum_check.agrees ? [] : [sum_check.sentence]),
    // Details are as the rating wrote them, in English.
    ...notes.map(({ sentence, detail }) =>
      detail && language === "en" ? `${sentence} (${detail})` : sentence,
    ),
  ];
  return [
    ...(held_back.length > 0
      ? [
          {
            kind: "notes" as const,
            heading: words.unbilled.heading,
            notes: held_back.map(({ sentence }) => `${sentence}.`),
          },
        ]
      : []),
    ...(attention.length > 0
      ? [
          {
            kind: "notes" as const,
            heading: words.attention.heading,
            attention: true as const,
            notes: attention,
          },
        ]
      : []),
  ];
}

function originFacts(cdr: Cdr, explained: Explanation, hash: string, { origin }: Words): Labelled[] {
  return [
    { label: origin.tariff, value: explained.tariff.id },
    { label: origin.cdr, value: cdr.id },
    { label: origin.tariffHash, value: explained.tariff.hash },
    { label: origin.cdrHash, value: hash },
    { label: origin.rules, value: explained.rules },
    { label: origin.verify, value: `laddport cdr verify ${cdr.id}` },
  ];
}
