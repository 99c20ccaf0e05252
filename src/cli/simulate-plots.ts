/** The plots of a what-if page, as inline SVG in the colours of the page. */
import type { CircuitLoad, Outcome } from "../rules/what-if/outcome.ts";
import { escaped } from "./report-text.ts";
import { type SimulateWords, written } from "./simulate-words.ts";

const WIDTH = 960;
const LEFT = 52;
const RIGHT = 8;
const TOP = 8;

/** What a slot is called, such as `06-12 14:00`; short ones for axes. */
export interface SlotNames {
  full(slot: number): string;
  /** First slots of days, and a name for each; of hours when there are few days. */
  ticks: readonly { slot: number; name: string }[];
  slots: number;
}

interface Frame {
  height: number;
  x(part: number): number;
  y(value: number): number;
  svg(inside: string, label: string): string;
}

/** Axes from 0 to a round number at or above `most`, left, and ticks below. */
function frame(
  words: SimulateWords,
  options: { height: number; most: number; unit: string; ticks: readonly { part: number; name: string }[] },
): Frame {
  const { height, unit, ticks } = options;
  const step = roundStep(options.most);
  const top = Math.max(step, Math.ceil(options.most / step - 1e-9) * step);
  const bottom = TOP + height;
  const x = (part: number) => LEFT + part * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => bottom - (Math.min(value, top) / top) * height;
  const decimals = step < 1 ? 1 : 0;
  const lines = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => {
    const value = i * step;
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="var(--line)"/><text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${written(words, value, decimals)}${i === Math.round(top / step) ? ` ${unit}` : ""}</text>`;
  });
  const names = ticks.map(
    ({ part, name }) =>
      `<line x1="${x(part).toFixed(1)}" x2="${x(part).toFixed(1)}" y1="${bottom}" y2="${bottom + 4}" stroke="var(--dim)"/><text x="${x(part).toFixed(1)}" y="${bottom + 16}" text-anchor="${part > 0.97 ? "end" : "middle"}">${escaped(name)}</text>`,
  );
  return {
    height,
    x,
    y,
    svg: (inside, label) =>
      `<svg viewBox="0 0 ${WIDTH} ${bottom + 22}" role="img" aria-label="${escaped(label)}">${lines.join("")}${names.join("")}${inside}</svg>`,
  };
}

/** 1, 2 or 5 times a power of ten, so that there are at most five of it. */
function roundStep(most: number): number {
  const raw = Math.max(most, 1e-3) / 4;
  const ten = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((f) => f * ten).find((s) => s >= raw) ?? 10 * ten;
}

const stepPath = (points: readonly (readonly [number, number, number])[]) =>
  points
    .map(([from, to, y], i) => `${i === 0 ? "M" : "L"}${from.toFixed(1)} ${y.toFixed(1)}H${to.toFixed(1)}`)
    .join("");

/** Mean as an area, highest as a line, the limit above both; what is at the limit is marked. */
export function loadPlot(load: CircuitLoad, names: SlotNames, words: SimulateWords): string {
  const finite = load.spans.map((s) => s.limit).filter(Number.isFinite);
  const most = Math.max(...load.spans.map((s) => s.most), ...finite);
  const f = frame(words, { height: 150, most, unit: load.unit, ticks: partsOf(names) });
  const at = (slot: number) => f.x(slot / names.slots);
  const floor = f.y(0);
  const area = load.spans
    .map((s) => `${at(s.fromSlot).toFixed(1)} ${f.y(s.mean).toFixed(1)}H${at(s.toSlot).toFixed(1)}`)
    .join("L");
  const high = stepPath(load.spans.map((s) => [at(s.fromSlot), at(s.toSlot), f.y(s.most)]));
  const limit = stepPath(
    load.spans
      .filter((s) => Number.isFinite(s.limit))
      .map((s) => [at(s.fromSlot), at(s.toSlot), f.y(s.limit)]),
  );
  const value = (n: number) => `${written(words, n, 1)} ${load.unit}`;
  const spans = load.spans.map(
    (s) =>
      `<rect x="${at(s.fromSlot).toFixed(1)}" y="${TOP}" width="${Math.max(0.5, at(s.toSlot) - at(s.fromSlot)).toFixed(1)}" height="${f.height}" fill="transparent"><title>${escaped(`${names.full(s.fromSlot)}: ${words.load.mean} ${value(s.mean)}, ${words.load.most} ${value(s.most)}${Number.isFinite(s.limit) ? `, ${words.load.limit} ${value(s.limit)}` : ""}`)}</title></rect>`,
  );
  const inside = `<path d="M${at(0).toFixed(1)} ${floor}L${area}V${floor}Z" fill="var(--charging)" fill-opacity=".35"/><path d="${high}" fill="none" stroke="var(--charging)" stroke-width="1"/><path d="${limit}" fill="none" stroke="var(--fault)" stroke-width="1.5"/>${spans.join("")}`;
  return f.svg(inside, `${load.id}: ${words.load.full(written(words, 100 * load.fullPart, 1))}`);
}

function partsOf({ ticks, slots }: SlotNames): { part: number; name: string }[] {
  const every = Math.max(1, Math.ceil(ticks.length / 14));
  return ticks.filter((_, i) => i % every === 0).map(({ slot, name }) => ({ part: slot / slots, name }));
}

export interface NamedOutcome {
  name: string;
  outcome: Outcome;
  colour: string;
}

/** Power by time of day, of one run or two. `price`: by slot of the day, drawn beside it. */
export function dayPlot(
  runs: readonly NamedOutcome[],
  startHour: number,
  price: readonly number[] | null,
  words: SimulateWords,
): string {
  const slots = runs[0]?.outcome.day.median.length ?? 1;
  const daySlots = runs[0]?.outcome.day.slots ?? 1;
  const most = Math.max(1e-3, ...runs.flatMap(({ outcome }) => outcome.day.high));
  const ticks = [0, 3, 6, 9, 12, 15, 18, 21]
    .map((h) => ({
      part: ((((h - startHour) % 24) + 24) % 24) / 24,
      name: `${String(h).padStart(2, "0")}:00`,
    }))
    .filter(({ part }) => part <= slots / daySlots);
  const f = frame(words, { height: 170, most, unit: "kW", ticks });
  const line = (values: readonly number[]) =>
    values
      .map((v, i) => `${i === 0 ? "M" : "L"}${f.x(i / daySlots).toFixed(1)} ${f.y(v).toFixed(1)}`)
      .join("");
  const dearest = Math.max(1e-9, ...(price ?? []).map(Math.abs));
  const bands = (price ?? []).map((p, i) => {
    const width = f.x((i + 1) / daySlots) - f.x(i / daySlots);
    return `<rect x="${f.x(i / daySlots).toFixed(1)}" y="${TOP}" width="${(width + 0.2).toFixed(2)}" height="${f.height}" fill="var(--waiting)" fill-opacity="${(0.22 * Math.max(0, p / dearest)).toFixed(3)}"/>`;
  });
  const lines = runs.map(
    ({ outcome, colour }) =>
      `<path d="${line(outcome.day.high)}" fill="none" stroke="${colour}" stroke-dasharray="4 3"/><path d="${line(outcome.day.median)}" fill="none" stroke="${colour}" stroke-width="2"/>`,
  );
  return f.svg(bands.join("") + lines.join(""), words.day.about);
}

/** Sessions sorted by their share, of one run or two. */
export function readyPlot(runs: readonly NamedOutcome[], words: SimulateWords): string {
  const ticks = [0, 25, 50, 75, 100].map((p) => ({ part: p / 100, name: `${p} %` }));
  const f = frame(words, { height: 150, most: 100, unit: "%", ticks });
  const lines = runs.map(({ outcome, colour, name }) => {
    const shares = sharesOf(outcome);
    const points = shares.map(
      (share, i) =>
        `${f.x(i / shares.length).toFixed(1)} ${f.y(100 * share).toFixed(1)}H${f.x((i + 1) / shares.length).toFixed(1)}`,
    );
    return `<path d="M${points.join("L")}" fill="none" stroke="${colour}" stroke-width="2"><title>${escaped(name)}</title></path>`;
  });
  return f.svg(lines.join(""), words.ready.about);
}

/** Part of what was asked, of sessions that asked for something, rising. */
export function sharesOf({ stays }: Outcome): number[] {
  return stays
    .filter((s) => s.askedKwh > 0)
    .map((s) => Math.min(1, s.gotKwh / s.askedKwh))
    .sort((a, b) => a - b);
}
