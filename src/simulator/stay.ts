/** A visit that is going on: its transactions so far, and what came of it in the end. */
import type { Evse } from "./evse.ts";
import { mischiefFor, type VisitMischief } from "./mischief.ts";
import type { Mischief, Visit } from "./plan.ts";
import type { VisitResult } from "./station-state.ts";

export interface Stay {
  visit: Visit;
  mischief: VisitMischief;
  tx: { ref: string; startWh: number } | null;
  /** Wh of the transactions of this stay that are over. */
  endedWh: number;
  charged: boolean;
  refused: boolean;
  /** The authorisation that was asked for last. */
  asked: { ref: string; atMs: number } | null;
}

export function newStay(visit: Visit, mischief: Mischief | null): Stay {
  return {
    visit,
    mischief: mischiefFor(mischief, visit),
    tx: null,
    endedWh: 0,
    charged: false,
    refused: false,
    asked: null,
  };
}

/** The car waits for an answer to its authorisation. */
export const isWaiting = (stay: Stay | null): stay is Stay & { asked: { atMs: number } } =>
  stay !== null && stay.tx === null && !stay.refused && stay.asked !== null;

/** Wh of a stay by the register, the running transaction included. */
export function stayWh(stay: Stay, registerWh: number): number {
  return stay.endedWh + (stay.tx ? registerWh - stay.tx.startWh : 0);
}

/** What came of a stay that ends at `nowMs`, the car still at the EVSE. */
export function resultOf(stay: Stay, evse: Evse, nowMs: number): VisitResult {
  const { visit, charged } = stay;
  return {
    id: visit.id,
    station: visit.station,
    arrivalMs: visit.arrivalMs,
    departureMs: nowMs,
    recordedWh: visit.recordedWh ?? null,
    wantedWh: visit.car.energyWh,
    meteredWh: stayWh(stay, evse.registerWh),
    finished: evse.full,
    limitedS: Math.round(evse.limitedMs / 1000),
    charged,
  };
}
