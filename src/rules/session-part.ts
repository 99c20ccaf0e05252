/** What the sessions fold remembers: one part a station and one for the site, plain JSON, bounded. */
import type { Alert } from "../model/alert.ts";
import type { ChargingState, ConnectorState } from "../model/messages.ts";
import type { EnergyReading, SessionFlag } from "../model/session.ts";
import type { TariffVersion } from "../model/tariff.ts";
import { emptyTrack, type Track } from "./session-registers.ts";
import type { Gap, ReportedState, StateChange } from "./session-states.ts";
import type { BoundStretch, Throttle } from "./session-throttle.ts";

/** The part `""`: what holds for the whole site. */
export interface SitePart {
  /** Of the gateway's installation; sessions are numbered within it. */
  epoch: number;
  tariff: TariffVersion | null;
  sessions: SessionCounts;
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
  txRefs: string[];
  tariff: TariffVersion | null;
  openedTsMs: number;
  startedMs: number;
  /** The newest instant heard of, on the session's clock. */
  lastMs: number;
  /** When the gateway last heard of it. */
  seenAtMs: number;
  clock: "station" | "gateway";
  clockOffsetMs: number;
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
  stop: { ms: number; atMs: number; wh: number | null; reason: string } | null;
  /** Reported unplugged while no stop had come. */
  unplugged: { ms: number; atMs: number } | null;
  /** The station booted and has not spoken of this transaction since. */
  rebooted: { ms: number; atMs: number } | null;
  flags: SessionFlag[];
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
  reason: string;
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
}

export function sitePart(): SitePart {
  return { epoch: 0, tariff: null, sessions: { open: 0, held: 0 } };
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
    | "tariff"
    | "openedTsMs"
    | "startedMs"
    | "seenAtMs"
    | "clock"
    | "clockOffsetMs"
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
    stop: null,
    unplugged: null,
    rebooted: null,
    flags: [],
  };
}

export function flag(session: OpenSession, name: SessionFlag): void {
  if (!session.flags.includes(name)) session.flags.push(name);
}
