/**
 * The linear program of a plan. A column is a vehicle's rate in an interval; a row is emitted only where the vehicles'
 * maxima could exceed it. Goals are one weighted sum, each a small part of the one above it: energy missing at
 * departure by class, little needs filled and a base for everyone, cost, earliness, smoothness.
 */
import { baseRows } from "./base-rows.ts";
import { type Grid, gridOf, partPresent } from "./grid.ts";
import { gridKw } from "./joint-room.ts";
import { factorOf, sidesOf } from "./phasors.ts";
import { lastMs, mostKwh, type PlanProblem, type PlanVehicle, stepAt } from "./problem.ts";
import { createProgram, type LinearProgram, type ProgramBuilder } from "./program.ts";
import { shareRows, smoothRows } from "./soft-rows.ts";

const HOUR_MS = 3_600_000;
const LINES = [0, 1, 2] as const;

/** A row that limits the first interval, and the name a person knows it by. */
export interface NamedRow {
  row: number;
  name: string;
  vehicles: readonly number[];
}

/** Where a plan's values are in its program. */
export interface Layout {
  grid: Grid;
  /** Per vehicle its first column; its intervals follow. */
  first: Int32Array;
  /** Per vehicle how many intervals it is there for. */
  count: Int32Array;
  named: readonly NamedRow[];
  /** The column of the highest window, kW; null without a demand charge. */
  peak: number | null;
}

interface Present {
  vehicle: number;
  column: number;
  /** Largest rate in this interval. */
  most: number;
}

export function buildPlan(problem: PlanProblem): { program: LinearProgram; layout: Layout } {
  const { vehicles } = problem;
  const grid = gridOf(problem);
  const lp = createProgram();
  const first = new Int32Array(vehicles.length);
  const count = new Int32Array(vehicles.length);
  const intervals = grid.marks.length - 1;
  const present: Present[][] = Array.from({ length: intervals }, () => []);
  const worth = worthOf(problem, grid);
  const floorUntil = problem.startMs + problem.firstMs;
  const floorParts = Array.from({ length: intervals }, (_, j) =>
    (grid.marks[j] as number) < floorUntil ? floorPartsOf(problem, grid, j) : [],
  );
  const hours = Array.from({ length: intervals }, (_, j) => lengthMs(grid, j) / HOUR_MS);

  vehicles.forEach((v, i) => {
    first[i] = lp.columns;
    for (let j = 0; j < intervals; j++) {
      if ((grid.marks[j] as number) >= lastMs(v)) break;
      const part = partPresent(grid, j, v.fromMs ?? 0, lastMs(v));
      const kwh = v.kwPerUnit * (hours[j] as number);
      const most = v.max * part;
      const floor = v.floor * part * (floorParts[j]?.[v.circuit] ?? 0);
      const column = lp.column(-kwh * worth(v, j), Math.min(floor, most), most);
      count[i] = j + 1;
      present[j]?.push({ vehicle: i, column, most });
    }
    const floorH = Math.max(0, Math.min(lastMs(v), floorUntil) - problem.startMs) / HOUR_MS;
    energyRows(lp, problem, v, first[i] as number, count[i] as number, hours, floorH);
    baseRows(lp, problem.goals, v, first[i] as number, count[i] as number, grid.marks);
    shareRows(lp, problem.goals, v, first[i] as number, hours.slice(0, count[i]));
    smoothRows(lp, problem.goals, v, first[i] as number, count[i] as number);
  });

  const named = present.flatMap((list, j) => limitRows(lp, problem, grid, list, j));
  const peak = demandRows(lp, problem, grid, present, hours);
  return { program: lp.done(), layout: { grid, first, count, named, peak } };
}

/** Per circuit, what of a floor is left in interval `j`: floors fit the room at the start, and shrink with it. */
function floorPartsOf(problem: PlanProblem, grid: Grid, j: number): number[] {
  const { circuits, startMs } = problem;
  const parts: number[] = [];
  circuits.forEach(({ parent }, c) => {
    const now = leastRoom(problem, c, startMs, startMs + 1);
    const then = leastRoom(problem, c, grid.marks[j] as number, grid.marks[j + 1] as number);
    let part = parent < 0 ? 1 : (parts[parent] as number);
    for (const line of LINES)
      if (Number.isFinite(now.lineA[line]) && now.lineA[line] > 0)
        part = Math.min(part, then.lineA[line] / now.lineA[line]);
    if (Number.isFinite(now.kw) && now.kw > 0) part = Math.min(part, then.kw / now.kw);
    parts.push(part);
  });
  return parts;
}

function lengthMs(grid: Grid, j: number): number {
  return (grid.marks[j + 1] as number) - (grid.marks[j] as number);
}

/** What a kWh of a vehicle is worth in interval `j`; prices are scaled so that no saving is worth a missing kWh. */
function worthOf(problem: PlanProblem, grid: Grid): (v: PlanVehicle, j: number) => number {
  const { goals, startMs } = problem;
  const scale = priceScale(problem);
  const middles = grid.marks.slice(0, -1).map((from, j) => (from + (grid.marks[j + 1] as number)) / 2);
  const prices = middles.map((_, j) =>
    meanPrice(problem, grid.marks[j] as number, grid.marks[j + 1] as number),
  );
  const end = grid.marks[grid.marks.length - 1] as number;
  const span = Math.max(1, end - startMs);
  return (v, j) => {
    const waits = (middles[j] as number) - startMs;
    const there =
      v.stays.find((s) => s.untilMs > (middles[j] as number))?.likely ?? v.stays.at(-1)?.likely ?? 1;
    const own = Math.max(1, middleStay(v) - startMs);
    const late = (goals.early * waits) / span + goals.soon * Math.min(2, waits / own);
    return (
      there * (worthOfKwh(problem, v) * (v.needs[0]?.likely ?? 0) - late - scale * (prices[j] as number))
    );
  };
}

/** When it leaves, by best guess. */
function middleStay(v: PlanVehicle): number {
  return v.stays.find((s) => s.likely <= 0.6)?.untilMs ?? lastMs(v);
}

function worthOfKwh({ goals }: PlanProblem, v: PlanVehicle): number {
  return v.weight * (1 + goals.fill * Math.min(1, goals.fillKwh / Math.max(0.1, v.askedKwh)));
}

/** Worth of one unit of money in kWh: the dearest kWh, with its share of the demand charge, costs less than half. */
function priceScale({ price, demand }: PlanProblem): number {
  const dearest = Math.max(0, ...price.map((p) => Math.abs(p.perKwh)));
  const window = demand === null ? 0 : demand.perKw / (demand.windowMs / HOUR_MS);
  return dearest + window > 0 ? 0.5 / (dearest + window) : 0;
}

function meanPrice({ price }: PlanProblem, fromMs: number, toMs: number): number {
  if (price.length === 0) return 0;
  let sum = 0;
  let at = fromMs;
  while (at < toMs) {
    const step = stepAt(price, at) ?? (price[0] as (typeof price)[number]);
    const next = price.find((p) => p.fromMs > at)?.fromMs ?? toMs;
    const until = Math.min(toMs, next);
    sum += step.perKwh * (until - at);
    at = until;
  }
  return sum / (toMs - fromMs);
}

/** Energy is worth less the less likely it is wanted, nothing beyond; the base part is worth more; who runs goes on. */
function energyRows(
  lp: ProgramBuilder,
  problem: PlanProblem,
  v: PlanVehicle,
  column: number,
  count: number,
  hours: readonly number[],
  floorH: number,
): void {
  if (count === 0) return;
  const { goals } = problem;
  const energy = (factor: number) => {
    for (let j = 0; j < count; j++) lp.entry(column + j, factor * v.kwPerUnit * (hours[j] as number));
  };
  const possible = hours.slice(0, count).reduce((sum, h) => sum + h * v.max * v.kwPerUnit, 0);
  const most = Math.max(mostKwh(v), v.floor * v.kwPerUnit * floorH);
  if (possible > most) {
    energy(1);
    lp.atMost(most);
  }
  v.needs.slice(0, -1).forEach(({ upToKwh, likely }, k) => {
    const less = likely - (v.needs[k + 1]?.likely ?? 0);
    if (possible <= upToKwh || less <= 0) return;
    const beyond = lp.column(less * worthOfKwh(problem, v), 0, most - upToKwh);
    energy(1);
    lp.entry(beyond, -1);
    lp.atMost(upToKwh);
  });
  const kept = Math.min(v.keep, v.rate, v.max, most / v.kwPerUnit / (hours[0] as number));
  if (goals.keep > 0 && kept > 0) {
    const lacking = lp.column(goals.keep * v.kwPerUnit, 0, kept);
    lp.entry(lacking, -1);
    lp.entry(column, -1);
    lp.atMost(-kept);
  }
}

function limitRows(
  lp: ProgramBuilder,
  problem: PlanProblem,
  grid: Grid,
  list: readonly Present[],
  j: number,
): NamedRow[] {
  const named: NamedRow[] = [];
  const name = (row: number, text: string, on: readonly Present[]) => {
    if (j === 0) named.push({ row, name: text, vehicles: on.map((p) => p.vehicle) });
  };
  const { vehicles, circuits } = problem;
  const below = byCircuit(problem, list);
  circuits.forEach((circuit, c) => {
    const on = below[c] as Present[];
    if (on.length === 0 || circuit.room.length === 0) return;
    const { lineA, kw } = leastRoom(problem, c, grid.marks[j] as number, grid.marks[j + 1] as number);
    for (const line of LINES) {
      const room = lineA[line];
      if (!Number.isFinite(room)) continue;
      const users = on.filter((p) => (vehicles[p.vehicle] as PlanVehicle).lines & (1 << line));
      const row = limitRow(lp, users, (p) => (vehicles[p.vehicle] as PlanVehicle).ampsPerUnit, room);
      if (row !== null) name(row, `${circuit.id} L${line + 1}`, users);
    }
    if (Number.isFinite(kw)) {
      const row = limitRow(lp, on, (p) => gridKw(vehicles[p.vehicle] as PlanVehicle), kw);
      if (row !== null) name(row, `${circuit.id} kW`, on);
    }
  });
  if (problem.phasors.length > 0) {
    const of = new Map(list.map((p) => [p.vehicle, p]));
    for (const phasor of problem.phasors) {
      const terms = phasor.terms.flatMap((term) => {
        const p = of.get(term.vehicle);
        const amps = (vehicles[term.vehicle] as PlanVehicle).ampsPerUnit;
        return p === undefined ? [] : [{ p, amps, ...factorOf(term) }];
      });
      const part = { ...phasor, terms: phasor.terms.filter((term) => of.has(term.vehicle)) };
      for (const side of sidesOf(part)) {
        const towards = new Map(terms.map((t) => [t.p, t.amps * (t.re * side.cos + t.im * side.sin)]));
        const row = limitRow(
          lp,
          terms.map((t) => t.p),
          (p) => towards.get(p) ?? 0,
          side.limitA,
        );
        if (row !== null)
          name(
            row,
            phasor.id,
            terms.map((t) => t.p),
          );
      }
    }
  }
  return named;
}

/** A row, or null when even the maxima keep to it. */
function limitRow(
  lp: ProgramBuilder,
  on: readonly Present[],
  coefficient: (p: Present) => number,
  room: number,
): number | null {
  let most = 0;
  for (const p of on) {
    const c = coefficient(p);
    lp.entry(p.column, c);
    if (c > 0) most += c * p.most;
  }
  if (most > room) return lp.atMost(Math.max(0, room));
  lp.drop();
  return null;
}

function byCircuit({ vehicles, circuits }: PlanProblem, list: readonly Present[]): Present[][] {
  const below: Present[][] = circuits.map(() => []);
  for (const p of list)
    for (let c = (vehicles[p.vehicle] as PlanVehicle).circuit; c >= 0; c = circuits[c]?.parent ?? -1)
      below[c]?.push(p);
  return below;
}

/** The least room of circuit `c` between two times. */
export function leastRoom(
  { circuits }: Pick<PlanProblem, "circuits">,
  c: number,
  fromMs: number,
  toMs: number,
): { lineA: [number, number, number]; kw: number } {
  const room = circuits[c]?.room ?? [];
  const lineA: [number, number, number] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ];
  let kw = Number.POSITIVE_INFINITY;
  let at = room.findLastIndex((s) => s.fromMs <= fromMs);
  if (at < 0) at = 0;
  for (; at < room.length; at++) {
    const step = room[at] as (typeof room)[number];
    if (step.fromMs >= toMs) break;
    if (step.lineA !== null) for (const line of LINES) lineA[line] = Math.min(lineA[line], step.lineA[line]);
    if (step.kw !== null) kw = Math.min(kw, step.kw);
  }
  return { lineA, kw };
}

/** The highest window, above what is billed already: the one under way counts what it has used. */
function demandRows(
  lp: ProgramBuilder,
  problem: PlanProblem,
  grid: Grid,
  present: readonly Present[][],
  hours: readonly number[],
): number | null {
  const { demand, vehicles } = problem;
  if (demand === null) return null;
  const scale = priceScale(problem);
  const peak = lp.column(scale * demand.perKw, demand.billedKw, Number.POSITIVE_INFINITY);
  const other = (j: number) => {
    const from = grid.marks[j] as number;
    const at = demand.otherKw.filter((s) => s.fromMs < (grid.marks[j + 1] as number) && s.fromMs > from);
    return Math.max(0, stepAt(demand.otherKw, from)?.kw ?? 0, ...at.map((s) => s.kw));
  };
  const windowH = demand.windowMs / HOUR_MS;
  const endOfWindow = (Math.floor(problem.startMs / demand.windowMs) + 1) * demand.windowMs;
  let fixed = demand.usedKwh / windowH;
  let j = 0;
  for (; j < present.length && (grid.marks[j + 1] as number) <= endOfWindow; j++) {
    const part = (hours[j] as number) / windowH;
    fixed += other(j) * part;
    for (const p of present[j] as Present[])
      lp.entry(p.column, gridKw(vehicles[p.vehicle] as PlanVehicle) * part);
  }
  if (j > 0) {
    lp.entry(peak, -1);
    lp.atMost(-fixed);
  }
  for (; j < present.length; j++) {
    for (const p of present[j] as Present[]) lp.entry(p.column, gridKw(vehicles[p.vehicle] as PlanVehicle));
    lp.entry(peak, -1);
    lp.atMost(-other(j));
  }
  return peak;
}
