import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REGISTER_TYPES, REGISTERS_OF, type RegisterPoint } from "../../src/model/register-map.ts";
import { registerReads } from "../../src/rules/register-reads.ts";

const point = (address: number, more: Partial<RegisterPoint> = {}): RegisterPoint => ({
  quantity: "power",
  address,
  type: "int32",
  unit: "W",
  exponent: 0,
  negate: false,
  optional: false,
  ...more,
});
const spans = (points: RegisterPoint[], longest = 60, gap = 0) =>
  registerReads(points, { longest, gap }).map(({ address, count }) => [address, count]);

describe("reads of a register map", () => {
  it("neighbours are read together, in whatever order they are listed", () => {
    expect(spans([point(4), point(0), point(2)])).toEqual([[0, 6]]);
  });

  it("a gap is read along only when the map allows it", () => {
    expect(spans([point(0), point(6)])).toEqual([
      [0, 2],
      [6, 2],
    ]);
    expect(spans([point(0), point(6)], 60, 4)).toEqual([[0, 8]]);
  });

  it("a read is no longer than the meter takes", () => {
    expect(spans([point(0), point(2), point(4)], 4)).toEqual([
      [0, 4],
      [4, 2],
    ]);
  });

  it("a scale factor far away gets a read of its own", () => {
    expect(spans([point(0, { factor: 30 })])).toEqual([
      [0, 2],
      [30, 1],
    ]);
  });

  it("what is optional is read apart", () => {
    expect(registerReads([point(0), point(2, { optional: true })], { longest: 60, gap: 0 })).toMatchObject([
      { address: 0, count: 2, optional: false },
      { address: 2, count: 2, optional: true },
    ]);
  });

  it("every value lies whole in one read, and no read is too long", () => {
    const points = fc.array(
      fc.record({
        address: fc.integer({ min: 0, max: 300 }),
        type: fc.constantFrom(...REGISTER_TYPES),
        factor: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
        optional: fc.boolean(),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(
        points,
        fc.integer({ min: 4, max: 125 }),
        fc.integer({ min: 0, max: 50 }),
        (some, longest, gap) => {
          const all = some.map(({ factor, ...rest }) =>
            point(0, { ...rest, ...(factor === undefined ? {} : { factor }) }),
          );
          const reads = registerReads(all, { longest, gap });
          const holds = (address: number, count: number) =>
            reads.some((r) => address >= r.address && address + count <= r.address + r.count);
          for (const p of all) {
            expect(holds(p.address, REGISTERS_OF[p.type])).toBe(true);
            if (p.factor !== undefined) expect(holds(p.factor, 1)).toBe(true);
          }
          for (const { count } of reads) expect(count).toBeLessThanOrEqual(longest);
        },
      ),
    );
  });
});
