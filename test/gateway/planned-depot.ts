/** A depot in virtual time under the real control loop and the real planner, which asks a real compute pool. */
import { onTestFinished } from "vitest";
import { createPlanner, type PlannerOptions } from "../../src/gateway/planner.ts";
import type { EvseNeed } from "../../src/model/departure.ts";
import type { PurchasePrice } from "../../src/model/grid-side.ts";
import type { EvseId } from "../../src/model/ids.ts";
import type { TargetSource } from "../../src/model/targets.ts";
import { createComputePool } from "../../src/workers/compute-pool.ts";
import { CAR, createDepot, type DepotOptions } from "../control/depot.ts";
import { FATAL_MS, type MortalTasks } from "./mortal-tasks.ts";

export const HOUR_MS = 3_600_000;

const TIME_LIMIT_MS = { lives: 10_000, late: 1e-3, killed: FATAL_MS };

/** What somebody said of who is plugged in. */
type Said = Partial<Pick<EvseNeed, "departMs" | "energyWh" | "weight" | "class" | "vehicle">>;

export function plannedDepot(
  options: DepotOptions,
  more: Partial<Pick<PlannerOptions, "plan" | "past">> & { prices?: () => PurchasePrice[] } = {},
) {
  const depot = createDepot(options);
  depot.startGateway();
  const pool = createComputePool<MortalTasks>({ module: new URL("./mortal-tasks.ts", import.meta.url) });
  onTestFinished(() => pool.stop());
  const said = new Map<string, Said>();
  const plugged = new Map<string, { sinceMs: number; wh: number }>();
  const failures: string[] = [];
  const settled: TargetSource[] = [];
  /** What happens to the solver: a time limit that it cannot keep, or a thread that dies. */
  let fate: keyof typeof TIME_LIMIT_MS = "lives";
  const planner = createPlanner({
    clock: depot.clock,
    depot: {
      circuits: options.circuits,
      evses: options.evses,
      voltageV: 230,
      gridOrders: { active: () => [], powerW: () => null },
      forecast: () => [],
      peak: () => null,
      purchasePrices: (fromMs, toMs) =>
        (more.prices?.() ?? []).filter(
          (p, k, all) => p.fromMs < toMs && (all[k + 1]?.fromMs ?? toMs) > fromMs,
        ),
    },
    control: depot.control,
    needs: () =>
      [...plugged].map(([evse, { sinceMs, wh }]): EvseNeed => {
        const words = said.get(evse) ?? {};
        const past = (words.departMs ?? 0) <= depot.clock.nowMs();
        return {
          evse: evse as EvseId,
          vehicle: null,
          group: null,
          class: null,
          weight: 1,
          pluggedMs: sinceMs,
          deliveredWh: wh,
          energyWh: null,
          acPhases: null,
          acMaxA: null,
          dcMaxKw: null,
          ...words,
          departMs: past ? null : (words.departMs ?? null),
          source: past ? null : "file",
        };
      }),
    plan: (input) => pool.run("plan", { ...input, timeLimitMs: TIME_LIMIT_MS[fate] }),
    past: async () => [],
    hourOf: (ms) => (ms / HOUR_MS) % 24,
    settled: (source) => settled.push(source),
    failed: (what, error) => failures.push(`${what}: ${(error as Error).message}`),
    ...more,
  });
  return {
    depot,
    planner,
    settled,
    failures,
    setFate(to: typeof fate) {
      fate = to;
    },
    plug(evse: string, words: Said & { inH?: number; kwh?: number } = {}) {
      const { inH, kwh, ...rest } = words;
      depot.station(evse).plug(CAR);
      plugged.set(evse, { sinceMs: depot.clock.nowMs(), wh: 0 });
      said.set(evse, {
        ...(inH === undefined ? {} : { departMs: depot.clock.nowMs() + inH * HOUR_MS }),
        ...(kwh === undefined ? {} : { energyWh: kwh * 1000 }),
        ...rest,
      });
    },
    unplug(evse: string) {
      depot.station(evse).unplug();
      plugged.delete(evse);
    },
    kwh: (evse: string) => (plugged.get(evse)?.wh ?? 0) / 1000,
    target: (evse: string) => planner.view().vehicles.find((v) => v.evse === evse)?.target ?? null,
    /** Lets seconds pass; a car that has what was said of it stops. Counts drawn and allowed overloads. */
    async run(seconds: number, withPlanner = true) {
      for (let s = 0; s < seconds; s++) {
        await depot.run(1);
        for (const [evse, stay] of plugged) {
          const station = depot.station(evse);
          stay.wh += (station.drawA * 3 * 230) / 3600;
          const wanted = said.get(evse)?.energyWh ?? Number.POSITIVE_INFINITY;
          if (station.car !== null && stay.wh >= wanted) station.plug({ ...CAR, maxA: 0 });
        }
        if (withPlanner) await planner.look();
      }
    },
  };
}
