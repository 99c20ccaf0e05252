/** What every sink in the outbox is given. */
import type { Logger } from "pino";
import type { LogReader, LogWriter } from "../log/log-store.ts";
import type { Alerts } from "../model/alert-board.ts";
import type { DepotClock } from "../model/clock.ts";

export interface SinkContext {
  reader: LogReader;
  writer: LogWriter;
  clock: DepotClock;
  /** Calls the listener whenever the log's head moved. Returns how to stop that. */
  wake(listener: () => void): () => void;
  /** Must not throw. */
  alerts: Alerts;
  log: Pick<Logger, "info" | "warn" | "error">;
}
