/**
 * The fold that turns what stations report into sessions: `session.started`, `session.ended` with the whole input of
 * rating, `session.corrected` for what comes too late, `session.revised` where that changes what is billed, and the
 * alerts of stations and sessions.
 *
 * A session is emitted as ended when the car is unplugged after the stop, at the latest `finishingLimitMs` after it, or
 * when the next transaction begins. Energy ends at the stop; the time between stop and unplug is `finishing`, so that
 * parking and idle fees have it. A stop with no sign that the car is still plugged ends the session at once.
 */
import type { Event } from "../model/event.ts";
import type { Fold, FoldOutput } from "../model/fold.ts";
import { bookOf } from "./choose-tariff.ts";
import { clockUnset, instantMs } from "./instant.ts";
import type { PriceSeries } from "./price-series.ts";
import { linkFound, linkLost } from "./session-alerts.ts";
import { clockOffset, moveToGatewayClock, noteClock, noteNumber, numberMissing } from "./session-clock.ts";
import { sessionDecided } from "./session-decided.ts";
import { hostStarted, hostTicked } from "./session-host-clock.ts";
import { billIssued } from "./session-kept.ts";
import {
  evsePart,
  flag,
  type SessionCounts,
  type SitePart,
  type StationPart,
  sitePart,
  stationPart,
} from "./session-part.ts";
import { forgetPrices, isPricesPart, pricesPart, takePrices } from "./session-prices.ts";
import type { MeterLimits } from "./session-registers.ts";
import { meterSampled } from "./session-samples.ts";
import { acceptedKey, setMeterKey } from "./session-signed.ts";
import { noteFault, statusReported } from "./session-status.ts";
import {
  type Message,
  meterLimits,
  SESSION_DEFAULTS,
  type SessionsOptions,
  type Step,
} from "./session-step.ts";
import { adopt } from "./session-tariff.ts";
import { takeSetpoint } from "./session-throttle.ts";
import { transactionEnded, transactionStarted, transactionUpdated } from "./session-transactions.ts";
import { checkWaits, restartWaits } from "./session-wait.ts";
import { isRevision } from "./standing.ts";

export type SessionsPart = StationPart | SitePart | PriceSeries;

export const SESSIONS_FOLD = "sessions";

/** How many sessions are open and held, from the fold's state. */
export function sessionCounts(parts: ReadonlyMap<string, unknown>): SessionCounts {
  const site = parts.get("") as SitePart | undefined;
  return { ...(site ?? sitePart()).sessions };
}

/** The accepted public key of a meter (hex SPKI), from the fold's state. */
export function meterKeyOf(parts: ReadonlyMap<string, unknown>, serial: string): string | undefined {
  return acceptedKey((parts.get("") as SitePart | undefined)?.meterKeys ?? {}, serial);
}

/** One part a station, named by its id, one a price series, and the part `""` for what holds for the site. */
export function sessionsFold(options: SessionsOptions): Fold<SessionsPart> {
  const settings = { ...SESSION_DEFAULTS, ...options.settings };
  const limitsByStation = meterLimits(options);

  function stepOf(parts: Map<string, SessionsPart>, station: string, event: Event, out: FoldOutput): Step {
    let part = parts.get(station) as StationPart | undefined;
    if (!part) {
      part = stationPart();
      parts.set(station, part);
    }
    const { atMs, offset } = event;
    return {
      settings,
      timeZone: options.timeZone,
      site: siteOf(parts),
      seriesNamed: (series) => parts.get(pricesPart(series)) as PriceSeries | undefined,
      station,
      part,
      atMs,
      offset,
      out,
    };
  }

  return {
    name: SESSIONS_FOLD,
    version: 6,
    apply(parts, event, out) {
      switch (event.type) {
        case "gateway.started":
          siteOf(parts).epoch = event.body.epoch;
          hostStarted(siteOf(parts).clock);
          out.touched("");
          eachStation(parts, (station) => {
            const step = stepOf(parts, station, event, out);
            linkLost(step, "not back since the gateway started");
            restartWaits(step);
            out.touched(station);
          });
          return;
        case "tariff.adopted":
          adopt(siteOf(parts), bookOf(event.body));
          out.touched("");
          return;
        case "meter_key.accepted":
          setMeterKey(siteOf(parts).meterKeys, event.body.meter_serial, event.body.public_key);
          out.touched("");
          return;
        case "prices.published": {
          const changed = takePrices(parts, event.body, event.atMs, siteOf(parts).books);
          if (changed) out.touched(changed);
          return;
        }
        case "clock.ticked":
          for (const changed of forgetPrices(parts, event.atMs)) out.touched(changed);
          if (hostTicked(siteOf(parts).clock, event.body)) out.touched("");
          eachStation(parts, (station) => {
            checkWaits(stepOf(parts, station, event, out), limitsByStation.get(station));
          });
          return;
      }
      if (event.station === null) return;
      if (isRevision(event)) {
        sessionDecided(stepOf(parts, event.station, event, out), event);
        return;
      }
      switch (event.type) {
        case "station.connected":
          linkFound(stepOf(parts, event.station, event, out));
          return;
        case "station.disconnected":
          linkLost(stepOf(parts, event.station, event, out), event.body.reason);
          return;
        case "cdr.issued":
          if (parts.has(event.station)) billIssued(stepOf(parts, event.station, event, out), event.body);
          return;
        case "setpoint.sent": {
          const station = parts.get(event.station) as StationPart | undefined;
          const evse = station?.evses[event.body.evse];
          if (!evse) return;
          takeSetpoint(evse, event.atMs, event.body);
          out.touched(event.station);
          return;
        }
        case "station.announced":
        case "meter.sampled":
        case "status.reported":
        case "transaction.started":
        case "transaction.updated":
        case "transaction.ended":
        case "limit.confirmed":
        case "token.decided":
          takeMessage(stepOf(parts, event.station, event, out), event, limitsByStation.get(event.station));
      }
    },
  };
}

type StationEvent = Extract<
  Event,
  {
    type:
      | "station.announced"
      | "meter.sampled"
      | "status.reported"
      | "transaction.started"
      | "transaction.updated"
      | "transaction.ended"
      | "limit.confirmed"
      | "token.decided";
  }
>;

function takeMessage(
  step: Step,
  event: StationEvent,
  limitsByEvse: ReadonlyMap<number, MeterLimits> | undefined,
): void {
  const { part, out, station } = step;
  out.touched(station);
  if (event.type === "station.announced") {
    part.meterSerial = event.body.meter_serial ?? part.meterSerial;
    if (event.body.online) linkFound(step);
    else {
      // A Last Will was written when the station connected: its stamp says nothing about now.
      linkLost(step, "the station's last will");
      return;
    }
  }
  const { boot, seq, ts, evse } = event.body;
  // A stamp that is no time counts as unset; not-a-number would not survive a snapshot.
  const tsMs = instantMs(ts) || 0;
  const late = noteStamps(step, boot, seq, tsMs);
  if (
    event.type === "station.announced" ||
    event.type === "limit.confirmed" ||
    event.type === "token.decided"
  )
    return;
  const limits = limitsByEvse?.get(evse);
  if (!limits || evse === 0) {
    if (event.type === "status.reported") noteFault(step, evse, event.body);
    return;
  }
  let evseState = part.evses[evse];
  if (!evseState) {
    evseState = evsePart();
    part.evses[evse] = evseState;
  }
  const { settings, timeZone, site, seriesNamed, atMs, offset } = step;
  const unset = clockUnset(tsMs);
  const m: Message = {
    settings,
    timeZone,
    site,
    seriesNamed,
    station,
    part,
    atMs,
    offset,
    out,
    evse,
    limits,
    tsMs,
    unset,
    seq,
    late,
  };
  switch (event.type) {
    case "meter.sampled":
      meterSampled(m, evseState, event.body);
      break;
    case "status.reported":
      statusReported(m, evseState, event.body);
      break;
    case "transaction.started":
      transactionStarted(m, evseState, event.body);
      break;
    case "transaction.updated":
      transactionUpdated(m, evseState, event.body);
      break;
    case "transaction.ended":
      transactionEnded(m, evseState, event.body);
      break;
  }
}

/** Numbers and clock of every message, whatever it says. Returns whether it is a late one. */
function noteStamps(step: Step, boot: string | null, seq: number | null, tsMs: number): boolean {
  const { part, atMs, settings } = step;
  const { clock, numbers } = part;
  const hadMissing =
    numbers.missing.length > 0 && boot !== numbers.boots.at(-1) ? [...numbers.missing] : null;
  const verdict = noteNumber(numbers, boot, seq);
  if (verdict === "rebooted") {
    for (const { session } of Object.values(part.evses)) {
      if (!session) continue;
      if (hadMissing && numberMissing({ ...numbers, missing: hadMissing }, session.openedSeq))
        flag(session, "SEQ_GAP");
      if (session.openedSeq !== null) session.openedSeq = -1;
      if (session.stop) continue;
      flag(session, "STATION_REBOOTED");
      session.rebooted = { ms: session.lastMs, atMs };
    }
  }
  const knownMs = clockOffset(clock);
  const clockVerdict = noteClock(clock, atMs, tsMs, verdict === "next", settings.clockSkewMs);
  if (clockVerdict !== "steady") {
    for (const { session } of Object.values(part.evses)) {
      if (!session || session.clock === "gateway") continue;
      const why = clockVerdict === "unset" ? "CLOCK_UNSET" : "CLOCK_SKEW";
      moveToGatewayClock(session, knownMs ?? session.clockOffsetMs, why);
    }
  }
  return verdict === "late";
}

function siteOf(parts: Map<string, SessionsPart>): SitePart {
  let site = parts.get("") as SitePart | undefined;
  if (!site) {
    site = sitePart();
    parts.set("", site);
  }
  return site;
}

function eachStation(parts: Map<string, SessionsPart>, visit: (station: string) => void): void {
  for (const name of parts.keys()) if (name !== "" && !isPricesPart(name)) visit(name);
}
