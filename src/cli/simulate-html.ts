/** A what-if run as one page that needs nothing else: load against limits, who was ready, what it cost. */
import type { Language } from "../rules/explain-texts.ts";
import type { Figures } from "../rules/what-if/figures.ts";
import type { CircuitLoad, Outcome, StayOutcome } from "../rules/what-if/outcome.ts";
import type { Site } from "../rules/what-if/site.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { escaped } from "./report-text.ts";
import { dayPlot, loadPlot, type NamedOutcome, readyPlot, type SlotNames } from "./simulate-plots.ts";
import { type SimulateWords, simulateWords, written } from "./simulate-words.ts";

export interface SimulatedRun {
  site: Site;
  figures: Figures;
  outcome: Outcome;
}

export interface SimulatedPage {
  name: string;
  /** RFC 3339 with the offset that times are shown in; null: times count from the start. */
  start: string | null;
  base: SimulatedRun;
  /** The run with the changes; null without any. */
  variant: SimulatedRun | null;
  /** The changes, as they were asked for. */
  changes: readonly string[];
}

/** The table of sessions has words in it, which read from the left. */
const STYLE = `
h3 { font-size: 1rem; margin: 1.25rem 0 -.25rem; } h3 .dim { font-weight: 400; margin-left: .5rem; } .plain { overflow-x: auto; }
.plain :is(th, td):nth-child(-n + 4), .plain :is(th, td):last-child { text-align: left; } .plain :is(th, td) { padding-right: .9rem; }
`;
const SHORT_ROWS = 20;
const COLOURS = ["var(--idle)", "var(--charging)"] as const;

export function simulatePage(page: SimulatedPage, language: Language): string {
  const words = simulateWords(language);
  const shown = page.variant ?? page.base;
  const { site, outcome } = shown;
  const names = slotNames(page.start, site);
  const runs: NamedOutcome[] = page.variant
    ? [
        { name: words.base, outcome: page.base.outcome, colour: COLOURS[0] },
        { name: words.variant, outcome, colour: COLOURS[1] },
      ]
    : [{ name: words.base, outcome, colour: COLOURS[1] }];
  const title = words.title(page.name);
  const minutes = site.slotMs / 60_000;
  const period =
    page.start === null
      ? words.slots(site.slots, minutes)
      : words.period(names.full(0), names.full(site.slots), minutes);
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><style>${PAGE_STYLE}${STYLE}</style></head><body>
<h1>${escaped(title)}</h1>
<p class="dim">${escaped(period)}</p>
${page.changes.map((change) => `<p>${escaped(words.variant)}: <b>${escaped(change)}</b></p>`).join("\n")}
<dl>${figuresOf(page, words)}</dl>
<h2>${escaped(words.load.heading)}</h2>
<p class="dim small">${escaped(words.load.about)}</p>
${key([
  [words.load.mean, "var(--charging)"],
  [words.load.limit, "var(--fault)"],
])}
${outcome.circuits.map((load) => circuit(load, names, words)).join("\n")}
<h2>${escaped(words.day.heading)}</h2>
<p class="dim small">${escaped(`${words.day.about} ${words.day.median}: —, ${words.day.high}: - -`)}</p>
${runs.length > 1 ? key(runs.map(({ name, colour }) => [name, colour])) : ""}
${dayPlot(runs, startHour(page.start), priceOfDay(site), words)}
<h2>${escaped(words.ready.heading)}</h2>
<p class="dim small">${escaped(words.ready.about)}</p>
${runs.length > 1 ? key(runs.map(({ name, colour }) => [name, colour])) : ""}
${readyPlot(runs, words)}
<h2>${escaped(words.short.heading)}</h2>
${shortTable(outcome.stays, names, words)}
</body></html>
`;
}

function key(entries: readonly (readonly [string, string])[]): string {
  return `<ul class="key">${entries.map(([name, colour]) => `<li><i style="background:${colour}"></i>${escaped(name)}</li>`).join("")}</ul>`;
}

function circuit(load: CircuitLoad, names: SlotNames, words: SimulateWords): string {
  const line = load.line === null ? load.unit : `L${load.line + 1}`;
  const full = words.load.full(written(words, 100 * load.fullPart, 1));
  return `<h3>${escaped(`${load.id} ${line}`)} <span class="dim small">${escaped(full)}</span></h3>${loadPlot(load, names, words)}`;
}

function figuresOf({ base, variant }: SimulatedPage, words: SimulateWords): string {
  const shown = variant ?? base;
  const { figures: names } = words;
  const figure = (name: string, value: (run: SimulatedRun) => string, beside = "") => {
    const before = variant === null ? "" : `${words.base}: ${value(base)}`;
    const small = [beside, before].filter((text) => text !== "").join("; ");
    return `<div><dt>${escaped(name)}</dt><dd>${escaped(value(shown))}${small ? ` <small>${escaped(small)}</small>` : ""}</dd></div>`;
  };
  const n = (value: number, decimals = 0) => written(words, value, decimals);
  const impossible = shown.outcome.stays.filter((s) => s.impossible).length;
  return [
    figure(names.served, ({ figures }) => `${n(figures.servedPercent, 1)} %`),
    figure(names.energy, ({ figures }) => `${n(figures.deliveredKwh, 0)} kWh`),
    figure(names.filled, ({ figures }) => n(figures.filled), words.ofSessions(n(shown.figures.sessions))),
    figure(
      names.missing,
      ({ figures }) => `${n(figures.askedKwh - figures.deliveredKwh, 0)} kWh`,
      impossible > 0 ? words.impossible(n(impossible)) : "",
    ),
    figure(names.peak, ({ figures }) => `${n(figures.peakKw, 1)} kW`),
    figure(names.starts, ({ figures }) => n(figures.startsPerSession, 2)),
    ...(shown.figures.cost === null
      ? []
      : [
          figure(
            names.cost,
            ({ figures }) => n(figures.cost ?? 0, 2),
            `${words.cost.demand} ${n(shown.figures.peakKw * shown.site.demandPerKw, 2)}`,
          ),
          figure(words.cost.perKwh, ({ figures }) =>
            figures.deliveredKwh > 0 ? n((figures.cost ?? 0) / figures.deliveredKwh, 3) : "–",
          ),
        ]),
  ].join("");
}

function shortTable(stays: readonly StayOutcome[], names: SlotNames, words: SimulateWords): string {
  const missing = (s: StayOutcome) => s.askedKwh - s.gotKwh;
  const short = stays
    .filter((s) => s.gotKwh < 0.99 * s.askedKwh)
    .sort((a, b) => missing(b) - missing(a) || (a.id < b.id ? -1 : 1));
  if (short.length === 0) return `<p class="dim small">${escaped(words.short.none)}</p>`;
  const why = (s: StayOutcome) => {
    if (s.impossible) return words.short.why.impossible;
    return s.fullest === null
      ? words.short.why.plan
      : words.short.full(s.fullest, written(words, 100 * s.fullestPart, 0));
  };
  const rows = short
    .slice(0, SHORT_ROWS)
    .map((s) => [
      s.id,
      s.connector,
      names.full(s.arrive),
      names.full(s.depart),
      written(words, s.askedKwh, 1),
      written(words, s.gotKwh, 1),
      written(words, missing(s), 1),
      why(s),
    ]);
  const cells = (row: readonly string[], tag: "th" | "td") =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  const more =
    short.length > rows.length
      ? `<p class="dim small">${escaped(words.short.more(rows.length, short.length))}</p>`
      : "";
  return `${more}<div class="plain"><table><thead>${cells(words.short.columns, "th")}</thead><tbody>${rows.map((row) => cells(row, "td")).join("\n")}</tbody></table></div>`;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Times in the offset that the start is written in: RFC 3339 has no zone, and days are cut where they are there. */
function slotNames(start: string | null, { slots, slotMs }: Site): SlotNames {
  const local = start === null ? null : localMs(start);
  const atMs = (slot: number) => (local ?? 0) + slot * slotMs;
  const text = (slot: number) => new Date(atMs(slot)).toISOString();
  const full = (slot: number) => {
    if (local !== null) return text(slot).slice(0, 16).replace("T", " ");
    const hours = (slot * slotMs) / HOUR_MS;
    return `${hours.toFixed(hours % 1 === 0 ? 0 : 2)} h`;
  };
  const ofDays = slots * slotMs > 3 * DAY_MS;
  const every = ofDays ? DAY_MS : HOUR_MS;
  const ticks: { slot: number; name: string }[] = [];
  for (let slot = 0; slot < slots; slot++)
    if (Math.floor(atMs(slot) / every) !== Math.floor(atMs(slot - 1) / every))
      ticks.push({
        slot,
        name: local === null ? full(slot) : ofDays ? text(slot).slice(5, 10) : text(slot).slice(11, 16),
      });
  return { full, ticks, slots };
}

/** Its wall clock as if it were UTC. */
function localMs(start: string): number | null {
  const [, clock = "", offset = ""] = /^(\d{4}-\d\d-\d\d(?:[T ][\d:.]+)?)(.*)$/.exec(start.trim()) ?? [];
  if (clock === "" || !/^(?:Z|[+-]\d\d:?\d\d)?$/.test(offset)) return null;
  const ms = Date.parse(clock.length === 10 ? `${clock}T00:00:00Z` : `${clock.replace(" ", "T")}Z`);
  return Number.isNaN(ms) ? null : ms;
}

function startHour(start: string | null): number {
  const ms = start === null ? null : localMs(start);
  return ms === null ? 0 : (ms % DAY_MS) / HOUR_MS;
}

/** The mean price by slot of the day; null without prices or when they are always the same. */
function priceOfDay({ energyPerKwh, slots, slotMs }: Site): number[] | null {
  if (energyPerKwh === null) return null;
  const daySlots = Math.max(1, Math.min(slots, Math.round(DAY_MS / slotMs)));
  const mean = Array.from({ length: daySlots }, (_, k) => {
    let sum = 0;
    let count = 0;
    for (let t = k; t < slots; t += daySlots) {
      sum += energyPerKwh[t] ?? 0;
      count++;
    }
    return sum / count;
  });
  return new Set(mean).size > 1 ? mean : null;
}
