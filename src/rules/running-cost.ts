/**
 * What an open session costs so far: the record that it would leave if it ended now, rated by the function that will
 * bill it. The last running cost of a session is therefore its bill. Nothing of the session changes.
 */
import type { CdrLine } from "../model/cdr.ts";
import { exact, fixed } from "../model/money.ts";
import type { RunningCost, RunningLine } from "../model/running-cost.ts";
import type { SessionRecord } from "../model/session.ts";
import type { SessionsPart } from "./fold-sessions.ts";
import type { PriceSeries } from "./price-series.ts";
import { judge } from "./rate.ts";
import { gatewayToSession } from "./session-clock.ts";
import { leavesGap } from "./session-observe.ts";
import {
  type EvsePart,
  type OpenSession,
  type SitePart,
  type StationPart,
  sitePart,
} from "./session-part.ts";
import { pricesPart } from "./session-prices.ts";
import { endedRecord, type RecordStep } from "./session-record.ts";
import { lacksSignedEnd } from "./session-signed.ts";
import { meterLimits, SESSION_DEFAULTS, type SessionsOptions } from "./session-step.ts";

/** Lines shown each for itself; with 15-minute prices those of six hours. */
const MAX_LINES = 24;

/** Of the open session at an EVSE, if there is one, at `atMs` of the gateway's clock. */
export type RunningCostOf = (station: string, evse: number, atMs: number) => RunningCost | undefined;

/** Reads the state of the sessions fold that was made with the same options. */
export function runningCosts(
  options: SessionsOptions,
  parts: ReadonlyMap<string, SessionsPart>,
): RunningCostOf {
  const settings = { ...SESSION_DEFAULTS, ...options.settings };
  const limitsByStation = meterLimits(options);
  const seriesNamed = (series: string) => parts.get(pricesPart(series)) as PriceSeries | undefined;
  return (station, evse, atMs) => {
    const part = parts.get(station) as StationPart | undefined;
    const state = part?.evses[evse];
    const limits = limitsByStation.get(station)?.get(evse);
    if (!part || !state?.session || !limits) return undefined;
    const site = (parts.get("") as SitePart | undefined) ?? sitePart();
    const step = { settings, timeZone: options.timeZone, site, seriesNamed, station, part };
    const session = copyOf(state.session);
    const copy: EvsePart = { ...state, session };
    const endMs = soFarMs(step, state, state.session, gatewayToSession(session, part.clock, atMs));
    const { record } = endedRecord(step, { evse, limits }, copy, session, endMs, "running");
    return costOf(record);
  };
}

/** Deep where ending a session writes. A signed record without its end proves nothing yet: registers count so far. */
function copyOf(session: OpenSession): OpenSession {
  const unsigned = lacksSignedEnd(session) ? { signed: [], signedRuns: [] } : {};
  return {
    ...session,
    ...unsigned,
    main: { ...session.main, segments: [...session.main.segments] },
    readings: session.readings.map((reading) => ({ ...reading })),
    flags: [...session.flags],
  };
}

/** Until when the session is rated: now, but never beyond its end, nor into a silence that is a gap already. */
function soFarMs(step: RecordStep, evse: EvsePart, session: OpenSession, nowMs: number): number {
  const { stop, unplugged, lastMs } = session;
  if (stop && unplugged) return Math.max(stop.ms, unplugged.ms);
  if (stop) return Math.min(nowMs, stop.ms + step.settings.finishingLimitMs);
  if (unplugged) return unplugged.ms;
  return leavesGap(step, evse, session, nowMs) ? lastMs : Math.max(lastMs, nowMs);
}

function costOf(record: SessionRecord): RunningCost {
  const { session_id, station, evse, energy_wh, tariff } = record;
  const head = {
    session_id,
    station,
    evse,
    started: new Date(record.started_ms).toISOString(),
    as_of: new Date(record.ended_ms).toISOString(),
    energy_wh,
  };
  const { rated, holds } = tariff ? judge(record) : { rated: undefined, holds: [] };
  const open = holds.length > 0 ? { held: [...new Set(holds.map(({ code }) => code))] } : {};
  if (!rated) return { ...head, ...open };
  // A flat fee alone is never billed (OCPI: INVALID), so it is not owed before anything was delivered.
  const lines = rated.invalid === null ? rated.lines : [];
  const earlier = lines.slice(0, -MAX_LINES);
  return {
    ...head,
    ...open,
    currency: rated.currency,
    total_excl_vat: lines.length > 0 ? rated.total_cost.excl_vat : "0.0000",
    total_incl_vat: lines.length > 0 ? rated.total_cost.incl_vat : "0.0000",
    lines_so_far: lines.slice(-MAX_LINES).map(shown),
    ...(earlier.length > 0 ? { lines_before: { count: earlier.length, incl_vat: sum(earlier) } } : {}),
  };
}

function shown({ dimension, from, to, billed, unit_price, vat_percent, amount }: CdrLine): RunningLine {
  return { dimension, from, to, billed, unit_price, vat_percent, incl_vat: amount.incl_vat };
}

function sum(lines: readonly CdrLine[]): string {
  return fixed(
    lines.reduce((total, { amount }) => total.add(exact(amount.incl_vat)), exact("0")),
    4,
  );
}
