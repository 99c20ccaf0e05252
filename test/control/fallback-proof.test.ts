/** The theorem of rules/proof/fallbacks.ts against the real control loop, with stations that obey their leases. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Circuit, type EvseSpec, type PerLine, PHASE_ORDERS } from "../../src/model/circuit.ts";
import { proveFallbacks } from "../../src/rules/proof/fallbacks.ts";
import { circuit, evseSpec } from "../rules/allocation-cases.ts";
import { createDepot, type Depot } from "./depot.ts";

const deep = Boolean(process.env.DEEP);
const numRuns = deep ? 1000 : 25;
const timeout = deep ? 900_000 : 60_000;
/** Of the leases below, s: the longest that one above the fallback holds is 25 s, one below it 75 s. */
const SETTINGS = { leaseS: 10, deliveryS: 5, reactionS: 10, minOnS: 5, minOffS: 5, raiseDelayS: 4 };
const LONGEST_S = 25;

const perLine = (max: number): fc.Arbitrary<PerLine> => {
  const a = fc.integer({ min: 0, max });
  return fc.tuple(a, a, a);
};
const depots = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  loss: fc.constantFrom(0, 0.05),
  metered: fc.boolean(),
  limitKw: fc.constantFrom(null, null, 15, 25, 35),
  limits: fc.tuple(
    fc.integer({ min: 30, max: 70 }),
    fc.integer({ min: 16, max: 40 }),
    fc.integer({ min: 16, max: 40 }),
  ),
  /** Worst other load of the site's own and of row-b, A, and the share of it that flows while the gateway lives, %. */
  worst: fc.tuple(perLine(10), perLine(6)),
  share: fc.integer({ min: 0, max: 100 }),
  evses: fc.array(
    fc.record({
      row: fc.constantFrom("row-a", "row-b"),
      phases: fc.constantFrom(1 as const, 3 as const),
      phaseOrder: fc.constantFrom(...PHASE_ORDERS),
      fallbackA: fc.constantFrom(0, 6, 6, 10, 16),
      maxA: fc.constantFrom(16, 32),
      car: fc.constantFrom(true, true, true, false),
      /** When it is cut off, s; beyond the run: never. When it plugs in again what was unplugged. */
      lostAt: fc.constantFrom(20, 60, 90, 130, 999),
      plugsAt: fc.constantFrom(0, 0, 25, 70),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  diesAt: fc.integer({ min: 60, max: 180 }),
});
type Given = typeof depots extends fc.Arbitrary<infer T> ? T : never;

function depotOf(given: Given) {
  const [site, a, b] = given.limits;
  const [own, below] = given.worst;
  const circuits: Circuit[] = [
    {
      ...circuit("site", null, site),
      meter: given.metered ? "grid" : null,
      ...(given.limitKw === null ? {} : { limitW: given.limitKw * 1000 }),
      worstOtherA: own.map((x, p) => x + (below[p] ?? 0)) as unknown as PerLine,
    },
    { ...circuit("row-a", "site", a), worstOtherA: [0, 0, 0] },
    { ...circuit("row-b", "site", b), worstOtherA: below },
  ];
  const specs: EvseSpec[] = given.evses.map((e, i) =>
    evseSpec(`cp-${i}`, {
      circuit: e.row,
      phases: e.phases,
      phaseOrder: e.phaseOrder,
      fallbackA: e.fallbackA,
      maxA: e.maxA,
    }),
  );
  return { circuits, specs, proof: proveFallbacks(circuits, specs, 230) };
}

/** Runs until all leases after the gateway's death have ended, other load then at its worst. `each` sees every second. */
async function drill(given: Given, each: (depot: Depot, otherA: number) => void) {
  const { circuits, specs } = depotOf(given);
  const { seed, loss } = given;
  const depot = createDepot({ circuits, evses: specs, seed, loss, delayMs: 800, settings: SETTINGS });
  const [own, below] = given.worst;
  const part = (of: PerLine, percent: number) =>
    of.map((a) => (a * percent) / 100) as [number, number, number];
  depot.setOther("site", part(own, given.share));
  depot.setOther("row-b", part(below, given.share));
  depot.startGateway();
  const end = given.diesAt + 4 * LONGEST_S;
  for (let s = 0; s < end; s++) {
    given.evses.forEach((e, i) => {
      const station = depot.station(`cp-${i}/1`);
      if (e.car && s === e.plugsAt) station.plug({ maxA: e.maxA, phases: e.phases });
      if (s === e.lostAt) station.disconnect();
    });
    if (s === given.diesAt) depot.killGateway();
    if (s === given.diesAt + LONGEST_S + 1) {
      depot.setOther("site", part(own, 100));
      depot.setOther("row-b", part(below, 100));
    }
    await depot.run(1);
    const share = s > given.diesAt + LONGEST_S ? 100 : given.share;
    each(
      depot,
      [...own, ...below].reduce((sum, a) => sum + (a * share) / 100, 0),
    );
  }
  expect(depot.failures).toEqual([]);
}

/** W that stations allow, or that is drawn in spite of it, with other load, on all lines together. */
function allowedW(depot: Depot, otherA: number): number {
  let amps = otherA;
  for (const s of depot.stations.values()) {
    const offered = s.offerA() >= s.spec.minA ? s.offerA() : 0;
    amps += Math.max(offered, s.drawA) * s.phases();
  }
  return amps * 230;
}

describe("a depot whose proof holds", () => {
  test(
    "stays within every limit at every second, whoever is cut off when, and after the gateway's death",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          depots.filter((g) => depotOf(g).proof.holds && g.evses.some((e) => e.fallbackA > 0)),
          async (given) => {
            const mostW = given.limitKw === null ? Number.POSITIVE_INFINITY : given.limitKw * 1000;
            await drill(given, (depot, otherA) => {
              expect(depot.allowedExcess(), `second ${depot.nowS}`).toEqual([]);
              expect(allowedW(depot, otherA), `second ${depot.nowS}`).toBeLessThanOrEqual(mostW + 1);
            });
          },
        ),
        { numRuns },
      );
    },
    timeout,
  );
});

describe("a depot whose proof fails", () => {
  test(
    "exceeds a limit once all its stations have lost the gateway, on a line that the proof names",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          depots.filter((g) => !depotOf(g).proof.holds),
          async (given) => {
            const { proof } = depotOf(given);
            const named = proof.lines.filter((l) => l.marginA < 0).map((l) => `${l.circuit} ${l.line}`);
            const overW = proof.powers.some((p) => p.marginW < 0);
            let mostW = 0;
            const seen = new Set<string>();
            // Every EVSE has a car that takes all it is given: the worst that (1) speaks of.
            const evses = given.evses.map((e) => ({ ...e, car: true as const, lostAt: 999 as const }));
            await drill({ ...given, evses }, (depot, otherA) => {
              mostW = Math.max(mostW, allowedW(depot, otherA));
              for (const { circuit, line } of depot.drawnExcess()) seen.add(`${circuit} ${line}`);
            });
            expect(named.filter((at) => !seen.has(at))).toEqual([]);
            if (overW) expect(mostW).toBeGreaterThan((given.limitKw ?? 0) * 1000);
          },
        ),
        { numRuns },
      );
    },
    timeout,
  );
});

test("a lower limit is obeyed, and an alert says what stations out of reach may draw", async () => {
  const evses = [evseSpec("cp-1"), evseSpec("cp-2", { fallbackA: 10 })];
  const depot = createDepot({ circuits: [circuit("site", null, 40)], evses });
  depot.startGateway();
  await depot.run(5);
  expect(depot.raised("fallback_exceeds_limit")).toEqual([]);
  depot.control.setCircuitLimit("site", [14, 40, 14]);
  expect(depot.raised("fallback_exceeds_limit").map((a) => [a.alert.subject, a.alert.cause])).toEqual([
    [
      "site",
      "on L1 (L3, too): at fallback_a its 2 EVSEs may draw 16 A; 14/40/14 A is the limit. Most: cp-2 10 A, cp-1 6 A.",
    ],
  ]);
  depot.control.setCircuitLimit("site", [40, 40, 40]);
  expect(depot.alerts.at(-1)).toMatchObject({ state: "cleared", alert: { kind: "fallback_exceeds_limit" } });
});

test("an order in W that the fallbacks exceed is an alert while it holds, not a refusal", async () => {
  const depot = createDepot({ circuits: [circuit("site", null, 40)], evses: [evseSpec("cp-1")] });
  depot.startGateway();
  await depot.run(5);
  depot.control.setCircuitPower("site", 3000, "grid_order");
  expect(depot.raised("fallback_exceeds_limit").map((a) => a.alert.cause)).toEqual([
    "at fallback_a its EVSE may draw 4.14 kW; 3 kW is the limit. Most: cp-1 4.14 kW.",
  ]);
  depot.control.setCircuitPower("site", null, "grid_order");
  expect(depot.alerts.at(-1)).toMatchObject({ state: "cleared" });
});

test("other load that is stated for a circuit without a meter is always set aside", async () => {
  const circuits: Circuit[] = [{ ...circuit("site", null, 30), worstOtherA: [10, 10, 10] }];
  const depot = createDepot({ circuits, evses: [evseSpec("cp-1")] });
  depot.startGateway();
  await depot.run(15);
  depot.station("cp-1/1").plug({ maxA: 32, phases: 3 });
  await depot.run(120);
  expect(depot.station("cp-1/1").offerA()).toBe(20);
});
