/** The two plots of a report's page, as inline SVG in the colours of the page. */
import type { Report } from "../rules/report.ts";
import type { ReportRow } from "../rules/report-tally.ts";
import { numberIn, type ReportWords } from "../rules/report-words.ts";
import { escaped, hours, percent } from "./report-text.ts";

const WIDTH = 960;
const LEFT = 40;
/** A date such as 03-29, and with room beside it. */
const DATE = 34;
const LABEL = 64;

/** Up to a week is drawn a row a day: one or two columns would stand alone at the side of the page. */
const ROW_DAYS = 7;
const TOP = 18;

/** Where the cells of a day and an hour lie. */
interface Grid {
  width: number;
  height: number;
  /** Bottom of the cells. */
  bottom: number;
  at(day: number, hour: number): { x: number; y: number };
  labels: string[];
}

/** Hours against days, darker where the site drew more. Rows of a report by hour. */
export function heatMap({ rows }: Report, words: ReportWords): string {
  const days = [...new Set(rows.map((row) => row.key.slice(0, 10)))];
  const places = new Map(days.map((day, i) => [day, i]));
  const grid = days.length <= ROW_DAYS ? dayRows(days) : dayColumns(days);
  const powers = rows.map(meanKw);
  const most = Math.max(0.001, ...powers);
  const text = (kw: number) => numberIn(words, kw.toFixed(1));
  const hourOf = (row: ReportRow) => row.key.slice(0, 13);
  const cells = rows.map((row, i) => {
    const kw = powers[i] ?? 0;
    // The hour that clocks repeat in autumn shares its place with the first.
    const isSecond = i > 0 && hourOf(row) === hourOf(rows[i - 1] as ReportRow);
    const isFirst = i + 1 < rows.length && hourOf(row) === hourOf(rows[i + 1] as ReportRow);
    const height = isFirst || isSecond ? grid.height / 2 : grid.height;
    const { x, y } = grid.at(places.get(row.key.slice(0, 10)) ?? 0, Number(row.key.slice(11, 13)));
    const opacity = kw === 0 ? 0.06 : 0.12 + 0.88 * (kw / most);
    const gap = grid.width > 6 ? 1 : 0;
    return `<rect x="${x.toFixed(1)}" y="${isSecond ? y + height : y}" width="${(grid.width - gap).toFixed(2)}" height="${height - 1}" fill="var(--charging)" fill-opacity="${opacity.toFixed(2)}"><title>${escaped(`${row.key.slice(0, 16).replace("T", " ")}: ${text(kw)} kW`)}</title></rect>`;
  });
  const y = grid.bottom + 16;
  const scale = [0.12, 0.34, 0.56, 0.78, 1].map(
    (opacity, i) =>
      `<rect x="${LEFT + 40 + i * 26}" y="${y}" width="26" height="10" fill="var(--charging)" fill-opacity="${opacity}"/>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${y + 16}" role="img" aria-label="${escaped(words.drawn.label(text(most)))}">
${grid.labels.join("")}${cells.join("\n")}
<text x="${LEFT}" y="${y + 9}">0 kW</text>${scale.join("")}<text x="${LEFT + 178}" y="${y + 9}">${text(most)} kW</text></svg>`;
}

const label = (x: number, y: number, text: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escaped(text)}</text>`;
const clock = (hour: number) => `${String(hour).padStart(2, "0")}:00`;

/** Hours from left to right, days from top to bottom. */
function dayRows(days: readonly string[]): Grid {
  const left = LEFT + 34;
  const width = (WIDTH - left) / 24;
  const height = 26;
  const bottom = TOP + days.length * height;
  const hours = [0, 3, 6, 9, 12, 15, 18, 21].map((hour) => label(left + hour * width, 12, clock(hour)));
  return {
    width,
    height,
    bottom,
    at: (day, hour) => ({ x: left + hour * width, y: TOP + day * height }),
    labels: [...hours, ...days.map((day, i) => label(0, TOP + i * height + 17, day))],
  };
}

/** Days from left to right, hours from top to bottom; a label where there is room for it. */
function dayColumns(days: readonly string[]): Grid {
  const width = (WIDTH - LEFT) / days.length;
  const height = 13;
  const every = Math.ceil(LABEL / width);
  const dates = days.flatMap((day, i) =>
    i % every === 0 && LEFT + i * width < WIDTH - DATE ? [label(LEFT + i * width, 12, day.slice(5))] : [],
  );
  const hours = [0, 6, 12, 18, 23].map((hour) => label(0, TOP + hour * height + 10, clock(hour)));
  return {
    width,
    height,
    bottom: TOP + 24 * height,
    at: (day, hour) => ({ x: LEFT + day * width, y: TOP + hour * height }),
    labels: [...dates, ...hours],
  };
}

/** Of the energy in an hour; a short hour counts by its length. */
function meanKw(row: ReportRow): number {
  const ms = row.from && row.to ? Date.parse(row.to) - Date.parse(row.from) : 3_600_000;
  return ms > 0 ? (row.energy_wh * 3600) / ms : 0;
}

const PARTS = [
  { part: "charging", colour: "var(--charging)", of: (r: ReportRow) => r.charging_ms - r.throttled_ms },
  { part: "throttled", colour: "var(--waiting)", of: (r: ReportRow) => r.throttled_ms },
  { part: "heldBack", colour: "var(--fault)", of: (r: ReportRow) => r.suspended_evse_ms },
  { part: "idle", colour: "var(--idle)", of: (r: ReportRow) => r.idle_ms },
  {
    part: "other",
    colour: "var(--other)",
    of: (r: ReportRow) => r.suspended_ev_ms + r.faulted_ms + r.gap_ms,
  },
] as const;

/** One bar an EVSE, the busiest first; past sixty the rest is only in the table. Rows of a report by EVSE. */
export function usageBars({ rows }: Report, words: ReportWords): string {
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
    const pieces = PARTS.map(({ part, colour, of }) => {
      const name = words.used.parts[part];
      const ms = of(row);
      const width = (full * ms) / row.evse_ms;
      const piece = `<rect x="${x.toFixed(2)}" y="${y + 2}" width="${width.toFixed(2)}" height="13" fill="${colour}"><title>${escaped(`${row.key}: ${name} ${numberIn(words, hours(ms))} h`)}</title></rect>`;
      x += width;
      return ms > 0 ? piece : "";
    });
    return `<text x="0" y="${y + 12}">${escaped(row.key)}</text><rect x="${left}" y="${y + 2}" width="${full}" height="13" fill="var(--panel)"/>${pieces.join("")}<text x="${WIDTH}" y="${y + 12}" text-anchor="end">${numberIn(words, percent(row.connected_share))} %</text>`;
  });
  const key = PARTS.map(
    ({ part, colour }) => `<li><i style="background:${colour}"></i>${escaped(words.used.parts[part])}</li>`,
  );
  const more =
    rows.length > shown.length
      ? `<p class="dim small">${escaped(words.used.more(shown.length, rows.length))}</p>`
      : "";
  return `<ul class="key">${key.join("")}</ul>
<svg viewBox="0 0 ${WIDTH} ${Math.max(18, shown.length * 18)}" role="img" aria-label="${escaped(words.used.label)}">${bars.join("\n")}</svg>${more}`;
}
