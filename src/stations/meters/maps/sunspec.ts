/**
 * SunSpec Alliance, Information Model Reference: meters (models 201 to 204 with scale factors, 211 to 214 as floats)
 * and inverters (101 to 103, 111 to 113). Power of a meter is positive where it imports; an inverter's is positive
 * where it produces. Meters behind an inverter may count the other way round: then the meter is set to `invert`.
 */
import { type MapFile, perLine } from "./lines.ts";

const float = { type: "float32" } as const;

export const sunspecMeter: MapFile = {
  id: "sunspec-meter",
  name: "SunSpec meter, models 201-204 and 211-214",
  source: "SunSpec Information Model Reference, models 201-204 and 211-214",
  longest: 100,
  gap: 60,
  sunspec: [
    {
      models: [201, 202, 203, 204],
      points: [
        ...perLine("current", [3, 4, 5], { type: "int16", unit: "A", factor: 6 }),
        ...perLine("voltage", [8, 9, 10], { type: "int16", unit: "V", factor: 15 }),
        { quantity: "frequency", address: 16, type: "int16", unit: "Hz", factor: 17 },
        { quantity: "power", address: 18, type: "int16", unit: "W", factor: 22 },
        ...perLine("power", [19, 20, 21], { type: "int16", unit: "W", factor: 22 }),
        { quantity: "energy_export", address: 38, type: "uint32", unit: "Wh", factor: 54 },
        { quantity: "energy_import", address: 46, type: "uint32", unit: "Wh", factor: 54 },
      ],
    },
    {
      models: [211, 212, 213, 214],
      points: [
        ...perLine("current", [4, 6, 8], { ...float, unit: "A" }),
        ...perLine("voltage", [12, 14, 16], { ...float, unit: "V" }),
        { quantity: "frequency", address: 26, ...float, unit: "Hz" },
        { quantity: "power", address: 28, ...float, unit: "W" },
        ...perLine("power", [30, 32, 34], { ...float, unit: "W" }),
        { quantity: "energy_export", address: 60, ...float, unit: "Wh" },
        { quantity: "energy_import", address: 68, ...float, unit: "Wh" },
      ],
    },
  ],
};

export const sunspecInverter: MapFile = {
  id: "sunspec-inverter",
  name: "SunSpec inverter, models 101-103 and 111-113",
  source: "SunSpec Information Model Reference, models 101-103 and 111-113",
  longest: 100,
  gap: 60,
  sunspec: [
    {
      models: [101, 102, 103],
      points: [
        ...perLine("current", [3, 4, 5], { type: "uint16", unit: "A", factor: 6 }),
        ...perLine("voltage", [10, 11, 12], { type: "uint16", unit: "V", factor: 13 }),
        { quantity: "power", address: 14, type: "int16", unit: "W", factor: 15, negate: true },
        { quantity: "frequency", address: 16, type: "uint16", unit: "Hz", factor: 17 },
        { quantity: "energy_export", address: 24, type: "uint32", unit: "Wh", factor: 26 },
      ],
    },
    {
      models: [111, 112, 113],
      points: [
        ...perLine("current", [4, 6, 8], { ...float, unit: "A" }),
        ...perLine("voltage", [16, 18, 20], { ...float, unit: "V" }),
        { quantity: "power", address: 22, ...float, unit: "W", negate: true },
        { quantity: "frequency", address: 24, ...float, unit: "Hz" },
        { quantity: "energy_export", address: 32, ...float, unit: "Wh" },
      ],
    },
  ],
};
