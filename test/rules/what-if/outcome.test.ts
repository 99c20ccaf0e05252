import { expect, it } from "vitest";
import { DepotInstance } from "../../../src/model/depot-instance.ts";
import { outcomeOf } from "../../../src/rules/what-if/outcome.ts";
import { siteOf } from "../../../src/rules/what-if/site.ts";

/** Two hours in quarters: 16 A per line for everyone, and a panel with 3 kW. */
const site = siteOf(
  DepotInstance.parse({
    name: "two hours",
    slotSeconds: 900,
    slots: 8,
    phaseVoltage: 230,
    circuits: [
      {
        id: "main",
        parent: null,
        limitA: [16, 16, 16],
        loadA: [[0, 0, 6, 6, 0, 0, 0, 0], ...Array(2).fill(Array(8).fill(0))],
      },
      { id: "panel", parent: "main", limitKw: 3 },
    ],
    connectors: [
      { id: "k1", circuit: "panel", kind: "ac", lines: [0], maxA: 32 },
      { id: "k2", circuit: "main", kind: "ac", lines: [1], maxA: 16 },
    ],
    sessions: [
      { id: "short", connector: "k1", arrive: 0, depart: 4, energyKwh: 4 },
      { id: "hasty", connector: "k2", arrive: 6, depart: 7, energyKwh: 5 },
      { id: "full", connector: "k2", arrive: 0, depart: 6, energyKwh: 0.92 },
    ],
  }),
);
const result = {
  trace: {
    format: "depot-trace/1" as const,
    instance: "two hours",
    rates: { short: [13, 13, 10, 9], hasty: [16], full: [16, 0, 0, 0, 0, 0] },
  },
  gotKwh: Float64Array.from([(45 * 0.23) / 4, (16 * 0.23) / 4, 0.92]),
  plans: 1,
  missed: 0,
};

it("shows of each circuit the limit that it came nearest to, and for how long it was full", () => {
  const { circuits } = outcomeOf(site, result, 4);
  expect(circuits.map((c) => [c.id, c.parent, c.unit, c.line])).toEqual([
    ["main", null, "A", 1],
    ["panel", "main", "kW", null],
  ]);
  expect(circuits[0]?.fullPart).toBe(2 / 8);
  expect(circuits[0]?.spans.map((s) => s.most)).toEqual([16, 0, 0, 16]);
  expect(circuits[0]?.spans.map((s) => s.mean)).toEqual([8, 0, 0, 8]);
  expect(circuits[1]?.mostPart).toBeCloseTo(2.99 / 3, 9);
  expect(circuits[1]?.fullPart).toBe(2 / 8);
});

it("tells a stay that was too short from one that a limit held back", () => {
  const { stays } = outcomeOf(site, result, 4);
  expect(stays[0]).toMatchObject({
    id: "short",
    impossible: false,
    fullest: "panel kW",
    fullestPart: 0.5,
  });
  expect(stays[1]).toMatchObject({ id: "hasty", impossible: true });
  expect(stays[2]).toMatchObject({ id: "full", impossible: false, fullest: null });
});

it("draws a day by the power of all charging", () => {
  const { day } = outcomeOf(site, result, 4);
  expect(day.slots).toBe(96);
  expect(day.median.slice(0, 3)).toEqual(
    [(13 + 16) * 0.23, 13 * 0.23, 10 * 0.23].map((kw) => expect.closeTo(kw, 9)),
  );
});
