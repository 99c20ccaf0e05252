/** What a report's page says and what its reader should know: the shape of both in each language. */
import type { ReportBy } from "./report-by.ts";

/** What the reader of a report should know; instants in ms since the epoch. */
export type ReportNote =
  | { code: "log_begins" | "log_ends"; at_ms: number }
  | { code: "held"; sessions: number; energy_wh: number }
  | { code: "voided" | "open"; sessions: number }
  | { code: "no_power" | "evses_unnamed" }
  | { code: "never_heard"; stations: readonly string[] };

export interface ReportWords {
  /** Between whole digits in threes, and before decimals. */
  group: string;
  decimalPoint: string;
  title: (from: string, to: string) => string;
  zone: (zone: string, days: "one" | "several") => string;
  drawn: { heading: string; about: string; label: (most: string) => string };
  used: {
    heading: string;
    about: string;
    label: string;
    parts: Record<"charging" | "throttled" | "heldBack" | "idle" | "other", string>;
    more: (shown: number, of: number) => string;
  };
  interrupted: { heading: string; cause: string; times: string; none: string };
  figures: { heading: string } & Record<
    "energy" | "sessions" | "cost" | "charging" | "idle" | "limited" | "available" | "betweenFaults" | "peak",
    string
  >;
  held: (sessions: number) => string;
  perKwh: (price: string) => string;
  connected: (share: string) => string;
  faults: (count: number) => string;
  by: Record<ReportBy, string>;
  /** Of the table's columns after the first. */
  columns: readonly string[];
  total: string;
  /** `fault:GroundFailure`, `offline`, `meter_gap`, ... */
  cause: (cause: string) => string;
  note: (note: ReportNote) => string;
}

/** A decimal with a point, such as `1234.5`, as the language writes it; text around it stays. */
export function numberIn({ group, decimalPoint }: ReportWords, decimal: string): string {
  return decimal.replace(/(\d+)(?:\.(\d+))?/, (_, whole: string, part?: string) => {
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, group);
    return part === undefined ? grouped : grouped + decimalPoint + part;
  });
}

/** `2026-03-01 08:15 UTC`. */
export function utcMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
