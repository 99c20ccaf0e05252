/**
 * A report as one page that needs nothing else: the figures, when the site drew its energy, how its EVSEs were used.
 * Numbers are in the table too, so the plots carry nothing that cannot be read.
 */
import type { Language } from "../rules/explain-texts.ts";
import type { Report } from "../rules/report.ts";
import type { ReportRow } from "../rules/report-tally.ts";
import { reportWords } from "../rules/report-texts.ts";
import { numberIn, type ReportNote, type ReportWords, utcMinute } from "../rules/report-words.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { heatMap, usageBars } from "./report-plots.ts";
import { available, betweenFaults, escaped, hours, kwh, percent, tableOf } from "./report-text.ts";

/** What the page shows beside the report itself. */
export interface PageReports {
  report: Report;
  notes: readonly ReportNote[];
  byHour: Report;
  byEvse: Report;
}

export function pageOf({ report, notes, byHour, byEvse }: PageReports, language: Language): string {
  const words = reportWords(language);
  const number = (decimal: string) => numberIn(words, decimal).replace(">=", "≥");
  const title = words.title(report.from, report.to);
  const style = { by: words.by[report.by], columns: words.columns, total: words.total, number };
  const [head = [], ...lines] = tableOf(report, style);
  const cells = (row: readonly string[], tag: "th" | "td") =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><style>${PAGE_STYLE}</style></head><body>
<h1>${escaped(title)}</h1>
<p class="dim">${escaped(words.zone(report.time_zone, report.from === report.to ? "one" : "several"))}</p>
<dl>${figures(report.total, words, number)}</dl>
${notes.map((note) => `<p class="dim small">${escaped(words.note(note))}</p>`).join("\n")}
<h2>${escaped(words.drawn.heading)}</h2>
<p class="dim small">${escaped(words.drawn.about)}</p>
${heatMap(byHour, words)}
<h2>${escaped(words.used.heading)}</h2>
<p class="dim small">${escaped(words.used.about)}</p>
${usageBars(byEvse, words)}
<h2>${escaped(words.interrupted.heading)}</h2>
${interruptions(report.total, words)}
<h2>${escaped(words.figures.heading)}</h2>
<div class="wide"><table><thead>${cells(head, "th")}</thead><tbody>${lines.map((line) => cells(line, "td")).join("\n")}</tbody></table></div>
</body></html>
`;
}

function figures(total: ReportRow, words: ReportWords, number: (decimal: string) => string): string {
  const names = words.figures;
  const figure = (name: string, value: string, beside = "") =>
    `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}${beside ? ` <small>${escaped(beside)}</small>` : ""}</dd></div>`;
  const share = (text: string) => number(text) || "–";
  const cost = total.cost.map((c) =>
    figure(names.cost, `${number(c.amount)} ${c.currency}`, c.per_kwh ? words.perKwh(number(c.per_kwh)) : ""),
  );
  return [
    figure(names.energy, `${number(kwh(total.energy_wh, 1))} kWh`),
    figure(
      names.sessions,
      number(String(total.sessions)),
      total.held_sessions > 0 ? words.held(total.held_sessions) : "",
    ),
    ...cost,
    figure(
      names.charging,
      `${share(percent(total.charging_share))} %`,
      words.connected(share(percent(total.connected_share))),
    ),
    figure(names.idle, `${number(hours(total.idle_ms))} h`),
    figure(names.limited, `${number(hours(total.limited_ms))} h`),
    figure(names.available, `${share(available(total))} %`),
    figure(names.betweenFaults, `${share(betweenFaults(total))} h`, words.faults(total.faults ?? 0)),
    ...(total.peak_w === null
      ? []
      : [
          figure(
            names.peak,
            `${number(kwh(total.peak_w, 1))} kW`,
            total.peak_at ? utcMinute(Date.parse(total.peak_at)) : "",
          ),
        ]),
  ].join("");
}

function interruptions({ interruptions: causes }: ReportRow, words: ReportWords): string {
  const { cause: causeHead, times: timesHead, none } = words.interrupted;
  const rows = Object.entries(causes).sort(([, a], [, b]) => b - a);
  if (rows.length === 0) return `<p class="dim small">${escaped(none)}</p>`;
  const row = ([cause, times]: [string, number]) =>
    `<tr><td>${escaped(words.cause(cause))}</td><td>${numberIn(words, String(times))}</td></tr>`;
  return `<table><thead><tr><th>${escaped(causeHead)}</th><th>${escaped(timesHead)}</th></tr></thead><tbody>${rows.map(row).join("")}</tbody></table>`;
}
