/**
 * How long an EVSE waits after the power came back, so that a depot's cars do not all start at once. The same for the
 * same EVSE every time, spread evenly over the EVSEs.
 */
import { createHash } from "node:crypto";
import type { EvseId } from "../model/ids.ts";

/** ms, from 0 to less than `mostMs`. */
export function startDelayMs(evse: EvseId, mostMs: number): number {
  const part = createHash("sha256").update(evse).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(part * Math.max(0, mostMs));
}
