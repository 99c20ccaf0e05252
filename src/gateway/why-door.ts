/** Explanations of limits: the log's word by the outbox thread, and of this instant the control loop's. */
import { type Config, circuits, evseSpecs, fleet } from "../config.ts";
import type { ControlState } from "../control/state.ts";
import type { EvseId } from "../model/ids.ts";
import { evseId } from "../model/ids.ts";
import type { LimitReason } from "../model/messages.ts";
import type { DepotKnown, LiveKnown } from "../rules/why/facts.ts";
import { explained } from "../web/log-why.ts";
import type { WhyDoor } from "../web/why.ts";
import type { Parts } from "./parts.ts";

export function depotKnown(config: Config): DepotKnown {
  return {
    circuits: circuits(config),
    evses: evseSpecs(config),
    nominalV: config.grid.voltageV,
    vehicles: new Set(fleet(config).vehicles.keys()),
    zone: config.site.timezone,
  };
}

export function whyDoor({
  config,
  outbox,
  control,
  clock,
}: Pick<Parts, "config" | "outbox" | "control" | "clock">): WhyDoor {
  const depot = depotKnown(config);
  return {
    async at({ name, evse }, atMs) {
      const found = await outbox.ask("why", { name, evse, atMs: atMs ?? clock.nowMs(), depot });
      if ("no" in found) return found;
      const state = atMs === null ? control.state() : null;
      return explained(found, depot, (id) => state && liveOf(state, id));
    },
    period: ({ name, evse }, fromMs, toMs) =>
      outbox.ask("whyPeriod", { question: { name, evse, atMs: toMs, depot }, fromMs, toMs }),
  };
}

function liveOf(state: ControlState, id: EvseId): LiveKnown | null {
  const e = state.evses.find((one) => evseId(one.station, one.evse) === id);
  if (!e) return null;
  return {
    limitA: e.limit_a,
    reason: e.reason as LimitReason,
    boundBy: e.bound_by,
    measuredA: e.measured_a,
    targetA: e.target_a,
    plan: e.plan,
    class: e.class,
    circuits: state.circuits.map((c) => ({ id: c.id, limitA: c.limit_a, otherA: c.other_load_a })),
  };
}
