/** From what an EVSE reports to amperes on the grid's lines, and from amperes to the watts of a DC limit. */
import { type EvseSpec, linesOf } from "../model/circuit.ts";
import type { Meter } from "../model/messages.ts";

/** Below this a conductor counts as unused: meters show dust. */
export const NO_CURRENT_A = 1;

export type Amps3 = [number, number, number];

/** How many lines a mask names. */
export function linesIn(mask: number): number {
  return (mask & 1) + ((mask >> 1) & 1) + ((mask >> 2) & 1);
}

/** AC side, per line, of a DC EVSE that delivers `watts` to the car; `voltageV` is line to neutral. */
export function dcLineAmps(watts: number, voltageV: number, efficiency: number): number {
  return watts / (3 * voltageV * efficiency);
}

/**
 * W to the car at `limitA` on each of `lines`, rounded down; for stations that take watts only. `voltageV` is line to
 * neutral, `efficiency` W to the car per W taken, DC only.
 */
export function limitWatts(
  spec: EvseSpec,
  limitA: number,
  voltageV: number,
  lines: number = spec.phases,
  efficiency: number = spec.efficiency,
): number {
  const delivered = spec.kind === "dc" ? efficiency : 1;
  return Math.floor(limitA * lines * voltageV * delivered + 1e-6);
}

/** Whether a DC reading states the AC side (a current per line and a voltage) and the DC side (power to the car). */
export function statesBothSides(spec: EvseSpec, meter: Meter): boolean {
  const { current_a: current, power_w: watts, voltage_v: voltage } = meter;
  return spec.kind === "dc" && current?.length === 3 && voltage !== undefined && watts !== undefined;
}

/**
 * Current on the EVSE's own conductors, or null when the reading says nothing of it. A single current of a three-phase
 * EVSE stands for all its lines; power alone is spread over them. `efficiency`: W to the car per W taken, DC only.
 */
export function ownCurrents(
  spec: EvseSpec,
  meter: Meter,
  nominalV: number,
  efficiency = spec.efficiency,
): Amps3 | null {
  const { current_a: current, power_w: watts, voltage_v: voltage } = meter;
  const single = current !== undefined && current.length === 1;
  if (current !== undefined && !(spec.kind === "dc" && current.length < 3)) {
    const [a = 0, b = 0, c = 0] = current;
    return single && spec.phases === 3 ? [a, a, a] : [a, b, c];
  }
  if (watts === undefined) return null;
  const v = voltage?.[0] && voltage[0] > 0 ? voltage[0] : nominalV;
  const a = spec.kind === "dc" ? dcLineAmps(watts, v, efficiency) : watts / (v * spec.phases);
  return [0, 1, 2].map((p) => (p < spec.phases ? a : 0)) as Amps3;
}

/** Whether a reading names each conductor of its own, so that unused ones can be told. */
export function namesEachLine(spec: EvseSpec, meter: Meter): boolean {
  return spec.kind === "ac" && (meter.current_a?.length ?? 0) >= spec.phases;
}

/** The EVSE's own L1, L2, L3 put on the grid's lines. */
export function onGridLines(spec: EvseSpec, own: Amps3): Amps3 {
  const grid: Amps3 = [0, 0, 0];
  linesOf(spec.phaseOrder, 3).forEach((line, conductor) => {
    grid[line] = own[conductor] ?? 0;
  });
  return grid;
}

/** What is implausible in an EVSE's currents, in words; null when they may be believed. */
export function implausibleDraw(spec: EvseSpec, own: Amps3): string | null {
  const most = 2 * spec.maxA + 10;
  for (const a of own) {
    if (!Number.isFinite(a)) return `a current of ${a} A`;
    if (a < -NO_CURRENT_A) return `a current of ${a} A; charging cannot be negative`;
    if (a > most) return `a current of ${a} A; the EVSE's maximum is ${spec.maxA} A`;
  }
  return null;
}
