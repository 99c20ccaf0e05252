/** A connector of a snapshot: its currents, and what it may ask of the allocation. */
import type { SnapshotConnector } from "../model/allocation-snapshot.ts";
import { type CircuitTree, lineMask } from "./allocate-tree.ts";
import { type Amps3, dcLineAmps, NO_CURRENT_A } from "./currents.ts";
import { type DemandMemory, type DemandSettings, demand, noDemand, type Wish } from "./demand.ts";
import { followPlan } from "./follow-plan.ts";
import type { TurnFacts, TurnMemory } from "./rotation.ts";

/** The instant of a snapshot, ms: later than anything that `for_s` can name. */
export const SNAPSHOT_MS = 1e13;
const LONG_S = 1e9;

export interface Outlet {
  of: SnapshotConnector;
  circuit: number;
  /** Grid lines it uses, as bits and as numbers from 1. */
  mask: number;
  lines: number[];
  minA: number;
  maxA: number;
  /** On the grid's lines; null without a reading. */
  measuredA: Amps3 | null;
  /** Of the highest line. */
  drawnA: number | null;
  offeredA: number;
  /** A that stay reserved for it on each line because its station cannot be told anything. */
  reservedA: number;
}

export function outletOf(
  of: SnapshotConnector,
  tree: Pick<CircuitTree, "indexOf">,
  voltageV: number,
): Outlet {
  const dc = of.kind === "dc";
  const mask = lineMask(of.phase_order, dc ? 3 : (of.phases ?? 3));
  const fromKw = (kw: number | undefined) =>
    kw === undefined ? undefined : dcLineAmps(kw * 1000, voltageV, of.efficiency);
  const { measured_a: measured } = of;
  const measuredA =
    typeof measured === "number"
      ? ([0, 1, 2].map((p) => (mask & (1 << p) ? measured : 0)) as Amps3)
      : (measured ?? null);
  const drawnA = measuredA && Math.max(...measuredA);
  const maxA = of.max_a ?? fromKw(of.max_kw) ?? 32;
  return {
    of,
    circuit: tree.indexOf.get(of.circuit) ?? -1,
    mask,
    lines: [1, 2, 3].filter((line) => mask & (1 << (line - 1))),
    minA: of.min_a ?? fromKw(of.min_kw) ?? (dc ? 0 : 6),
    maxA,
    measuredA,
    drawnA,
    offeredA: of.limit_a ?? drawnA ?? (of.state === "charging" ? maxA : 0),
    reservedA: of.state === "offline" ? Math.max(of.limit_a ?? 0, of.fallback_a, drawnA ?? 0) : 0,
  };
}

/** W to the car at `limitA` on each of its lines, rounded down. */
export function carWatts({ of, lines }: Outlet, limitA: number, voltageV: number): number {
  return Math.floor(limitA * lines.length * voltageV * (of.kind === "dc" ? of.efficiency : 1) + 1e-6);
}

/** What it asks for by its car, its station, flows and the plan. */
export function wishOf(outlet: Outlet, settings: DemandSettings): { memory: DemandMemory; wish: Wish } {
  const { of, minA, maxA, drawnA, offeredA } = outlet;
  const plugged = of.state !== "available" && of.state !== "unavailable";
  const { memory, wish } = demand(
    memoryOf(outlet),
    {
      minA,
      maxA,
      plugged,
      faulted: of.state === "faulted" || of.state === "unavailable",
      charging: of.state === "charging",
      carHolds: of.state === "suspended_ev",
      drawnA,
      offeredA,
      intentA: of.intent_a ?? null,
    },
    settings,
    SNAPSHOT_MS,
  );
  if (of.state === "offline") return { memory, wish: { ...wish, capA: 0, capReason: "station_offline" } };
  return { memory, wish: followPlan(wish, { capA: of.cap_a ?? null, urgent: of.urgent }, minA) };
}

/** As if it had been watched until now: what it draws has settled unless `for_s` says that it has just begun. */
function memoryOf({ of, drawnA, offeredA }: Outlet): DemandMemory {
  const drawing = (drawnA ?? 0) >= NO_CURRENT_A;
  const ago = (seconds: number) => SNAPSHOT_MS - seconds * 1000;
  const runs = drawing || (of.state === "charging" && drawnA === null);
  return {
    ...noDemand(SNAPSHOT_MS),
    runningSinceMs: runs ? ago(of.for_s ?? LONG_S) : null,
    pausedAtMs: of.paused_s === undefined ? null : ago(of.paused_s),
    offeredA,
    offeredSinceMs: ago(of.for_s ?? (runs ? LONG_S : 0)),
    idleSinceMs: !runs && offeredA > 0 ? ago(of.for_s ?? 0) : null,
    peakA: drawnA ?? 0,
  };
}

/** For `takeTurns`. */
export function turnOf(outlet: Outlet, memory: DemandMemory, wish: Wish) {
  const { of, minA, offeredA } = outlet;
  const sinceMs = SNAPSHOT_MS - (of.paused_s ?? of.for_s ?? 0) * 1000;
  const facts: TurnFacts = {
    rank: wish.rank,
    classWeight: of.class_weight,
    wants: minA > 0 && wish.capA >= minA && !memory.standby,
    pausing: wish.capReason === "min_off_time",
    offered: offeredA > 0,
  };
  const before: TurnMemory = {
    holdsSinceMs: facts.offered ? sinceMs : null,
    waitsSinceMs: facts.offered ? null : sinceMs,
    heldMs: 0,
  };
  return { facts, before };
}
