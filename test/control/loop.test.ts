import { describe, expect, test } from "vitest";
import type { Circuit, PerLine } from "../../src/model/circuit.ts";
import { circuit, evseSpec } from "../rules/allocation-cases.ts";
import { createDepot } from "./depot.ts";

const CAR = { maxA: 32, phases: 3 };

const metered = (limit: number | PerLine): Circuit => ({ ...circuit("site", null, limit), meter: "grid" });
const stations = (n: number, of = {}) =>
  Array.from({ length: n }, (_, i) => evseSpec(`cp-${i + 1}`, { fallbackA: 6, ...of }));

describe("sharing", () => {
  test("one car with ample room gets its maximum, an EVSE without a car holds nothing", async () => {
    const depot = createDepot({ circuits: [circuit("site", null, 100)], evses: stations(2) });
    depot.startGateway();
    depot.station("cp-1/1").plug(CAR);
    await depot.run(180);
    expect(depot.station("cp-1/1").drawA).toBe(32);
    expect(depot.station("cp-2/1").offerA()).toBe(0);
    const [first, second] = depot.control.state().evses;
    expect(first).toMatchObject({ state: "charging", limit_a: 32, confirmed_a: 32, reason: "station_max" });
    expect(second).toMatchObject({ state: "available", limit_a: 0, reason: "not_charging" });
    expect(depot.failures).toEqual([]);
  });
});
