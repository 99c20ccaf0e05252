/** What is known of each EVSE now, from what its station said: draw, lines, car, faults. */
import type { EvseSpec } from "../model/circuit.ts";
import type { EvseId } from "../model/ids.ts";
import { evseId } from "../model/ids.ts";
import type { ChargingState, ConnectorState } from "../model/messages.ts";
import { lineMask } from "../rules/allocate-tree.ts";
import {
  type Amps3,
  implausibleDraw,
  namesEachLine,
  onGridLines,
  ownCurrents,
  statesBothSides,
} from "../rules/currents.ts";
import {
  efficiencyOf,
  type LearntEfficiency,
  learnEfficiency,
  unlearntEfficiency,
} from "../rules/learn-efficiency.ts";
import { type LearntLines, learnLines, unlearntLines } from "../rules/learn-lines.ts";
import { meanVoltage } from "./meters.ts";
import type { ControlTimes } from "./settings.ts";
import type { Heard } from "./snapshot.ts";

export interface Reading {
  /** A on the grid's lines, AC side. */
  gridA: Amps3;
  /** W, AC side. */
  watts: number;
  /** Each line's own current was read. */
  namesLines: boolean;
  atMs: number;
}

export interface LiveEvse {
  readonly index: number;
  readonly id: EvseId;
  readonly spec: EvseSpec;
  lines: LearntLines;
  /** Its station said that it switched to one phase and was not told otherwise since. */
  onePhase: boolean;
  reading: Reading | null;
  /** When its station was last out of reach: what was read before that no longer proves a draw. */
  lostAtMs: number;
  /** The reading before: what held when a circuit's meter was read earlier than `reading`. */
  earlier: Reading | null;
  voltageV: number;
  learnt: LearntEfficiency;
  /** Shown to people; no decision rests on it. */
  shown: { power_w: number | null; energy_import_wh: number | null; soc_pct: number | null };
  connector: ConnectorState | null;
  charging: ChargingState | null;
  /** Why the last reading was not believed; null when it was. */
  disbelieved: string | null;
  /** The station told a limit below the one sent: its own maximum, until this time. */
  ownMaxA: number | null;
  ownMaxUntilMs: number;
}

/** How long a maximum that a station reported of itself is taken for granted. */
const OWN_MAX_MS = 600_000;

export function createEvses(specs: readonly EvseSpec[], nominalV: number, times: ControlTimes) {
  const all: LiveEvse[] = specs.map((spec, index) => ({
    index,
    id: evseId(spec.station, spec.evse),
    spec,
    lines: unlearntLines(spec),
    onePhase: false,
    reading: null,
    lostAtMs: Number.NEGATIVE_INFINITY,
    earlier: null,
    voltageV: nominalV,
    learnt: unlearntEfficiency(),
    shown: { power_w: null, energy_import_wh: null, soc_pct: null },
    connector: null,
    charging: null,
    disbelieved: null,
    ownMaxA: null,
    ownMaxUntilMs: 0,
  }));
  const byId = new Map(all.map((e) => [e.id, e]));
  const byStation = Map.groupBy(all, (e) => e.spec.station);

  const unplugged = (e: LiveEvse) =>
    e.connector !== null && e.connector !== "occupied" && (e.charging === null || e.charging === "idle");

  return {
    all,
    get: (id: EvseId) => byId.get(id),
    ofStation: (station: string): readonly LiveEvse[] => byStation.get(station) ?? [],

    hear(heard: Heard): void {
      const e = byId.get(evseId(heard.station, heard.evse));
      if (e === undefined) return;
      if (heard.kind === "fault") {
        if (heard.of === "meter") e.disbelieved = heard.fault;
      } else if (heard.kind === "meter") {
        const { power_w, energy_import_wh, soc_pct } = heard.body;
        e.shown = {
          power_w: power_w ?? e.shown.power_w,
          energy_import_wh: energy_import_wh ?? e.shown.energy_import_wh,
          soc_pct: soc_pct ?? e.shown.soc_pct,
        };
        const own = ownCurrents(e.spec, heard.body, nominalV, this.efficiency(e, heard.atMs));
        if (own === null) return;
        e.disbelieved = implausibleDraw(e.spec, own);
        if (e.disbelieved !== null) return;
        const v = heard.body.voltage_v?.[0];
        // A higher voltage than nominal is not used to raise a limit in watts.
        e.voltageV = v !== undefined && v > nominalV / 2 ? Math.min(v, nominalV) : nominalV;
        if (statesBothSides(e.spec, heard.body)) {
          const takenW = (own[0] + own[1] + own[2]) * meanVoltage(heard.body.voltage_v, nominalV);
          const ratedW = 3 * e.spec.maxA * nominalV;
          e.learnt = learnEfficiency(e.learnt, takenW, power_w ?? 0, ratedW, heard.atMs);
        }
        e.earlier = e.reading;
        const watts = e.spec.kind === "ac" ? power_w : undefined;
        const byLines = (own[0] + own[1] + own[2]) * meanVoltage(heard.body.voltage_v, nominalV);
        const namesLines = namesEachLine(e.spec, heard.body);
        e.reading = {
          gridA: onGridLines(e.spec, own),
          watts: watts ?? byLines,
          namesLines,
          atMs: heard.atMs,
        };
        if (namesLines) e.lines = learnLines(e.lines, e.spec, own, heard.atMs);
      } else if (heard.kind === "status") {
        e.connector = heard.body.connector_state;
        e.charging = heard.body.charging_state ?? (e.connector === "occupied" ? e.charging : null);
        if (unplugged(e)) {
          this.onAllPhases(e);
          e.ownMaxA = null;
        }
      } else if (heard.kind === "tx" && heard.body.charging_state !== undefined) {
        e.charging = heard.body.charging_state;
      }
    },

    /** A confirmation of `confirmedA` for a limit of `sentA`. */
    confirmed(e: LiveEvse, sentA: number, confirmedA: number, nowMs: number): void {
      if (confirmedA >= sentA - 0.05 || confirmedA < e.spec.minA) return;
      e.ownMaxA = confirmedA;
      e.ownMaxUntilMs = nowMs + OWN_MAX_MS;
    },

    onOnePhase(e: LiveEvse): void {
      if (!e.onePhase) e.lines = { ...unlearntLines(e.spec), mask: lineMask(e.spec.phaseOrder, 1) };
      e.onePhase = true;
    },

    onAllPhases(e: LiveEvse): void {
      e.onePhase = false;
      e.lines = unlearntLines(e.spec);
    },

    rebooted(e: LiveEvse): void {
      this.onAllPhases(e);
      e.ownMaxA = null;
      e.connector = null;
      e.charging = null;
    },

    /** DC: W to the car per W taken, learnt or configured. 1 for AC. */
    efficiency: (e: LiveEvse, nowMs: number): number => efficiencyOf(e.learnt, e.spec.efficiency, nowMs),

    maxA: (e: LiveEvse, nowMs: number): number =>
      e.ownMaxA !== null && nowMs < e.ownMaxUntilMs ? Math.min(e.ownMaxA, e.spec.maxA) : e.spec.maxA,

    /** Whether a car is there; null when the station never said. */
    plugged(e: LiveEvse): boolean | null {
      if (e.connector === null && e.charging === null) return null;
      return !unplugged(e);
    },

    faulted: (e: LiveEvse): boolean => e.connector === "faulted" || e.connector === "unavailable",

    /** The reading on the grid's lines while it may be believed, else null. */
    fresh: (e: LiveEvse, nowMs: number): Amps3 | null =>
      e.reading !== null && e.disbelieved === null && nowMs - e.reading.atMs <= times.readingMaxAgeMs
        ? e.reading.gridA
        : null,

    /** The reading that held at `atMs`; null when none does. */
    at(e: LiveEvse, atMs: number): Reading | null {
      const r = e.reading !== null && e.reading.atMs <= atMs ? e.reading : e.earlier;
      return r !== null && e.disbelieved === null && atMs - r.atMs <= times.readingMaxAgeMs ? r : null;
    },
  };
}

export type Evses = ReturnType<typeof createEvses>;
