/** What a simulated station shows of itself to the depot that steps it. */
import type { ChargingState } from "../model/messages.ts";
import type { Connection } from "./connection.ts";

/** What came of a visit. Energy is a difference of the station's own lifetime register. */
export interface VisitResult {
  id: string;
  station: string;
  arrivalMs: number;
  departureMs: number;
  recordedWh: number | null;
  /** What the car wanted of this stay. */
  wantedWh: number;
  meteredWh: number;
  /** The car had all it wanted before it left. */
  finished: boolean;
  /** Depot seconds in which the car, ready to charge, wanted more than it was offered. */
  limitedS: number;
  /** False when no transaction ever began: refused, or gone before the answer came. */
  charged: boolean;
}

/** Free is `available`; without power or link it is `offline`. */
export type StationState = ChargingState | "available" | "faulted" | "offline";

export interface Station {
  /** Connects; depot time begins for it at `atMs` (whole ms, as all instants here). */
  start(atMs: number): void;
  stop(): Promise<void>;
  /** Answers what arrived, then lets depot time pass to `toMs`. */
  step(toMs: number): void;
  /** The car leaves now, faults and outages are over, no more visits come. */
  finish(): void;
  /** The link, which a test may cut. */
  readonly link: Connection;
  readonly state: StationState;
  /** What the gateway sent against the contract, and what it rejected: empty unless something is wrong. */
  readonly contractFaults: readonly string[];
  /** mA on the grid's L1, L2, L3. */
  readonly lineMa: readonly [number, number, number];
  /** Drawn from the grid. */
  readonly acPowerMw: number;
  readonly results: readonly VisitResult[];
  /** Visits still to come or going on. */
  readonly remaining: number;
  /** Register differences of all transactions so far, the running one included. */
  readonly meteredWh: number;
}
