/** Priority classes and vehicles, as the config spells them. */
import { z } from "zod";
import { Id } from "../model/ids.ts";

export const ClassItem = z.strictObject({
  id: Id,
  weight: z
    .number()
    .min(0.01)
    .max(1000)
    .describe("A kWh missing at departure counts so many times that of a vehicle without a class."),
});

export const VehicleItem = z.strictObject({
  id: Id.describe(
    "As the token list and departures name it: an id of the depot's own, never a person's name.",
  ),
  class: Id.optional().describe("Id of one of `classes`."),
  battery_kwh: z.number().min(1).max(2000).optional(),
  ac_phases: z
    .union([z.literal(1), z.literal(2), z.literal(3)], {
      error: "is not a number of phases. Write 1, 2 or 3.",
    })
    .optional()
    .describe("Phases its AC charger uses. Absent: learned as it charges, as are the two below."),
  ac_max_a: z.number().min(1).max(1000).optional().describe("A per phase that its AC charger takes at most."),
  dc_max_kw: z.number().min(1).max(5000).optional().describe("kW it takes at most from a DC station."),
});

export type VehicleItem = z.output<typeof VehicleItem>;
