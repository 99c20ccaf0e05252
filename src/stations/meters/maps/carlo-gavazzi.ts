/**
 * Carlo Gavazzi: int32 with the low word first; voltage and power in tenths, current in mA, energy in tenths of a kWh.
 * EM330, EM340, ET330, ET340 communication protocol; EM24 Ethernet communication protocol (the same addresses); EM24-DIN
 * communication protocol (energy and frequency elsewhere; not every application of it counts export).
 */
import { type MapFile, perLine } from "./lines.ts";

const int32 = { type: "int32" } as const;
const common: MapFile["points"] = [
  ...perLine("voltage", [0x00, 0x02, 0x04], { ...int32, unit: "V", exponent: -1 }),
  ...perLine("current", [0x0c, 0x0e, 0x10], { ...int32, unit: "mA" }),
  ...perLine("power", [0x12, 0x14, 0x16], { ...int32, unit: "W", exponent: -1 }),
  { quantity: "power", address: 0x28, ...int32, unit: "W", exponent: -1 },
];

export const carloGavazziEm300: MapFile = {
  id: "carlo-gavazzi-em300",
  name: "Carlo Gavazzi EM330, EM340, ET330, ET340, EM24 Ethernet",
  source:
    "EM330 EM340 ET330 ET340 Modbus communication protocol; EM24 Ethernet Modbus TCP/IP communication protocol",
  table: "input",
  words: "low-first",
  longest: 50,
  points: [
    ...common,
    { quantity: "frequency", address: 0x33, type: "uint16", unit: "Hz", exponent: -1 },
    { quantity: "energy_import", address: 0x34, ...int32, unit: "kWh", exponent: -1 },
    { quantity: "energy_export", address: 0x4e, ...int32, unit: "kWh", exponent: -1 },
  ],
};

export const carloGavazziEm24: MapFile = {
  id: "carlo-gavazzi-em24",
  name: "Carlo Gavazzi EM24-DIN (RS485, behind a gateway)",
  source: "EM24-DIN Modbus communication protocol",
  table: "input",
  words: "low-first",
  longest: 10,
  points: [
    ...common,
    { quantity: "frequency", address: 0x37, type: "uint16", unit: "Hz", exponent: -1 },
    { quantity: "energy_import", address: 0x42, ...int32, unit: "kWh", exponent: -1 },
    { quantity: "energy_export", address: 0x5c, ...int32, unit: "kWh", exponent: -1, optional: true },
  ],
};
