import { expect, it } from "vitest";
import { DepotInstance } from "../../../src/model/depot-instance.ts";
import { moreVehicles, newLimit, variantOf } from "../../../src/rules/what-if/variant.ts";

const yard = DepotInstance.parse({
  name: "yard",
  slotSeconds: 900,
  slots: 8,
  phaseVoltage: 230,
  circuits: [
    {
      id: "main",
      parent: null,
      limitA: [63, 63, 63],
      limitKw: 40,
      steps: [{ from: 4, limitA: [32, 32, 32], limitKw: 20 }],
    },
  ],
  connectors: [
    { id: "k1", circuit: "main", kind: "ac", lines: [0, 1, 2], maxA: 32 },
    { id: "k2", circuit: "main", kind: "dc", maxKw: 50 },
    { id: "k3", circuit: "main", kind: "ac", lines: [1], maxA: 16 },
  ],
  sessions: [
    { id: "a", connector: "k1", arrive: 0, depart: 4, energyKwh: 8 },
    { id: "b", connector: "k2", arrive: 1, depart: 8, energyKwh: 30 },
    { id: "c", connector: "k1", arrive: 5, depart: 8, energyKwh: 5 },
  ],
});

it.each([
  ["main=400", { circuit: "main", limitA: [400, 400, 400], limitKw: null }],
  ["main=400A", { circuit: "main", limitA: [400, 400, 400], limitKw: null }],
  ["row-a=63/63/50.5", { circuit: "row-a", limitA: [63, 63, 50.5], limitKw: null }],
  ["main=250kW", { circuit: "main", limitA: null, limitKw: 250 }],
])("reads the limit %s", (text, limit) => expect(newLimit(text)).toEqual(limit));

it.each(["main", "=400", "main=", "main=-4", "main=40/50", "main=forty", "main=1e3"])(
  "does not guess at %s as a limit",
  (text) => expect(newLimit(text)).toBeNull(),
);

it("reads how many more, and like whom", () => {
  expect(moreVehicles("12")).toEqual({ count: 12, like: null });
  expect(moreVehicles("3:k2")).toEqual({ count: 3, like: "k2" });
  for (const text of ["0", "", "-1", "1.5", "12:", "many"]) expect(moreVehicles(text), text).toBeNull();
});

it("a new limit holds at all times, and leaves the other kind of limit with its steps", () => {
  const limits = [{ circuit: "main", limitA: [400, 400, 400] as [number, number, number], limitKw: null }];
  const [main] = variantOf(yard, { limits, more: [] }).circuits;
  expect(main?.limitA).toEqual([400, 400, 400]);
  expect(main?.limitKw).toBe(40);
  expect(main?.steps).toEqual([{ from: 4, limitKw: 20 }]);
});

it("more vehicles like one come when its vehicles come, on other lines", () => {
  const { connectors, sessions } = variantOf(yard, { limits: [], more: [{ count: 2, like: "k1" }] });
  expect(connectors.map((k) => k.id)).toEqual(["k1", "k2", "k3", "k1+1", "k1+2"]);
  expect(connectors[3]).toMatchObject({ circuit: "main", lines: [1, 2, 0], maxA: 32 });
  expect(sessions.map((s) => s.id)).toEqual(["a", "b", "c", "a+1", "c+1", "a+2", "c+2"]);
  expect(sessions[3]).toMatchObject({ connector: "k1+1", arrive: 0, depart: 4, energyKwh: 8 });
});

it("more vehicles without a name are a sample of those that were used", () => {
  const { connectors } = variantOf(yard, { limits: [], more: [{ count: 4, like: null }] });
  expect(connectors.slice(3).map((k) => k.id)).toEqual(["k1+1", "k1+2", "k2+3", "k2+4"]);
});

it("names the option when there is no such circuit or connector", () => {
  const limits = [{ circuit: "mian", limitA: null, limitKw: 5 }];
  expect(() => variantOf(yard, { limits, more: [] })).toThrow(
    /--limit: there is no circuit "mian"; there are: main/,
  );
  expect(() => variantOf(yard, { limits: [], more: [{ count: 1, like: "k9" }] })).toThrow(
    /--more: there is no connector "k9"/,
  );
});
