/** What the sessions fold remembers: one part a station and one for the site, plain JSON, bounded. */
import type { Alert } from "../model/alert.ts";
import type { Cdr } from "../model/cdr.ts";
import type { ChargingState, ConnectorState } from "../model/messages.ts";
import type { EnergyReading, Hold, SessionFlag, SessionRecord, SignedEvidence } from "../model/session.ts";
import type { SealedRef, SignedFacts } from "../model/signed.ts";
import type { TariffVersion } from "../model/tariff.ts";
import type { TariffBook } from "./choose-tariff.ts";
import { type HostClock, hostClock } from "./session-host-clock.ts";
import { emptyTrack, type Track } from "./session-registers.ts";
import type { Gap, ReportedState, StateChange } from "./session-states.ts";
import type { BoundStretch, Throttle } from "./session-throttle.ts";

/** The part `""`: what holds for the whole site. */
export interface SitePart {
  /** Of the gateway's installation; sessions are numbered within it. */
  epoch: number;
  /** What was adopted, newest last; older ones for sessions that began under them and have no token yet. */
  books: TariffBook[];
  sessions: SessionCounts;
  /** Accepted public keys (hex SPKI) by meter serial. */
  meterKeys: Record<string, string>;
  /** What is known of the host's clock. */
  clock: HostClock;
}

/** How many sessions of the whole site there are now. */
export interface SessionCounts {
  open: number;
  /** Ended and held: a person must look before they are billed. */
  held: number;
}

export interface StationPart {
  clock: StationClock;
  numbers: StationNumbers;
  link: { up: boolean; sinceMs: number; cause: string } | null;
  /** From the latest hello; stands for messages that name no meter. */
  meterSerial: string | null;
  evses: Record<string, EvsePart>;
  /** Raised and not cleared, by id. */
  alerts: Record<string, Alert>;
}

/** How far the station's clock stands from ours: the largest `ts - arrival` of two windows, so the least delay. */
export interface StationClock {
  bestMs: number | null;
  previousMs: number | null;
  count: number;
  windowAtMs: number;
  lastAtMs: number;
  lastTsMs: number;
}

/** Message numbers of the current boot: the highest, and which below it have not come. */
export interface StationNumbers {
  /** Oldest first; the last is the current one. */
  boots: string[];
  highest: number;
  missing: number[];
}

export interface EvsePart {
  connectorState: ConnectorState | null;
  chargingState: ChargingState | null;
  /** Of the newest status taken: an older one, late or repeated, changes nothing. */
  statusTsMs: number;
  /** 0 until learnt from the samples. */
  intervalMs: number;
  /** The last step between samples, until a second one agrees. */
  candidateMs: number;
  longIntervals: number;
  lastSampleMs: number;
  registerMode: "unknown" | "lifetime" | "session_relative";
  session: OpenSession | null;
  /** The setpoint in force. Absent: none was sent. */
  throttle?: Throttle;
  /** Where setpoints before it bound the open session. */
  throttled?: BoundStretch[];
  /** Stops whose start has not come. */
  parked: ParkedStop[];
  /** The last closed sessions, to recognise what still comes for them. */
  closed: ClosedSession[];
}

export interface OpenSession {
  id: string;
  tokenRef: string | null;
  tokenGroup: string | null;
  vehicle: string | null;
  txRefs: string[];
  tariff: TariffVersion | null;
  /** Hash of the book that the tariff was chosen from; null when the site had none. */
  book: string | null;
  openedTsMs: number;
  startedMs: number;
  /** The newest instant heard of, on the session's clock. */
  lastMs: number;
  /** When the gateway last heard of it. */
  seenAtMs: number;
  clock: "station" | "gateway";
  clockOffsetMs: number;
  /** What was known of the host's clock when it opened. */
  openedOn: HostClock;
  /** Number of the message that opened it; null when unnumbered. */
  openedSeq: number | null;
  main: Track;
  /** Samples that count from the start of the session, while the transaction's registers count the meter's life. */
  relative: Track | null;
  startWh: number | null;
  sampled: boolean;
  exported: { fromWh: number; toWh: number } | null;
  modeUnclear: string | null;
  residueWh: number;
  readings: EnergyReading[];
  changes: StateChange[];
  /** The state changed since the last reading. */
  changed: boolean;
  /** What a fault took it out of. */
  beforeFault: ReportedState | null;
  /** Why an alert says that charging is interrupted. */
  interrupted: "fault" | "silence" | null;
  gaps: Gap[];
  linkLost: boolean;
  /** Signed values, in order of arrival. */
  signed: SignedSeen[];
  /** Signed values between begin and end that only their page counts of. */
  signedRuns: SignedRun[];
  stop: { ms: number; atMs: number; wh: number | null; reason: string } | null;
  /** Reported unplugged while no stop had come. */
  unplugged: { ms: number; atMs: number } | null;
  /** The station booted and has not spoken of this transaction since. */
  rebooted: { ms: number; atMs: number } | null;
  flags: SessionFlag[];
}

/** A signed record that came with a message of the session. */
export interface SignedSeen {
  nature: SignedEvidence["values"][number]["nature"];
  sealed_ref: string;
  sha256: string;
  mac: string;
  facts: SignedFacts;
}

/** Intermediate records without a fault that follow each other: pages `from` to `to`, all as `facts` says. */
export interface SignedRun {
  from: number;
  to: number;
  /** Without readings and page. */
  facts: SignedFacts;
}

export interface ParkedStop {
  offset: number;
  atMs: number;
  tsMs: number;
  unset: boolean;
  txRef: string;
  wh: number | null;
  serial: string | null;
  tokenRef: string | null;
  tokenGroup: string | null;
  vehicle: string | null;
  reason: string;
  signed?: SealedRef;
}

export interface ClosedSession {
  id: string;
  txRefs: string[];
  /** The station's own stamp on what opened it; a repetition carries the same. */
  openedTsMs: number;
  startedMs: number;
  endedMs: number;
  stopWh: number | null;
  closedBy: "station" | "gateway";
  relative: boolean;
  /** Corrections already reported, once each. */
  corrected: string[];
  /** Of the few whose bill late data or the clock may still change. */
  kept?: KeptSession;
}

/** Data that came late, and the record as it makes it. */
export interface LateData {
  record: SessionRecord;
  what: string;
  detail: string;
}

/** An ended session whose record may still change, and what is known beside it. */
export interface KeptSession {
  /** As it stands: the holds that a release set aside are gone. */
  record: SessionRecord;
  revision: number;
  /** `closed`: voided or credited, so nothing changes it any more. */
  state: "billed" | "held" | "closed";
  billRevision: number | null;
  /** The newest CDR of it that the log has; credits aside. */
  bill: Cdr | null;
  setAside: Hold["code"][];
  /** The tariff book that it began under, by hash. */
  book: string | null;
  keptAtMs: number;
  /** When the gateway last heard of the session while it was open. */
  seenAtMs: number;
  /** The first register step that cannot be, in words. */
  jump: string | null;
  /** The state last reported, and whether the station sampled at all. */
  lastState: ReportedState;
  sampled: boolean;
  unplugged: boolean;
  /** From when on the host's clock must be vouched for; null when the gateway cannot release it. */
  doubt: HostClock | null;
  late: LateData | null;
  /** Emitted, and not met in the log yet: a decision may have taken its number. */
  sent: { revision: number; late: LateData | null } | null;
}

export function sitePart(): SitePart {
  return { epoch: 0, books: [], sessions: { open: 0, held: 0 }, meterKeys: {}, clock: hostClock() };
}

export function stationPart(): StationPart {
  return {
    clock: { bestMs: null, previousMs: null, count: 0, windowAtMs: 0, lastAtMs: 0, lastTsMs: 0 },
    numbers: { boots: [], highest: -1, missing: [] },
    link: null,
    meterSerial: null,
    evses: {},
    alerts: {},
  };
}

export function evsePart(): EvsePart {
  return {
    connectorState: null,
    chargingState: null,
    statusTsMs: 0,
    intervalMs: 0,
    candidateMs: 0,
    longIntervals: 0,
    lastSampleMs: 0,
    registerMode: "unknown",
    session: null,
    parked: [],
    closed: [],
  };
}

export function openSession(
  fields: Pick<
    OpenSession,
    | "id"
    | "tokenRef"
    | "tokenGroup"
    | "vehicle"
    | "tariff"
    | "book"
    | "openedTsMs"
    | "startedMs"
    | "seenAtMs"
    | "clock"
    | "clockOffsetMs"
    | "openedOn"
    | "openedSeq"
    | "changes"
  > & { txRef: string },
): OpenSession {
  const { txRef, ...rest } = fields;
  return {
    ...rest,
    txRefs: [txRef],
    lastMs: fields.startedMs,
    main: emptyTrack(),
    relative: null,
    startWh: null,
    sampled: false,
    exported: null,
    modeUnclear: null,
    residueWh: 0,
    readings: [],
    changed: false,
    beforeFault: null,
    interrupted: null,
    gaps: [],
    linkLost: false,
    signed: [],
    signedRuns: [],
    stop: null,
    unplugged: null,
    rebooted: null,
    flags: [],
  };
}

export function flag(session: OpenSession, name: SessionFlag): void {
  if (!session.flags.includes(name)) session.flags.push(name);
}
