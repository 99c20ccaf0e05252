/** What a run meant: each circuit's load over time against its limit, who left with how much, and what was in the way. */
import { stepAt } from "../plan/problem.ts";
import type { RunResult } from "./run.ts";
import type { Site, Stay } from "./site.ts";

/** A stretch of time on a circuit; charging only, as limits are what other load leaves. */
export interface LoadSpan {
  fromSlot: number;
  toSlot: number;
  /** Mean and highest load, and the lowest limit, in the circuit's unit. */
  mean: number;
  most: number;
  limit: number;
}

export interface CircuitLoad {
  id: string;
  parent: string | null;
  /** A of the line that comes nearest to its limit, or kW where that is nearer or the only limit. */
  unit: "A" | "kW";
  /** L1 to L3 as 0 to 2; null for kW. */
  line: number | null;
  spans: readonly LoadSpan[];
  /** Highest load of a slot as part of the limit then. */
  mostPart: number;
  /** Part of all slots with 98 % of the limit or more in use. */
  fullPart: number;
}

export interface StayOutcome {
  id: string;
  connector: string;
  arrive: number;
  depart: number;
  askedKwh: number;
  gotKwh: number;
  /** At full rate for all of its stay it would have got less than it asked for: no balance could help. */
  impossible: boolean;
  /** The limit that was full for most of its stay, such as `row-a L2`; null when none was for a tenth of it. */
  fullest: string | null;
  fullestPart: number;
}

export interface Outcome {
  circuits: readonly CircuitLoad[];
  /** In the instance's order. */
  stays: readonly StayOutcome[];
  /** kW of all charging by slot of a day, from the start of the instance: median and highest twentieth of all days. */
  day: { slots: number; median: readonly number[]; high: readonly number[] };
}

const FULL = 0.98;
const DAY_MS = 86_400_000;
const DUST_KWH = 0.01;

/** `spans`: stretches of time to draw, at most. */
export function outcomeOf(site: Site, { trace, gotKwh }: RunResult, spans: number): Outcome {
  const loads = loadsOf(site, trace.rates);
  const circuits = site.circuits.flatMap((circuit, c) => {
    if (circuit.room.length === 0) return [];
    const shown = nearest(loads, c);
    return shown === null
      ? []
      : [
          {
            id: circuit.id,
            parent: site.circuits[circuit.parent]?.id ?? null,
            ...described(shown, site.slots, spans),
          },
        ];
  });
  return {
    circuits,
    stays: site.stays.map((stay) => outcomeOfStay(site, stay, loads, gotKwh[stay.index] as number)),
    day: typicalDay(site, trace.rates),
  };
}

/** One limit over time. */
interface Series {
  circuit: number;
  name: string;
  unit: "A" | "kW";
  line: number | null;
  used: Float64Array;
  limit: Float64Array;
}

function loadsOf(site: Site, rates: Readonly<Record<string, readonly number[]>>): Series[] {
  const series: Series[] = [];
  const of: { lines: (Series | null)[]; kw: Series | null }[] = site.circuits.map(({ id, room }, c) => {
    const limited = (
      pick: (step: (typeof room)[number]) => number | null,
      unit: "A" | "kW",
      line: number | null,
    ) => {
      if (!room.some((step) => pick(step) !== null)) return null;
      const limit = Float64Array.from({ length: site.slots }, (_, t) => {
        const step = stepAt(room, t * site.slotMs);
        return (step && pick(step)) ?? Number.POSITIVE_INFINITY;
      });
      const name = line === null ? `${id} kW` : `${id} L${line + 1}`;
      const made = { circuit: c, name, unit, line, used: new Float64Array(site.slots), limit };
      series.push(made);
      return made;
    };
    return {
      lines: [0, 1, 2].map((line) => limited((s) => s.lineA?.[line] ?? null, "A", line)),
      kw: limited((s) => s.kw, "kW", null),
    };
  });
  for (const stay of site.stays)
    rates[stay.id]?.forEach((rate, k) => {
      const t = stay.arrive + k;
      for (let c = stay.circuit; c >= 0; c = site.parent[c] as number) {
        const { lines, kw } = of[c] as (typeof of)[number];
        for (const line of [0, 1, 2])
          if (stay.lines & (1 << line)) add(lines[line] ?? null, t, rate * stay.ampsPerUnit);
        add(kw, t, rate * stay.kwPerUnit);
      }
    });
  return series;
}

function add(series: Series | null, slot: number, amount: number): void {
  if (series !== null) series.used[slot] = (series.used[slot] as number) + amount;
}

const partAt = ({ used, limit }: Series, t: number) => {
  const [u, l] = [used[t] as number, limit[t] as number];
  return l > 0 ? u / l : u > 0 ? 1 : 0;
};

/** Of a circuit's limits the one that was nearest to being reached, by the time it was full, then by its peak. */
function nearest(loads: readonly Series[], circuit: number): Series | null {
  let best: Series | null = null;
  let score = -1;
  for (const series of loads) {
    if (series.circuit !== circuit) continue;
    const { fullPart, mostPart } = fullness(series);
    if (fullPart * 10 + mostPart > score) {
      best = series;
      score = fullPart * 10 + mostPart;
    }
  }
  return best;
}

function fullness(series: Series): { mostPart: number; fullPart: number } {
  let most = 0;
  let full = 0;
  series.used.forEach((used, t) => {
    const part = partAt(series, t);
    most = Math.max(most, part);
    if (used > 0 && part >= FULL) full++;
  });
  return { mostPart: most, fullPart: series.used.length > 0 ? full / series.used.length : 0 };
}

function described(series: Series, slots: number, most: number): Omit<CircuitLoad, "id" | "parent"> {
  const width = Math.max(1, Math.ceil(slots / most));
  const spans: LoadSpan[] = [];
  for (let from = 0; from < slots; from += width) {
    const to = Math.min(slots, from + width);
    const used = series.used.subarray(from, to);
    spans.push({
      fromSlot: from,
      toSlot: to,
      mean: used.reduce((a, b) => a + b, 0) / used.length,
      most: used.reduce((a, b) => Math.max(a, b), 0),
      limit: series.limit.subarray(from, to).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    });
  }
  return { unit: series.unit, line: series.line, spans, ...fullness(series) };
}

function outcomeOfStay(site: Site, stay: Stay, loads: readonly Series[], gotKwh: number): StayOutcome {
  const { id, arrive, depart, energyKwh } = stay;
  const above = new Set<number>();
  for (let c = stay.circuit; c >= 0; c = site.parent[c] as number) above.add(c);
  let fullest: string | null = null;
  let fullestPart = 0.1;
  if (gotKwh < energyKwh - DUST_KWH)
    for (const series of loads) {
      if (!above.has(series.circuit) || (series.line !== null && !(stay.lines & (1 << series.line))))
        continue;
      let full = 0;
      for (let t = arrive; t < depart; t++) if (partAt(series, t) >= FULL) full++;
      const part = full / (depart - arrive);
      if (part > fullestPart + 1e-9) {
        fullest = series.name;
        fullestPart = part;
      }
    }
  const possibleKwh = (stay.max * stay.kwPerUnit * (depart - arrive) * site.slotMs) / 3_600_000;
  return {
    id,
    connector: site.connectors[stay.connector] ?? "",
    arrive,
    depart,
    askedKwh: energyKwh,
    gotKwh,
    impossible: possibleKwh < energyKwh - DUST_KWH,
    fullest,
    fullestPart: fullest === null ? 0 : fullestPart,
  };
}

function typicalDay(site: Site, rates: Readonly<Record<string, readonly number[]>>): Outcome["day"] {
  const slots = Math.max(1, Math.round(DAY_MS / site.slotMs));
  const kw = new Float64Array(site.slots);
  for (const stay of site.stays)
    rates[stay.id]?.forEach((rate, k) => {
      const t = stay.arrive + k;
      kw[t] = (kw[t] as number) + rate * stay.kwPerUnit;
    });
  const bySlot = Array.from({ length: Math.min(slots, site.slots) }, (_, slot) =>
    kw.filter((_, t) => t % slots === slot).sort(),
  );
  const at = (part: number) =>
    bySlot.map((all) => all[Math.min(all.length - 1, Math.floor(part * all.length))] ?? 0);
  return { slots, median: at(0.5), high: at(0.95) };
}
