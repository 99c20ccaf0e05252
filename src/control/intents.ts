/**
 * Wishes from flows: limits that expire. The core clamps them to what is lawful and says so; an intent lowers, it never
 * lifts a limit above what circuits and stations allow.
 */
import type { Circuit, EvseSpec } from "../model/circuit.ts";
import { type EvseId, evseId } from "../model/ids.ts";

export interface Intent {
  /** `station/evse`, or the id of a circuit whose lines it lowers. */
  target: EvseId | string;
  limitA: number;
  /** Depot time, ms since the epoch. */
  untilMs: number;
}

export interface IntentAnswer {
  accepted: boolean;
  /** What holds now, A; null when refused. */
  limitA: number | null;
  untilMs: number | null;
  /** Why it was refused or clamped; empty when taken as it is. */
  reason: string;
}

/** An intent holds at most this long; a flow that still means it says so again. */
const LONGEST_MS = 24 * 3_600_000;

export function createIntents(
  specs: readonly EvseSpec[],
  circuits: readonly Pick<Circuit, "id" | "limitA">[],
) {
  const evses = new Map(specs.map((s) => [evseId(s.station, s.evse) as string, s]));
  const linesOf = new Map(circuits.map((c) => [c.id, c.limitA]));
  const held = new Map<string, { limitA: number; untilMonoMs: number }>();

  return {
    /** `monoMs` is the depot's monotonic time, on which the intent then runs out. */
    propose(intent: Intent, depotMs: number, monoMs: number): IntentAnswer {
      const refuse = (reason: string): IntentAnswer => ({
        accepted: false,
        limitA: null,
        untilMs: null,
        reason,
      });
      const spec = evses.get(intent.target);
      const lines = linesOf.get(intent.target);
      if (spec === undefined && lines === undefined)
        return refuse(`no EVSE or circuit "${intent.target}"; name an EVSE as station/evse`);
      if (!Number.isFinite(intent.limitA) || intent.limitA < 0)
        return refuse(`a limit of ${intent.limitA} A; give amperes of 0 or more`);
      if (!(intent.untilMs > depotMs)) return refuse("its end lies in the past; give a time to come");
      const why: string[] = [];
      const untilMs = Math.min(intent.untilMs, depotMs + LONGEST_MS);
      if (untilMs < intent.untilMs) why.push("it holds 24 hours at most");
      let limitA = intent.limitA;
      if (spec && limitA > spec.maxA) {
        limitA = spec.maxA;
        why.push(`the EVSE's maximum is ${spec.maxA} A`);
      } else if (spec && limitA > 0 && limitA < spec.minA) {
        limitA = 0;
        why.push(`below the EVSE's minimum of ${spec.minA} A it gets 0`);
      } else if (lines && limitA > Math.max(...lines)) {
        // One wish for all lines: what is above the strongest lowers none of them.
        limitA = Math.max(...lines);
        why.push(`the circuit's limit is ${limitA} A`);
      }
      held.set(intent.target, { limitA, untilMonoMs: monoMs + (untilMs - depotMs) });
      return { accepted: true, limitA, untilMs, reason: why.join("; ") };
    },

    /** A, or null when none holds. */
    limitA(target: string, monoMs: number): number | null {
      const intent = held.get(target);
      if (intent === undefined) return null;
      if (monoMs < intent.untilMonoMs) return intent.limitA;
      held.delete(target);
      return null;
    },
  };
}

export type Intents = ReturnType<typeof createIntents>;
