import { describe, expect, it } from "vitest";
import { DepotInstance } from "../../../src/model/depot-instance.ts";
import { runInstance } from "../../../src/rules/what-if/run.ts";
import { siteOf } from "../../../src/rules/what-if/site.ts";
import { solve } from "../../../src/workers/solve.ts";

const slots = 60;
const solver = async (program: Parameters<typeof solve>[0]["program"]) => {
  const solved = await solve({ program, timeLimitMs: 10_000 });
  return solved.status === "optimal" ? solved : null;
};

/** Share of what each asked for, of three-phase vehicles on one circuit that come at the start. */
async function sharesOf(
  limitA: number,
  vehicles: readonly { energyKwh: number; depart: number; weight?: number }[],
  minCurrent: boolean,
): Promise<number[]> {
  const site = siteOf(
    DepotInstance.parse({
      name: "yard",
      slotSeconds: 300,
      slots,
      phaseVoltage: 230,
      circuits: [{ id: "site", limitA: [limitA, limitA, limitA] }],
      connectors: vehicles.map((_, i) => ({
        id: `k${i}`,
        circuit: "site",
        kind: "ac",
        lines: [0, 1, 2],
        minA: 6,
        maxA: 32,
        stepA: 1,
      })),
      sessions: vehicles.map((v, i) => ({ id: `s${i}`, connector: `k${i}`, arrive: 0, ...v })),
    }),
  );
  const { gotKwh } = await runInstance(site, { estimates: false, minCurrent, policy: "plan", solve: solver });
  return vehicles.map(({ energyKwh }, i) => (gotKwh[i] as number) / energyKwh);
}

describe.each([false, true])("departures are known, minimum current %s", (minCurrent) => {
  it("two equal vehicles and too little for both: equal shares", async () => {
    const [x = 0, y = 0] = await sharesOf(20, Array(2).fill({ energyKwh: 60, depart: 48 }), minCurrent);
    expect(x + y).toBeGreaterThan(0.91);
    expect(Math.abs(x - y)).toBeLessThan(0.02);
  });

  it("a bus that can be filled is, and the rest is shared alike by four equal cars", async () => {
    const cars = Array.from({ length: 4 }, () => ({ energyKwh: 20, depart: 36 }));
    const bus = { energyKwh: 40, depart: 36, weight: 10 };
    const [full = 0, ...shares] = await sharesOf(32, [bus, ...cars], minCurrent);
    expect(full).toBeGreaterThan(0.99);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(0.03);
    expect(Math.min(...shares)).toBeGreaterThan(0.3);
  });

  it("who needs much is not left behind where others of its class are filled", async () => {
    const small = Array.from({ length: 5 }, () => ({ energyKwh: 22, depart: 60 }));
    const shares = await sharesOf(40, [{ energyKwh: 110, depart: 60 }, ...small], minCurrent);
    expect(Math.min(...shares)).toBeGreaterThan(0.4);
  });
});

it("the order in which equal vehicles are listed changes nothing for the one that counts more", async () => {
  const bus = { energyKwh: 40, depart: 36, weight: 10 };
  const cars = Array.from({ length: 4 }, () => ({ energyKwh: 20, depart: 36 }));
  expect((await sharesOf(32, [...cars, bus], true)).at(-1)).toBeGreaterThan(0.99);
});
