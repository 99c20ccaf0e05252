/**
 * How a station obeys `out/{station}/{evse}/limit`: a lease that counts on its own monotonic clock from receipt, then
 * the fallback. An older revision never overrides a newer one, in whatever order they arrive.
 */
import type { Limit } from "../model/messages.ts";

export interface Lease {
  /** Takes a limit that arrived at `monoMs`; false when it is older than the one in force. */
  receive(limit: Limit, monoMs: number): boolean;
  /** mA per line offered at `monoMs`. */
  offerMa(monoMs: number): number;
  /** What the newest limit says of phases; it outlives the lease. Null before the first. */
  readonly phases: number | null;
  readonly rev: number | null;
}

/** `provisionedMa`: what the station offers as long as no lease ever came. */
export function createLease(provisionedMa: number): Lease {
  let rev: number | null = null;
  let phases: number | null = null;
  let limitMa = provisionedMa;
  let fallbackMa = provisionedMa;
  let expiresMs = Number.POSITIVE_INFINITY;
  return {
    receive(limit, monoMs) {
      if (rev !== null && limit.rev < rev) return false;
      rev = limit.rev;
      phases = limit.phases;
      limitMa = Math.floor(limit.limit_a * 1000 + 1e-6);
      fallbackMa = Math.floor(limit.fallback_a * 1000 + 1e-6);
      expiresMs = monoMs + limit.valid_for_s * 1000;
      return true;
    },
    offerMa: (monoMs) => (monoMs < expiresMs ? limitMa : fallbackMa),
    get phases() {
      return phases;
    },
    get rev() {
      return rev;
    },
  };
}
