/** The grid's side of the depot, as planning asks for it: orders, other load to come, the billed peak, prices. */
import type { Control } from "../control/loop.ts";
import type { GridSide } from "../model/grid-side.ts";
import { otherNow } from "../rules/load-now.ts";
import type { Foundation } from "./parts.ts";

export function gridSide({ config }: Foundation, control: Control): GridSide {
  const circuitOf = new Map(config.stations.map((s) => [s.id, s.circuit]));
  const parentOf = new Map(config.circuits.map((c) => [c.id, c.parent]));
  return {
    gridOrders: { active: () => [], powerW: () => null },
    forecast(circuit, fromMs, toMs) {
      if (fromMs >= toMs) return [];
      const lineA = otherNow(control.state(), circuitOf, parentOf).get(circuit);
      if (!lineA) return [];
      const kw = (lineA.reduce((sum, a) => sum + a, 0) * config.grid.voltageV) / 1000;
      return [{ fromMs, lineA, kw, highA: lineA }];
    },
    peak: () => null,
    purchasePrices: () => [],
  };
}
