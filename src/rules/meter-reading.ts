/**
 * What a meter's values mean for the depot: the body of an `in/{meter}/0/meter` message. Import is positive. Many meters
 * report currents without a sign beside power per line with one (Eastron, Carlo Gavazzi by default, SolarEdge): the
 * sign of a current is then that of its line's power, so that export makes room where it is, line by line.
 */
import { linesOf, type PhaseOrder } from "../model/circuit.ts";
import type { MeterRole, Quantity } from "../model/register-map.ts";
import { toNumber, toWh, type Values } from "./register-values.ts";

export interface MeterWiring {
  role: MeterRole;
  /** Clamps or the meter are mounted the other way round. */
  invert: boolean;
  /** Lines it is connected to; with 1 the others carry nothing. */
  phases: 1 | 3;
  /** Which grid lines its own L1, L2, L3 are on. */
  phaseOrder: PhaseOrder;
}

/** The fields that a meter station publishes; A, V, W, Wh, on the grid's lines. */
export interface MeterReading {
  energy_import_wh?: number;
  energy_export_wh?: number;
  power_w?: number;
  current_a?: [number, number, number];
  voltage_v?: number[];
  soc_pct?: number;
}

export interface ReadingResult {
  reading: MeterReading;
  /** Quantities that a meter of this role must have and that are not there now. */
  missing: Quantity[];
}

const LINES = [1, 2, 3] as const;
const round = (value: number, places: number) => Math.round(value * 10 ** places) / 10 ** places;

export function meterReading(values: Values, wiring: MeterWiring): ReadingResult {
  const { role, invert, phases } = wiring;
  const turned = invert ? -1 : 1;
  const number = (quantity: Quantity) => {
    const value = values.get(quantity);
    return value === undefined ? undefined : toNumber(value);
  };
  const used = LINES.slice(0, phases);
  const linePower = used.map((n) => signed(number(`power_l${n}`), turned));
  const sum = linePower.every((w) => w !== undefined) ? linePower.reduce((all, w) => all + w, 0) : undefined;
  const power = signed(number("power"), turned) ?? sum;
  const currents = used.map((n) => number(`current_l${n}`));
  const missing = used.map((n): Quantity => `current_l${n}`).filter((_, i) => currents[i] === undefined);
  const toGrid = linesOf(wiring.phaseOrder, 3) as (0 | 1 | 2)[];
  const reading: MeterReading = {};

  if (missing.length === 0) {
    const onLines: [number, number, number] = [0, 0, 0];
    const isSigned = currents.some((a) => (a as number) < 0);
    for (const i of used.keys()) {
      const amperes = currents[i] as number;
      const sign = signOf(amperes, linePower[i], { power, turned, isSigned, role });
      onLines[toGrid[i] as 0 | 1 | 2] = round(sign * Math.abs(amperes), 3);
    }
    reading.current_a = onLines;
  }
  const voltages = used.map((n) => number(`voltage_l${n}`));
  if (voltages.every((v) => v !== undefined)) {
    const onLines = phases === 1 ? [] : [0, 0, 0];
    for (const [i, v] of voltages.entries()) onLines[phases === 1 ? 0 : (toGrid[i] as number)] = round(v, 2);
    reading.voltage_v = onLines;
  }
  if (power !== undefined) reading.power_w = round(power, 1);
  const energy = (quantity: Quantity) => {
    const value = values.get(quantity);
    return value === undefined ? null : toWh(value);
  };
  const [imported, exported] = invert
    ? [energy("energy_export"), energy("energy_import")]
    : [energy("energy_import"), energy("energy_export")];
  if (imported !== null) reading.energy_import_wh = imported;
  if (exported !== null) reading.energy_export_wh = exported;
  const soc = number("soc");
  if (soc !== undefined && soc >= 0 && soc <= 100) reading.soc_pct = round(soc, 1);
  if (role !== "circuit") return { reading, missing: power === undefined ? ["power"] : [] };
  return { reading, missing };
}

const signed = (value: number | undefined, turned: number) =>
  value === undefined ? undefined : value * turned;

interface SignSigns {
  power: number | undefined;
  turned: number;
  /** The meter shows currents below 0, so it knows their sign. */
  isSigned: boolean;
  role: MeterRole;
}

function signOf(amperes: number, linePowerW: number | undefined, signs: SignSigns): number {
  if (linePowerW !== undefined && linePowerW !== 0) return Math.sign(linePowerW);
  if (signs.isSigned) return Math.sign(amperes) * signs.turned;
  // Which line exports cannot be told from the sum: for a circuit all of it counts as load.
  return signs.role === "circuit" ? 1 : Math.sign(signs.power ?? 1);
}
