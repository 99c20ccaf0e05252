/**
 * An event is an immutable fact, named in the past tense. Bodies use the wire's spelling (snake_case, units in names)
 * because the log, `log tail`, live topics and flows all read them.
 */
import type { Alert } from "./alert.ts";
import type { AuditRecord } from "./audit.ts";
import type { Cdr } from "./cdr.ts";
import type { DepartureRecord, DepartureSource, RemovedBy, TimetableLine } from "./departure.ts";
import type { GridOrderEnded, GridOrdered, GridOrderReaction } from "./grid-order.ts";
import type { LoadMeasured } from "./grid-side.ts";
import type { ChargingState, ConnectorState, LimitReason, Meter } from "./messages.ts";
import type { PricePublication } from "./prices.ts";
import type { Hold, SessionRecord } from "./session.ts";
import type { SealedRef } from "./signed.ts";
import type { KeptItem } from "./subject.ts";
import type { TargetSource } from "./targets.ts";
import type { TariffVersion } from "./tariff.ts";
import type { TariffChoiceRule } from "./tariff-choice.ts";
import type { LearnedLimits } from "./vehicle.ts";

/** Fields of everything a station sent. `boot` and `seq` are null when the station does not number its messages. */
export interface FromStation {
  evse: number;
  ts: string;
  boot: string | null;
  seq: number | null;
}

/** What became of a session after its end, counted from 2 (`session.ended` is 1): one fact a number, whatever its type. */
interface Revision {
  session_id: string;
  revision: number;
}

/** Who decided, and why, in the operator's words. */
interface Decision {
  by: string;
  reason: string;
}

/** Body of each event type. Facts stay, their bodies as long as `CLOCK_OF` says; samples are pruned (see `SAMPLE_TYPES`). */
export interface EventBodies {
  "station.announced": FromStation & {
    online: boolean;
    vendor?: string;
    model?: string;
    firmware?: string;
    meter_serial?: string;
  };
  "station.connected": { address: string; protocol: "tcp" | "tls" | "ws" };
  "station.disconnected": { reason: string };
  "meter.sampled": FromStation & Omit<Meter, "ts" | "boot" | "seq" | "signed"> & { signed?: SealedRef };
  "status.reported": FromStation & {
    connector_state: ConnectorState;
    charging_state?: ChargingState;
    fault_code?: string;
  };
  "transaction.started": TransactionBody;
  "transaction.updated": TransactionBody;
  "transaction.ended": TransactionBody & { reason?: string };
  "limit.confirmed": FromStation & { rev: number; limit_a: number };
  "token.decided": FromStation &
    TokenListing & {
      ref: string;
      token_ref: string;
      status: "accepted" | "denied";
      reason: string;
    };
  "message.quarantined": {
    topic: string;
    code: string;
    message: string;
    pointer?: string;
    /** SHA-256 of the sealed bytes; the bytes lie in the sealed store. Null when the quota was full. */
    sealed_sha256: string | null;
    size: number;
  };
  "setpoint.sent": {
    evse: number;
    rev: number;
    limit_a: number;
    phases: number;
    valid_for_s: number;
    fallback_a: number;
    reason: LimitReason;
    bound_by?: string;
    /** Priority class of the vehicle; absent for none. */
    class?: string;
    /** What the plan wanted, A, and which plan; absent without one. */
    target_a?: number;
    plan?: TargetSource;
  };
  "clock.ticked": {
    at: string;
    /** Whether the host's clock was known to be synchronised; null: nothing could tell. Absent: nobody asked. */
    synchronised?: boolean | null;
    /** How far the clock was stepped since the tick before, depot ms; absent when it was not. */
    stepped_ms?: number;
  };
  /**
   * What the gateway rates by from here on: all tariffs, the first of them again as `tariff`, and the rules that choose.
   * Logs of releases that knew one tariff have `tariff` alone.
   */
  "tariff.adopted": {
    tariff: TariffVersion;
    tariffs?: TariffVersion[];
    choice?: TariffChoiceRule[];
    /** SHA-256, hex, of the canonical JSON of the tariffs' hashes and the rules. */
    hash?: string;
  };
  "prices.published": PricePublication;
  "departures.set": { departures: DepartureRecord[]; source: DepartureSource };
  /** Also days of the timetable on which a line does not hold: `line@2026-11-26`. */
  "departures.removed": { ids: string[]; source: RemovedBy };
  /** The whole weekly timetable from here on. */
  "timetable.set": { lines: TimetableLine[]; source: DepartureSource };
  "vehicle.learned": LearnedLimits & { vehicle: string };
  /** From here on values that the meter signs are checked against this key (SubjectPublicKeyInfo, hex). */
  "meter_key.accepted": { meter_serial: string; public_key: string; by: string; reason: string };
  "grid.ordered": GridOrdered;
  "grid.order_ended": GridOrderEnded;
  /** The meter shows the circuit at or under the order. */
  "grid.order_met": GridOrderReaction;
  /** It does not, longer than a reaction may take. */
  "grid.order_missed": GridOrderReaction;
  "load.measured": LoadMeasured;
  "gateway.started": { version: string; node: string; epoch: number };
  "gateway.stopped": { reason: string };
  "session.started": {
    session_id: string;
    evse: number;
    token_ref: string | null;
    tx_ref: string | null;
    tariff_hash: string | null;
    started_ms: number;
  };
  "session.ended": SessionRecord;
  "session.corrected": { session_id: string; what: string; detail: string };
  /** Late data changed what is billed, or what a person will decide on. */
  "session.revised": Revision & {
    what: string;
    detail: string;
    /** As it stood; without the holds that a release set aside. */
    previous: SessionRecord;
    record: SessionRecord;
    was_billed: boolean;
    /** Revision that the standing bill is named by, 1 for the session alone; null when it was not billed. */
    bill_revision: number | null;
    /** The bill that stands, as it was issued; null when none was. Absent in logs of releases that did not keep it. */
    bill?: Cdr | null;
  };
  /** The holds of `record` are set aside: it is billed. `by` is an operator's id, or `gateway`. */
  "hold.released": Revision & Decision & { record: SessionRecord; since_ms: number };
  /** Never to be billed. */
  "session.voided": Revision & Decision & { held: Hold[]; since_ms: number };
  /** A bill is taken back and none follows. `record`, `bill_revision` and `bill` as in `session.revised`. */
  "cdr.credited": Revision &
    Decision & { cdr: string; record: SessionRecord; bill_revision: number; bill?: Cdr };
  "cdr.issued": Cdr;
  "summary.sealed": {
    /** The name in the payload; absent in logs of earlier releases, where it is the running gateway's. */
    gateway?: string;
    epoch: number;
    seq: number;
    sha256: string;
    size: number;
    cdr_ids: string[];
    recipients: string[];
    through_offset: number;
  };
  /** `receipt_jws`: the signed receipt, compact. Absent when the receiver does not sign. */
  "summary.acknowledged": { epoch: number; seq: number; sha256: string; receipt_jws?: string };
  "summary.rejected": {
    epoch: number;
    seq: number;
    sha256: string;
    reason: string;
  };
  /**
   * A person is gone from the store; what the log has under the pseudonym leads to nobody. `payer` is what upstream
   * knew them by, for the notice that asks it to erase its copies.
   */
  "subject.erased": { token_ref: string; payer: string; ground: string; kept: KeptItem[] };
  /** A backup was restored: numbers go on in a new epoch that names where the old one stood. */
  "log.restored": {
    epoch: number;
    from_epoch: number;
    from_offset: number;
    from_fact_hash: string;
    from_sample_hash: string;
    /** RFC 3339. */
    backup_at: string;
  };
  /** The sealed bytes at `offset` go with this fact; their hash stays in `summary.sealed`. */
  "summary.forgotten": { epoch: number; seq: number; sha256: string; offset: number };
  "alert.raised": Alert;
  "alert.cleared": Alert & { duration_s: number };
  /**
   * Samples through an offset are now minutes. `behind`: sinks that had not taken all of them, and the offset up to
   * which each had; what lies between is missing there.
   */
  "samples.pruned": { through: number; digest: string; behind?: Record<string, number> };
  /** Bodies of facts of these types through an offset are gone, but for those under a legal hold. `count`: such facts. */
  "facts.emptied": { through: number; kinds: EventType[]; count: number };
  "log.damaged": { detail: string };
  "audit.recorded": AuditRecord;
}

/** What the token list says of a token: ids that the depot chose. Absent when it says nothing. */
export interface TokenListing {
  /** Cost centre. */
  token_group?: string;
  vehicle?: string;
}

export interface TransactionBody extends FromStation, TokenListing {
  tx_ref: string;
  energy_import_wh?: number;
  charging_state?: ChargingState;
  token_ref?: string;
  meter_serial?: string;
  signed?: SealedRef;
}

export type EventType = keyof EventBodies;

/** Types that retention may prune; all others are facts, kept, hash-chained on their own and unique by key. */
export const SAMPLE_TYPES: ReadonlySet<EventType> = new Set<EventType>([
  "meter.sampled",
  "limit.confirmed",
  "setpoint.sent",
  "clock.ticked",
]);

/** An event before the log gave it its place. */
export type NewEvent = {
  [T in EventType]: {
    type: T;
    /** When the gateway learnt of it: depot time, ms since the epoch. */
    atMs: number;
    station: string | null;
    /** Names a fact for ever; appending the same key again is a duplicate. Samples have none. */
    key: string | null;
    body: EventBodies[T];
  };
}[EventType];

/** An event with its place in the log. Offsets rise by one from 1 and are never used twice. */
export type Event = NewEvent & { offset: number };

export type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/** Facts that people and integrators bring in, over the API or by a request; no other type passes that door. */
export const OPERATOR_TYPES: ReadonlySet<EventType> = new Set<EventType>([
  "prices.published",
  "departures.set",
  "departures.removed",
  "timetable.set",
  "meter_key.accepted",
  "hold.released",
  "session.voided",
  "cdr.credited",
  "grid.ordered",
  "grid.order_ended",
]);
