/** Builds the parts on an open log, and hands them each other's functions; nothing is started here. */
import type { OrderBook } from "../rules/grid/orders.ts";
import type { AllocationPool } from "../workers/allocation.ts";
import { depotControl } from "./depot-control.ts";
import { depotMeters } from "./depot-meters.ts";
import { DepotNeeds } from "./depot-needs.ts";
import { depotPlanner } from "./depot-planner.ts";
import { gridSide } from "./grid-side.ts";
import type { Foundation, Parts } from "./parts.ts";
import { readinessWatch } from "./readiness.ts";
import { createRoleMeters } from "./role-meters.ts";
import { stationDoor } from "./station-door.ts";

/** Control speaks through the broker and the broker hands to control: nothing is sent before both are there. */
export function buildParts(base: Foundation, pool: AllocationPool, orders: OrderBook): Parts {
  const control = depotControl(base, pool, () => broker);
  const roles = createRoleMeters(base.config, base.clock);
  const grid = gridSide(base, control, orders);
  const depotNeeds = new DepotNeeds(base, control);
  const broker = stationDoor(base, control, [depotNeeds, roles], grid.gridDoor);
  const parts = {
    ...base,
    ...grid,
    control,
    broker,
    meters: depotMeters(base, control, roles, (input, closed) => grid.gridInputs.heard(input, closed)),
    roles,
    depotNeeds,
    needs: (nowMs: number) => depotNeeds.at(nowMs),
    flows: undefined,
  };
  const planner = depotPlanner(parts);
  const { clock, alerts, log } = base;
  const failed = (error: unknown) => log.error({ err: error }, "readiness could not be judged");
  return { ...parts, planner, readiness: readinessWatch({ clock, alerts, control, planner, failed }) };
}
