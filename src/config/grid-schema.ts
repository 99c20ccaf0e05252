/** The grid connection, as the config spells it: what energy and power cost, and who may order less of it. */
import { z } from "zod";
import { GRID_ORDER_KINDS } from "../model/grid-order.ts";
import { Id, SeriesId } from "../model/ids.ts";

const GridInput = z.strictObject({
  input: Id.describe("Name of the digital input, as a meter has it."),
  kind: z
    .enum(GRID_ORDER_KINDS)
    .describe("What it orders while it is closed. dimming: § 14a EnWG. cap: `kw`. stop: no charging."),
  circuit: Id.optional().describe("On which circuit; by default that of `dimming`, or the grid connection."),
  kw: z.number().min(0).max(100_000).optional().describe("cap only: kW that the circuit may draw."),
});

export const Grid = z
  .strictObject({
    voltage_v: z.number().min(100).max(480).default(230).describe("Line to neutral."),
    price_series: SeriesId.optional().describe(
      "Series of `laddport prices import` that says what energy costs the depot; plans charge when it is cheap.",
    ),
    demand_charge: z
      .strictObject({
        per_kw: z
          .number()
          .min(0)
          .max(10_000)
          .describe("In the site's currency, for each kW of the month's highest window."),
        window_min: z
          .union([z.literal(15), z.literal(30), z.literal(60)], {
            error: "is not a length of a window. Write 15, 30 or 60.",
          })
          .default(15)
          .describe("Length of a window, minutes."),
      })
      .optional()
      .describe("What the highest mean import of a calendar month costs. Plans avoid a new peak."),
    dimming: z
      .strictObject({
        circuit: Id.optional().describe(
          "The circuit that dimming limits, all that it draws: name the one of the charging points where the building is on another. By default the grid connection.",
        ),
        kw: z
          .number()
          .min(4.2)
          .max(100_000)
          .optional()
          .describe(
            "As agreed with the grid operator, when other controllable devices count too. By default the formula over the charging points of the circuit.",
          ),
      })
      .prefault({})
      .describe("Dimming by § 14a EnWG (BNetzA BK6-22-300)."),
    reaction_s: z
      .int()
      .min(10)
      .max(900)
      .default(60)
      .describe("How soon the meter must show that an order is kept; later it is an alert."),
    inputs: z.array(GridInput).default([]).describe("Digital inputs that order while they are closed."),
  })
  .describe("The grid connection.");
