/** One line of a bill in words: when, on which meter, how much, at which price and why that one. */
import type { Cdr, CdrLine } from "../model/cdr.ts";
import { exact, fixed } from "../model/money.ts";
import { notApplied, reasonOf } from "./explain-reason.ts";
import { type ExplainedRegister, registersOf } from "./explain-registers.ts";
import { billTexts, decimalIn, type Language } from "./explain-texts.ts";
import { durationText, type ExplainedInterval, explainedInterval } from "./explain-time.ts";

export interface ExplainedLine {
  dimension: CdrLine["dimension"];
  reservation?: true;
  /** `Energy`. */
  name: string;
  interval: ExplainedInterval;
  registers: ExplainedRegister[];
  /** Decimal text in `quantity_unit`; null for the limits and the fee. */
  measured: string | null;
  billed: string | null;
  quantity_unit: "kWh" | "h" | null;
  /** What the tariff's step added to the quantity; null when it added nothing. */
  step: string | null;
  /** Where the component stands in the tariff, counted from 0; null for the limits. */
  element: number | null;
  component: number | null;
  /** Why this price: the element's restrictions in words. */
  reason: string;
  /** How the unit price came from a series; null when the tariff names it. */
  series: string | null;
  /** Why no element before it applied, one sentence each. */
  not_applied: string[];
  /** Null for the limits. */
  unit_price: string | null;
  /** `SEK/kWh`. */
  price_unit: string;
  tax_percent: string | null;
  tax_included: boolean;
  net: string;
  tax: string;
  gross: string;
}

export function explainLine(cdr: Cdr, line: CdrLine, language: Language): ExplainedLine {
  const texts = billTexts(language);
  const limit = line.dimension === "MIN_PRICE" || line.dimension === "MAX_PRICE";
  const { excl_vat: net, incl_vat: gross } = line.amount;
  return {
    dimension: line.dimension,
    ...(line.reservation ? { reservation: true as const } : {}),
    name: texts.dimensions[line.dimension] + (line.reservation ? ` (${texts.reservation})` : ""),
    interval: explainedInterval(cdr.time_zone, line.from, line.to),
    registers: registersOf(cdr, line),
    ...quantityOf(cdr, line, language),
    element: line.element,
    component: line.component,
    ...reasonsOf(cdr, line, language),
    unit_price: limit ? null : line.unit_price,
    price_unit: limit ? cdr.currency : `${cdr.currency}/${priceUnit(line, language)}`,
    tax_percent: line.vat_percent,
    tax_included: line.tax_included === true,
    net,
    tax: fixed(exact(gross).sub(exact(net)), 4),
    gross,
  };
}

function priceUnit({ dimension }: CdrLine, language: Language): string {
  const { units } = billTexts(language);
  return dimension === "ENERGY" ? "kWh" : dimension === "FLAT" ? units.once : units.hour;
}

function quantityOf(
  cdr: Cdr,
  line: CdrLine,
  language: Language,
): Pick<ExplainedLine, "measured" | "billed" | "quantity_unit" | "step"> {
  const { dimension, measured, billed } = line;
  if (dimension === "ENERGY")
    return { measured, billed, quantity_unit: "kWh", step: stepOf(cdr, line, language) };
  if (dimension === "TIME" || dimension === "PARKING_TIME")
    return { measured, billed, quantity_unit: "h", step: stepOf(cdr, line, language) };
  return { measured: null, billed: null, quantity_unit: null, step: null };
}

/** The step belongs to the last component of the session that has one, which is the line's own. */
function stepOf(cdr: Cdr, line: CdrLine, language: Language): string | null {
  const added = exact(line.billed_units).sub(exact(line.measured_units));
  if (added.equals(0)) return null;
  const text = (units: string) =>
    line.dimension === "ENERGY" ? `${decimalIn(language, units)} Wh` : durationText(units);
  const step = componentOf(cdr, line)?.step_size;
  return billTexts(language).step(text(added.toString(6)), step === undefined ? null : text(String(step)));
}

function componentOf(cdr: Cdr, { element, component }: CdrLine) {
  if (element === null || component === null) return undefined;
  return cdr.tariff.body.elements[element]?.price_components[component];
}

function reasonsOf(
  cdr: Cdr,
  line: CdrLine,
  language: Language,
): Pick<ExplainedLine, "reason" | "series" | "not_applied"> {
  const tariff = cdr.tariff.body;
  if (line.dimension === "MIN_PRICE" || line.dimension === "MAX_PRICE") {
    return { reason: limitReason(cdr, line.dimension, language), series: null, not_applied: [] };
  }
  const place = {
    element: line.element ?? 0,
    dimension: line.dimension,
    reservation: line.reservation === true,
  };
  return {
    reason: reasonOf(tariff, place, language),
    series: seriesOf(cdr, line, language),
    not_applied: notApplied(tariff, place, language),
  };
}

/** OCPI 2.2.1 writes limits as `excl_vat` and `incl_vat`, OCPI 2.3.0 as `before_taxes` and `after_taxes`. */
function limitReason(cdr: Cdr, dimension: "MIN_PRICE" | "MAX_PRICE", language: Language): string {
  const texts = billTexts(language);
  const { min_price, max_price } = cdr.tariff.body;
  const limit = dimension === "MIN_PRICE" ? min_price : max_price;
  const money = (value: string) => `${decimalIn(language, value)} ${cdr.currency}`;
  const [net, gross] = !limit
    ? []
    : "excl_vat" in limit
      ? [limit.excl_vat, limit.incl_vat]
      : [limit.before_taxes, limit.after_taxes];
  const words = [
    ...(net === undefined ? [] : [texts.limit.net(money(net))]),
    ...(gross === undefined ? [] : [texts.limit.gross(money(gross))]),
  ].join(", ");
  return dimension === "MIN_PRICE" ? texts.minimum(words) : texts.maximum(words);
}

function seriesOf(cdr: Cdr, line: CdrLine, language: Language): string | null {
  const source = componentOf(cdr, line)?.price_source;
  if (!source) return null;
  const ms = Date.parse(line.from);
  const points = cdr.prices?.find(({ series }) => series === source.series)?.points ?? [];
  const texts = billTexts(language);
  if (!points.some(({ from_ms, to_ms }) => from_ms <= ms && ms < to_ms))
    return texts.notFromSeries(source.series);
  const [factor, add] = [source.factor, source.add].map((decimal) => decimalIn(language, decimal));
  return texts.fromSeries(source.series, String(factor), String(add));
}
