/** The meters and inputs that the gateway polls, with what stands behind them: control, the log, alerts. */
import { randomBytes } from "node:crypto";
import type { Config } from "../config.ts";
import type { Control } from "../control/loop.ts";
import { mapNamed } from "../stations/meters/maps/index.ts";
import {
  createModbusMeters,
  type InputSpec,
  type MeterSpec,
  type ModbusMeters,
  type ModbusMetersOptions,
} from "../stations/meters/meters.ts";
import type { Foundation } from "./parts.ts";
import type { RoleMeters } from "./role-meters.ts";

/** In an accelerated demo a poll is not shorter than a tick. Wire time. */
const LEAST_POLL_MS = 50;

export function depotMeters(
  base: Foundation,
  control: Pick<Control, "note">,
  roles: RoleMeters,
  heard: ModbusMetersOptions["heard"],
): ModbusMeters {
  const { config, clock, ledger, alerts, log } = base;
  const wireMs = (s: number) => Math.max(LEAST_POLL_MS, clock.realDelayMs(s * 1_000));
  return createModbusMeters({
    meters: meterSpecs(config).map((meter) => ({ ...meter, periodMs: wireMs(meter.periodMs / 1_000) })),
    inputs: inputSpecs(config).map((input) => ({ ...input, periodMs: wireMs(input.periodMs / 1_000) })),
    clock,
    // What one run of the gateway numbers is told apart from the next.
    boot: `gw-${Date.now().toString(36)}-${randomBytes(3).toString("hex")}`,
    note(message) {
      control.note(message);
      roles.note(message);
    },
    accept(message, done) {
      control.note(message);
      roles.note(message);
      ledger.accept(message, done);
    },
    trouble(subject, what) {
      const id = `meter_unreachable:${subject}`;
      if (what === null) {
        alerts.clear(id);
        return;
      }
      log.warn({ meter: subject, cause: what.cause }, "no usable answer");
      alerts.raise({
        id,
        kind: "meter_unreachable",
        severity: "warning",
        subject,
        cause: `LP845 ${what.cause}. ${what.fix}`.trim(),
      });
    },
    heard,
  });
}

/** Periods in depot time, as the config has them. */
export function meterSpecs(config: Pick<Config, "meters" | "registerMaps">): MeterSpec[] {
  return config.meters.flatMap(({ id, role, modbus }) => {
    if (!modbus) return [];
    const map = mapNamed(modbus.map, config.registerMaps);
    // A config that names no known map is refused before this.
    if (!map) throw new Error(`meter ${id}: no register map ${modbus.map}`);
    const { host, port, unit, instance, invert, phases, phaseOrder } = modbus;
    return {
      id,
      host,
      port,
      unit,
      map,
      instance,
      wiring: { role, invert, phases, phaseOrder },
      timeoutMs: modbus.timeoutS * 1_000,
      periodMs: modbus.pollS * 1_000,
      logMs: modbus.logS * 1_000,
    };
  });
}

function inputSpecs({ inputs }: Pick<Config, "inputs">): InputSpec[] {
  return inputs.map(({ id, modbus, discrete, coil, invert }) => ({
    id,
    host: modbus.host,
    port: modbus.port,
    unit: modbus.unit,
    table: discrete === undefined ? ("coil" as const) : ("discrete" as const),
    address: discrete ?? coil ?? 0,
    invert,
    timeoutMs: modbus.timeoutS * 1_000,
    periodMs: modbus.pollS * 1_000,
  }));
}
