/**
 * Watches that fallbacks fit when limits change while the gateway runs. A lower limit is never refused: that would leave
 * the higher one in force. It is obeyed by every station within reach, and the alert says what those out of reach may
 * draw.
 */
import { type Alerts, alertWhile } from "../model/alert-board.ts";
import type { EvseSpec, PerLine } from "../model/circuit.ts";
import type { CircuitTree } from "../rules/allocate-tree.ts";
import { proveFallbacks } from "../rules/proof/fallbacks.ts";
import { lineExcess, powerExcess } from "../rules/proof/words.ts";

export interface FallbackWatchOptions {
  tree: CircuitTree;
  specs: readonly EvseSpec[];
  alerts: Alerts;
  nominalV: number;
  /** The limit of a circuit in W that holds now; null for none. */
  limitW(circuit: number): number | null;
}

export function createFallbackWatch({ tree, specs, alerts, nominalV, limitW }: FallbackWatchOptions) {
  return {
    /** Call it after a change of limits. Reads them from `tree.limitA` and `limitW`. */
    prove(): void {
      const now = tree.circuits.map(({ limitW: _, ...circuit }, c) => {
        const watts = limitW(c);
        const limitA = [...tree.limitA.subarray(c * 3, c * 3 + 3)] as unknown as PerLine;
        return { ...circuit, limitA, ...(watts === null ? {} : { limitW: watts }) };
      });
      const proof = proveFallbacks(now, specs, nominalV);
      for (const { id, limitA } of now) {
        const over = proof.lines.filter((l) => l.circuit === id && l.marginA < 0);
        const power = proof.powers.find((p) => p.circuit === id && p.marginW < 0);
        alertWhile(alerts, over.length > 0 || power !== undefined, {
          kind: "fallback_exceeds_limit",
          subject: id,
          severity: "warning",
          cause: () =>
            over.length > 0
              ? lineExcess(now, specs, over, `${limitA.join("/")} A is the limit`)
              : power
                ? powerExcess(now, specs, power)
                : "",
        });
      }
    },
  };
}
