/** Recorded stays as what their stations would have sent: charging until the energy is in the car, then idle. */
import type { EvseSpec } from "../../src/model/circuit.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { type EvseId, evseId } from "../../src/model/ids.ts";
import type { RecordedSession } from "../../src/simulator/replay-file.ts";
import { spec } from "./depot-events.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** 365 weeks later: a clock that says 2019 counts as never set. */
const LATER_MS = 365 * 7 * 24 * HOUR;
const SAMPLE_MS = 15 * MINUTE;

export interface Stay {
  /** Transaction id. */
  ref: string;
  token: string;
  group: string;
  station: string;
  evse: number;
  fromMs: number;
  toMs: number;
  deliveredWh: number;
  /** The meter's register when it begins. */
  beginWh: number;
  /** The link is lost half way: the gateway closes the session, and its stop comes hours later. */
  cutOff: boolean;
}

/** At one EVSE each; those that overlap at a station take its next one. `cutOff`: of the n-th stay. */
export function staysOf(
  sessions: readonly RecordedSession[],
  cutOff: (n: number) => boolean,
): { stays: Stay[]; evses: Map<EvseId, EvseSpec> } {
  const lanes = new Map<string, { freeMs: number; registerWh: number }[]>();
  const stays = [...sessions]
    .sort((a, b) => a.arrivalMs - b.arrivalMs)
    .map((s, n): Stay => {
      const station = s.station.toLowerCase().replace(/[^a-z0-9]+/g, "-");
      const own = lanes.get(station) ?? [];
      lanes.set(station, own);
      let index = own.findIndex(({ freeMs }) => freeMs < s.arrivalMs);
      if (index < 0) index = own.push({ freeMs: 0, registerWh: 1_000_000 + 7 * n }) - 1;
      const lane = own[index] as (typeof own)[number];
      const beginWh = lane.registerWh;
      lane.freeMs = s.departureMs;
      lane.registerWh += s.deliveredWh;
      return {
        ref: `t${n}`,
        token: `tok-${n % 41}`,
        group: ["north", "south", "guests"][n % 3] as string,
        station,
        evse: index + 1,
        fromMs: s.arrivalMs + LATER_MS,
        toMs: s.departureMs + LATER_MS,
        deliveredWh: s.deliveredWh,
        beginWh,
        cutOff: cutOff(n),
      };
    });
  const evses = new Map<EvseId, EvseSpec>();
  for (const [station, own] of lanes)
    own.forEach((_, i) => void evses.set(evseId(station, i + 1), { ...spec(station, i + 1), maxA: 250 }));
  return { stays, evses };
}

/** In order of arrival, with a tick every five minutes until a day after the last one. */
export function stationEvents(stays: readonly Stay[]): NewEvent[] {
  const events = stays.flatMap(eventsOf);
  const first = Math.min(...stays.map(({ fromMs }) => fromMs));
  const last = Math.max(...stays.map(({ toMs }) => toMs));
  for (let atMs = first; atMs < last + 24 * HOUR; atMs += 5 * MINUTE)
    events.push({
      type: "clock.ticked",
      atMs,
      station: null,
      key: null,
      body: { at: new Date(atMs).toISOString() },
    });
  return events.sort((a, b) => a.atMs - b.atMs);
}

function eventsOf({ ref, token, group, station, evse, fromMs, toMs, ...stay }: Stay): NewEvent[] {
  const { deliveredWh, beginWh, cutOff } = stay;
  const events: NewEvent[] = [];
  /** `lateMs`: how long after its time it arrives. */
  const add = (type: NewEvent["type"], ms: number, body: object, lateMs = 0) => {
    const from = { evse, ts: new Date(ms).toISOString(), boot: null, seq: null };
    events.push({ type, atMs: ms + lateMs, station, key: null, body: { ...from, ...body } } as NewEvent);
  };
  const fullMs = fromMs + Math.floor((toMs - fromMs) * 0.6);
  const register = (ms: number) =>
    beginWh + Math.floor((deliveredWh * Math.min(ms - fromMs, fullMs - fromMs)) / (fullMs - fromMs));
  // Half of what it takes is in the car then, so the late stop brings the rest.
  const lostMs = cutOff ? fromMs + Math.floor((fullMs - fromMs) / 2) : toMs;
  add("transaction.started", fromMs, {
    tx_ref: ref,
    energy_import_wh: beginWh,
    charging_state: "charging",
    token_ref: token,
    token_group: group,
  });
  for (let ms = fromMs + SAMPLE_MS; ms < lostMs; ms += SAMPLE_MS)
    add("meter.sampled", ms, {
      context: "sample.periodic",
      tx_ref: ref,
      energy_import_wh: register(ms),
      power_w: ms < fullMs ? Math.floor((deliveredWh * HOUR) / (fullMs - fromMs)) : 0,
    });
  if (!cutOff)
    add("transaction.updated", fullMs, {
      tx_ref: ref,
      energy_import_wh: beginWh + deliveredWh,
      charging_state: "suspended_ev",
    });
  add(
    "transaction.ended",
    toMs,
    { tx_ref: ref, energy_import_wh: beginWh + deliveredWh, reason: "local" },
    cutOff ? 2 * HOUR + 7 * MINUTE : 0,
  );
  add("status.reported", toMs, { connector_state: "available" });
  return events;
}
