/** An instance made ready: ids resolved, circuits parents first, limits as steps over time, each session's draw per unit. */
import type { DepotInstance, InstanceCircuit } from "../../model/depot-instance.ts";
import type { Phasor, PlanCircuit, RoomStep } from "../plan/problem.ts";

export interface Stay {
  index: number;
  id: string;
  connector: number;
  /** Slots: it is there from `arrive` to the one before `depart`. */
  arrive: number;
  depart: number;
  energyKwh: number;
  estDepart: number | null;
  estKwh: number | null;
  weight: number;
  circuit: number;
  /** Grid lines as bits. */
  lines: number;
  ampsPerUnit: number;
  kwPerUnit: number;
  /** Rates: A per used line for AC, kW for DC. */
  max: number;
  min: number;
  step: number;
}

export interface Site {
  name: string;
  slots: number;
  slotMs: number;
  stays: readonly Stay[];
  /** In preorder; a last one without limits carries connectors on no circuit. */
  circuits: readonly PlanCircuit[];
  parent: Int32Array;
  /** Phasors over connectors: `vehicle` is the connector's index. */
  phasors: readonly Phasor[];
  connectors: readonly string[];
  energyPerKwh: readonly number[] | null;
  demandPerKw: number;
}

/** What is wrong with an instance and where, such as `sessions[3].connector`. */
export class InstanceError extends Error {
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.name = "InstanceError";
  }
}

/** Throws an InstanceError at the first id that is unknown, used twice or its own ancestor, or series that is short. */
export function siteOf(instance: DepotInstance): Site {
  const slotMs = instance.slotSeconds * 1000;
  const order = preorder(instance.circuits);
  const indexOf = new Map(order.map((c, i) => [c.id, i]));
  const circuits = order.map(
    (c): PlanCircuit => ({
      id: c.id,
      parent: c.parent == null ? -1 : (indexOf.get(c.parent) ?? -1),
      room: roomSteps(c, instance.slots, slotMs, `circuits[${instance.circuits.indexOf(c)}]`),
    }),
  );
  circuits.push({ id: "no circuit", parent: -1, room: [] });
  const connectors = new Map<string, number>();
  instance.connectors.forEach((k, i) => {
    if (connectors.has(k.id)) throw new InstanceError(`connectors[${i}].id`, `"${k.id}" is used twice`);
    if (k.circuit != null && !indexOf.has(k.circuit))
      throw new InstanceError(`connectors[${i}].circuit`, `there is no circuit "${k.circuit}"`);
    connectors.set(k.id, i);
  });
  const { tariff } = instance;
  if (tariff && tariff.energyPerKwh.length < instance.slots)
    throw new InstanceError(
      "tariff.energyPerKwh",
      `${tariff.energyPerKwh.length} prices for ${instance.slots} slots`,
    );
  return {
    name: instance.name,
    slots: instance.slots,
    slotMs,
    stays: staysOf(instance, connectors, (id) => (id == null ? order.length : (indexOf.get(id) ?? -1))),
    circuits,
    parent: Int32Array.from(circuits, (c) => c.parent),
    phasors: (instance.phasors ?? []).map((phasor, q) => ({
      id: phasor.id,
      limitA: phasor.limitA,
      terms: phasor.terms.map(([id, coefficient], t) => {
        const vehicle = connectors.get(id);
        if (vehicle === undefined)
          throw new InstanceError(`phasors[${q}].terms[${t}]`, `there is no connector "${id}"`);
        return { vehicle, coefficient, angleDeg: instance.connectors[vehicle]?.angleDeg ?? 0 };
      }),
    })),
    connectors: instance.connectors.map((k) => k.id),
    energyPerKwh: tariff?.energyPerKwh ?? null,
    demandPerKw: tariff?.demandPerKw ?? 0,
  };
}

function staysOf(
  instance: DepotInstance,
  connectors: ReadonlyMap<string, number>,
  circuitOf: (id: string | null | undefined) => number,
): Stay[] {
  const seen = new Set<string>();
  return instance.sessions.map((s, index) => {
    const path = `sessions[${index}]`;
    if (seen.has(s.id)) throw new InstanceError(`${path}.id`, `"${s.id}" is used twice`);
    seen.add(s.id);
    const connector = connectors.get(s.connector);
    const k = connector === undefined ? undefined : instance.connectors[connector];
    if (connector === undefined || k === undefined)
      throw new InstanceError(`${path}.connector`, `there is no connector "${s.connector}"`);
    if (s.depart <= s.arrive)
      throw new InstanceError(`${path}.depart`, `${s.depart} is not after arrive, ${s.arrive}`);
    if (s.depart > instance.slots)
      throw new InstanceError(`${path}.depart`, `${s.depart} is after the last of ${instance.slots} slots`);
    const v = instance.phaseVoltage;
    const stay = {
      index,
      id: s.id,
      connector,
      arrive: s.arrive,
      depart: s.depart,
      energyKwh: s.energyKwh,
      estDepart: s.estDepart ?? null,
      estKwh: s.estKwh ?? null,
      weight: s.weight ?? 1,
      circuit: circuitOf(k.circuit),
      step: k.stepA ?? 0,
    };
    if (k.kind === "dc") {
      const max = Math.min(k.maxKw, s.carMaxKw ?? Number.POSITIVE_INFINITY);
      return { ...stay, lines: 7, ampsPerUnit: 1000 / (3 * v), kwPerUnit: 1, max, min: k.minKw ?? 0 };
    }
    const used = k.lines.slice(0, s.carPhases ?? k.lines.length);
    return {
      ...stay,
      lines: used.reduce((mask, line) => mask | (1 << line), 0),
      ampsPerUnit: 1,
      kwPerUnit: (v * used.length) / 1000,
      max: Math.min(k.maxA, s.carMaxA ?? Number.POSITIVE_INFINITY),
      min: k.minA ?? 0,
    };
  });
}

function preorder(circuits: readonly InstanceCircuit[]): InstanceCircuit[] {
  const byId = new Map<string, number>();
  circuits.forEach((c, i) => {
    if (byId.has(c.id)) throw new InstanceError(`circuits[${i}].id`, `"${c.id}" is used twice`);
    byId.set(c.id, i);
  });
  const children = new Map<string | null, InstanceCircuit[]>();
  circuits.forEach((c, i) => {
    const parent = c.parent ?? null;
    if (parent !== null && !byId.has(parent))
      throw new InstanceError(`circuits[${i}].parent`, `there is no circuit "${parent}"`);
    children.set(parent, [...(children.get(parent) ?? []), c]);
  });
  const ordered: InstanceCircuit[] = [];
  const visit = (c: InstanceCircuit): void => {
    ordered.push(c);
    for (const child of children.get(c.id) ?? []) visit(child);
  };
  for (const root of children.get(null) ?? []) visit(root);
  const lost = circuits.findIndex((c) => !ordered.includes(c));
  if (lost >= 0)
    throw new InstanceError(`circuits[${lost}].parent`, `"${circuits[lost]?.id}" is its own ancestor`);
  return ordered;
}

/** Limit less load for each slot, equal neighbours as one step. */
function roomSteps(c: InstanceCircuit, slots: number, slotMs: number, path: string): RoomStep[] {
  const { loadA, loadKw } = c;
  for (const [name, series] of [
    ["loadA", loadA?.[0]],
    ["loadA", loadA?.[1]],
    ["loadA", loadA?.[2]],
    ["loadKw", loadKw],
  ] as const)
    if (series && series.length < slots)
      throw new InstanceError(`${path}.${name}`, `${series.length} values for ${slots} slots`);
  const steps: RoomStep[] = [];
  let last = "";
  for (let t = 0; t < slots; t++) {
    let limitA = c.limitA ?? null;
    let limitKw = c.limitKw ?? null;
    for (const step of c.steps ?? [])
      if (t >= step.from) {
        if (step.limitA !== undefined) limitA = step.limitA;
        if (step.limitKw !== undefined) limitKw = step.limitKw;
      }
    const on = (line: 0 | 1 | 2) => Math.max(0, (limitA?.[line] ?? 0) - (loadA?.[line][t] ?? 0));
    const lineA = limitA === null ? null : ([on(0), on(1), on(2)] as const);
    const kw = limitKw === null ? null : Math.max(0, limitKw - (loadKw?.[t] ?? 0));
    const now = `${lineA?.join()} ${kw}`;
    if (now !== last) steps.push({ fromMs: t * slotMs, lineA, kw });
    last = now;
  }
  return steps;
}
