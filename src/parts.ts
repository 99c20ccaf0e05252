/** The parts of a running gateway, as the composition root shares them. */
import type { AlertBoard } from "./alerts.ts";
import type { Config } from "./config.ts";
import type { Control } from "./control/loop.ts";
import type { DepotClock } from "./model/clock.ts";
import type { SiteTopics } from "./model/topics.ts";
import type { Flows } from "./node-red.ts";
import type { Outbox } from "./outbox.ts";
import type { Broker } from "./stations/broker.ts";
import type { Ledger } from "./workers/ledger.ts";

export interface Parts {
  config: Config;
  clock: DepotClock;
  topics: SiteTopics;
  ledger: Ledger;
  outbox: Outbox;
  broker: Broker;
  control: Control;
  alerts: AlertBoard;
  flows: Flows | undefined;
  dataDir: string;
  /** Events appended since start, by type. */
  counts: Map<string, number>;
  /** Setpoints recorded since start, by the reason they gave. */
  setpoints: Map<string, number>;
  latest: { head: number; foldLag: number; diskFull: boolean; damage: string | null };
  epoch: number;
}
