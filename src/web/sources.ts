/** What the web shows. All of it is handed in by main: web knows no other room. */

import type { PriceAnswer } from "../model/prices.ts";
import type { ReportBy } from "../rules/report-by.ts";

export const CHECKS = ["log", "disk", "broker", "control", "flows", "influx", "upstream", "clock"] as const;
export type CheckName = (typeof CHECKS)[number];
export type CheckStatus = "ok" | "degraded" | "failing";

export interface Check {
  status: CheckStatus;
  /** For the operator: what is wrong and what to do. No secrets, nothing personal: `/health` is open. */
  detail?: string;
}

/** A check that is absent is not configured (no InfluxDB, say). */
export type Checks = Partial<Record<CheckName, Check>>;

/** Why a request cannot be answered, as the client reads it. */
export interface ApiError {
  code: string;
  message: string;
  fix: string;
}

/** Where each consumer of the log stands. */
export interface ConsumerLag {
  lagEvents: number;
  /** Age of the oldest event that it could not get rid of, in seconds; null when nothing waits. */
  oldestUnsentS: number | null;
}

/** One moment's figures for `/metrics`. What is null or absent is left out, never shown as 0. */
export interface MetricFigures {
  consumers: Readonly<Record<string, ConsumerLag>>;
  /** Events appended and acknowledged since start. */
  ackedEvents: number;
  quarantined: number;
  /** Answered as rejected, but not kept: the quarantine of their station was full. */
  quarantineOverflow: number;
  deadLetters: number;
  connections: number;
  /** Now, whenever they began. */
  sessionsActive: number;
  /** Ended and waiting for a person. */
  sessionsHeld: number;
  logHead: number;
  diskFreeBytes: number | null;
  /** Age of the newest site meter value in seconds. */
  siteMeterAgeS: number | null;
  /** Per line L1, L2, L3. */
  siteCurrentA: readonly number[] | null;
  siteLimitA: readonly number[] | null;
  /** Setpoints sent since start, by the reason they gave. */
  setpoints: Readonly<Record<string, number>>;
  /** Plans since start, by where targets came from. */
  plans: Readonly<Record<string, number>>;
  /** Vehicles by whether they will be ready at departure. */
  readiness: Readonly<Record<string, number>>;
}

export interface HistoryQuery {
  station: string;
  /** All EVSEs when absent. */
  evse?: number;
  fromMs: number;
  toMs: number;
  /** One point per EVSE and step. */
  stepMs: number;
  limit: number;
}

/** The last values of one EVSE in one step. */
export interface HistoryPoint {
  ts: string;
  evse: number;
  power_w?: number;
  energy_import_wh?: number;
  current_a?: readonly number[];
  soc_pct?: number;
  limit_a?: number;
  connector_state?: string;
  charging_state?: string;
}

export interface History {
  points: HistoryPoint[];
  /** True when there is more between `from` and `to` than was read: ask again from the last point. */
  truncated: boolean;
}

/** Which report: dates `YYYY-MM-DD`, both inclusive, in the site's time zone; until the end of the log without `to`. */
export interface ReportQuery {
  from: string;
  to?: string;
  by: ReportBy;
}

/** Bodies are JSON objects in the wire's spelling (snake_case, units in names). */
export interface WebSources {
  checks(): Checks;
  metrics(): MetricFigures;
  status(): Promise<object>;
  stations(): Promise<readonly object[]>;
  /** Newest first, each as it was last revised, with its `state`: held, billed, voided or credited. */
  sessions(limit: number): Promise<readonly object[]>;
  /** Open now, each with what it costs so far. */
  openSessions(): readonly object[];
  session(id: string): Promise<object | undefined>;
  history(query: HistoryQuery): Promise<History>;
  report(query: ReportQuery): Promise<object>;
  /** Who charges when, by the plan. */
  plan(): object;
  /** Who will be ready at departure, who will not and why. */
  readiness(): object;
  takePrices(request: unknown): Promise<PriceAnswer>;
}
