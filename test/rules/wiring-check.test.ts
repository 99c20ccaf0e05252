import { describe, expect, it } from "vitest";
import type { Quantity } from "../../src/model/register-map.ts";
import type { MeterWiring } from "../../src/rules/meter-reading.ts";
import { wiringRemarks } from "../../src/rules/wiring-check.ts";

const GOOD = {
  voltage_l1: 230,
  voltage_l2: 231,
  voltage_l3: 229,
  current_l1: 10,
  current_l2: 12,
  current_l3: 8,
  power_l1: 2_250,
  power_l2: 2_700,
  power_l3: 1_800,
  frequency: 50,
};
const WIRING: MeterWiring = { role: "circuit", invert: false, phases: 3, phaseOrder: "L1L2L3" };
const remarks = (more: Partial<Record<Quantity, number>>, wiring: Partial<MeterWiring> = {}) => {
  const values = Object.entries({ ...GOOD, ...more }).map(
    ([quantity, value]) => [quantity as Quantity, { float: value, exponent: 0 }] as const,
  );
  return wiringRemarks(new Map(values), { ...WIRING, ...wiring });
};

describe("the wiring of a meter", () => {
  it("nothing is said of a meter that is wired well", () => {
    expect(remarks({})).toEqual([]);
  });

  it("one clamp the other way round is named with its line", () => {
    expect(remarks({ power_l2: -2_700 })).toMatchObject([
      { where: "L2", fix: expect.stringContaining("turn its clamp") },
    ]);
  });

  it("all clamps the other way round: the meter", () => {
    const back = { power_l1: -2_250, power_l2: -2_700, power_l3: -1_800 };
    expect(remarks(back)).toMatchObject([{ where: "meter", fix: expect.stringContaining("invert: true") }]);
    expect(remarks(back, { invert: true })).toEqual([]);
  });

  it("clamps on each other's line show as a power factor that no load has", () => {
    expect(
      remarks({ power_l1: 1_150, power_l2: 1_386 }).map(({ where, fix }) => [where, /swap/.test(fix)]),
    ).toEqual([
      ["L1", true],
      ["L2", true],
    ]);
  });

  it("more power than voltage and current allow: a transformer's ratio", () => {
    expect(remarks({ power_l3: 90_000 })).toMatchObject([
      { where: "L3", fix: expect.stringContaining("ratio of the current transformers") },
    ]);
  });

  it("a voltage input without voltage, or between two lines", () => {
    expect(remarks({ voltage_l2: 0 })).toMatchObject([{ where: "L2", fix: expect.stringContaining("fuse") }]);
    expect(remarks({ voltage_l2: 400 })).toContainEqual(
      expect.objectContaining({ where: "L2", fix: expect.stringContaining("line to neutral") }),
    );
    expect(remarks({ voltage_l2: 0, voltage_l3: 0, current_l2: 0, current_l3: 0 }, { phases: 1 })).toEqual(
      [],
    );
  });

  it("a frequency that no grid has: another meter's map", () => {
    expect(remarks({ frequency: 3.2 })).toMatchObject([
      { where: "meter", fix: expect.stringContaining("map") },
    ]);
  });

  it("a plant that takes power is asked about, one that produces is not", () => {
    const produces = { power_l1: -2_250, power_l2: -2_700, power_l3: -1_800 };
    expect(remarks(produces, { role: "pv" })).toEqual([]);
    expect(remarks({}, { role: "pv" })).toMatchObject([{ where: "meter", seen: "the plant takes 6750 W" }]);
  });
});
