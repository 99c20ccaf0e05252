/** The depot's electrical side in the model's words. */
import type { Circuit, EvseSpec } from "../model/circuit.ts";
import type { CircuitItem, StationItem } from "./installation-schema.ts";
import type { Camel } from "./paths.ts";

export function circuitOf(item: Camel<CircuitItem>): Circuit {
  const [l1, l2, l3] = item.limitA;
  return {
    id: item.id,
    parent: item.parent,
    limitA: [minus(l1, item.reserveA), minus(l2, item.reserveA), minus(l3, item.reserveA)],
    ...(item.limitKw === undefined ? {} : { limitW: Math.round(item.limitKw * 1000) }),
    ...(item.unbalanceA === undefined ? {} : { unbalanceA: item.unbalanceA }),
    meter: item.meter ?? null,
    ...(item.worstOtherA ? { worstOtherA: item.worstOtherA } : {}),
  };
}

/** To whole milliamperes: 100.1 - 0.3 is 99.8 to a person. */
const minus = (a: number, b: number) => Math.round((a - b) * 1000) / 1000;

export function evseSpecsOf(item: Camel<StationItem>): EvseSpec[] {
  return Array.from({ length: item.evses }, (_, i) => ({
    station: item.id,
    evse: i + 1,
    circuit: item.circuit,
    kind: item.kind,
    minA: item.minA,
    maxA: item.maxA,
    phases: item.phases,
    phaseOrder: item.phaseOrder,
    fallbackA: item.fallbackA,
    weight: item.weight,
    efficiency: item.kind === "dc" ? item.efficiency : 1,
    ...(item.phaseSwitching ? { switchesPhases: true } : {}),
    ...(item.stepA === undefined ? {} : { stepA: item.stepA }),
  }));
}
