/**
 * A register map: where a Modbus meter keeps what it measures, as data. Addresses are those of the wire, from 0
 * (documents that count from 30001 or 40001 are one and the table's digit ahead). Registers are 16 bits, big-endian;
 * values of several registers come high word first unless `words` says otherwise. Keys are single words, so that a map
 * reads the same in the config, in a file and in code.
 */
import { z } from "zod";
import { Id } from "./ids.ts";

export const QUANTITIES = [
  "current_l1",
  "current_l2",
  "current_l3",
  "voltage_l1",
  "voltage_l2",
  "voltage_l3",
  "power_l1",
  "power_l2",
  "power_l3",
  "power",
  "energy_import",
  "energy_export",
  "frequency",
  "soc",
] as const;
export type Quantity = (typeof QUANTITIES)[number];

export const REGISTER_TYPES = [
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "float32",
  "float64",
] as const;
export type RegisterType = (typeof REGISTER_TYPES)[number];

/** How many registers a value takes. */
export const REGISTERS_OF = {
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
} as const satisfies Record<RegisterType, number>;

/** Power of ten that leads to the plain unit. */
export const UNITS = {
  A: 0,
  mA: -3,
  V: 0,
  mV: -3,
  W: 0,
  kW: 3,
  MW: 6,
  Wh: 0,
  kWh: 3,
  MWh: 6,
  Hz: 0,
  mHz: -3,
  "%": 0,
} as const;
export type Unit = keyof typeof UNITS;

const PLAIN_UNIT = {
  current: ["A", "mA"],
  voltage: ["V", "mV"],
  power: ["W", "kW", "MW"],
  energy: ["Wh", "kWh", "MWh"],
  frequency: ["Hz", "mHz"],
  soc: ["%"],
} as const satisfies Record<string, readonly Unit[]>;

/** The units that fit a quantity, the plain one first. */
export function unitsOf(quantity: Quantity): readonly Unit[] {
  return PLAIN_UNIT[quantity.split("_")[0] as keyof typeof PLAIN_UNIT];
}

const address = z.int().min(0).max(65_535);

export const RegisterPoint = z
  .strictObject({
    quantity: z.enum(QUANTITIES).describe("What is measured. Power and current: import is positive."),
    address: address.describe(
      "Of the first register, from 0 as on the wire. In a SunSpec model: from the model's id.",
    ),
    type: z.enum(REGISTER_TYPES),
    unit: z.enum(Object.keys(UNITS) as [Unit, ...Unit[]]).describe("Of the value after `exponent`."),
    exponent: z
      .int()
      .min(-9)
      .max(9)
      .default(0)
      .describe("The value is the register times ten to this power: -1 for tenths."),
    factor: address
      .optional()
      .describe("Address of an int16 register that holds a further power of ten (SunSpec `sunssf`)."),
    negate: z
      .boolean()
      .default(false)
      .describe("The meter counts the other way round: export, or production, is positive."),
    optional: z
      .boolean()
      .default(false)
      .describe("Some variants of the meter lack it: it is left out when they refuse to show it."),
  })
  .superRefine(({ quantity, unit }, at) => {
    if (unitsOf(quantity).includes(unit)) return;
    at.addIssue({
      code: "custom",
      path: ["unit"],
      message: `is no unit of ${quantity}.`,
      params: { code: "LP105", fix: `Write one of: ${unitsOf(quantity).join(", ")}.` },
    });
  });
export type RegisterPoint = z.output<typeof RegisterPoint>;

const points = z
  .array(RegisterPoint)
  .min(1)
  .superRefine((all, at) => {
    for (const [index, { quantity }] of all.entries())
      if (all.findIndex((p) => p.quantity === quantity) !== index)
        at.addIssue({
          code: "custom",
          path: [index, "quantity"],
          message: "is in the list twice.",
          params: { code: "LP110", fix: "Leave one of them out." },
        });
  });

/** A SunSpec model, or several of the same layout; addresses count from the register that holds the model's id. */
const SunSpecModel = z.strictObject({
  models: z.array(z.int().min(1).max(65_534)).min(1).describe("Model ids that have this layout."),
  points,
});
export type SunSpecModel = z.output<typeof SunSpecModel>;

export const RegisterMap = z
  .strictObject({
    id: Id,
    name: z.string().min(1).max(80).describe("Of the meter, for people."),
    source: z.string().max(300).default("").describe("The document that the addresses are from."),
    table: z
      .enum(["holding", "input"])
      .default("holding")
      .describe("holding: function 3. input: function 4."),
    words: z
      .enum(["high-first", "low-first"])
      .default("high-first")
      .describe("Order of the registers of one value."),
    longest: z.int().min(1).max(125).default(60).describe("Most registers in one read."),
    gap: z
      .int()
      .min(0)
      .max(120)
      .default(0)
      .describe("Registers that hold something else and may be read along, to save a read."),
    points: points.optional().describe("At fixed addresses."),
    sunspec: z
      .array(SunSpecModel)
      .min(1)
      .optional()
      .describe("In models that the meter lists itself, found by the marker `SunS`."),
  })
  .superRefine((map, at) => {
    if ((map.points === undefined) !== (map.sunspec === undefined)) return;
    at.addIssue({
      code: "custom",
      message: "needs either points or sunspec.",
      params: { code: "LP108", fix: "Write points for fixed addresses, sunspec for models, and not both." },
    });
  });
export type RegisterMap = z.output<typeof RegisterMap>;

/** All points of a map, whatever the model. */
export const pointsOf = (map: RegisterMap): readonly RegisterPoint[] =>
  map.points ?? (map.sunspec ?? []).flatMap((model) => model.points);

/** What a meter is for. */
export const METER_ROLES = ["circuit", "pv", "battery", "building"] as const;
export type MeterRole = (typeof METER_ROLES)[number];
