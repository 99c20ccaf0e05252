/** Alerts that were open when the gateway last ended and that nobody is left to clear. */
import { readFileSync } from "node:fs";
import { evseSpecs } from "../config.ts";
import type { AlertKind } from "../model/alert.ts";
import { evseId } from "../model/ids.ts";
import { recipientName } from "../sinks/recipient-alarm.ts";
import { timeSeriesNames } from "./outbox-settings.ts";
import type { Parts } from "./parts.ts";

/** As the alerts name them. */
function recipientNames({ upstream }: Parts["config"]): string[] {
  if (!upstream) return [];
  const { recipientCertFiles, escrowCertFile } = upstream;
  const files = [...recipientCertFiles, ...(escrowCertFile ? [escrowCertFile] : [])];
  return files.map((file) => recipientName(readFileSync(file, "utf8")));
}

/** Clears what is about a part, circuit, meter or EVSE that the config no longer has; the others clear their own. */
export function clearWhatIsGone({ config, alerts }: Pick<Parts, "config" | "alerts">): void {
  const evses = evseSpecs(config).map((e) => evseId(e.station, e.evse));
  const lines = config.circuits.flatMap(({ id }) =>
    ["L1", "L2", "L3", "power"].map((line) => `${id}/${line}`),
  );
  const subjects: Partial<Record<AlertKind, ReadonlySet<string>>> = {
    limit_ignored: new Set(evses),
    phase_mismatch: new Set(evses),
    phase_unbalance: new Set(config.circuits.map(({ id }) => id)),
    circuit_overload: new Set(lines),
    fallback_exceeds_limit: new Set(config.circuits.map((c) => c.id)),
    meter_stale: new Set(config.meters.map((m) => m.id)),
    meter_unreachable: new Set([...config.meters.filter((m) => m.modbus), ...config.inputs].map((m) => m.id)),
    grid_input_silent: new Set(config.grid.inputs.map(({ input }) => input)),
    flows_down: new Set(config.flows?.enabled ? ["flows"] : []),
    influx_down: new Set(timeSeriesNames(config)),
    recipient_expired: new Set(recipientNames(config)),
    upstream_down: new Set(config.upstream ? ["upstream", "seal"] : []),
  };
  for (const { id, kind, subject } of alerts.active())
    if (subjects[kind]?.has(subject) === false) alerts.clear(id);
}
