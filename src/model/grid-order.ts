/** An order of the grid operator, or of the building, to draw no more than so much on a circuit for a time. */

/**
 * `cap`: a power in W. `dimming`: by § 14a EnWG, whose formula gives the power. `stop`: nothing at all, such as a fire
 * alarm or an emergency input.
 */
export const GRID_ORDER_KINDS = ["cap", "dimming", "stop"] as const;
export type GridOrderKind = (typeof GRID_ORDER_KINDS)[number];

export interface GridOrder {
  /** Chosen by who gave it; the same id again replaces it. */
  id: string;
  circuit: string;
  kind: GridOrderKind;
  /** `cap`: W that the circuit may draw from above, charging and other load together. Null for the other kinds. */
  limitW: number | null;
  /** Depot time, ms since the epoch. */
  fromMs: number;
  /** Null: until it is taken back. */
  untilMs: number | null;
  /** Who gave it: `api`, `flow`, `input:METER`. */
  source: string;
}
