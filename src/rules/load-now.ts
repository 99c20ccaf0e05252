/** What circuits draw at this moment, and how much of it is charging. */
import type { LineAmps } from "./grid/load-windows.ts";

/** Circuits and EVSEs as the control loop shows them, A on L1, L2, L3. */
interface Shown {
  circuits: readonly { id: string; measured_a: readonly number[] | null }[];
  evses: readonly { station: string; measured_a: readonly number[] | null }[];
}

/** Where stations and circuits hang. */
export interface Feeds {
  /** The circuit of a station. */
  circuitOf: ReadonlyMap<string, string>;
  /** The circuit that feeds a circuit; null for the grid connection. */
  parentOf: ReadonlyMap<string, string | null>;
}

/** Charging below each circuit, A; an EVSE without a fresh reading counts as 0. Circuits without any are left out. */
export function chargingNow(evses: Shown["evses"], { circuitOf, parentOf }: Feeds): Map<string, LineAmps> {
  const charging = new Map<string, LineAmps>();
  for (const { station, measured_a } of evses) {
    if (!measured_a) continue;
    for (let c = circuitOf.get(station) ?? null; c !== null; c = parentOf.get(c) ?? null) {
      const sum = charging.get(c) ?? [0, 0, 0];
      charging.set(
        c,
        eachLine((p) => sum[p] + (measured_a[p] ?? 0)),
      );
    }
  }
  return charging;
}

/** Other load by circuit, A: the meter less the charging below it. Only of circuits whose own meter is believed. */
export function otherNow(
  circuits: Shown["circuits"],
  charging: ReadonlyMap<string, LineAmps>,
): Map<string, LineAmps> {
  const other = new Map<string, LineAmps>();
  for (const { id, measured_a } of circuits) {
    const less = charging.get(id) ?? [0, 0, 0];
    if (measured_a)
      other.set(
        id,
        eachLine((p) => (measured_a[p] ?? 0) - less[p]),
      );
  }
  return other;
}

const eachLine = (of: (p: 0 | 1 | 2) => number): LineAmps => [of(0), of(1), of(2)];
