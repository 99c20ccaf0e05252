/**
 * Janitza: the list of frequently required readings, float32 in holding registers from 19000, which all UMG devices
 * share. UMG 604 Modbus address list and formulary; UMG 96RM Modbus address list and formulary (doc. 1.040.034).
 */
import { type MapFile, perLine } from "./lines.ts";

const float = { type: "float32" } as const;

export const janitzaUmg: MapFile = {
  id: "janitza-umg",
  name: "Janitza UMG 604, UMG 96RM, UMG 96RM-E and relatives",
  source: "Janitza UMG 604 and UMG 96RM Modbus address lists, frequently required readings",
  longest: 100,
  gap: 24,
  points: [
    ...perLine("voltage", [19_000, 19_002, 19_004], { ...float, unit: "V" }),
    ...perLine("current", [19_012, 19_014, 19_016], { ...float, unit: "A" }),
    ...perLine("power", [19_020, 19_022, 19_024], { ...float, unit: "W" }),
    { quantity: "power", address: 19_026, ...float, unit: "W" },
    { quantity: "frequency", address: 19_050, ...float, unit: "Hz" },
    { quantity: "energy_import", address: 19_068, ...float, unit: "Wh" },
    { quantity: "energy_export", address: 19_076, ...float, unit: "Wh" },
  ],
};
