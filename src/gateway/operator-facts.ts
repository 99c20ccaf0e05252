/**
 * The door for facts that people and integrators bring in: prices, decisions. It lets through only the types of
 * `OPERATOR_TYPES`, and only with a key, so that sending again what was not answered appends nothing twice.
 */
import type { LogWriter, Placed } from "../log/log-store.ts";
import { type NewEvent, OPERATOR_TYPES } from "../model/event.ts";

/**
 * Resolves when the fact is durable, with its place, or with that of the fact that has its key (`duplicate`). Waits
 * while the disk takes nothing: a caller with less patience answers that it does not know yet.
 * @throws TypeError for another type, or without a key.
 */
export type AppendFact = (event: NewEvent) => Promise<Placed>;

export function operatorFacts(ledger: Pick<LogWriter, "append">): AppendFact {
  return async (event) => {
    if (!OPERATOR_TYPES.has(event.type)) throw new TypeError(`${event.type} is no fact of an operator`);
    if (event.key === null) throw new TypeError(`${event.type} needs a key`);
    const [placed] = await ledger.append([event]);
    if (!placed) throw new Error(`the ledger gave ${event.key} no place`);
    return placed;
  };
}
