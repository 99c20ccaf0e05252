/** What circuits draw at this moment, and how much of it is not charging. */

/** A circuit and an EVSE as the control loop shows them, A on L1, L2, L3. */
interface Shown {
  circuits: readonly { id: string; measured_a: readonly number[] | null }[];
  evses: readonly { station: string; measured_a: readonly number[] | null }[];
}

export type LineAmps = [number, number, number];

/**
 * Other load by circuit, A: the meter less the charging below it. Only of circuits whose own meter is believed; an EVSE
 * without a fresh reading counts as 0. `circuitOf` names the circuit of a station, `parentOf` the one that feeds a circuit.
 */
export function otherNow(
  { circuits, evses }: Shown,
  circuitOf: ReadonlyMap<string, string>,
  parentOf: ReadonlyMap<string, string | null>,
): Map<string, LineAmps> {
  const charging = new Map<string, LineAmps>();
  for (const { station, measured_a } of evses) {
    if (!measured_a) continue;
    for (let c = circuitOf.get(station) ?? null; c !== null; c = parentOf.get(c) ?? null) {
      charging.set(c, plus(charging.get(c) ?? [0, 0, 0], measured_a));
    }
  }
  const other = new Map<string, LineAmps>();
  for (const { id, measured_a } of circuits)
    if (measured_a) other.set(id, less(measured_a, charging.get(id) ?? [0, 0, 0]));
  return other;
}

function plus(sum: LineAmps, a: readonly number[]): LineAmps {
  return [sum[0] + (a[0] ?? 0), sum[1] + (a[1] ?? 0), sum[2] + (a[2] ?? 0)];
}

function less(a: readonly number[], b: LineAmps): LineAmps {
  return [(a[0] ?? 0) - b[0], (a[1] ?? 0) - b[1], (a[2] ?? 0) - b[2]];
}
