/** The parts of a running gateway, as the composition root shares them. */
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { Control } from "../control/loop.ts";
import type { People } from "../identity/people.ts";
import type { AlertBoard } from "../model/alert-board.ts";
import type { DepotClock } from "../model/clock.ts";
import type { EvseNeed } from "../model/departure.ts";
import type { NewEvent } from "../model/event.ts";
import type { EvseId } from "../model/ids.ts";
import type { Occupant, RunningCost } from "../model/running-cost.ts";
import type { SiteTopics } from "../model/topics.ts";
import type { Flows } from "../node-red.ts";
import type { SessionCounts } from "../rules/session-part.ts";
import type { Broker } from "../stations/broker.ts";
import type { ModbusMeters } from "../stations/meters/meters.ts";
import type { Checkpointer } from "../workers/checkpointer.ts";
import type { Ledger } from "../workers/ledger.ts";
import type { Audit } from "./audit.ts";
import type { CertificateWatch } from "./certificate-watch.ts";
import type { DepartureDoor } from "./departure-door.ts";
import type { DepotNeeds } from "./depot-needs.ts";
import type { GridPart } from "./grid-part.ts";
import type { AppendFact } from "./operator-facts.ts";
import type { Outbox } from "./outbox.ts";
import type { DepotPlanner } from "./planner.ts";
import type { PriceDoor } from "./price-door.ts";
import type { ReadinessWatch } from "./readiness.ts";
import type { RoleMeters } from "./role-meters.ts";

/** What the other parts stand on: all of it is there before the first of them is built. */
export interface Foundation {
  config: Config;
  dataDir: string;
  clock: DepotClock;
  log: Logger;
  topics: SiteTopics;
  ledger: Ledger;
  checkpointer: Checkpointer;
  outbox: Outbox;
  alerts: AlertBoard;
  /** Who may sign in at the API and the flow editor. */
  people: People;
  /** Watches the ends of certificates. */
  certificates: CertificateWatch;
  /** Of the installation: rises when a backup is restored. */
  epoch: number;
  /** Takes a fact of the gateway's own to the log, without waiting for it. */
  append(event: NewEvent): void;
  /** Takes a fact that a person or a flow brought; resolves when it is durable. */
  appendFact: AppendFact;
  /** Takes an entry to the audit trail. */
  audit: Audit;
  /** Takes departures, and knows them and the vehicles. */
  departures: DepartureDoor;
  /** Takes prices that a person or a flow brought. */
  takePrices: PriceDoor;
  /** Events appended since start, by type. */
  counts: Map<string, number>;
  /** Setpoints recorded since start, by the reason they gave. */
  setpoints: Map<string, number>;
  /** Messages since start that a full quarantine did not take. */
  overflow: { quarantine: number };
  /** What the open session at an EVSE costs so far. */
  running: Map<EvseId, RunningCost>;
  /** Whose open session it is. */
  occupants: Map<EvseId, Occupant>;
  /** What the ledger said last. */
  latest: {
    head: number;
    foldLag: number;
    sessions: SessionCounts;
    diskFull: boolean;
    damage: string | null;
  };
}

export interface Parts extends Foundation, GridPart {
  control: Control;
  broker: Broker;
  /** Who is plugged in where at `nowMs` of depot time, and what is known of their wishes; in the order of the config. */
  needs(nowMs: number): EvseNeed[];
  /** Plans who charges when. */
  planner: DepotPlanner;
  /** Watches who will be ready at departure. */
  readiness: ReadinessWatch;
  depotNeeds: DepotNeeds;
  /** Meters and inputs that the gateway polls. */
  meters: ModbusMeters;
  /** What production and storage do now. */
  roles: RoleMeters;
  /** Absent when the config switches flows off, and until they are started. */
  flows: Flows | undefined;
}
