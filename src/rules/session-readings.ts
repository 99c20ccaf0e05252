/**
 * The energy curve of a session, thinned: the first and the last reading of each quarter hour and around each state
 * change, which is what a tariff with times of day interpolates between. Five days are about a thousand readings.
 */
import type { EnergyReading } from "../model/session.ts";

const QUARTER_MS = 900_000;
/** Past this many, state changes no longer keep readings of their own; quarter hours always do. */
const MAX_READINGS = 2000;

/** Takes proven energy up to an instant not before the last one. */
export function addReading(
  readings: EnergyReading[],
  atMs: number,
  provenWh: number,
  keepLast: boolean,
): void {
  const last = readings.at(-1);
  // Samples that begin to count from zero stand below what start and stop registers have proven.
  const energyWh = Math.max(provenWh, last?.energy_wh ?? 0);
  if (last && last.at_ms === atMs) {
    last.energy_wh = energyWh;
    return;
  }
  const before = readings.at(-2);
  const keep = keepLast && readings.length < MAX_READINGS;
  if (last && before && !keep && quarter(before.at_ms) === quarter(atMs)) {
    last.at_ms = atMs;
    last.energy_wh = energyWh;
    return;
  }
  readings.push({ at_ms: atMs, energy_wh: energyWh });
}

/** A late reading proved `energyWh` more before `atMs`: everything after it rises. */
export function raiseReadings(readings: EnergyReading[], atMs: number, energyWh: number): void {
  for (const reading of readings) if (reading.at_ms > atMs) reading.energy_wh += energyWh;
  const first = readings[0];
  if (first && first.at_ms > atMs) readings.unshift({ at_ms: atMs, energy_wh: 0 });
}

/** Ends the curve at the energy billed: nothing after the end, nothing above the total. */
export function endReadings(readings: EnergyReading[], endMs: number, energyWh: number): void {
  while ((readings.at(-1)?.at_ms ?? 0) > endMs) readings.pop();
  for (const reading of readings) if (reading.energy_wh > energyWh) reading.energy_wh = energyWh;
  const last = readings.at(-1);
  if (last && last.at_ms === endMs) last.energy_wh = energyWh;
  else if (last) readings.push({ at_ms: endMs, energy_wh: energyWh });
}

function quarter(ms: number): number {
  return Math.floor(ms / QUARTER_MS);
}
