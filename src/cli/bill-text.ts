/** A bill as text for people: a table of its lines, then where each line comes from. */

import type { Explanation } from "../rules/explain.ts";
import type { ExplainedLine } from "../rules/explain-line.ts";
import type { ExplainedRegister } from "../rules/explain-registers.ts";
import { billTexts, decimalIn, type Language } from "../rules/explain-texts.ts";
import type { ExplainedInterval } from "../rules/explain-time.ts";
import { table } from "./output.ts";

/** Lines of text without line feeds. */
export function billText(bill: Explanation): string[] {
  const indented = (text: string) => text.split("\n").map((line) => `  ${line}`);
  return [
    `${bill.title}, ${bill.currency}`,
    ...[bill.credit, bill.remark].filter((text) => text !== null).map((text) => `  ${text}`),
    `  ${intervalText(bill.interval)}, ${bill.time_zone}`,
    `  ${decimalIn(bill.language, bill.energy.kwh)} kWh. ${bill.energy.source}`,
    ...(bill.energy.public_key === null ? [] : [`  ${bill.energy.public_key}`]),
    `  ${bill.tariff.sentence}`,
    "",
    ...(bill.nothing === null ? indented(table(rowsOf(bill))) : [`  ${bill.nothing}`]),
    `  ${bill.sum_check.sentence}`,
    `  ${bill.payable.sentence} (${bill.payable.rounding_sentence})`,
    ...bill.lines.flatMap((line, index) => ["", ...lineText(line, index, bill.language)]),
    ...endText(bill),
  ];
}

function rowsOf({ lines, sums, total, language }: Explanation): string[][] {
  const { labels } = billTexts(language);
  const number = (decimal: string | null) => (decimal === null ? "" : decimalIn(language, decimal));
  const money = (amount: { net: string; tax: string; gross: string }) => [
    number(amount.net),
    number(amount.tax),
    number(amount.gross),
  ];
  const blank = ["", "", "", "", "", ""];
  return [
    [
      "",
      labels.line,
      labels.measured,
      labels.billed,
      labels.unit,
      labels.price,
      labels.per,
      labels.taxPercent,
      labels.net,
      labels.tax,
      labels.gross,
    ],
    ...lines.map((line, index) => [
      String(index + 1),
      line.name,
      number(line.measured),
      number(line.billed),
      line.quantity_unit ?? "",
      number(line.unit_price),
      line.unit_price === null ? "" : line.price_unit,
      number(line.tax_percent),
      ...money(line),
    ]),
    // One line is its own sum.
    ...(sums.length < lines.length ? sums : []).map((sum) => [
      "",
      `${labels.total}: ${sum.name}`,
      ...blank,
      ...money(sum),
    ]),
    ["", labels.total, ...blank, ...money(total)],
  ];
}

function lineText(line: ExplainedLine, index: number, language: Language): string[] {
  const { labels } = billTexts(language);
  return [
    `  ${index + 1} ${line.name}`,
    `    ${intervalText(line.interval)}`,
    ...line.registers.map((register) => `    ${registerText(register, language)}`),
    ...(line.step === null ? [] : [`    ${line.step}`]),
    `    ${line.reason}`,
    ...(line.series === null ? [] : [`    ${line.series}`]),
    ...line.not_applied.map((why) => `    ${why}`),
    ...(line.tax_included ? [`    ${labels.price}: ${labels.taxIncluded}`] : []),
  ];
}

function registerText(register: ExplainedRegister, language: Language): string {
  const { labels, noMeter } = billTexts(language);
  const wh = (value: string, interpolated: true | undefined) =>
    `${decimalIn(language, value)} Wh${interpolated ? ` (${labels.interpolated})` : ""}`;
  const meter = register.meter_serial === null ? noMeter : `${labels.meter} ${register.meter_serial}`;
  const from = wh(register.from_wh, register.from_interpolated);
  return `${meter}: ${from} – ${wh(register.to_wh, register.to_interpolated)}`;
}

function endText({ held_back, notes, rules, language }: Explanation): string[] {
  const { labels } = billTexts(language);
  return [
    "",
    ...held_back.map(({ sentence }) => `  ${labels.notBilled}: ${sentence}`),
    ...notes.map(({ code, sentence, detail }) => `  ${code}: ${sentence}${detail ? ` (${detail})` : ""}`),
    `  ${rules}`,
  ];
}

/** `2026-11-25 17:00:00 +01:00 – 2026-11-25 18:00:00 +01:00 (2026-11-25T16:00:00Z – …)`; a moment once. */
function intervalText({ local_from, local_to, utc_from, utc_to }: ExplainedInterval): string {
  if (utc_from === utc_to) return `${local_from} (${utc_from.replace(/\.\d+Z$/, "Z")})`;
  const [from, to] = [utc_from, utc_to].map((utc) => utc.replace(/\.\d+Z$/, "Z"));
  return `${local_from} – ${local_to} (${from} – ${to})`;
}
