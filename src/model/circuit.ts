/**
 * The electrical side of a depot: a tree of circuits with a limit per line, the EVSEs on it and the meters in it.
 * Lines are the grid's L1, L2, L3 as indices 0, 1, 2. Currents are amperes per line, AC side.
 */

export type PerLine = readonly [number, number, number];

export interface Circuit {
  id: string;
  parent: string | null;
  /** Fuse or contract limit per line, reserve already taken off. */
  limitA: PerLine;
  /** Most that charging and other load may draw here together, W from above. Absent: only `limitA` holds. */
  limitW?: number;
  /** Most by which one line may be loaded more than another, A. Absent: no limit. */
  unbalanceA?: number;
  /** The meter station whose `in/{meter}/0/meter` measures this circuit, charging and other load together. */
  meter: string | null;
  /** Most that anything but charging draws here, circuits below included; what counts without a reading. Absent: not known. */
  worstOtherA?: PerLine;
}

/** How the EVSE's own L1, L2, L3 are wired to the grid's lines. */
export const PHASE_ORDERS = ["L1L2L3", "L2L3L1", "L3L1L2", "L1L3L2", "L2L1L3", "L3L2L1"] as const;
export type PhaseOrder = (typeof PHASE_ORDERS)[number];

/** What is known of an EVSE from the config. */
export interface EvseSpec {
  station: string;
  evse: number;
  circuit: string;
  kind: "ac" | "dc";
  /** Per used line, AC side. For DC: what its rated power draws. */
  minA: number;
  maxA: number;
  /** Lines it can use: 1 or 3 (2 only learnt from a car). */
  phases: 1 | 3;
  phaseOrder: PhaseOrder;
  /** Three-phase AC only: it can charge on one phase instead, follows `phases` of a limit and confirms them. */
  switchesPhases?: boolean;
  /** What the station falls back to when its lease runs out; must be provisioned in it too. */
  fallbackA: number;
  /** Share weight for max-min fairness. */
  weight: number;
  /** DC: AC-side amperes per line = watts / (3 * voltage * efficiency). */
  efficiency: number;
  /** Smallest change of current the station knows, A; 0.1 when absent. */
  stepA?: number;
}

/** The grid lines that an EVSE's first `phases` conductors are on: `linesOf("L2L3L1", 1)` is `[1]`. */
export function linesOf(order: PhaseOrder, phases: number): number[] {
  return [0, 1, 2].slice(0, phases).map((i) => Number(order.charAt(i * 2 + 1)) - 1);
}
