/** What an EVSE is doing as one number, for timelines and for databases that keep numbers only. */
import type { ChargingState, ConnectorState } from "../model/messages.ts";

/** Part of the InfluxDB schema: numbers are never reused for another meaning. */
export const STATE_CODES = {
  unavailable: 0,
  available: 1,
  reserved: 2,
  ev_connected: 3,
  charging: 4,
  suspended_ev: 5,
  suspended_evse: 6,
  faulted: 7,
} as const;

/** The connector decides when it cannot charge at all; otherwise the charging state says more. */
export function stateCode(connector: ConnectorState, charging: ChargingState | undefined): number {
  if (connector === "faulted" || connector === "unavailable") return STATE_CODES[connector];
  if (charging !== undefined && charging !== "idle") return STATE_CODES[charging];
  return connector === "occupied" ? STATE_CODES.ev_connected : STATE_CODES[connector];
}

/**
 * Why transactions end (OCPP 2.0.1 ReasonEnumType and OCPP 1.6 Reason, in snake case), and what the gateway says when
 * it closes one. A reason is a tag, and stations may send any text: what is not listed becomes `other`, so that no
 * station can grow the number of series or smuggle an identity in.
 */
const STOP_REASONS: ReadonlySet<string> = new Set([
  "de_authorized",
  "emergency_stop",
  "energy_limit_reached",
  "ev_disconnected",
  "ground_fault",
  "hard_reset",
  "immediate_reset",
  "local",
  "local_out_of_credit",
  "master_pass",
  "other",
  "overcurrent_fault",
  "power_loss",
  "power_quality",
  "reboot",
  "remote",
  "soc_limit_reached",
  "soft_reset",
  "stop_missing",
  "stopped_by_ev",
  "time_limit_reached",
  "timeout",
  "unlock_command",
  "unknown",
]);

export function stopReasonTag(reason: string): string {
  return STOP_REASONS.has(reason) ? reason : "other";
}
