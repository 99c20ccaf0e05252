/** The newest believable reading of each circuit's meter, and how old it is. */
import type { Circuit } from "../model/circuit.ts";
import type { CircuitTree } from "../rules/allocate-tree.ts";
import type { Amps3 } from "../rules/currents.ts";
import { implausibleMeter } from "../rules/other-load.ts";
import type { ControlTimes } from "./settings.ts";
import type { Heard } from "./snapshot.ts";

export type MeterState = "none" | "fresh" | "frozen" | "stale";

export interface LiveMeter {
  readonly station: string;
  readonly limitA: readonly number[];
  /** A on the grid's lines, and when; null before the first believable one. */
  currentA: Amps3 | null;
  /** W, negative is export: the meter's own word, else its currents times its voltages (or the nominal one). */
  watts: number;
  /** `watts` is the meter's own word. */
  knowsWatts: boolean;
  /** Line to neutral, V: mean of the lines; the nominal one when it says none that can be. */
  voltageV: number;
  atMs: number;
  /** How far apart its readings usually are, ms. */
  gapMs: number;
  /** Since when readings have come without a gap. */
  freshSinceMs: number;
  disbelieved: string | null;
  /** The sign has flipped: only current that flows in again is believed. */
  flipped: boolean;
}

export function createMeters(tree: CircuitTree, nominalV: number, times: ControlTimes) {
  const meters: (LiveMeter | null)[] = tree.circuits.map((c: Circuit) =>
    c.meter === null
      ? null
      : {
          station: c.meter,
          limitA: c.limitA,
          currentA: null,
          watts: 0,
          knowsWatts: false,
          voltageV: nominalV,
          atMs: Number.NEGATIVE_INFINITY,
          gapMs: 0,
          freshSinceMs: Number.NEGATIVE_INFINITY,
          disbelieved: null,
          flipped: false,
        },
  );

  /** A meter that reports every ten seconds is not silent after five: it may miss one reading, and half another. */
  const freezeAfterMs = (m: LiveMeter) =>
    Math.min(times.meterSafeMs / 2, Math.max(times.meterFreezeMs, 2.5 * m.gapMs));

  return {
    /** By circuit index; null for a circuit without one. */
    all: meters,

    hear(heard: Heard): void {
      if (heard.evse !== 0) return;
      for (const m of meters) {
        if (m === null || m.station !== heard.station) continue;
        if (heard.kind === "fault" && heard.of === "meter") m.disbelieved = heard.fault;
        if (heard.kind !== "meter") continue;
        // Power alone cannot say how the lines share it, so it keeps no line safe.
        const a = heard.body.current_a;
        if (a === undefined) continue;
        const why = implausibleMeter(a, m.limitA, m.currentA);
        if (why?.includes("flipped")) m.flipped = true;
        else if (m.flipped && a.some((x) => x > 0)) m.flipped = false;
        m.disbelieved = why ?? (m.flipped ? `${a.join(", ")} A: the sign is still flipped` : null);
        if (m.disbelieved !== null) continue;
        const gapMs = heard.atMs - m.atMs;
        if (gapMs > freezeAfterMs(m)) m.freshSinceMs = heard.atMs;
        if (gapMs < times.meterSafeMs) m.gapMs = m.gapMs === 0 ? gapMs : 0.8 * m.gapMs + 0.2 * gapMs;
        m.currentA = [...a] as Amps3;
        m.voltageV = meanVoltage(heard.body.voltage_v, nominalV);
        m.knowsWatts = heard.body.power_w !== undefined;
        m.watts = heard.body.power_w ?? a.reduce((sum, x) => sum + x, 0) * m.voltageV;
        m.atMs = heard.atMs;
      }
    },

    state(circuit: number, nowMs: number): MeterState {
      const m = meters[circuit];
      if (!m) return "none";
      const age = nowMs - m.atMs;
      if (age > times.meterSafeMs) return "stale";
      return age > freezeAfterMs(m) || m.disbelieved !== null ? "frozen" : "fresh";
    },

    /** V, line to neutral, by which amperes are watts: the highest that a meter reads, so that none is counted short. */
    voltageV(nowMs: number): number {
      let most = 0;
      meters.forEach((m, c) => {
        if (m !== null && m.currentA !== null && this.state(c, nowMs) !== "stale")
          most = Math.max(most, m.voltageV);
      });
      return most > 0 ? most : nominalV;
    },

    /** Whether raises must wait: silent, disbelieved, or back for too short a time to know other load's swings. */
    holdsRaises(circuit: number, nowMs: number): boolean {
      const m = meters[circuit];
      if (!m) return false;
      return this.state(circuit, nowMs) !== "fresh" || nowMs - m.freshSinceMs < times.raiseDelayMs;
    },
  };
}

/** Farther from the nominal voltage than this part of it, a reading is of something else (line to line, a dead clamp). */
const VOLTAGE_BAND = 0.2;

export function meanVoltage(voltageV: readonly number[] | undefined, nominalV: number): number {
  if (voltageV === undefined || voltageV.length === 0) return nominalV;
  const mean = voltageV.reduce((sum, v) => sum + v, 0) / voltageV.length;
  return Math.abs(mean - nominalV) <= VOLTAGE_BAND * nominalV ? mean : nominalV;
}

export type Meters = ReturnType<typeof createMeters>;
