/** The control loop with the doors it speaks through: limits to stations, setpoints to the log, alerts to people. */
import { circuits, evseSpecs } from "../config.ts";
import { type Control, createControl } from "../control/loop.ts";
import type { Broker } from "../stations/broker.ts";
import type { AllocationPool } from "../workers/allocation.ts";
import type { Foundation } from "./parts.ts";

/** `broker` is asked for when there is something to send, so that the broker may be built after the control loop. */
export function depotControl(base: Foundation, pool: AllocationPool, broker: () => Broker): Control {
  const { config, clock, topics, alerts, setpoints, log } = base;
  return createControl({
    clock,
    circuits: circuits(config),
    evses: evseSpecs(config),
    settings: {
      leaseS: config.control.leaseS,
      startDelayS: config.control.startDelayS,
      ...(config.control.siteRampA === undefined ? {} : { siteRampA: config.control.siteRampA }),
      nominalV: config.grid.voltageV,
    },
    allocate: pool.allocate,
    send: (station, evse, limit) => broker().publish(topics.limit(station, evse), JSON.stringify(limit)),
    isConnected: (station) => broker().isConnected(station),
    record(event) {
      if (event.type === "setpoint.sent") {
        const { reason } = event.body;
        setpoints.set(reason, (setpoints.get(reason) ?? 0) + 1);
      }
      base.append(event);
    },
    alerts,
    failed: (error) => log.error({ err: error }, "a control tick failed"),
  });
}
