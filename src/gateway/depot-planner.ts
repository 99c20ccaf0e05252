/** The planner with the doors it looks through: the depot's config, control, the compute pool, the log. */
import { circuits, evseSpecs } from "../config.ts";
import { type ComputePool, createComputePool } from "../workers/compute-pool.ts";
import type { Parts } from "./parts.ts";
import { hourIn } from "./past-stays.ts";
import { createPlanner, type DepotPlanner } from "./planner.ts";

const WEEKS_MS = 8 * 7 * 86_400_000;
const MOST_FACTS = 1_500;
/** Beyond the solver's own time limit: building, and a machine that has much to do. */
const DEADLINE_MS = 20_000;

export function depotPlanner(
  parts: Omit<Parts, "planner" | "readiness">,
  pool: ComputePool = createComputePool({
    onLost: (task, reason) => parts.log.warn({ task, reason }, "a compute thread was lost"),
  }),
): DepotPlanner {
  const { config, clock, log, outbox, control, needs } = parts;
  const zone = config.site.timezone;
  const counts: Record<string, number> = { plan: 0, previous: 0, laxity: 0 };
  const observers: ((seconds: number) => void)[] = [];
  const planner = createPlanner({
    clock,
    depot: {
      circuits: circuits(config),
      evses: evseSpecs(config),
      voltageV: config.grid.voltageV,
      gridOrders: parts.gridOrders,
      forecast: parts.forecast,
      peak: parts.peak,
      purchasePrices: parts.purchasePrices,
    },
    control,
    needs,
    plan: (input) => pool.run("plan", input, { deadlineMs: DEADLINE_MS }),
    past: () => outbox.ask("pastStays", { sinceMs: clock.nowMs() - WEEKS_MS, limit: MOST_FACTS, zone }),
    hourOf: hourIn(zone),
    settled(source, solveMs) {
      counts[source] = (counts[source] ?? 0) + 1;
      if (solveMs !== null) for (const observe of observers) observe(solveMs / 1000);
    },
    failed: (what, error) => log.error({ err: error }, what),
  });
  return {
    ...planner,
    counts,
    onSolved: (observe) => void observers.push(observe),
    async close() {
      planner.stop();
      control.setTargets(null);
      await pool.stop();
    },
  };
}
