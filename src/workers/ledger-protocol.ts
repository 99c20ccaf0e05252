/** What the main thread and the ledger thread say to each other. Payloads travel in one transferred buffer a batch. */
import type { Attachment, Head, Placed } from "../log/log-store.ts";
import type { Alert } from "../model/alert.ts";
import type { EvseSpec } from "../model/circuit.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import type { Authorization, Rejected } from "../model/messages.ts";
import type { RetentionClocks } from "../model/retention.ts";
import type { Tariff } from "../model/tariff.ts";
import type { TariffChoiceRule } from "../model/tariff-choice.ts";
import { IN_KINDS, type InKind } from "../model/topics.ts";
import type { SessionCounts } from "../rules/session-part.ts";
import type { SubjectAsk } from "./subject-work.ts";

/** A message that may publish on its topic; its content is not looked at yet. */
export interface RawMessage {
  station: string;
  evse: number;
  kind: InKind;
  payload: Uint8Array;
  /** Depot time of arrival, ms since the epoch. */
  atMs: number;
  /** Set after it killed the thread three times: quarantined unread. */
  poison?: boolean;
}

export interface LedgerSettings {
  site: string;
  /** Folder of the log and its companions. */
  dir: string;
  clock: ClockOrigin;
  /** What the host says of its clock: 0 unknown, 1 synchronised, 2 not. Absent: nobody asks. */
  clockState?: SharedArrayBuffer;
  evses: EvseSpec[];
  /** Stations that are meters: their messages come on EVSE 0. */
  meters: string[];
  timeZone: string;
  voltageV: number;
  /** `[EvseId, Wh]` where registers wrap. */
  registerModulusWh: [string, number][];
  /** How long a session waits for the unplug after its transaction. */
  finishingLimitMs: number;
  /** The first one is the default. */
  tariffs: Tariff[];
  tariffChoice: TariffChoiceRule[];
  tokenPolicy: "free" | "known" | "deny";
  kekFile: string;
  /** PEM file of the certificate that verifies the high-water mark. */
  signerCertFile: string;
  signerKeyFile: string;
  version: string;
  /** Days of raw samples, unless the disk fills before. */
  rawDays: number;
  clocks: RetentionClocks;
  /** Day keys, and what they sealed, go after so many days. */
  quarantineDays: number;
  /** Cursor of whoever takes bills out of the log for good; null: nobody does. */
  billsCursor: string | null;
  /** Names of the sinks that need raw samples: one that is behind a pruned prefix is told of. */
  timeSeries: readonly string[];
  /** For fault tests only: where to fail. Absent in a depot. */
  faultFile?: string;
}

/** Numbered, so that a fresh thread can refuse what came too early. */
export interface Batch {
  n: number;
  packed: Uint8Array;
  appends: { events: NewEvent[]; attachments?: Attachment[] }[];
  cursors: [string, number][];
}

/** Outcome of each message of a batch, by position. */
export const STORED = 0;
export const DUPLICATE = 1;
export const REJECTED = 2;

export type BatchResult =
  | {
      kind: "committed";
      n: number;
      codes: Uint8Array;
      rejected: (Rejected & { station: string })[];
      authorizations: (Authorization & { station: string; evse: number })[];
      placed: Placed[][];
      news: News;
    }
  /** The thread expects another batch first. */
  | { kind: "refused"; n: number }
  /** The disk takes nothing, mostly for want of room: nothing changed, try the same batch again later. */
  | { kind: "full"; n: number; why: string }
  /** An fsync failed: nobody knows what is on disk, the process must end and verify at its next start. */
  | { kind: "fatal"; n: number; why: string };

export type LedgerCall =
  | { kind: "resume"; next: number }
  | { kind: "batch"; batch: Batch }
  | { kind: "subject"; ask: SubjectAsk };

/** What changed in the log, for those who wait on it and for metrics. */
export interface News {
  head: Head;
  commitMs: number;
  /** Events appended since the last news, by type. */
  counts: Record<string, number>;
  /** Events committed but not folded yet. */
  foldLag: number;
  /** As folded so far. */
  sessions: SessionCounts;
  /** Messages since the last news that a full quarantine did not take. */
  quarantineOverflow: number;
  /** Sinks that missed samples which were pruned since the last news. */
  missedSamples: string[];
}

export interface Resumed {
  head: Head;
  epoch: number;
  /** Set when the log does not reach its signed mark. */
  damage: string | null;
  replayed: number;
  /** Alerts of the gateway's own that were raised and not cleared. */
  openAlerts: Alert[];
  sessions: SessionCounts;
}

const ITEM_HEADER = 16;
const encoder = new TextEncoder();

export function packMessages(messages: readonly RawMessage[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const m of messages) size += ITEM_HEADER + m.station.length + m.payload.length;
  const out = new Uint8Array(new ArrayBuffer(size));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const m of messages) {
    view.setFloat64(at, m.atMs);
    view.setUint8(at + 8, m.evse);
    view.setUint8(at + 9, IN_KINDS.indexOf(m.kind) | (m.poison ? 0x80 : 0));
    view.setUint16(at + 10, m.station.length);
    view.setUint32(at + 12, m.payload.length);
    at += ITEM_HEADER;
    // Ids are ASCII (ID_PATTERN), so characters are bytes.
    encoder.encodeInto(m.station, out.subarray(at, at + m.station.length));
    out.set(m.payload, at + m.station.length);
    at += m.station.length + m.payload.length;
  }
  return out;
}

export function unpackMessages(packed: Uint8Array): RawMessage[] {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const messages: RawMessage[] = [];
  for (let at = 0; at < buffer.length; ) {
    const flags = buffer.readUInt8(at + 9);
    const stationEnd = at + ITEM_HEADER + buffer.readUInt16BE(at + 10);
    const end = stationEnd + buffer.readUInt32BE(at + 12);
    messages.push({
      atMs: buffer.readDoubleBE(at),
      evse: buffer.readUInt8(at + 8),
      kind: IN_KINDS[flags & 0x7f] as InKind,
      poison: (flags & 0x80) !== 0,
      station: buffer.toString("latin1", at + ITEM_HEADER, stationEnd),
      payload: buffer.subarray(stationEnd, end),
    });
    at = end;
  }
  return messages;
}
