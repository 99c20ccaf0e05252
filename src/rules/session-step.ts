/** What every rule of the sessions fold is given: the settings, the parts it may change, and the event at hand. */
import type { EvseSpec } from "../model/circuit.ts";
import type { FoldOutput } from "../model/fold.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import type { PriceSeries } from "./price-series.ts";
import type { SessionCounts, SitePart, StationPart } from "./session-part.ts";
import type { MeterLimits } from "./session-registers.ts";

/** All in ms of depot time. */
export interface SessionSettings {
  /** A station's clock further off than this is flagged. */
  clockSkewMs: number;
  /** Expected between samples until the station's own interval is learnt. */
  sampleIntervalMs: number;
  /** How long a stopped session waits for the unplug; parking after the stop is billed at most this long. */
  finishingLimitMs: number;
  /** How long to wait for what should follow: a stop after the unplug, a start after its stop, a resume after a boot. */
  graceMs: number;
  /** Not heard of for this long, an open session is closed at its last register. */
  staleAfterMs: number;
  /** A lost link becomes an alert after this. */
  offlineAfterMs: number;
}

export const SESSION_DEFAULTS: SessionSettings = {
  clockSkewMs: 2_000,
  sampleIntervalMs: 60_000,
  finishingLimitMs: 900_000,
  graceMs: 300_000,
  staleAfterMs: 86_400_000,
  offlineAfterMs: 60_000,
};

export interface SessionsOptions {
  /** What may open sessions; any other station or EVSE (0: the station itself, a meter) never does. */
  evses: ReadonlyMap<EvseId, EvseSpec>;
  /** IANA zone of the site: what a tariff means by a time of day. */
  timeZone: string;
  /** Nominal line-to-neutral voltage of the site. */
  voltageV: number;
  /** Where an EVSE's register wraps to zero; without one a falling register is a reset, never a rollover. */
  registerModulusWh?: ReadonlyMap<EvseId, number>;
  settings?: Partial<SessionSettings>;
}

export interface Step {
  settings: SessionSettings;
  timeZone: string;
  site: SitePart;
  /** Prices known of a series. */
  seriesNamed(series: string): PriceSeries | undefined;
  station: string;
  part: StationPart;
  atMs: number;
  offset: number;
  out: FoldOutput;
}

/** A step caused by a station's message. */
export interface Message extends Step {
  evse: number;
  limits: MeterLimits;
  /** The station's stamp; not-a-number or far in the past when its clock is unset. */
  tsMs: number;
  unset: boolean;
  seq: number | null;
  /** Its number is below the station's highest, or of an earlier boot. */
  late: boolean;
}

/** Supply voltage may stand 10 % above nominal for long (EN 50160, 4.2.2). */
const HIGH_VOLTAGE = 1.1;

/** The EVSEs of each station by number, with what each can deliver. */
export function meterLimits(options: SessionsOptions): Map<string, Map<number, MeterLimits>> {
  const stations = new Map<string, Map<number, MeterLimits>>();
  for (const spec of options.evses.values()) {
    const lines = spec.kind === "dc" ? 3 : spec.phases;
    const evses = stations.get(spec.station) ?? new Map<number, MeterLimits>();
    evses.set(spec.evse, {
      maxW: spec.maxA * lines * options.voltageV * HIGH_VOLTAGE,
      modulusWh: options.registerModulusWh?.get(evseId(spec.station, spec.evse)) ?? null,
    });
    stations.set(spec.station, evses);
  }
  return stations;
}

/** Keeps the site's count of sessions; it outlives a restart with the state that it belongs to. */
export function countSession({ site, out }: Step, which: keyof SessionCounts, by: 1 | -1): void {
  site.sessions[which] += by;
  out.touched("");
}
