/**
 * A report as one page that needs nothing else: the figures, when the site drew its energy, how its EVSEs were used.
 * Numbers are in the table too, so the plots carry nothing that cannot be read.
 */
import type { Language } from "../rules/explain-texts.ts";
import type { Report } from "../rules/report.ts";
import type { ReportRow } from "../rules/report-tally.ts";
import { reportWords } from "../rules/report-texts.ts";
import { numberIn, type ReportNote, type ReportWords, utcMinute } from "../rules/report-words.ts";
import { heatMap, usageBars } from "./report-plots.ts";
import { available, betweenFaults, escaped, hours, kwh, percent, tableOf } from "./report-text.ts";

/** What the page shows beside the report itself. */
export interface PageReports {
  report: Report;
  notes: readonly ReportNote[];
  byHour: Report;
  byEvse: Report;
}

const STYLE = `
:root { color-scheme: light dark;
  --ground: light-dark(#ffffff, #0b1220); --panel: light-dark(#f3f6f9, #131c2e); --line: light-dark(#d4dce4, #2a364c);
  --ink: light-dark(#16202b, #e8eef5); --dim: light-dark(#4d5b69, #9fb0c3);
  --charging: light-dark(#0b7a4b, #3ddc97); --waiting: light-dark(#b87900, #f2c14e); --idle: light-dark(#1459b8, #6cb4ff);
  --fault: light-dark(#b3261e, #ff6b5e); --other: light-dark(#8a97a5, #6b7a8f); }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .25rem; } p { margin: .25rem 0; }
.dim { color: var(--dim); } .small { font-size: .875rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1.5rem 0 1rem; }
dl div { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
dt { color: var(--dim); font-size: .875rem; } dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: .875rem; line-height: 1.3; color: var(--dim); }
svg { display: block; width: 100%; height: auto; margin-top: .75rem; overflow: visible; } svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; margin-top: .75rem; }
th, td { padding: .3rem .35rem; text-align: right; vertical-align: bottom; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; } th { color: var(--dim); font-weight: 600; } th:first-child, td:first-child { text-align: left; } .wide tr:last-child td { font-weight: 600; border: 0; }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0 0; font-size: .875rem; }
ul.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .4rem; vertical-align: -.05rem; }
@media print { body { max-width: none; padding: 0; } dl div { break-inside: avoid; } }
`;

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
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>
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
