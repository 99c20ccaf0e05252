/**
 * Alerts that the gateway itself raises (a sink that cannot deliver, a full disk, flows that crashed): each id is
 * raised once and cleared once, as facts. Alerts about sessions and stations come from the sessions fold.
 */
import type { Alert } from "../model/alert.ts";
import type { NewEvent } from "../model/event.ts";

export class AlertBoard {
  readonly #active = new Map<string, Alert>();
  readonly #append: (event: NewEvent) => void;
  readonly #nowMs: () => number;

  /** `nowMs`: depot time. */
  constructor(append: (event: NewEvent) => void, nowMs: () => number) {
    this.#append = append;
    this.#nowMs = nowMs;
  }

  raise(alert: Omit<Alert, "since_ms"> & { since_ms?: number }): void {
    if (this.#active.has(alert.id)) return;
    const at = this.#nowMs();
    const raised: Alert = { since_ms: at, ...alert };
    this.#active.set(alert.id, raised);
    this.#append({
      type: "alert.raised",
      atMs: at,
      station: null,
      key: `alert.raised:${alert.id}:${Math.round(at)}`,
      body: raised,
    });
  }

  clear(id: string): void {
    const alert = this.#active.get(id);
    if (!alert) return;
    this.#active.delete(id);
    const at = this.#nowMs();
    const duration_s = Math.round((at - alert.since_ms) / 1000);
    this.#append({
      type: "alert.cleared",
      atMs: at,
      station: null,
      key: `alert.cleared:${id}:${Math.round(at)}`,
      body: { ...alert, duration_s },
    });
  }

  active(): Alert[] {
    return [...this.#active.values()];
  }
}
