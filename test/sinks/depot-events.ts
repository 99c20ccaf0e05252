/** Events as a small depot makes them, placed in a log. */
import type { Event, EventBodies, EventType, NewEvent } from "../../src/model/event.ts";
import type { SessionRecord } from "../../src/model/session.ts";

export const T0 = Date.UTC(2026, 10, 22, 17, 0, 0);

export function event<T extends EventType>(
  type: T,
  atMs: number,
  station: string | null,
  body: EventBodies[T],
): NewEvent {
  return { type, atMs, station, key: null, body } as NewEvent;
}

/** Gives events their offsets, from `first` on. */
export function placed(events: NewEvent[], first = 1): Event[] {
  return events.map((e, i) => ({ ...e, offset: first + i }));
}

export function metered(
  atMs: number,
  station: string,
  evse: number,
  body: Partial<EventBodies["meter.sampled"]> = {},
): NewEvent {
  return event("meter.sampled", atMs, station, {
    evse,
    ts: new Date(atMs).toISOString(),
    boot: "b1",
    seq: 1,
    context: "sample.periodic",
    ...body,
  });
}

export function ended(session: Partial<SessionRecord> = {}): SessionRecord {
  return {
    session_id: "session-4711",
    time_zone: "Europe/Stockholm",
    station: "cp-001",
    evse: 1,
    token_ref: "pseudonym-of-anna",
    tx_refs: ["tx-a41f"],
    started_ms: T0,
    ended_ms: T0 + 3_600_500,
    clock: "station",
    clock_offset_ms: 0,
    closed_by: "station",
    stop_reason: "ev_disconnected",
    energy_wh: 22_345,
    segments: [],
    readings: [],
    intervals: [],
    durations_s: {
      charging: 3000,
      suspended_ev: 300,
      suspended_evse: 100,
      faulted: 0,
      gap: 0,
      finishing: 200,
    },
    interruptions: 1,
    flags: [],
    held: [],
    tariff: null,
    ...session,
  };
}

export function rated(cost: string, currency = "SEK", session = "session-4711"): NewEvent {
  return event("cdr.issued", T0 + 3_601_000, "cp-001", {
    id: "cdr-1",
    session_id: session,
    start_date_time: "2026-11-22T17:00:00Z",
    end_date_time: "2026-11-22T18:00:00.500Z",
    cdr_token: "pseudonym-of-anna",
    auth_method: "WHITELIST",
    cdr_location: { id: "ringon", evse_uid: "cp-001/1", connector_id: "1" },
    meter_id: null,
    currency,
    tariff: { hash: "0".repeat(64), body: { id: "night", currency, elements: [] } },
    time_zone: "Europe/Stockholm",
    charging_periods: [],
    lines: [],
    total_cost: { excl_vat: "1.0000", incl_vat: cost },
    total_fixed_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    total_energy_cost: { excl_vat: "1.0000", incl_vat: cost },
    total_time_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    total_parking_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    total_reservation_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    payable: { amount: cost, rounding: "0.0000" },
    energy_source: "registers",
    unbilled_time: [],
    warnings: [],
    total_energy: "22.345",
    energy_wh: 22_345,
    total_time: "1.0000",
    total_parking_time: "0.1667",
    registers: [],
    flags: [],
    rules: { version: "1", rounding: "half_up", tzdata: "2026a" },
  });
}
