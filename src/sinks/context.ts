/** What every sink in the outbox is given. */
import type { Logger } from "pino";
import type { LogReader, LogWriter } from "../log/log-store.ts";
import type { Alert, AlertKind } from "../model/alert.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";

export type AlertEvent = Extract<NewEvent, { type: "alert.raised" | "alert.cleared" }>;

export interface SinkContext {
  reader: LogReader;
  writer: LogWriter;
  clock: DepotClock;
  /** Calls the listener whenever the log's head moved. Returns how to stop that. */
  wake(listener: () => void): () => void;
  /** Takes an alert to be appended. Must not throw. */
  alert(event: AlertEvent): void;
  log: Pick<Logger, "info" | "warn" | "error">;
}

/** Raises an alert; the returned function clears it, once, with its duration. */
export function raiseAlert(
  { alert, clock }: Pick<SinkContext, "alert" | "clock">,
  what: { id: string; kind: AlertKind; severity: Alert["severity"]; subject: string; cause: string },
): () => void {
  const raised: Alert = { ...what, since_ms: clock.nowMs() };
  const named = (state: "raised" | "cleared") => `alert.${state}:${raised.id}:${raised.since_ms}`;
  const common = { station: null, atMs: raised.since_ms };
  alert({ ...common, type: "alert.raised", key: named("raised"), body: raised });
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    const atMs = clock.nowMs();
    const duration_s = Math.max(0, Math.round((atMs - raised.since_ms) / 1000));
    alert({ ...common, atMs, type: "alert.cleared", key: named("cleared"), body: { ...raised, duration_s } });
  };
}
