/** Eastron: float32 in input registers. SDM630 Modbus protocol; SDM72D-M-2 Modbus protocol (the same addresses). */
import { type MapFile, perLine } from "./lines.ts";

const float = { type: "float32" } as const;

export const eastronSdm630: MapFile = {
  id: "eastron-sdm630",
  name: "Eastron SDM630 and SDM72D-M-2",
  source: "Eastron SDM630-Modbus protocol; Eastron SDM72D-M-2 Modbus protocol",
  table: "input",
  longest: 80,
  points: [
    ...perLine("voltage", [0x00, 0x02, 0x04], { ...float, unit: "V" }),
    ...perLine("current", [0x06, 0x08, 0x0a], { ...float, unit: "A" }),
    ...perLine("power", [0x0c, 0x0e, 0x10], { ...float, unit: "W" }),
    { quantity: "power", address: 0x34, ...float, unit: "W" },
    { quantity: "frequency", address: 0x46, ...float, unit: "Hz" },
    { quantity: "energy_import", address: 0x48, ...float, unit: "kWh" },
    { quantity: "energy_export", address: 0x4a, ...float, unit: "kWh" },
  ],
};
