/** Limits of circuits in W: charging and other load together, as the circuit's meter sees them. The lowest holds. */
import type { Circuit } from "../model/circuit.ts";
import type { CircuitTree } from "../rules/allocate-tree.ts";

export type PowerReason = "grid_order" | "power_limit";

export interface PowerLimit {
  limitW: number;
  why: PowerReason;
}

export function createPowerLimits(tree: CircuitTree) {
  const ordered = tree.circuits.map(() => new Map<PowerReason, number>());

  return {
    /** Null takes it back; one value per reason is kept. Throws a RangeError on a bad value or an unknown circuit. */
    set(circuit: string, limitW: number | null, why: PowerReason): void {
      const of = ordered[tree.indexOf.get(circuit) ?? -1];
      if (of === undefined)
        throw new RangeError(
          `no circuit "${circuit}"; there are ${tree.circuits.map((c) => c.id).join(", ")}`,
        );
      if (limitW === null) of.delete(why);
      else if (Number.isFinite(limitW) && limitW >= 0) of.set(why, limitW);
      else
        throw new RangeError(
          `${circuit}: ${limitW} W is no limit; give watts of 0 or more, or null for none`,
        );
    },

    /** The lowest of a circuit's limits in W, its configured one included; null when it has none. */
    of(circuit: number): PowerLimit | null {
      const { limitW } = tree.circuits[circuit] as Circuit;
      let lowest: PowerLimit | null = limitW === undefined ? null : { limitW, why: "power_limit" };
      for (const [why, w] of ordered[circuit] ?? [])
        if (lowest === null || w < lowest.limitW) lowest = { limitW: w, why };
      return lowest;
    },
  };
}

export type PowerLimits = ReturnType<typeof createPowerLimits>;
