/**
 * A report as one page that needs nothing else: the figures, when the site drew its energy, how its EVSEs were used.
 * Numbers are in the table too, so the plots carry nothing that cannot be read.
 */
import type { Report } from "../rules/report.ts";
import type { ReportRow } from "../rules/report-tally.ts";
import { heatMap, usageBars } from "./report-plots.ts";
import { available, betweenFaults, escaped, hours, kwh, percent, tableOf } from "./report-text.ts";

/** What the page shows beside the report itself. */
export interface PageReports {
  report: Report & { notes: readonly string[] };
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
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
dl div { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
dt { color: var(--dim); font-size: .875rem; } dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: .875rem; line-height: 1.3; color: var(--dim); }
svg { display: block; width: 100%; height: auto; margin-top: .75rem; overflow: visible; } svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; margin-top: .75rem; }
th, td { padding: .3rem .45rem; text-align: right; vertical-align: bottom; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; } th { color: var(--dim); font-weight: 600; } th:first-child, td:first-child { text-align: left; } .wide tr:last-child td { font-weight: 600; border: 0; }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0 0; font-size: .875rem; }
ul.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .4rem; vertical-align: -.05rem; }
@media print { body { max-width: none; padding: 0; } dl div { break-inside: avoid; } }
`;

export function pageOf({ report, byHour, byEvse }: PageReports): string {
  const title = `Charging from ${report.from} to ${report.to}`;
  const [head = [], ...lines] = tableOf(report);
  const cells = (row: readonly string[], tag: "th" | "td") =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(title)}</h1>
<p class="dim">Both days inclusive, time zone ${escaped(report.time_zone)}.</p>
<dl>${figures(report.total)}</dl>
${report.notes.map((note) => `<p class="dim small">${escaped(note)}</p>`).join("\n")}
<h2>When energy was drawn</h2>
<p class="dim small">Mean power of all sessions in each hour of each day.</p>
${heatMap(byHour)}
<h2>How the EVSEs were used</h2>
<p class="dim small">Share of the time that there was; what is left was free.</p>
${usageBars(byEvse)}
<h2>What interrupted</h2>
${interruptions(report.total)}
<h2>In figures</h2>
<div class="wide"><table><thead>${cells(head, "th")}</thead><tbody>${lines.map((line) => cells(line, "td")).join("\n")}</tbody></table></div>
</body></html>
`;
}

function figures(total: ReportRow): string {
  const figure = (name: string, value: string, beside = "") =>
    `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}${beside ? ` <small>${escaped(beside)}</small>` : ""}</dd></div>`;
  const cost = total.cost.map((c) =>
    figure("Cost", `${c.amount} ${c.currency}`, c.per_kwh ? `${c.per_kwh} per kWh` : ""),
  );
  return [
    figure("Energy", `${kwh(total.energy_wh, 1)} kWh`),
    figure(
      "Sessions",
      String(total.sessions),
      total.held_sessions > 0 ? `and ${total.held_sessions} held` : "",
    ),
    ...cost,
    figure(
      "Charging",
      `${percent(total.charging_share) || "-"} %`,
      `${percent(total.connected_share) || "-"} % connected`,
    ),
    figure("Idle after full", `${hours(total.idle_ms)} h`),
    figure("Limited by the site", `${hours(total.limited_ms)} h`),
    figure("Available", `${available(total) || "-"} %`),
    figure("Between faults", `${betweenFaults(total) || "-"} h`, `${total.faults ?? 0} faults`),
    ...(total.peak_w === null
      ? []
      : [
          figure(
            "Highest minute",
            `${kwh(total.peak_w, 1)} kW`,
            `${total.peak_at?.slice(0, 16).replace("T", " ")} UTC`,
          ),
        ]),
  ].join("");
}

function interruptions({ interruptions: causes }: ReportRow): string {
  const rows = Object.entries(causes).sort(([, a], [, b]) => b - a);
  if (rows.length === 0) return `<p class="dim small">Nothing.</p>`;
  const row = ([cause, times]: [string, number]) =>
    `<tr><td>${escaped(cause.replaceAll("_", " "))}</td><td>${times}</td></tr>`;
  return `<table><thead><tr><th>cause</th><th>times</th></tr></thead><tbody>${rows.map(row).join("")}</tbody></table>`;
}
