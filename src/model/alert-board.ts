/**
 * The one way in which the gateway itself raises an alert: each id once, and cleared once, as facts. What is open
 * outlives a restart, because the log has it. Alerts about sessions and stations come from the sessions fold.
 */
import { type Alert, PASSING_KINDS } from "./alert.ts";
import type { NewEvent } from "./event.ts";

/** An alert as whoever raises it names it; the board knows since when. */
export type AlertCause = Omit<Alert, "since_ms">;

export interface Alerts {
  /** Nothing happens when the id is raised already. */
  raise(alert: AlertCause): void;
  /** Nothing happens when the id is not raised. */
  clear(id: string): void;
}

export type AlertEvent = Extract<NewEvent, { type: "alert.raised" | "alert.cleared" }>;

/** Depot time without another one after which an alert of something that happened is over. */
export const QUIET_MS = 15 * 60_000;

export class AlertBoard implements Alerts {
  readonly #open = new Map<string, Alert>();
  /** When what passes by itself was last raised, also while it was open. */
  readonly #metMs = new Map<string, number>();
  readonly #append: (event: AlertEvent) => void;
  readonly #nowMs: () => number;

  /** `open`: raised before this process began and not cleared. `nowMs`: depot time. */
  constructor(append: (event: AlertEvent) => void, nowMs: () => number, open: readonly Alert[] = []) {
    this.#append = append;
    this.#nowMs = nowMs;
    for (const alert of open) this.#keep(alert);
  }

  raise(alert: AlertCause): void {
    if (PASSING_KINDS.has(alert.kind)) this.#metMs.set(alert.id, this.#nowMs());
    if (this.#open.has(alert.id)) return;
    const at = this.#nowMs();
    const raised: Alert = { ...alert, since_ms: at };
    this.#keep(raised);
    this.#append({
      type: "alert.raised",
      atMs: at,
      station: null,
      key: `alert.raised:${alert.id}:${Math.round(at)}`,
      body: raised,
    });
  }

  clear(id: string): void {
    const alert = this.#open.get(id);
    if (!alert) return;
    this.#open.delete(id);
    this.#metMs.delete(id);
    const at = this.#nowMs();
    const duration_s = Math.max(0, Math.round((at - alert.since_ms) / 1000));
    this.#append({
      type: "alert.cleared",
      atMs: at,
      station: null,
      key: `alert.cleared:${id}:${Math.round(at)}`,
      body: { ...alert, duration_s },
    });
  }

  /** Clears what happened once and has not happened again for `QUIET_MS`; call it every minute or so. */
  clearPassed(): void {
    for (const [id, metMs] of this.#metMs) if (this.#nowMs() - metMs >= QUIET_MS) this.clear(id);
  }

  active(): Alert[] {
    return [...this.#open.values()];
  }

  #keep(alert: Alert): void {
    this.#open.set(alert.id, alert);
    if (PASSING_KINDS.has(alert.kind)) this.#metMs.set(alert.id, this.#nowMs());
  }
}

/** Raises or clears by a condition that is looked at again and again. `cause` is only called to raise. */
export function alertWhile(
  alerts: Alerts,
  on: boolean,
  { kind, subject, severity, cause }: Omit<AlertCause, "id" | "cause"> & { cause: () => string },
): void {
  const id = `${kind}:${subject}`;
  if (on) alerts.raise({ id, kind, subject, severity, cause: cause() });
  else alerts.clear(id);
}
