/** Circuits, meters and charging stations, as the config spells them. */
import { z } from "zod";
import { PHASE_ORDERS } from "../model/circuit.ts";
import { Id } from "../model/ids.ts";
import { meterSettings } from "./metering.ts";
import { Amperes, LineAmperes } from "./values.ts";

export const CircuitItem = z.strictObject({
  id: Id,
  parent: Id.nullable()
    .default(null)
    .describe("The circuit that feeds this one; none for the grid connection."),
  limit_a: LineAmperes.describe("Fuse or contract limit: one number, or `[L1, L2, L3]`."),
  limit_kw: z
    .number()
    .min(0.1)
    .max(100_000)
    .optional()
    .describe("Most that charging and other load may draw here together; own production comes on top."),
  unbalance_a: z
    .number()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      "Most by which one line may be loaded more than another (DE 20 A, AT and CH 16 A for one-phase use).",
    ),
  reserve_a: Amperes.default(0).describe("Kept free on every line, for what no meter sees."),
  meter: Id.optional().describe("The meter of this circuit: charging and other load together."),
  worst_other_a: LineAmperes.optional().describe(
    "Most that anything but charging draws here, circuits below included. Counts when the meter is silent, always without one, and in the proof that fallbacks fit.",
  ),
});

const authSetting = z
  .enum(["any", "certificate", "password"])
  .default("any")
  .describe("How it proves who it is; another way is refused.");

export const MeterItem = z.strictObject({
  id: Id.describe("Without `modbus` also its MQTT identity: it publishes `in/{id}/0/meter`."),
  auth: authSetting,
  ...meterSettings,
});

const stationSettings = {
  auth: authSetting,
  evses: z.int().min(1).max(99).default(1).describe("How many EVSEs; currents below are for each of them."),
  circuit: Id.describe("The circuit that feeds it."),
  kind: z.enum(["ac", "dc"]).default("ac"),
  max_a: Amperes.min(1).default(32).describe("Most that one EVSE draws on a line, AC side."),
  min_a: Amperes.default(6).describe("Least it charges with; below it gets 0."),
  phases: z
    .union([z.literal(1), z.literal(3)], { error: "is not a number of lines. Write 1 or 3." })
    .default(3)
    .describe("Lines it is wired to."),
  phase_order: z
    .enum(PHASE_ORDERS)
    .default("L1L2L3")
    .describe("Which grid lines its own L1, L2, L3 are on. Rotate them from station to station."),
  phase_switching: z
    .boolean()
    .default(false)
    .describe(
      "Three-phase AC only: it can charge on one phase, follows `phases` of its limit and confirms them.",
    ),
  fallback_a: Amperes.default(6).describe(
    "What it falls back to without the gateway. Set the same in the station. Reserved for it while it is offline.",
  ),
  weight: z.number().min(0.01).max(100).default(1).describe("Share of scarce current, relative to others."),
  efficiency: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.94)
    .describe("DC only: energy to the car per energy taken."),
  step_a: z.number().min(0.1).max(10).optional().describe("Smallest change of current that it knows."),
  register_modulus_wh: z
    .int()
    .min(1000)
    .optional()
    .describe(
      "Where its energy register starts again from 0. Without it a fall is a reset, never a rollover.",
    ),
};

export const StationItem = z.strictObject({ id: Id.describe("Also its MQTT identity."), ...stationSettings });

export const StationDefaults = z
  .strictObject(stationSettings)
  .partial()
  .describe("What stations have that do not say otherwise.");

export type CircuitItem = z.output<typeof CircuitItem>;
export type StationItem = z.output<typeof StationItem>;
