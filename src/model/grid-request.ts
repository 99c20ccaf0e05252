/** What asks for a grid order: `POST /api/v1/grid-orders`, the command line, and the request `grid-order` of flows. */
import { z } from "zod";
import { GRID_ORDER_KINDS, type GridOrdered } from "./grid-order.ts";

/** A day: what a flow's order may last at most. */
export const FLOW_ORDER_MOST_MS = 86_400_000;

export const GridOrderRequest = z.strictObject({
  /** The same id again replaces the order. Made up when absent. */
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,48}$/)
    .optional(),
  /** That of `grid.dimming` for dimming, and the grid connection otherwise, when absent. */
  circuit: z.string().min(1).max(36).optional(),
  kind: z.enum(GRID_ORDER_KINDS),
  /** `cap` alone, and needed there: kW that the circuit may draw, to the W. */
  kw: z.number().min(0).max(100_000).optional(),
  /** Now when absent, or when it has passed. */
  from: z.iso.datetime({ offset: true }).optional(),
  /** At most one of the two; without any it holds until it is taken back. `for_s` counts from its start. */
  until: z.iso.datetime({ offset: true }).optional(),
  for_s: z.number().positive().max(31_622_400).optional(),
  /** Such as the number of the grid operator's order. */
  reference: z
    .string()
    .regex(/^[\w .:/#-]{1,80}$/)
    .optional(),
});
export type GridOrderRequest = z.infer<typeof GridOrderRequest>;

/** `req/{client}/grid-order`. */
export const GridOrderMessage = z.object({
  id: z.string().regex(/^[\w-]{1,64}$/),
  valid_until: z.iso.datetime({ offset: true }).optional(),
  /** As `for_s`: beyond it there is no date to write. */
  valid_for_s: z.number().positive().max(31_622_400).optional(),
  data: GridOrderRequest.omit({ id: true, until: true, for_s: true }).extend({
    /** Of the order, if not that of the message. */
    order: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/)
      .optional(),
  }),
});

/** An order as people see it, in the wire's spelling. */
export interface GridOrderShown extends GridOrdered {
  /** `ahead` before its start; `waiting` until the meter has shown that it is kept, or that it is not. */
  state: "ahead" | "waiting" | "met" | "missed";
  /** Seconds after which the meter showed the one or the other; absent before. */
  after_s?: number;
  /** The least of all orders in force on its circuit, W; null before its start when there is no other. */
  in_force_w: number | null;
}

export type GridOrderAnswer =
  | { ordered: GridOrderShown; log_offset: number }
  | {
      refused: {
        code: "BAD_ORDER" | "TOO_MANY" | "NO_ORDER" | "NOT_YOURS" | "BUSY";
        message: string;
        fix: string;
      };
    };
