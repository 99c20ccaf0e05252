/**
 * What the palette knows of the gateway's MQTT contract v1: topics and the fields it reads. Stated here and not
 * imported, because this package is published on its own; the gateway's tests hold both against each other.
 */

/** Which stream a message belongs to. */
export type Stream = "state" | "session" | "alert";

/** `state/evse/{station}/{evse}`, retained. Absent means unknown, never 0. */
export interface EvseState {
  ts?: string;
  online?: boolean;
  connector_state?: string;
  charging_state?: string;
  power_w?: number;
  limit_a?: number;
  limit_reason?: string;
}

/** `event/alert/{raised,cleared}`. */
export interface AlertMessage {
  id: string;
  kind: string;
  severity: "info" | "warning" | "critical";
  subject: string;
  cause: string;
  log_offset?: number;
}

/** `req/{client}/limit`: an intent. The gateway may clamp or deny it; it ends by itself at `valid_until`. */
export interface LimitRequest {
  id: string;
  valid_until: string;
  /** The same in seconds from receipt, for a gateway whose clock differs from the sender's. */
  valid_for_s: number;
  data: { target: string; limit_a: number; reason?: string };
}

/** `res/{client}/{id}`. */
export interface Answer {
  id: string;
  /** `granted`, `clamped`, `denied` or `error`. */
  status: string;
  error?: { code: string; message: string };
  data?: { limit_a?: number; valid_until?: string; valid_for_s?: number; reason?: string };
}

/** A departure as a table has it. `depart`: RFC 3339, a time on the depot's clocks, or `06:30` for the next one. */
export interface DepartureRow {
  id?: string;
  vehicle?: string;
  /** `station/evse`. */
  evse?: string;
  depart: string;
  energy_kwh?: number | string;
  energy_wh?: number | string;
  soc_pct?: number | string;
  class?: string;
}

/** `req/{client}/depart`: departures to set, or ids to take back. */
export interface DepartRequest {
  id: string;
  data: { departures: DepartureRow[] } | { remove: string[] };
}

/** Its answer: ids that hold, or hold no longer, and what was changed to fit. */
export interface DepartAnswer {
  id: string;
  /** `granted`, `clamped`, `denied` or `error`. */
  status: string;
  error?: { code: string; message: string };
  data?: { departures: string[]; removed?: string[]; passed: number; notes: string[] };
}

export const SEVERITIES = ["info", "warning", "critical"] as const;

/** Topics and filters of one site as one client sees them. The filters do not overlap, so nothing comes twice. */
export function paletteTopics(site: string, client: string) {
  const root = `laddport/v1/${site}`;
  return {
    root,
    filters: {
      state: `${root}/state/evse/+/+`,
      session: `${root}/event/session/+`,
      alert: `${root}/event/alert/+`,
    } satisfies Record<Stream, string>,
    request: (verb: string) => `${root}/req/${client}/${verb}`,
    answers: `${root}/res/${client}/+`,
  };
}

/** A topic of one of the streams: `rest` is what the `+` stood for. */
export function readTopic(root: string, topic: string): { stream: Stream; rest: string[] } | undefined {
  if (!topic.startsWith(`${root}/`)) return undefined;
  const [a, b, ...rest] = topic.slice(root.length + 1).split("/");
  if (a === "state" && b === "evse" && rest.length === 2) return { stream: "state", rest };
  if (a === "event" && b === "session" && rest.length === 1) return { stream: "session", rest };
  if (a === "event" && b === "alert" && rest.length === 1) return { stream: "alert", rest };
  return undefined;
}
