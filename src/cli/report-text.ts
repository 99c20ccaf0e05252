/** A report as a table for people and as CSV for spreadsheets. */
import type { Report } from "../rules/report.ts";
import type { ReportBy } from "../rules/report-by.ts";
import type { ReportRow } from "../rules/report-tally.ts";
import { reportWords } from "../rules/report-texts.ts";

const HOUR_MS = 3_600_000;

/** Hours of whole milliseconds. */
export function hours(ms: number, digits = 1): string {
  return (ms / HOUR_MS).toFixed(digits);
}

/** kWh of whole Wh. */
export function kwh(wh: number, digits = 3): string {
  return (wh / 1000).toFixed(digits);
}

export function percent(share: number | null): string {
  return share === null ? "" : (share * 100).toFixed(1);
}

/** Two decimals, cut: only what never failed is 100 %. */
export function available({ availability }: ReportRow): string {
  return availability === null ? "" : (Math.floor(availability * 10_000) / 100).toFixed(2);
}

/** `123.4`, or `>= 720` where nothing failed: that it held so long is all that is known. */
export function betweenFaults({ mtbf_h, mtbf_at_least_h }: ReportRow): string {
  if (mtbf_h !== null) return mtbf_h.toFixed(1);
  return mtbf_at_least_h === null ? "" : `>= ${Math.floor(mtbf_at_least_h)}`;
}

/** `offline 1, fault:GroundFailure 2`. */
export function causesOf(row: ReportRow): string {
  return Object.entries(row.interruptions)
    .map(([cause, times]) => `${cause} ${times}`)
    .join(", ");
}

function interruptionCount(row: ReportRow): number {
  return Object.values(row.interruptions).reduce((sum, times) => sum + times, 0);
}

type Numbered = TableStyle["number"];
const costOf = (row: ReportRow, number: Numbered) =>
  row.cost.map((c) => `${number(c.amount)} ${c.currency}`).join(" + ");
const perKwh = (row: ReportRow, number: Numbered) =>
  row.cost.map((c) => (c.per_kwh === null ? "" : `${number(c.per_kwh)} ${c.currency}`)).join(" + ");

/** How a table is written. */
export interface TableStyle {
  by: string;
  columns: readonly string[];
  total: string;
  number: (decimal: string) => string;
}

/** The head of the table and a row each, the total last. Without a style as a terminal shows it. */
export function tableOf({ by, rows, total }: Report, style: TableStyle = plain(by)): string[][] {
  const { number } = style;
  const line = (row: ReportRow, key: string) => [
    key,
    number(kwh(row.energy_wh, 1)),
    number(String(row.sessions)),
    number(String(row.held_sessions)),
    number(percent(row.connected_share)),
    number(percent(row.charging_share)),
    number(hours(row.idle_ms)),
    number(hours(row.limited_ms)),
    number(String(interruptionCount(row))),
    number(available(row)),
    number(betweenFaults(row)),
    row.peak_w === null ? "" : number((row.peak_w / 1000).toFixed(1)),
    costOf(row, number),
    perKwh(row, number),
  ];
  return [[style.by, ...style.columns], ...rows.map((row) => line(row, row.key)), line(total, style.total)];
}

function plain(by: ReportBy): TableStyle {
  const { columns, total } = reportWords("en");
  return { by, columns, total, number: (decimal) => decimal };
}

/** The first column to the left, figures to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

/** RFC 4180, the total last. A cell that a spreadsheet would run as a formula is made text; numbers stay numbers. */
export function csvOf({ by, rows, total }: Report): string {
  const currencies = [...new Set(total.cost.map((c) => c.currency))];
  const head = [
    by,
    "from",
    "to",
    "energy_kwh",
    "sessions",
    "held_sessions",
    "held_energy_kwh",
    "voided_sessions",
    "evse_h",
    "connected_h",
    "connected_share",
    "charging_h",
    "charging_share",
    "suspended_by_vehicle_h",
    "idle_h",
    "suspended_by_site_h",
    "throttled_h",
    "faulted_in_session_h",
    "gap_h",
    "down_h",
    "availability",
    "faults",
    "mtbf_h",
    "mtbf_at_least_h",
    "interruptions",
    "causes",
    "peak_kw",
    "peak_at",
    ...currencies.flatMap((c) => [`cost_${c.toLowerCase()}`, `cost_per_kwh_${c.toLowerCase()}`]),
  ];
  const line = (row: ReportRow) => [
    row.key,
    row.from ?? "",
    row.to ?? "",
    kwh(row.energy_wh),
    row.sessions,
    row.held_sessions,
    kwh(row.held_energy_wh),
    row.voided_sessions,
    hours(row.evse_ms, 4),
    hours(row.connected_ms, 4),
    row.connected_share ?? "",
    hours(row.charging_ms, 4),
    row.charging_share ?? "",
    hours(row.suspended_ev_ms, 4),
    hours(row.idle_ms, 4),
    hours(row.suspended_evse_ms, 4),
    hours(row.throttled_ms, 4),
    hours(row.faulted_ms, 4),
    hours(row.gap_ms, 4),
    row.down_ms === null ? "" : hours(row.down_ms, 4),
    row.availability ?? "",
    row.faults ?? "",
    row.mtbf_h ?? "",
    row.mtbf_at_least_h ?? "",
    interruptionCount(row),
    causesOf(row),
    row.peak_w === null ? "" : kwh(row.peak_w),
    row.peak_at ?? "",
    ...currencies.flatMap((currency) => {
      const cost = row.cost.find((c) => c.currency === currency);
      return [cost?.amount ?? "", cost?.per_kwh ?? ""];
    }),
  ];
  return [head, ...rows.map(line), line(total)]
    .map((cells) => `${cells.map(csvCell).join(",")}\r\n`)
    .join("");
}

/** As OWASP has it for CSV injection: a leading apostrophe before what would be a formula. */
export function csvCell(value: string | number): string {
  const text = String(value);
  const number = /^-?\d+(\.\d+)?$/.test(text);
  const safe = !number && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Escapes text for HTML and SVG. */
export function escaped(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (c) => names[c] ?? c);
}
