/**
 * What a car asks of the outlet. In the constant-voltage phase of a lithium battery the current falls exponentially in
 * time, which is linear in the energy still missing; so the taper needs the energy taken and nothing else.
 */
import { AC_MINIMUM_MA, type CarPlan } from "./plan.ts";

/** 1 Wh in the unit of the exact integral: mA * V * ms = mW ms. */
export const MW_MS_PER_WH = 3_600_000_000;

/** Energy as whole Wh and the rest below one Wh, in mW ms. Exact: both stay far below 2^53. */
export interface Energy {
  wh: number;
  restMwMs: number;
}

/** Adds power times time to `energy` in place. `powerMw` and `ms` are integers. */
export function addEnergy(energy: Energy, powerMw: number, ms: number): void {
  const rest = energy.restMwMs + powerMw * ms;
  const whole = Math.floor(rest / MW_MS_PER_WH);
  energy.wh += whole;
  energy.restMwMs = rest - whole * MW_MS_PER_WH;
}

/** mW ms until the car is full; 0 when it is. */
export function missingMwMs(car: CarPlan, taken: Energy): number {
  return Math.max(0, (car.energyWh - taken.wh) * MW_MS_PER_WH - taken.restMwMs);
}

/** mA per line that the car would draw if nobody held it back; never between 0 and the minimum. */
export function demandMa(car: CarPlan, taken: Energy): number {
  const missing = missingMwMs(car, taken);
  if (missing === 0) return 0;
  const taperWh = car.energyWh - car.taperFromWh;
  if (taperWh <= 0 || missing >= taperWh * MW_MS_PER_WH) return car.maxMa;
  const tapered = Math.round((car.maxMa * missing) / (taperWh * MW_MS_PER_WH));
  return Math.min(car.maxMa, Math.max(AC_MINIMUM_MA, tapered));
}

/** State of charge in percent, one decimal. */
export function stateOfCharge(car: CarPlan, taken: Energy): number {
  const pct = car.socPct + (100 * taken.wh) / Math.max(1, car.batteryWh);
  return Math.min(100, Math.round(pct * 10) / 10);
}
