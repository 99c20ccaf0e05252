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

/** Body of `grid.ordered`: an order as it was taken. A higher revision of an id takes the place of a lower one. */
export interface GridOrdered {
  id: string;
  /** Counts from 1 within an id. */
  revision: number;
  circuit: string;
  kind: GridOrderKind;
  /** W that it leaves the circuit, by the formula too: what the config gave then. */
  power_w: number;
  /** RFC 3339. */
  from: string;
  /** Null: until it is taken back. */
  until: string | null;
  source: string;
  /** Of who gave it, such as the number of the grid operator's order. */
  reference?: string;
}

/** `expired`: its end came. `withdrawn`: somebody took it back. `opened`: its input did. `gone`: the config has lost its circuit or input. */
export const GRID_ORDER_ENDS = ["expired", "withdrawn", "opened", "gone"] as const;
export type GridOrderEnd = (typeof GRID_ORDER_ENDS)[number];

/** Body of `grid.order_ended`. */
export interface GridOrderEnded {
  id: string;
  revision: number;
  circuit: string;
  /** RFC 3339. */
  ended: string;
  why: GridOrderEnd;
}

/** Body of `grid.order_met` and `grid.order_missed`: what the circuit's meter said of the order. */
export interface GridOrderReaction {
  id: string;
  revision: number;
  /** Counts the verdicts on a revision from 1. */
  verdict: number;
  circuit: string;
  limit_w: number;
  /** By the circuit's meter; null: nothing believable was measured. */
  power_w: number | null;
  /** From the order's start, or from when it was exceeded, s. */
  after_s: number;
}

export const gridOrderKey = (id: string, revision: number) => `grid.ordered:${id}:${revision}`;
export const gridOrderEndKey = (id: string, revision: number) => `grid.order_ended:${id}:${revision}`;
export const gridVerdictKey = (id: string, revision: number, verdict: number) =>
  `grid.order_verdict:${id}:${revision}:${verdict}`;
