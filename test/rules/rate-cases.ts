/** Sessions and tariffs for rating, written short. */
import type { SessionRecord, StateInterval } from "../../src/model/session.ts";
import { Tariff } from "../../src/model/tariff.ts";
import { START_MS, TARIFF } from "./depot-events.ts";

export type Component = {
  type: string;
  price: string | number;
  vat?: string | number;
  step_size?: number;
  price_source?: object;
};
type Limits = Record<string, unknown>;

/** An element: its components, and when it applies. */
export function el(components: Component[], restrictions?: Limits): object {
  return { price_components: components, ...(restrictions ? { restrictions } : {}) };
}

export function tariffOf(elements: object[], more: object = {}): Tariff {
  return Tariff.parse({ id: "t", currency: "EUR", elements, ...more });
}

/** One element for each list of components, without restrictions. */
export function tariff(...elements: Component[][]): Tariff {
  return tariffOf(elements.map((components) => el(components)));
}

export const minutes = (n: number): number => n * 60;

/** A session of consecutive stretches, in seconds. Its energy flows evenly unless readings say otherwise. */
export function session(
  energyWh: number,
  stretches: [StateInterval["state"], number, StateInterval["under"]?][],
  more: Partial<SessionRecord> & { from?: string } = {},
): SessionRecord {
  const { from, ...rest } = more;
  const startMs = from === undefined ? START_MS : Date.parse(from);
  let at = startMs;
  const intervals = stretches.map(([state, seconds, under]): StateInterval => {
    const from_ms = at;
    at += seconds * 1000;
    return { state, from_ms, to_ms: at, ...(under ? { under } : {}) };
  });
  return {
    session_id: "s1-1",
    station: "cp-01",
    evse: 1,
    token_ref: null,
    tx_refs: ["t1"],
    time_zone: "Europe/Stockholm",
    started_ms: startMs,
    ended_ms: at,
    clock: "station",
    clock_offset_ms: 0,
    closed_by: "station",
    stop_reason: "local",
    energy_wh: energyWh,
    segments: [],
    readings: [],
    intervals,
    durations_s: { charging: 0, suspended_ev: 0, suspended_evse: 0, faulted: 0, gap: 0, finishing: 0 },
    interruptions: 0,
    flags: [],
    held: [],
    tariff: TARIFF,
    ...rest,
  };
}

/** Readings at seconds after the start. */
export function readings(record: SessionRecord, ...points: [number, number][]): SessionRecord {
  return {
    ...record,
    readings: points.map(([s, wh]) => ({ at_ms: record.started_ms + s * 1000, energy_wh: wh })),
  };
}

/** An OCPI session: periods as start and dimensions. */
export function ocpi(
  start: string,
  end: string,
  periods: [string, Record<string, number | string>][],
  more: object = {},
) {
  return {
    time_zone: "Europe/Amsterdam",
    start_date_time: start,
    end_date_time: end,
    kind: "normal" as const,
    charging_periods: periods.map(([start_date_time, volumes]) => ({
      start_date_time,
      dimensions: Object.entries(volumes).map(([type, volume]) => ({ type, volume })),
    })),
    ...more,
  };
}
