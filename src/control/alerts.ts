/** Raises each alert of the control loop once and clears it once. */
import type { Alert, AlertKind } from "../model/alert.ts";

export type AlertSink = (state: "raised" | "cleared", alert: Alert) => void;

export interface AlertBoard {
  /** Raises or clears `kind` for `subject`, when that is a change. `cause` is only called to raise. */
  set(kind: AlertKind, subject: string, on: boolean, severity: Alert["severity"], cause: () => string): void;
}

export function createAlertBoard(sink: AlertSink, nowMs: () => number): AlertBoard {
  const raised = new Map<string, Alert>();
  return {
    set(kind, subject, on, severity, cause) {
      const id = `${kind}:${subject}`;
      const before = raised.get(id);
      if (on && before === undefined) {
        const alert: Alert = { id, kind, severity, subject, cause: cause(), since_ms: nowMs() };
        raised.set(id, alert);
        sink("raised", alert);
      } else if (!on && before !== undefined) {
        raised.delete(id);
        sink("cleared", before);
      }
    },
  };
}
