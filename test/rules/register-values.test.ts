import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RegisterPoint } from "../../src/model/register-map.ts";
import { pointValue, toNumber, toWh, valuesOf } from "../../src/rules/register-values.ts";

const point = (more: Partial<RegisterPoint>): RegisterPoint => ({
  quantity: "power",
  address: 0,
  type: "int16",
  unit: "W",
  exponent: 0,
  negate: false,
  optional: false,
  ...more,
});
const at =
  (registers: readonly number[], from = 0) =>
  (address: number, count: number) =>
    address >= from && address + count <= from + registers.length
      ? registers.slice(address - from, address - from + count)
      : undefined;
const read = (more: Partial<RegisterPoint>, registers: readonly number[], words = "high-first") => {
  const { value } = pointValue(point(more), at(registers), words as "high-first");
  return value === null ? null : toNumber(value);
};

describe("values in registers", () => {
  it.each([
    ["int16", [0xff9c], "high-first", -100],
    ["uint16", [0xff9c], "high-first", 65_436],
    ["int32", [0xffff, 0xff9c], "high-first", -100],
    ["int32", [0xff9c, 0xffff], "low-first", -100],
    ["uint32", [0x0001, 0x0002], "high-first", 65_538],
    ["int64", [0xffff, 0xffff, 0xffff, 0xff9c], "high-first", -100],
    ["uint64", [0, 0, 1, 0], "high-first", 65_536],
    ["float32", [0x4366, 0x0000], "high-first", 230],
    ["float32", [0x0000, 0x4366], "low-first", 230],
    ["float64", [0x406c, 0xc000, 0, 0], "high-first", 230],
  ] as const)("%s %j %s is %d", (type, registers, words, expected) => {
    expect(read({ type }, registers, words)).toBe(expected);
  });

  it.each([
    ["int16", [0x8000]],
    ["int16", [0x7fff]],
    ["uint16", [0xffff]],
    ["int32", [0x8000, 0]],
    ["int32", [0x7fff, 0xffff]],
    ["uint32", [0xffff, 0xffff]],
    ["int64", [0x8000, 0, 0, 0]],
    ["uint64", [0xffff, 0xffff, 0xffff, 0xffff]],
    ["float32", [0x7fc0, 0]],
    ["float32", [0x7f80, 0]],
    ["float64", [0x7ff8, 0, 0, 0]],
  ] as const)("%s %j says that there is no value", (type, registers) => {
    expect(read({ type }, registers)).toBeNull();
  });

  it("a scale factor register moves the point, and one that is not implemented takes the value away", () => {
    const scaled = (factor: number) => read({ factor: 1 }, [2345, factor & 0xffff]);
    expect(scaled(-1)).toBe(234.5);
    expect(scaled(2)).toBe(234_500);
    expect(scaled(0x8000)).toBeNull();
    expect(scaled(77)).toBeNull();
  });

  it("what was not read is absent", () => {
    expect(pointValue(point({ address: 9 }), at([1]), "high-first")).toMatchObject({ raw: "", value: null });
    expect(pointValue(point({ factor: 9 }), at([1]), "high-first").value).toBeNull();
  });

  it("units lead to the plain one, and a meter that counts the other way is turned", () => {
    expect(read({ unit: "kW", type: "uint16", exponent: -1 }, [123])).toBe(12_300);
    expect(read({ quantity: "current_l1", unit: "mA", type: "int32" }, [0, 1500])).toBe(1.5);
    expect(read({ negate: true }, [100])).toBe(-100);
  });

  it("energy is whole Wh, rounded down, and exact where a float would not be", () => {
    const wh = (more: Partial<RegisterPoint>, registers: readonly number[]) => {
      const { value } = pointValue(
        point({ quantity: "energy_import", ...more }),
        at(registers),
        "high-first",
      );
      return value && toWh(value);
    };
    expect(wh({ unit: "kWh", exponent: -1, type: "uint32" }, [0, 12_345])).toBe(1_234_500);
    expect(wh({ unit: "Wh", exponent: -1, type: "uint16" }, [19])).toBe(1);
    // 0.7 kWh as float32 is 0.69999999.
    expect(wh({ unit: "kWh", type: "float32" }, [0x3f33, 0x3333])).toBe(700);
    expect(wh({ unit: "Wh", type: "int16" }, [0xffff])).toBeNull();
    expect(wh({ unit: "MWh", type: "uint64" }, [0x00ff, 0xffff, 0, 0])).toBeNull();
  });

  it("every integer of every scale comes back as it was written", () => {
    const cases = fc.record({
      value: fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 2 }),
      exponent: fc.integer({ min: -6, max: 3 }),
      words: fc.constantFrom("high-first", "low-first"),
    });
    fc.assert(
      fc.property(cases, ({ value, exponent, words }) => {
        const unsigned = value >>> 0;
        const high = [unsigned >>> 16, unsigned & 0xffff];
        const registers = words === "low-first" ? high.toReversed() : high;
        expect(read({ type: "int32", exponent }, registers, words)).toBe(Number(`${value}e${exponent}`));
      }),
    );
  });

  it("absent values are left out", () => {
    const read = [
      { point: point({ quantity: "power" }), raw: "", value: { digits: 5n, exponent: 0 } },
      { point: point({ quantity: "frequency" }), raw: "", value: null },
    ];
    expect([...valuesOf(read).keys()]).toEqual(["power"]);
  });
});
