/** VAT by rate: exact sums of lines, so that rates sum to the total. */
import type { CdrLine } from "../model/cdr.ts";
import { exact } from "../model/money.ts";
import { amountOf, type ExplainedAmount, sumOf } from "../rules/explain.ts";

export interface VatRate extends ExplainedAmount {
  /** Percent, shortest decimal; null when the lines state none. */
  percent: string | null;
}

/** Highest rate first, lines without a rate last. `25` and `25.0` are one rate. */
export function vatByRate(lines: readonly CdrLine[]): VatRate[] {
  const groups = new Map<string | null, CdrLine[]>();
  for (const line of lines) {
    const percent = line.vat_percent === null ? null : exact(line.vat_percent).toString(8);
    groups.set(percent, [...(groups.get(percent) ?? []), line]);
  }
  return [...groups]
    .map(([percent, of]) => ({ percent, ...amountOf(sumOf(of)) }))
    .sort((a, b) => {
      if (a.percent === null || b.percent === null)
        return a.percent === b.percent ? 0 : a.percent === null ? 1 : -1;
      return exact(b.percent).compare(exact(a.percent));
    });
}
