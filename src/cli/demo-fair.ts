/** What equal shares would have given the vehicles of a demo: the rules of production without plans, nothing failing. */
import { linesOf } from "../model/circuit.ts";
import type { DepotInstance } from "../model/depot-instance.ts";
import { runInstance } from "../rules/what-if/run.ts";
import { siteOf } from "../rules/what-if/site.ts";
import { buildingA, type Scenario } from "../simulator/plan.ts";
import type { DemoGrid } from "./demo-grid.ts";

const SLOT_MS = 300_000;

/** The demo's depot and visits as an instance for what-if runs. Energies and powers are those of the AC side. */
export function instanceOf({ stations, visits }: Scenario, grid: DemoGrid, voltageV: number): DepotInstance {
  const firstMs = Math.min(...visits.map((v) => v.arrivalMs));
  const slotAt = (ms: number) => Math.floor((ms - firstMs) / SLOT_MS);
  const slots = 1 + Math.max(...visits.map((v) => slotAt(v.departureMs)));
  const { siteLimitA, building, order } = grid;
  const amperes = Array.from({ length: slots }, (_, t) =>
    building ? buildingA(building, firstMs + t * SLOT_MS) : 0,
  );
  const kw = (ma: number) => (3 * ma * voltageV) / 1e6;
  const steps = order && [
    { from: slotAt(Date.parse(order.from ?? "")), limitKw: order.kw },
    { from: slotAt(Date.parse(order.until ?? "")), limitKw: kw(siteLimitA * 1000) },
  ];
  const efficiency = new Map(stations.map((s) => [s.id, s.efficiency]));
  return {
    name: "demo",
    slotSeconds: SLOT_MS / 1000,
    slots,
    phaseVoltage: voltageV,
    circuits: [
      {
        id: "site",
        limitA: [siteLimitA, siteLimitA, siteLimitA],
        loadA: [amperes, amperes, amperes],
        loadKw: amperes.map((a) => kw(a * 1000)),
        steps,
      },
    ],
    connectors: stations.map((s) =>
      s.kind === "ac"
        ? {
            id: s.id,
            circuit: "site",
            kind: "ac" as const,
            lines: [...linesOf(s.phaseOrder, 3)],
            maxA: s.maxMa / 1000,
            minA: s.minMa / 1000,
          }
        : { id: s.id, circuit: "site", kind: "dc" as const, maxKw: kw(s.maxMa), minKw: kw(s.minMa) },
    ),
    sessions: visits.map((v) => ({
      id: v.id,
      connector: v.station,
      arrive: slotAt(v.arrivalMs),
      depart: Math.max(slotAt(v.arrivalMs) + 1, slotAt(v.departureMs)),
      energyKwh: v.car.energyWh / 1000 / (efficiency.get(v.station) ?? 1),
      carMaxA: v.car.maxMa / 1000,
      carPhases: v.car.phases,
    })),
  };
}

/** Wh that each visit would have got from its station, by id. */
export async function fairShares(
  scenario: Scenario,
  grid: DemoGrid,
  voltageV: number,
): Promise<Map<string, number>> {
  const site = siteOf(instanceOf(scenario, grid, voltageV));
  const { gotKwh } = await runInstance(site, {
    estimates: false,
    minCurrent: true,
    policy: "fair",
    solve: async () => null,
  });
  const efficiency = new Map(scenario.stations.map((s) => [s.id, s.efficiency]));
  return new Map(
    scenario.visits.map((v, i) => [v.id, 1000 * (gotKwh[i] ?? 0) * (efficiency.get(v.station) ?? 1)]),
  );
}
