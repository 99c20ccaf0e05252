/** Alerts: something a person may have to act on, raised once and cleared once, with cause and duration. */

export const ALERT_KINDS = [
  "station_offline",
  "station_faulted",
  "session_interrupted",
  "session_held",
  "clock_skew",
  "message_rejected",
  "key_conflict",
  "meter_stale",
  "meter_unreachable",
  "circuit_overload",
  "limit_ignored",
  "fallback_exceeds_limit",
  "phase_mismatch",
  "phase_unbalance",
  "log_damaged",
  "disk_full",
  "influx_down",
  "influx_gap",
  "upstream_down",
  "summary_rejected",
  "recipient_expired",
  "flows_down",
  "mqtt5_refused",
  "identity_takeover",
  "login_braked",
  "certificate_expires",
  "certificates_unusable",
  "other_auth_configured",
  "grid_order_missed",
  "grid_input_silent",
  "departure_at_risk",
  "departure_impossible",
  "offered_not_drawn",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Something that happened rather than lasts: over when it has not happened again for a while. */
export const PASSING_KINDS: ReadonlySet<AlertKind> = new Set<AlertKind>([
  "message_rejected",
  "key_conflict",
  "influx_gap",
  "mqtt5_refused",
  "identity_takeover",
  "login_braked",
  "other_auth_configured",
]);

export interface Alert {
  /** The same id raises and clears: `station_faulted:cp-07/1`. */
  id: string;
  kind: AlertKind;
  severity: "info" | "warning" | "critical";
  /** What it is about: a station, EVSE, circuit, sink. */
  subject: string;
  cause: string;
  since_ms: number;
}
