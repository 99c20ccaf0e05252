import { describe, expect, it } from "vitest";
import type { Quantity } from "../../src/model/register-map.ts";
import { type MeterWiring, meterReading } from "../../src/rules/meter-reading.ts";
import type { Values } from "../../src/rules/register-values.ts";

const values = (some: Partial<Record<Quantity, number>>): Values =>
  new Map(
    Object.entries(some).map(([quantity, value]) => [
      quantity as Quantity,
      { digits: BigInt(Math.round(value * 1000)), exponent: -3 },
    ]),
  );
const wiring = (more: Partial<MeterWiring> = {}): MeterWiring => ({
  role: "circuit",
  invert: false,
  phases: 3,
  phaseOrder: "L1L2L3",
  ...more,
});
const currents = (a: number, b: number, c: number) => ({ current_l1: a, current_l2: b, current_l3: c });
const powers = (a: number, b: number, c: number) => ({ power_l1: a, power_l2: b, power_l3: c });
const amperes = (some: Partial<Record<Quantity, number>>, more: Partial<MeterWiring> = {}) =>
  meterReading(values(some), wiring(more)).reading.current_a;

describe("a meter's reading", () => {
  it("a current without a sign takes that of its line's power: export makes room line by line", () => {
    expect(amperes({ ...currents(10, 4, 7), ...powers(2300, -920, -1610) })).toEqual([10, -4, -7]);
  });

  it("a current with a sign keeps it, and is not turned twice", () => {
    expect(amperes({ ...currents(10, -4, -7), ...powers(2300, -920, -1610) })).toEqual([10, -4, -7]);
    expect(amperes(currents(10, -4, -7))).toEqual([10, -4, -7]);
  });

  it("clamps the other way round are turned, energy with them", () => {
    const some = { ...currents(10, 4, 7), ...powers(-2300, 920, 1610), energy_import: 5, energy_export: 900 };
    expect(meterReading(values(some), wiring({ invert: true })).reading).toEqual({
      current_a: [10, -4, -7],
      power_w: -230,
      energy_import_wh: 900,
      energy_export_wh: 5,
    });
  });

  it("of a circuit's currents without sign beside a negative sum nobody knows the line: all count as load", () => {
    expect(amperes({ ...currents(10, 4, 7), power: -1000 })).toEqual([10, 4, 7]);
    expect(amperes({ ...currents(10, 4, 7), power: 1000 }, { invert: true })).toEqual([10, 4, 7]);
  });

  it("an inverter's currents follow its power: production is negative", () => {
    expect(amperes({ ...currents(10, 10, 10), power: -6900 }, { role: "pv" })).toEqual([-10, -10, -10]);
  });

  it("the lines of the meter are put where they are in the grid", () => {
    const some = { ...currents(1, 2, 3), voltage_l1: 231, voltage_l2: 232, voltage_l3: 233 };
    expect(meterReading(values(some), wiring({ phaseOrder: "L2L3L1" })).reading).toEqual({
      current_a: [3, 1, 2],
      voltage_v: [233, 231, 232],
    });
  });

  it("one line alone: the others carry nothing", () => {
    const one = wiring({ phases: 1, phaseOrder: "L2L3L1" });
    expect(meterReading(values({ current_l1: 6, power_l1: -1380, voltage_l1: 230 }), one)).toEqual({
      reading: { current_a: [0, -6, 0], voltage_v: [230], power_w: -1380 },
      missing: [],
    });
  });

  it("a circuit's meter that lacks a line's current says which, and gives no currents at all", () => {
    const { reading, missing } = meterReading(values({ current_l1: 1, current_l3: 2, power: 700 }), wiring());
    expect(reading).toEqual({ power_w: 700 });
    expect(missing).toEqual(["current_l2"]);
  });

  it("production is known by its power; currents are not asked for", () => {
    expect(meterReading(values({ power: -700 }), wiring({ role: "pv" })).missing).toEqual([]);
    expect(meterReading(values(currents(1, 1, 1)), wiring({ role: "battery" })).missing).toEqual(["power"]);
  });

  it("a state of charge beyond 0 to 100 % is none", () => {
    const soc = (value: number) => meterReading(values({ soc: value }), wiring()).reading.soc_pct;
    expect([soc(55.5), soc(101), soc(-1)]).toEqual([55.5, undefined, undefined]);
  });
});
