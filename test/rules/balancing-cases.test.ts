/** Cases of a depot's day that the allocation must get right: grid orders, unbalance, priorities, plans, DC. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allocate, RANK } from "../../src/rules/allocate.ts";
import { dcLineAmps } from "../../src/rules/currents.ts";
import {
  type Car,
  circuit,
  inputOf,
  randomCaseWithAll,
  seeded,
  share,
  violations,
} from "./allocation-cases.ts";

const site = (limit: number | [number, number, number]) => [circuit("site", null, limit)];
const [L1, L2, L3] = [1, 2, 4];
const times = (n: number, car: Car = {}): Car[] => Array.from({ length: n }, () => ({ ...car }));
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const lines = (car: Car) => [L1, L2, L3].filter((bit) => (car.lines ?? 7) & bit).length;
const watts = (cars: readonly Car[], limitA: readonly number[]) =>
  sum(cars.map((car, i) => lines(car) * (limitA[i] ?? 0) * 230));

describe("limits in W", () => {
  test("Section 14a leaves 40.1 kW to 20 points of 22 kW: 9 run three-phase at 6 A or a little more, 11 get 0", () => {
    const cars = times(20, { lines: 7, minA: 6, capA: 32 });
    const { limitA, reason, boundBy } = share(site(1000), cars, {
      roomW: { site: 40_100 },
      powerReason: "grid_order",
    });
    expect(limitA.filter((a) => a >= 6)).toHaveLength(9);
    expect(limitA.filter((a) => a > 0 && a < 6)).toHaveLength(0);
    expect(watts(cars, limitA)).toBeLessThanOrEqual(40_100);
    expect(watts(cars, limitA)).toBeGreaterThan(40_100 - 3 * 0.1 * 230);
    expect(new Set(reason)).toEqual(new Set(["grid_order"]));
    expect(new Set(boundBy)).toEqual(new Set(["site power"]));
  });

  test("own production of 20 kW comes on top of what Section 14a leaves: charging has 60.1 kW, 14 points run", () => {
    const cars = times(20);
    const { limitA } = share(site(1000), cars, { roomW: { site: 60_100 } });
    expect(limitA.filter((a) => a > 0)).toHaveLength(14);
    expect(watts(cars, limitA)).toBeLessThanOrEqual(60_100);
    expect(watts(cars, limitA)).toBeGreaterThan(60_100 - 3 * 0.1 * 230);
  });

  test("single-, two-, three-phase cars and a DC station share 13.8 kW to the last tenth of an ampere", () => {
    const cars = [{ lines: L1 }, { lines: L2 | L3 }, { lines: 7 }, { lines: 7, minA: 5 }];
    const { limitA, reason } = share(site(1000), cars, { roomW: { site: 13_800 } });
    // 13800 W / 230 V = 60 A over all lines: 9 lines at 6.6 A make 59.4 A, three of the six tenths go to single lines.
    expect(watts(cars, limitA)).toBeCloseTo(13_800, 6);
    expect(Math.max(...limitA) - Math.min(...limitA)).toBeLessThanOrEqual(0.5);
    expect(new Set(reason)).toEqual(new Set(["power_limit"]));
  });

  test("a row's limit in W holds below a site that has none, and what it cannot use goes to the other row", () => {
    const { limitA, boundBy } = share(
      [circuit("site", null, 60), circuit("row-a", "site", 63), circuit("row-b", "site", 63)],
      [
        { circuit: "row-a", capA: 63 },
        { circuit: "row-b", capA: 63 },
      ],
      { roomW: { "row-a": 6_900 } },
    );
    expect(limitA).toEqual([10, 50]);
    expect(boundBy).toEqual(["row-a power", "site L1"]);
  });

  test("NaN and negative W are no room, unlimited W changes nothing, another voltage counts", () => {
    for (const bad of [Number.NaN, -1])
      expect(share(site(50), [{}, {}], { roomW: { site: bad } }).limitA).toEqual([0, 0]);
    expect(share(site(50), [{}, {}], { roomW: { site: Number.POSITIVE_INFINITY } }).limitA).toEqual([25, 25]);
    const { input } = inputOf(site(50), [{ lines: L1 }], { roomW: { site: 2_000 } });
    expect([...allocate({ ...input, voltageV: 200 }).limitA]).toEqual([10]);
  });

  test("50 kW DC on 230 V reserves 72.4 A of 72.46 on each line", () => {
    const atFull = dcLineAmps(50_000, 230, 1);
    expect(atFull).toBeCloseTo(72.46, 2);
    const { limitA } = share(site(110), [{ capA: atFull, minA: 5 }, { lines: L1 }]);
    expect(limitA).toEqual([72.4, 32]);
  });
});

describe("unbalance", () => {
  const lim = { unbalanceA: { site: 20 } };

  test("three cars on L1 under an unbalance of 20 A: L1 stays 20 A above the lowest line", () => {
    const { limitA, reason, boundBy } = share(site(63), times(3, { lines: L1 }), lim);
    expect(sum(limitA)).toBeCloseTo(20, 9);
    expect(Math.min(...limitA)).toBeGreaterThanOrEqual(6.6);
    expect(reason).toEqual(["unbalance", "unbalance", "unbalance"]);
    expect(boundBy).toEqual(["site L1", "site L1", "site L1"]);
  });

  test("four cars on L1 whose minima do not fit into 20 A: the last gets 0, the others keep theirs", () => {
    const { limitA, reason } = share(site(63), times(4, { lines: L1 }), lim);
    expect(limitA[3]).toBe(0);
    expect(sum(limitA)).toBeCloseTo(20, 9);
    expect(reason).toEqual(["unbalance", "unbalance", "unbalance", "unbalance"]);
  });

  test("a balanced trio runs at full; when the car on L2 stops, L1 and L3 come down at once", () => {
    const trio: Car[] = [{ lines: L1 }, { lines: L2 }, { lines: L3 }];
    expect(share(site(63), trio, lim).limitA).toEqual([32, 32, 32]);
    expect(share(site(63), [trio[0] ?? {}, { lines: L2, capA: 0 }, trio[2] ?? {}], lim).limitA).toEqual([
      20, 0, 20,
    ]);
    // It is still offered 32 A and draws none: what flows counts, not what is offered.
    const drawn = [32, 0, 32].map((drawnA, i) => ({ ...trio[i], drawnA }));
    expect(share(site(63), drawn, lim).limitA).toEqual([20, 32, 20]);
  });

  test("a cut on one circuit that puts another circuit's lines apart is followed there", () => {
    const tree = [circuit("site", null, 100), circuit("row", "site", 100)];
    const trio: Car[] = [
      { circuit: "site", lines: L1 },
      { circuit: "row", lines: L2 },
      { circuit: "site", lines: L3 },
    ];
    // The row's 8 A on L2 leave the site 28 A on L1 and L3.
    expect(share(tree, trio, { unbalanceA: { site: 20, row: 8 } }).limitA).toEqual([28, 8, 28]);
  });

  test("three-phase cars are not touched, other load counts, and what it does alone is not charged to cars", () => {
    const cars = [{ lines: L1 }, { lines: 7 }];
    const loaded = { ...lim, otherA: { site: [12, 0, 0] as const } };
    expect(share(site(63), cars, loaded).limitA).toEqual([8, 32]);
    const apart = { ...lim, otherA: { site: [30, 0, 0] as const } };
    expect(share(site(63), cars, apart)).toMatchObject({
      limitA: [0, 32],
      reason: ["unbalance", "station_max"],
    });
    expect(share(site(63), [{ lines: L2 }, { lines: 7 }], apart).limitA).toEqual([20, 32]);
  });

  test("who is cut: the last rank first, within it the lowest class, down to the minimum before anyone stops", () => {
    const on = (car: Car): Car => ({ lines: L1, capA: 16, ...car });
    const ranks = [on({ rank: RANK.waiting }), on({ rank: RANK.running })];
    expect(share(site(63), ranks, { unbalanceA: { site: 23 } }).limitA).toEqual([7, 16]);
    const classes = [on({ classWeight: 1 }), on({ classWeight: 5 })];
    expect(share(site(63), classes, { unbalanceA: { site: 23 } }).limitA).toEqual([7, 16]);
    expect(share(site(63), classes, { unbalanceA: { site: 11 } }).limitA).toEqual([0, 11]);
  });
});

describe("priority classes", () => {
  const bus: Car = { rank: RANK.waiting, classWeight: 10, targetA: 32, capA: 32 };
  const pool = times(2, { classWeight: 1 });

  test("a priority bus arrives at a full circuit: pool cars go to their minimum, then to 0, later they are back", () => {
    expect(share(site(44), pool).limitA).toEqual([22, 22]);
    const first = share(site(44), [...pool, bus]);
    expect(first.limitA).toEqual([6, 6, 32]);
    expect(first.reason.slice(0, 2)).toEqual(["higher_class", "higher_class"]);
    const tight = share(site(16), [...pool, bus]);
    expect(tight.limitA).toEqual([6, 0, 10]);
    expect(tight.reason[1]).toBe("higher_class");
    expect(share(site(10), [...pool, bus]).limitA).toEqual([0, 0, 10]);
    expect(share(site(44), [...pool, { ...bus, rank: RANK.urgent, targetA: 40, capA: 63 }]).limitA).toEqual([
      0, 0, 44,
    ]);
    expect(share(site(44), [...pool, { ...bus, capA: 0 }]).limitA).toEqual([22, 22, 0]);
  });

  test("a running car is not stopped for a waiting one of its class, nor one that just started for anyone but the urgent", () => {
    expect(share(site(6), [{ rank: RANK.waiting, classWeight: 2 }, { classWeight: 2 }]).limitA).toEqual([
      0, 6,
    ]);
    expect(share(site(6), [bus, { rank: RANK.justStarted, classWeight: 1 }]).limitA).toEqual([0, 6]);
    expect(share(site(6), [{ ...bus, rank: RANK.urgent }, { rank: RANK.justStarted }]).limitA).toEqual([
      6, 0,
    ]);
  });

  test("who lost its minimum where no higher class holds room is below its minimum", () => {
    const tree = [circuit("site", null, 100), circuit("row", "site", 5)];
    const { reason } = share(tree, [{ circuit: "row", classWeight: 1 }, bus]);
    expect(reason[0]).toBe("below_minimum");
  });

  test("the order within rank and class decides who starts, and who waits for a turn is told so", () => {
    const { limitA, reason } = share(site(6), [
      { order: 3, resting: true, rank: RANK.waiting },
      { order: 1, resting: true, rank: RANK.waiting },
    ]);
    expect(limitA).toEqual([0, 6]);
    expect(reason[0]).toBe("rotation");
  });
});

describe("what plans want", () => {
  test("wishes that do not fit together are each served in the same part, whoever comes first", () => {
    const wish = (targetA: number): Car => ({ targetA, minA: 0, capA: 32 });
    expect(share(site(30), [wish(30), wish(15)]).limitA).toEqual([20, 10]);
    expect(share(site(30), [wish(15), wish(30)]).limitA).toEqual([10, 20]);
  });

  test("wishes that fit are served before the rest is shared by weight", () => {
    const cars: Car[] = [{ targetA: 20, weight: 1 }, { weight: 3 }, { weight: 1 }];
    expect(share(site(40), cars).limitA).toEqual([20, 14, 6]);
    expect(share(site(40), [{ weight: 1 }, { weight: 3 }, { weight: 1 }]).limitA).toEqual([8, 24, 8]);
  });

  test("all minima of a class come before any wish that is not urgent", () => {
    expect(share(site(30), [{ targetA: 30 }, { rank: RANK.waiting }]).limitA).toEqual([24, 6]);
    expect(share(site(30), [{ targetA: 30, rank: RANK.urgent }, {}]).limitA).toEqual([30, 0]);
  });

  test("a wish for more than the circuit has is served up to it; a cap by the plan is named as such", () => {
    expect(share(site(30), [{ targetA: 60, capA: 63 }]).limitA).toEqual([30]);
    const { limitA, reason } = share(site(60), [
      { capA: 9, capReason: "plan" },
      { capA: 3, capReason: "plan" },
    ]);
    expect(limitA).toEqual([9, 0]);
    expect(reason).toEqual(["plan", "plan"]);
  });
});

describe("properties", () => {
  const runs = process.env.DEEP ? 10_000 : 1_000;

  test("1000 trees in any state: every line, W and unbalance holds, 0 or at least the minimum, on steps, nobody could have more", () => {
    for (let seed = 1; seed <= runs; seed++) {
      const { input } = randomCaseWithAll(seeded(seed), [3, 12, 60][seed % 3] ?? 12);
      expect(violations(input, allocate(input)), `seed ${seed}`).toEqual([]);
    }
  });

  test("the same question gives the same answer", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { input } = randomCaseWithAll(seeded(seed), 25);
        expect(allocate(structuredClone(input))).toEqual(allocate(input));
      }),
      { numRuns: 100 },
    );
  });

  test("under one limit in W every car held by it has the level of the highest, whatever its number of lines", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            lines: fc.constantFrom(1, 2, 4, 3, 5, 7),
            capA: fc.integer({ min: 6, max: 63 }),
            weight: fc.constantFrom(0.5, 1, 2),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.integer({ min: 0, max: 40_000 }),
        (cars, room) => {
          const all = cars.map((car) => ({ ...car, minA: 0 }));
          const { limitA } = share(site(10_000), all, { roomW: { site: room } });
          expect(watts(all, limitA)).toBeLessThanOrEqual(room + 1e-6);
          const level = (i: number) => (limitA[i] ?? 0) / (all[i]?.weight ?? 1);
          const highest = Math.max(...all.map((_, i) => level(i)));
          // Steps of 0.1 A at the smallest weight: once down, and up to three left over that no three lines could use.
          for (const [i, car] of all.entries())
            if ((limitA[i] ?? 0) < car.capA) expect(level(i)).toBeGreaterThanOrEqual(highest - 0.81);
        },
      ),
      { numRuns: 300 },
    );
  });
});
