/** The two plots of a report's page, as inline SVG in the colours of the page. */
import type { Report } from "../rules/report.ts";
import type { ReportRow } from "../rules/report-tally.ts";
import { escaped, hours, percent } from "./report-text.ts";

const WIDTH = 960;
const LEFT = 40;

/** Days from left to right, hours from top to bottom, darker where the site drew more. Rows of a report by hour. */
export function heatMap({ rows }: Report): string {
  const days = [...new Set(rows.map((row) => row.key.slice(0, 10)))];
  const columns = new Map(days.map((day, i) => [day, i]));
  const width = Math.min(48, (WIDTH - LEFT) / Math.max(1, days.length));
  const height = 13;
  const powers = rows.map(meanKw);
  const most = Math.max(0.001, ...powers);
  const cells = rows.map((row, i) => {
    const kw = powers[i] ?? 0;
    const x = LEFT + (columns.get(row.key.slice(0, 10)) ?? 0) * width;
    const y = 18 + Number(row.key.slice(11, 13)) * height;
    const opacity = kw === 0 ? 0.06 : 0.12 + 0.88 * (kw / most);
    const gap = width > 6 ? 1 : 0;
    return `<rect x="${x.toFixed(1)}" y="${y}" width="${(width - gap).toFixed(2)}" height="${height - 1}" fill="var(--charging)" fill-opacity="${opacity.toFixed(2)}"><title>${escaped(`${row.key.slice(0, 16).replace("T", " ")}: ${kw.toFixed(1)} kW`)}</title></rect>`;
  });
  const every = Math.ceil(64 / width);
  const dates = days.map((day, i) =>
    i % every === 0 && LEFT + i * width < WIDTH - 34
      ? `<text x="${(LEFT + i * width).toFixed(1)}" y="12">${escaped(day.slice(days.length > 1 ? 5 : 0))}</text>`
      : "",
  );
  const clock = [0, 6, 12, 18, 23].map(
    (hour) => `<text x="0" y="${18 + hour * height + 10}">${String(hour).padStart(2, "0")}:00</text>`,
  );
  const scale = [0.12, 0.34, 0.56, 0.78, 1].map(
    (opacity, i) =>
      `<rect x="${LEFT + 40 + i * 26}" y="346" width="26" height="10" fill="var(--charging)" fill-opacity="${opacity}"/>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} 362" role="img" aria-label="Mean power by hour and day, at most ${most.toFixed(1)} kW">
${dates.join("")}${clock.join("")}${cells.join("\n")}
<text x="${LEFT}" y="355">0 kW</text>${scale.join("")}<text x="${LEFT + 178}" y="355">${most.toFixed(1)} kW</text></svg>`;
}

/** Of the energy in an hour; a short hour counts by its length. */
function meanKw(row: ReportRow): number {
  const ms = row.from && row.to ? Date.parse(row.to) - Date.parse(row.from) : 3_600_000;
  return ms > 0 ? (row.energy_wh * 3600) / ms : 0;
}

const PARTS = [
  { name: "charging", colour: "var(--charging)", of: (r: ReportRow) => r.charging_ms - r.throttled_ms },
  { name: "charging, limited by the site", colour: "var(--waiting)", of: (r: ReportRow) => r.throttled_ms },
  { name: "held back by the site", colour: "var(--fault)", of: (r: ReportRow) => r.suspended_evse_ms },
  { name: "idle after full", colour: "var(--idle)", of: (r: ReportRow) => r.idle_ms },
  {
    name: "connected otherwise",
    colour: "var(--other)",
    of: (r: ReportRow) => r.suspended_ev_ms + r.faulted_ms + r.gap_ms,
  },
] as const;

/** One bar an EVSE, the busiest first; past sixty the rest is only in the table. Rows of a report by EVSE. */
export function usageBars({ rows }: Report): string {
  const shown = rows
    .filter((row) => row.evse_ms > 0)
    .sort((a, b) => b.connected_ms - a.connected_ms)
    .slice(0, 60);
  const longest = Math.max(6, ...shown.map((row) => row.key.length));
  const left = Math.min(260, longest * 6.6 + 10);
  const full = WIDTH - left - 50;
  const bars = shown.map((row, i) => {
    const y = i * 18;
    let x = left;
    const pieces = PARTS.map(({ name, colour, of }) => {
      const ms = of(row);
      const width = (full * ms) / row.evse_ms;
      const piece = `<rect x="${x.toFixed(2)}" y="${y + 2}" width="${width.toFixed(2)}" height="13" fill="${colour}"><title>${escaped(`${row.key}: ${name} ${hours(ms)} h`)}</title></rect>`;
      x += width;
      return ms > 0 ? piece : "";
    });
    return `<text x="0" y="${y + 12}">${escaped(row.key)}</text><rect x="${left}" y="${y + 2}" width="${full}" height="13" fill="var(--panel)"/>${pieces.join("")}<text x="${WIDTH}" y="${y + 12}" text-anchor="end">${percent(row.connected_share)} %</text>`;
  });
  const key = PARTS.map(
    ({ name, colour }) => `<li><i style="background:${colour}"></i>${escaped(name)}</li>`,
  );
  const more =
    rows.length > shown.length
      ? `<p class="dim small">The ${shown.length} busiest of ${rows.length}.</p>`
      : "";
  return `<ul class="key">${key.join("")}</ul>
<svg viewBox="0 0 ${WIDTH} ${Math.max(18, shown.length * 18)}" role="img" aria-label="Use of each EVSE">${bars.join("\n")}</svg>${more}`;
}
