import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allocate, RANK, reasonCode } from "../../src/rules/allocate.ts";
import { lineMask } from "../../src/rules/allocate-tree.ts";
import {
  circuit,
  inputOf,
  randomCase,
  randomCaseWithAll,
  seeded,
  share,
  violations,
} from "./allocation-cases.ts";

const site = (limit: number | [number, number, number]) => [circuit("site", null, limit)];
const L1 = lineMask("L1L2L3", 1);
const RST1 = L1;
const STR1 = lineMask("L2L3L1", 1);

describe("minima, caps and ties", () => {
  test("no cars give an empty answer; no room gives 0 to all, never NaN", () => {
    expect(share(site(100), []).limitA).toEqual([]);
    const none = share(site(0), [{}, {}]);
    expect(none.limitA).toEqual([0, 0]);
    expect(none.reason).toEqual(["below_minimum", "below_minimum"]);
  });

  test("one car with ample room gets its maximum at once", () => {
    const { limitA, reason } = share(site(100), [{}]);
    expect(limitA).toEqual([32]);
    expect(reason).toEqual(["station_max"]);
  });

  test("two cars share 40 A as 20 and 20, as 19.8 in steps of 0.6 A", () => {
    const { limitA, reason, boundBy } = share(site(40), [{}, {}]);
    expect(limitA).toEqual([20, 20]);
    expect(reason).toEqual(["fair_share", "fair_share"]);
    expect(boundBy).toEqual(["site L1", "site L1"]);
    expect(share(site(40), [{ stepA: 0.6 }, { stepA: 0.6 }]).limitA).toEqual([19.8, 19.8]);
  });

  test("two cars on 10 A: the first gets all, the second nothing, every time", () => {
    for (let round = 0; round < 3; round++) {
      const { limitA, reason } = share(site(10), [{}, {}]);
      expect(limitA).toEqual([10, 0]);
      expect(reason).toEqual(["circuit_limit", "below_minimum"]);
    }
  });

  test("5.9 A left is below the minimum of 6 A", () => {
    const { limitA, reason, boundBy } = share(site([5.9, 30, 30]), [{}]);
    expect(limitA).toEqual([0]);
    expect(reason).toEqual(["below_minimum"]);
    expect(boundBy).toEqual(["site L1"]);
  });

  test("a running car keeps its place before a waiting one with a lower index", () => {
    expect(share(site(10), [{ rank: RANK.waiting }, { rank: RANK.running }]).limitA).toEqual([0, 10]);
  });

  test("a car on standby gets its minimum only when nobody else can use the room", () => {
    expect(share(site(36), [{ rank: RANK.standby }, {}]).limitA).toEqual([0, 32]);
    expect(share(site(38), [{ rank: RANK.standby }, {}]).limitA).toEqual([6, 32]);
  });

  test("an urgent car's target pushes the others to their minimum, then to 0; later they are back", () => {
    const bus = (targetA: number) => ({ rank: RANK.urgent, targetA, capA: 63 });
    const pool = [{}, {}];
    expect(share(site(44), [...pool, { rank: RANK.running, capA: 0 }]).limitA).toEqual([22, 22, 0]);
    expect(share(site(44), [...pool, bus(32)]).limitA).toEqual([6, 6, 32]);
    expect(share(site(44), [...pool, bus(40)]).limitA).toEqual([0, 0, 44]);
    expect(share(site(44), [...pool, { rank: RANK.running, capA: 0 }]).limitA).toEqual([22, 22, 0]);
  });

  test("a car that tapers to 4 A keeps an offer of 6 A, the rest is used by others", () => {
    const tapering = { capA: 6, capReason: "demand_met" as const };
    const { limitA, reason } = share(site(40), [tapering, { capA: 63 }]);
    expect(limitA).toEqual([6, 34]);
    expect(reason).toEqual(["demand_met", "fair_share"]);
  });

  test("steps of 0.1 A and 1 A mix to valid values within the limit", () => {
    const { limitA } = share(site(40.5), [{ stepA: 0.1 }, { stepA: 1 }, { stepA: 1 }]);
    expect(limitA.reduce((a, b) => a + b)).toBeCloseTo(40.5, 9);
    expect(limitA.slice(1).every(Number.isInteger)).toBe(true);
  });
});

describe("circuits and lines", () => {
  const rows = (parent: number, a: number, b: number) => [
    circuit("site", null, parent),
    circuit("row-a", "site", a),
    circuit("row-b", "site", b),
  ];

  test("a parent tighter than its children holds, and weights are respected", () => {
    const { limitA, boundBy } = share(rows(30, 32, 32), [
      { circuit: "row-a", weight: 2 },
      { circuit: "row-b", weight: 1 },
    ]);
    expect(limitA).toEqual([20, 10]);
    expect(boundBy).toEqual(["site L1", "site L1"]);
  });

  test("what a tighter child cannot use goes to the sibling branch", () => {
    const { limitA, boundBy } = share(rows(50, 10, 63), [
      { circuit: "row-a", capA: 63 },
      { circuit: "row-b", capA: 63 },
    ]);
    expect(limitA).toEqual([10, 40]);
    expect(boundBy).toEqual(["row-a L1", "site L1"]);
  });

  test("L2 full: a single-phase car wired to L2 gets 0, one wired to L1 runs", () => {
    const { limitA, boundBy } = share(site([32, 0, 32]), [{ lines: STR1 }, { lines: RST1 }]);
    expect(limitA).toEqual([0, 32]);
    expect(boundBy[0]).toBe("site L2");
  });

  test("a three-phase car is limited on all lines by the tight one", () => {
    const { limitA, boundBy } = share(site([11, 40, 40]), [{}]);
    expect(limitA).toEqual([11]);
    expect(boundBy).toEqual(["site L1"]);
  });

  test("a car known to use two lines leaves the third to others", () => {
    const third = { lines: 4, capA: 32 };
    expect(share(site(32), [{ lines: 7, rank: RANK.justStarted }, third]).limitA).toEqual([16, 16]);
    expect(share(site(32), [{ lines: 3, rank: RANK.justStarted }, third]).limitA).toEqual([32, 32]);
  });

  test("several roots do not share", () => {
    expect(
      share([circuit("a", null, 10), circuit("b", null, 20)], [{ circuit: "a" }, { circuit: "b" }]).limitA,
    ).toEqual([10, 20]);
  });

  test("room as a binary fraction loses no tenth: 64.1 A is 641 tenths", () => {
    expect(share(site(64.1), [{ capA: 100 }]).limitA).toEqual([64.1]);
  });
});

describe("bad input", () => {
  test("NaN and negative room are no room; unlimited room gives the maximum", () => {
    const { input } = inputOf(site(50), [{}, {}]);
    for (const bad of [Number.NaN, -5, Number.NEGATIVE_INFINITY]) {
      input.roomA[1] = bad;
      expect([...allocate(input).limitA]).toEqual([0, 0]);
    }
    input.roomA.fill(Number.POSITIVE_INFINITY);
    expect([...allocate(input).limitA]).toEqual([32, 32]);
  });

  test("NaN in a cap, minimum, weight or step shuts one EVSE out or changes nothing, and hurts no other", () => {
    for (const field of ["capA", "minA", "stepA", "weight"] as const) {
      const { input } = inputOf(site(50), [{}, {}]);
      input[field][0] = Number.NaN;
      const answer = allocate(input);
      expect([0, 25]).toContain(answer.limitA[0]);
      expect(answer.limitA[1]).toBe(answer.limitA[0] === 0 ? 32 : 25);
    }
  });

  test("circuits out of preorder and EVSEs on no circuit are refused", () => {
    const { input } = inputOf(site(50), [{}]);
    expect(() => allocate({ ...input, circuit: Int32Array.of(4) })).toThrow("EVSE 0 is on circuit 4");
    expect(() => allocate({ ...input, roomA: new Float64Array(2) })).toThrow("need three each");
    const parent = Int32Array.of(-1, 0, 0, 1);
    expect(() => allocate({ ...input, parent, roomA: new Float64Array(12) })).toThrow("preorder");
  });
});

describe("properties", () => {
  const runs = process.env.DEEP ? 10_000 : 400;

  test("any tree in any state: within every limit, 0 or at least the minimum, nobody could have more", () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(3, 12, 60), (seed, size) => {
        const { input } = randomCase(seeded(seed), size);
        expect(violations(input, allocate(input))).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  test("the same input gives the same answer, also after a copy through another thread's clone", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { input } = randomCase(seeded(seed), 20);
        expect(allocate(structuredClone(input))).toEqual(allocate(input));
      }),
      { numRuns: 50 },
    );
  });

  test("whoever is held has at least the share of anyone above its minimum on some full line or power limit", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { input: all } = randomCaseWithAll(seeded(seed), 25);
        const { unbalanceA: _u, classWeight: _c, order: _o, resting: _r, ...input } = all;
        input.stepA.fill(0.1);
        input.targetA?.fill(0);
        input.rank.fill(RANK.running);
        input.voltageV = 230;
        const { limitA, reason } = allocate(input);
        const held = [reasonCode("fair_share"), reasonCode("circuit_limit"), reasonCode("power_limit")];
        const count = (i: number) => [1, 2, 4].filter((bit) => (input.lines[i] ?? 0) & bit).length;
        const limited = (c: number) => Number.isFinite(input.roomW?.[c]);
        /** A of room, of power summed over lines. */
        const roomOf = (k: number) =>
          k % 4 === 3
            ? (input.roomW?.[(k - 3) / 4] ?? 0) / 230
            : (input.roomA[Math.floor(k / 4) * 3 + (k % 4)] ?? 0);
        const keys = (i: number) => {
          const all = new Set<number>();
          for (let c = input.circuit[i] ?? -1; c >= 0; c = input.parent[c] ?? -1)
            for (let p = 0; p < 4; p++)
              if (p === 3 ? limited(c) : (input.lines[i] ?? 0) & (1 << p)) all.add(c * 4 + p);
          return all;
        };
        const on = Array.from(limitA, (_, i) => keys(i));
        const sum = new Map<number, number>();
        on.forEach((set, i) => {
          for (const k of set)
            sum.set(k, (sum.get(k) ?? 0) + (limitA[i] ?? 0) * (k % 4 === 3 ? count(i) : 1));
        });
        // One tenth of rounding for each EVSE is what separates this from the exact water level.
        const step = 0.1 * limitA.length + 1e-6;
        /** What is too little for a step on three lines is three steps on one. */
        const slackOf = (k: number) => (k % 4 === 3 ? 3 : 1) * step;
        limitA.forEach((a, i) => {
          if (a === 0 || !held.includes(reason[i] ?? -1)) return;
          const mine = a / (input.weight[i] ?? 1);
          const bottleneck = [...(on[i] ?? [])].some((k) => {
            const slack = slackOf(k);
            if (roomOf(k) - (sum.get(k) ?? 0) > slack) return false;
            return Array.from(limitA).every((b, o) => {
              if (!on[o]?.has(k) || b <= (input.minA[o] ?? 0) + slack) return true;
              const w = input.weight[o] ?? 1;
              return b / w <= mine + slack / Math.min(w, input.weight[i] ?? 1);
            });
          });
          expect(bottleneck, `EVSE ${i} of seed ${seed}`).toBe(true);
        });
      }),
      { numRuns: runs },
    );
  });
});
