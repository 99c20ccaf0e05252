/**
 * The power that dimming by § 14a EnWG leaves to controllable devices: BNetzA decision BK6-22-300 of 27 November 2023,
 * Anlage 1, 4.5.2 (an energy management system shares the power out). The alternative of the same clause, 40 % of the
 * connected power, is for heat pumps and air conditioning above 11 kW alone; charging points have 4.2 kW however large.
 */

/** Charging points above this are controllable devices (2.4.1.a); it is also what each of them is promised alone. */
const DEVICE_W = 4_200;

/** Simultaneity factor in percent, for 2 to 8 devices; from the ninth on it stays at 45. */
const FACTORS_PCT = [80, 75, 70, 65, 60, 55, 50] as const;
const LEAST_FACTOR_PCT = 45;

/** Whole W for `devices` controllable devices; 0 without any. Throws a RangeError unless it is a whole number from 0. */
export function dimmingW(devices: number): number {
  if (!(Number.isSafeInteger(devices) && devices >= 0))
    throw new RangeError(`${devices} is no number of devices; give a whole number from 0`);
  if (devices === 0) return 0;
  const factorPct = devices === 1 ? 0 : (FACTORS_PCT[devices - 2] ?? LEAST_FACTOR_PCT);
  return DEVICE_W + ((devices - 1) * factorPct * DEVICE_W) / 100;
}

/** Whether a charging point of so many A on so many lines counts; `voltageV` is line to neutral. */
export function isControllable(maxA: number, phases: number, voltageV: number): boolean {
  return maxA * phases * voltageV > DEVICE_W;
}
