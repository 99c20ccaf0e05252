/** A small depot as planning sees it. */
import type { EvseNeed } from "../../../src/model/departure.ts";
import type { EvseId } from "../../../src/model/ids.ts";
import { type Belief, learned } from "../../../src/rules/plan/beliefs.ts";
import type { LiveCar, LiveCircuit, LiveSite } from "../../../src/rules/plan/live.ts";
import { makePlan, type Planned } from "../../../src/workers/plan.ts";

export const HOUR_MS = 3_600_000;
/** 2026-11-25T21:00:00Z. */
export const NOW_MS = Date.UTC(2026, 10, 25, 21);

export function need(evse: string, part: Partial<EvseNeed> & { inH?: number; kwh?: number } = {}): EvseNeed {
  const { inH, kwh, ...rest } = part;
  return {
    evse: evse as EvseId,
    vehicle: null,
    group: null,
    class: null,
    weight: 1,
    pluggedMs: NOW_MS - HOUR_MS,
    deliveredWh: 0,
    departMs: inH === undefined ? null : NOW_MS + inH * HOUR_MS,
    energyWh: kwh === undefined ? null : kwh * 1000,
    source: inH === undefined ? null : "file",
    acPhases: null,
    acMaxA: null,
    dcMaxKw: null,
    ...rest,
  };
}

/** What is believed of a need without any history. */
export function believed(of: EvseNeed, nowMs = NOW_MS): Belief {
  const { evse, vehicle, group, source, pluggedMs, departMs, energyWh, deliveredWh } = of;
  const said = { id: evse, vehicle, group, source, fromMs: pluggedMs, hour: 20, departMs };
  return learned().of(
    { ...said, energyKwh: energyWh === null ? null : energyWh / 1000 },
    nowMs,
    deliveredWh / 1000,
  );
}

/** Three lines, 230 V, 6 to 32 A, charging with nothing. */
export function car(of: EvseNeed, part: Partial<LiveCar> = {}): LiveCar {
  const { kwPerA = 0.69 } = part;
  return {
    need: of,
    belief: believed(of),
    circuit: 0,
    lines: 7,
    kwPerA,
    gridKwPerA: kwPerA,
    minA: 6,
    maxA: 32,
    rateA: 0,
    ...part,
  };
}

export function circuit(limitA: number, part: Partial<LiveCircuit> = {}): LiveCircuit {
  return {
    id: "site",
    parent: -1,
    limitA: [limitA, limitA, limitA],
    reservedA: [0, 0, 0],
    other: [],
    power: [],
    ...part,
  };
}

export function site(cars: LiveCar[], limitA: number, part: Partial<LiveSite> = {}): LiveSite {
  return { nowMs: NOW_MS, circuits: [circuit(limitA)], cars, price: [], demand: null, ...part };
}

export async function plannedFor(live: LiveSite): Promise<Extract<Planned, { status: "planned" }>["plan"]> {
  const made = await makePlan({ site: live, timeLimitMs: 10_000 });
  if (made.status !== "planned") throw new Error(`${made.status}: ${made.detail}`);
  return made.plan;
}
