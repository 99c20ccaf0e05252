/** What a plan is made from, as it is now: who is plugged in, what control says of them, limits and prices to come. */
import type { CircuitState, ControlState, EvseState } from "../control/state.ts";
import { type Circuit, type EvseSpec, linesOf, type PerLine } from "../model/circuit.ts";
import type { EvseNeed } from "../model/departure.ts";
import type { GridOrder } from "../model/grid-order.ts";
import type { GridSide } from "../model/grid-side.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import { buildTree } from "../rules/allocate-tree.ts";
import type { Belief } from "../rules/plan/beliefs.ts";
import type { LiveCar, LiveCircuit, LiveSite } from "../rules/plan/live.ts";
import type { DemandCharge, PriceStep } from "../rules/plan/problem.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Forecasts and prices are asked for so far ahead. */
const AHEAD_MS = 48 * HOUR_MS;
/** Orders to come are looked for this often. */
const QUARTER_MS = 900_000;
/** A car that was plugged in this long and draws nothing of what it is offered wants nothing. */
const SLEEPS_MS = 600_000;
/** Days over which a higher peak has to pay for itself. */
const PEAK_DAYS = 3;

export interface DepotParts extends Pick<GridSide, "forecast" | "peak" | "purchasePrices"> {
  circuits: readonly Circuit[];
  evses: readonly EvseSpec[];
  voltageV: number;
  gridOrders: Pick<GridSide["gridOrders"], "active" | "powerW">;
}

/** Draws nothing although it could: it has what it wants, or holds back by itself. */
export function holdsBack(state: EvseState, need: EvseNeed, nowMs: number): boolean {
  if ((state.limit_a ?? 0) <= 0) return false;
  if (state.charging_state === "suspended_ev") return true;
  return state.state === "standby" && nowMs - need.pluggedMs >= SLEEPS_MS;
}

export function sitePicture(parts: DepotParts) {
  const tree = buildTree(parts.circuits);
  const specs = new Map(parts.evses.map((spec) => [evseId(spec.station, spec.evse), spec]));

  const carOf = (need: EvseNeed, state: EvseState, belief: Belief): LiveCar | null => {
    const spec = specs.get(need.evse);
    if (spec === undefined || state.state === "offline" || state.state === "faulted") return null;
    const used = state.lines.length;
    const phases = Math.max(1, Math.min(used, need.acPhases ?? used));
    const dc = spec.kind === "dc";
    const gridKwPerA = (parts.voltageV * (dc ? 3 : phases)) / 1000;
    const kwPerA = dc ? gridKwPerA * spec.efficiency : gridKwPerA;
    const carA = dc ? (need.dcMaxKw === null ? null : need.dcMaxKw / kwPerA) : need.acMaxA;
    return {
      need,
      belief,
      circuit: tree.indexOf.get(spec.circuit) ?? -1,
      lines: state.lines.reduce((mask, line) => mask | (1 << (line - 1)), 0),
      kwPerA,
      gridKwPerA,
      minA: spec.minA,
      maxA: Math.max(0, Math.min(state.max_a, carA ?? Number.POSITIVE_INFINITY)),
      rateA: Math.max(0, ...(state.measured_a ?? [])),
    };
  };

  /** Who may be planned for. `believed` says what is believed of the stay at an EVSE. */
  const carsOf = (
    nowMs: number,
    state: ControlState,
    needs: readonly EvseNeed[],
    believed: (evse: EvseId) => Belief | undefined,
  ): LiveCar[] => {
    const states = new Map(state.evses.map((e) => [evseId(e.station, e.evse), e]));
    return needs.flatMap((need) => {
      const e = states.get(need.evse);
      if (e === undefined || holdsBack(e, need, nowMs)) return [];
      const belief = believed(need.evse);
      const car = belief === undefined ? null : carOf(need, e, belief);
      return car === null ? [] : [car];
    });
  };

  /** What stations out of reach may draw, per circuit and line. */
  const reserved = (state: ControlState): Float64Array => {
    const sum = new Float64Array(tree.circuits.length * 3);
    for (const e of state.evses) {
      const spec = specs.get(evseId(e.station, e.evse));
      if (spec === undefined || e.state !== "offline") continue;
      const lines = linesOf(spec.phaseOrder, spec.phases);
      for (let c = tree.indexOf.get(spec.circuit) ?? -1; c >= 0; c = tree.parent[c] as number)
        for (const line of lines) sum[c * 3 + line] = (sum[c * 3 + line] as number) + e.envelope_a;
    }
    return sum;
  };

  const circuitOf = (
    c: number,
    state: CircuitState | undefined,
    setAside: Float64Array,
    orders: readonly GridOrder[],
    nowMs: number,
  ): LiveCircuit => {
    const { id, limitA } = tree.circuits[c] as Circuit;
    const triple = (list: ArrayLike<number> | undefined, from: number): PerLine => [
      list?.[from] ?? 0,
      list?.[from + 1] ?? 0,
      list?.[from + 2] ?? 0,
    ];
    const nowA = triple(state?.other_load_a, 0);
    const nowKw = (nowA.reduce((sum, a) => sum + a, 0) * parts.voltageV) / 1000;
    const later = parts.forecast(id, nowMs, nowMs + AHEAD_MS).filter(({ fromMs }) => fromMs > nowMs);
    return {
      id,
      parent: tree.parent[c] as number,
      limitA: state === undefined ? limitA : triple(state.limit_a, 0),
      reservedA: triple(setAside, c * 3),
      other: [
        { fromMs: nowMs, lineA: nowA, kw: nowKw },
        ...later.map(({ fromMs, lineA, kw }) => ({ fromMs, lineA, kw })),
      ],
      power: powerSteps(id, tree.circuits[c]?.limitW ?? null, orders, nowMs),
    };
  };

  const powerSteps = (
    id: string,
    ownW: number | null,
    orders: readonly GridOrder[],
    nowMs: number,
  ): LiveCircuit["power"] => {
    const ends = orders.flatMap((o) => (o.circuit === id && o.untilMs !== null ? [o.untilMs] : []));
    const steps: { fromMs: number; limitW: number | null }[] = [];
    for (const fromMs of [nowMs, ...probes(nowMs), ...ends].sort((a, b) => a - b)) {
      const orderedW = parts.gridOrders.powerW(id, fromMs);
      const limitW = orderedW === null || ownW === null ? (orderedW ?? ownW) : Math.min(orderedW, ownW);
      if (steps.at(-1)?.limitW !== limitW) steps.push({ fromMs, limitW });
    }
    return steps;
  };

  const prices = (nowMs: number): PriceStep[] => parts.purchasePrices(nowMs, nowMs + AHEAD_MS);

  const demand = (nowMs: number, other: LiveCircuit["other"]): DemandCharge | null => {
    const peak = parts.peak();
    if (peak === null) return null;
    const { perKw, billedKw, windowMs, usedKwh } = peak;
    return { perKw: perKw * partOfPeak(nowMs), billedKw, windowMs, usedKwh, otherKw: other };
  };

  return {
    cars: carsOf,
    /** The whole picture for a plan of `cars`. */
    at(nowMs: number, state: ControlState, cars: LiveCar[]): LiveSite {
      const setAside = reserved(state);
      const byId = new Map(state.circuits.map((c) => [c.id, c]));
      const orders = parts.gridOrders.active(nowMs);
      const circuits = tree.circuits.map((c, i) => circuitOf(i, byId.get(c.id), setAside, orders, nowMs));
      const root = circuits.findIndex(({ parent }) => parent < 0);
      return {
        nowMs,
        circuits,
        cars,
        price: prices(nowMs),
        demand: demand(nowMs, circuits[root]?.other ?? []),
      };
    },
  };
}

function probes(nowMs: number): number[] {
  const first = (Math.floor(nowMs / QUARTER_MS) + 1) * QUARTER_MS;
  return Array.from({ length: DAY_MS / QUARTER_MS }, (_, k) => first + k * QUARTER_MS);
}

/** A peak is paid once a month and used on all days that are left: a plan bears a part of it. */
function partOfPeak(nowMs: number): number {
  const now = new Date(nowMs);
  const monthEnd = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  return Math.min(1, PEAK_DAYS / Math.max(1, (monthEnd - nowMs) / DAY_MS));
}
