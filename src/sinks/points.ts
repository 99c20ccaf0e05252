/**
 * From events to points in line protocol. Every point follows from the log alone (series from ids, timestamps from the
 * events), so writing it again after a lost reply or a restart changes nothing. No card, driver, vehicle, session id or
 * token reference is in any tag or field.
 *
 * | measurement | tags besides site | fields | time |
 * | --- | --- | --- | --- |
 * | `evse` | station, evse | power_w, energy_import_wh, energy_export_wh, current_l1_a.., voltage_l1_v.., soc_pct, limit_a | start of the 10 s window, last value of each |
 * | `evse_state` | station, evse (0: the station) | state_code, fault_code, offline | the report |
 * | `site_power` | meter | power_w, energy_import_wh, current_l1_a.., limit_a, headroom_a | start of the 10 s window |
 * | `session_end` | station, evse, stop_reason | energy_wh, duration_s, charging_s, suspended_s, idle_s, interruptions, cost_minor | end of the session |
 * | `price` | area (the series) | per_kwh_minor | start of the price |
 */
import type { Cdr } from "../model/cdr.ts";
import type { PerLine } from "../model/circuit.ts";
import type { Event, EventBodies, EventOf, EventType } from "../model/event.ts";
import { exact, fixed, minorDigits } from "../model/money.ts";
import type { SessionRecord } from "../model/session.ts";
import { type FieldValue, integer, lineOf, seriesOf } from "./line-protocol.ts";
import { stateCode, stopReasonTag } from "./states.ts";
import { createWindows } from "./windows.ts";

/** The event types that points are made of. `clock.ticked` closes windows when every station is silent. */
export const POINT_TYPES = [
  "meter.sampled",
  "setpoint.sent",
  "status.reported",
  "station.announced",
  "station.connected",
  "station.disconnected",
  "session.ended",
  "session.revised",
  "cdr.issued",
  "prices.published",
  "clock.ticked",
] as const satisfies readonly EventType[];

export interface PointOptions {
  site: string;
  /** Meter stations (their EVSE 0 measures a circuit) and that circuit's limit per line, null when it has none. */
  meters: ReadonlyMap<string, PerLine | null>;
  /** False for databases that would turn a text into 0. */
  strings: boolean;
  windowMs?: number;
  graceMs?: number;
  maxOpenWindows?: number;
}

export interface Points {
  /** Takes the next event of the log; `session` is the one that a `cdr.issued` or `session.revised` belongs to, as it ended. Emits finished lines. */
  apply(event: Event, session: SessionRecord | undefined, emit: (line: string) => void): void;
  /** Offset of the oldest event that an unfinished point depends on. */
  heldFrom(): number | undefined;
}

/** A station's time is believed when it is at most this far ahead of, or behind, the moment we learnt of it. */
const AHEAD_MS = 30_000;
const BEHIND_MS = 31 * 86_400_000;

/** Event time: the station's own, or ours when its clock cannot be right (1970 after a reset, in the future). */
export function pointTime(ts: string, atMs: number): number {
  const stationMs = Date.parse(ts);
  return stationMs <= atMs + AHEAD_MS && stationMs >= atMs - BEHIND_MS ? stationMs : atMs;
}

/** The open window of an EVSE or a meter: its series and the last value of each field. */
interface Latest {
  series: string;
  fields: Record<string, FieldValue>;
}

export function createPoints(options: PointOptions): Points {
  const { site, meters, strings } = options;
  const windows = createWindows<Latest>({
    lengthMs: options.windowMs ?? 10_000,
    graceMs: options.graceMs ?? 5_000,
    maxOpen: options.maxOpenWindows ?? 50_000,
  });
  const seriesMemo = new Map<string, string>();

  function evseSeries(measurement: "evse" | "evse_state", station: string, evse: number): string {
    const key = `${measurement} ${station}/${evse}`;
    let series = seriesMemo.get(key);
    if (series === undefined) {
      series = seriesOf(measurement, { evse: String(evse), site, station });
      seriesMemo.set(key, series);
    }
    return series;
  }

  function meterSampled(event: EventOf<"meter.sampled">): void {
    const { body } = event;
    const station = event.station ?? "";
    const limit = body.evse === 0 ? meters.get(station) : undefined;
    const series =
      limit === undefined
        ? evseSeries("evse", station, body.evse)
        : seriesOf("site_power", { meter: station, site });
    const window = windows.at(`${station}/${body.evse}`, pointTime(body.ts, event.atMs), event, () => ({
      series,
      fields: {},
    }));
    readMeter(body, window.fields);
    if (limit) readLimit(limit, body.current_a, window.fields);
  }

  function setpointSent(event: EventOf<"setpoint.sent">): void {
    const station = event.station ?? "";
    const window = windows.at(`${station}/${event.body.evse}`, event.atMs, event, () => ({
      series: evseSeries("evse", station, event.body.evse),
      fields: {},
    }));
    window.fields.limit_a = event.body.limit_a;
  }

  function stationState(event: Event, offline: boolean): string | undefined {
    return lineOf(evseSeries("evse_state", event.station ?? "", 0), { offline }, event.atMs);
  }

  function statusReported({ body, station, atMs }: EventOf<"status.reported">): string | undefined {
    // Retention may have emptied the body of a fact.
    if (body.evse === undefined) return undefined;
    const fields: Record<string, FieldValue> = {
      state_code: integer(stateCode(body.connector_state, body.charging_state)),
      offline: false,
    };
    // Written also when empty: the last value must not go on naming a fault that is over.
    if (strings) fields.fault_code = body.fault_code ?? "";
    return lineOf(evseSeries("evse_state", station ?? "", body.evse), fields, pointTime(body.ts, atMs));
  }

  function sessionSeries(session: SessionRecord): string {
    return seriesOf("session_end", {
      evse: String(session.evse),
      site,
      station: session.station,
      stop_reason: stopReasonTag(session.stop_reason),
    });
  }

  function lineFor(event: Event, session: SessionRecord | undefined): string | undefined {
    switch (event.type) {
      case "status.reported":
        return statusReported(event);
      case "station.announced":
        return stationState(event, !event.body.online);
      case "station.connected":
        return stationState(event, false);
      case "station.disconnected":
        return stationState(event, true);
      case "session.ended":
        if (event.body.session_id === undefined) return undefined;
        return lineOf(sessionSeries(event.body), sessionFields(event.body), event.body.ended_ms);
      case "session.revised": {
        const { record, session_id } = event.body;
        if (session_id === undefined) return undefined;
        if (!session) throw new Error(`no session.ended in the log for session ${session_id}`);
        // In the place of the point that it corrects.
        return lineOf(sessionSeries(session), sessionFields(record), session.ended_ms);
      }
      case "cdr.issued": {
        const cdr = event.body;
        if (cdr.session_id === undefined) return undefined;
        if (!session) throw new Error(`no session.ended in the log for CDR ${cdr.id}`);
        // A credit takes the bill back; the bill that replaces it, if any, comes after it.
        const cost_minor = cdr.credit ? integer(0) : costMinor(cdr);
        return lineOf(sessionSeries(session), { cost_minor }, session.ended_ms);
      }
      default:
        return undefined;
    }
  }

  return {
    apply(event, session, emit) {
      windows.close(event.atMs, (startMs, { series, fields }) => {
        const line = lineOf(series, fields, startMs);
        if (line !== undefined) emit(line);
      });
      if (event.type === "meter.sampled") meterSampled(event);
      else if (event.type === "setpoint.sent") setpointSent(event);
      else if (event.type === "prices.published") for (const line of priceLines(site, event.body)) emit(line);
      else {
        const line = lineFor(event, session);
        if (line !== undefined) emit(line);
      }
    },
    heldFrom: () => windows.heldFrom(),
  };
}

const CURRENT_FIELDS = ["current_l1_a", "current_l2_a", "current_l3_a"];
const VOLTAGE_FIELDS = ["voltage_l1_v", "voltage_l2_v", "voltage_l3_v"];

function readMeter(body: EventBodies["meter.sampled"], fields: Record<string, FieldValue>): void {
  if (body.power_w !== undefined) fields.power_w = body.power_w;
  if (body.energy_import_wh !== undefined) fields.energy_import_wh = integer(body.energy_import_wh);
  if (body.energy_export_wh !== undefined) fields.energy_export_wh = integer(body.energy_export_wh);
  if (body.soc_pct !== undefined) fields.soc_pct = body.soc_pct;
  readLines(body.current_a, CURRENT_FIELDS, fields);
  readLines(body.voltage_v, VOLTAGE_FIELDS, fields);
}

function readLines(
  values: readonly number[] | undefined,
  names: readonly string[],
  fields: Record<string, FieldValue>,
): void {
  values?.forEach((value, i) => {
    const name = names[i];
    if (name !== undefined) fields[name] = value;
  });
}

/** Headroom is that of the tightest measured line. Thousandths of an ampere: 0.1 + 0.2 must not show its tail. */
function readLimit(
  limitA: PerLine,
  currentA: readonly number[] | undefined,
  fields: Record<string, FieldValue>,
): void {
  fields.limit_a = Math.min(...limitA);
  if (!currentA) return;
  const room = currentA.map((current, i) => (limitA[i] ?? 0) - current);
  fields.headroom_a = Math.round(Math.min(...room) * 1000) / 1000;
}

function sessionFields(session: SessionRecord): Record<string, FieldValue> {
  const s = session.durations_s;
  return {
    energy_wh: integer(session.energy_wh),
    duration_s: integer(Math.round((session.ended_ms - session.started_ms) / 1000)),
    charging_s: integer(Math.round(s.charging)),
    suspended_s: integer(Math.round(s.suspended_ev + s.suspended_evse)),
    idle_s: integer(Math.round(s.finishing)),
    interruptions: integer(session.interruptions),
  };
}

/** One point at the start of each price, in the currency's minor unit; a correction overwrites it. */
function priceLines(site: string, { series, currency, points }: EventBodies["prices.published"]): string[] {
  // Retention may have emptied the body of a fact.
  if (points === undefined) return [];
  const name = seriesOf("price", { area: series, site });
  return points.flatMap(({ from, price }) => {
    const perKwhMinor = Number(fixed(exact(price).mul(10 ** minorDigits(currency)), 6));
    return lineOf(name, { per_kwh_minor: perKwhMinor }, Date.parse(from)) ?? [];
  });
}

/** The bill with VAT in the currency's minor unit (öre, cents; ISO 4217). */
function costMinor(cdr: Cdr): bigint {
  return BigInt(cdr.payable.amount.replace(".", ""));
}
