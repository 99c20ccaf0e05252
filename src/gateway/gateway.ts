/** What the gateway is to whoever runs it: the command line, the demo, a test. */
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { GridOrderShown } from "../model/grid-request.ts";
import type { ReadinessState } from "../model/readiness.ts";
import type { TargetSource } from "../model/targets.ts";
import type { BookedSession } from "./books.ts";

export interface GatewayOptions {
  config: Config;
  /** The log, the sealed store and Node-RED's folder; made when missing. */
  dataDir: string;
  /** Real time when absent; only the demo scales it. */
  clock?: ClockOrigin;
  log: Logger;
  /** Shown to whoever stands at the machine while there is no user yet; absent: none is made. */
  setupCode?(code: string): void;
  /** Called when the process must end, with its exit code: an fsync failed. */
  fatal?(code: number, why: string): void;
}

/** Where the gateway listens, as URLs. */
export interface Listening {
  mqtt?: string;
  mqtts?: string;
  ws?: string;
  api?: string;
  flows?: string;
}

/** Where targets come from now, and since when; how many were made since start, by where they came from. */
export interface PlanStanding {
  source: TargetSource | null;
  madeMs: number | null;
  counts: Readonly<Record<string, number>>;
}

export interface GatewayStats {
  ackedEvents: number;
  sessionsOpen: number;
  sessionsClosed: number;
  cdrsIssued: number;
  summariesSealed: number;
  summariesAcknowledged: number;
  energyWhMetered: number;
  energyWhBilled: number;
  /** Per line. */
  siteA: number[];
  siteLimitA: number[];
  nodeRed: string;
  stationsByState: Record<string, number>;
  /** Vehicles plugged in, by whether they will be ready when they leave. */
  readiness: Record<ReadinessState, number>;
  plan: PlanStanding;
  /** Orders of the grid side that have not ended. */
  gridOrders: GridOrderShown[];
}

export interface Gateway {
  start(): Promise<Listening>;
  stop(reason: string): Promise<void>;
  /** Takes the broker's TLS files as they are on disk. False when they are no good: the old ones stay in force. */
  renewCertificates(): Promise<boolean>;
  stats(): Promise<GatewayStats>;
  /** Every ended session with what was billed for it. */
  sessions(): Promise<BookedSession[]>;
  /** Folds, seals and delivers all that is pending; false when the cloud did not take it in time. */
  flush(timeoutMs: number): Promise<boolean>;
}
