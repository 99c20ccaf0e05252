/**
 * The newest authorised payload per station, EVSE and kind. `note` is on the path of every message and only keeps
 * bytes; the tick parses what is new, with the same contracts as the ledger.
 */
import type { z } from "zod";
import { Hello, LimitConfirmation, Meter, Status, Tx } from "../model/messages.ts";
import { firstFault } from "../model/schema-fault.ts";
import type { InKind } from "../model/topics.ts";
import { createFreshness } from "./freshness.ts";

export interface Message {
  station: string;
  evse: number;
  kind: InKind;
  payload: Uint8Array;
}

const KINDS = { hello: Hello, meter: Meter, status: Status, tx: Tx, limit: LimitConfirmation } as const;
type HeardKind = keyof typeof KINDS;

/** A parsed message, or why it cannot be used. `atMs` is its arrival on the depot's monotonic clock. */
export type Heard =
  | {
      [K in HeardKind]: {
        station: string;
        evse: number;
        kind: K;
        atMs: number;
        body: z.infer<(typeof KINDS)[K]>;
      };
    }[HeardKind]
  | { station: string; evse: number; kind: "fault"; of: HeardKind; atMs: number; fault: string };

export interface Snapshot {
  /** Keeps the payload when it is the newest of its kind; anything not listed in `sources` is not for control. */
  note(message: Message): void;
  /** Payloads that wait to be parsed. */
  readonly waiting: number;
  /** What is new since the last call, or the oldest `most` of it, parsed, in order of arrival. */
  drain(most?: number): Heard[];
}

interface Slot {
  station: string;
  evse: number;
  kind: HeardKind;
  payload: Uint8Array | null;
  atMs: number;
  depotMs: number;
  order: number;
}

export interface SnapshotOptions {
  /** Each EVSE and each meter (as EVSE 0) whose messages matter. */
  sources: readonly { station: string; evse: number }[];
  monoMs(): number;
  nowMs(): number;
  /** A message that was this much later than its station's usual delay was buffered and tells of the past. */
  lateAfterMs: number;
}

export function createSnapshot(options: SnapshotOptions): Snapshot {
  const slots = new Map<string, Slot>();
  const slot = (station: string, evse: number, kind: HeardKind) =>
    slots.set(`${station}/${evse}/${kind}`, {
      station,
      evse,
      kind,
      payload: null,
      atMs: 0,
      depotMs: 0,
      order: 0,
    });
  for (const { station, evse } of options.sources) {
    slot(station, 0, "hello");
    for (const kind of ["meter", "status", "tx", "limit"] as const) slot(station, evse, kind);
  }
  const freshness = createFreshness(options.lateAfterMs);
  const fresh: Slot[] = [];
  let order = 0;

  const parse = (slot: Slot, payload: Uint8Array): Heard | null => {
    const { station, evse, kind, atMs } = slot;
    const fault = (why: string): Heard => ({ station, evse, kind: "fault", of: kind, atMs, fault: why });
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    } catch {
      return fault("not JSON");
    }
    const result = KINDS[kind].safeParse(json);
    if (!result.success) {
      return fault(firstFault(result.error));
    }
    const body = result.data;
    const current = freshness.isCurrent(station, `${evse}/${kind}`, body, atMs, slot.depotMs);
    // A confirmation carries its own order (`rev`); the rest of a backlog would pass for news.
    if (!current && kind !== "limit") return null;
    return { station, evse, kind, atMs, body } as Heard;
  };

  return {
    note({ station, evse, kind, payload }) {
      const slot = slots.get(`${station}/${evse}/${kind}`);
      if (slot === undefined) return;
      if (slot.payload === null) fresh.push(slot);
      slot.payload = payload;
      slot.atMs = options.monoMs();
      slot.depotMs = options.nowMs();
      slot.order = order++;
    },
    get waiting() {
      return fresh.length;
    },
    drain(most = Number.POSITIVE_INFINITY) {
      if (fresh.length === 0) return [];
      const taken = fresh.sort((a, b) => a.order - b.order).splice(0, most);
      const heard: Heard[] = [];
      for (const slot of taken) {
        const payload = slot.payload as Uint8Array;
        slot.payload = null;
        const one = parse(slot, payload);
        if (one) heard.push(one);
      }
      return heard;
    },
  };
}
