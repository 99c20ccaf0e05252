/**
 * The physics of one EVSE and the car at it: contactor, ramp, taper, minimum current, the lifetime register. No network
 * and no clock in it; `advance` integrates exactly in integers, so the register equals the integral of the power.
 */
import type { ChargingState } from "../model/messages.ts";
import { addEnergy, demandMa, type Energy, missingMwMs } from "./car.ts";
import type { CarPlan } from "./plan.ts";

export interface EvsePhysics {
  minMa: number;
  maxMa: number;
  voltageV: number;
  /** DC: delivered watts per AC watt; the register counts what is delivered. */
  efficiency: number;
  dc: boolean;
  registerWh: number;
}

/** Cars raise their current in steps of this size, one each 5 s. */
const RAMP_STEP_MA = 4000;
const RAMP_STEP_MS = 5000;
/** Without current for this long when phases change. */
const SWITCH_REST_MS = 5000;

export interface Evse {
  plug(car: CarPlan): void;
  unplug(): void;
  /** Closes (true) or opens the contactor: authorised, powered and not faulted. */
  enable(on: boolean): void;
  /** What the EVSE offers now, mA per line. A lower offer cuts the current at once. */
  offer(ma: number): void;
  /** Charges on so many phases from here on. A change is made without current and rests before the next start. */
  switchTo(phases: 1 | 3): void;
  /** Lets `ms` of depot time pass (an integer). */
  advance(ms: number): void;
  /** The car that is plugged in. */
  readonly car: CarPlan | null;
  /** mA drawn per used line, AC side. */
  readonly drawMa: number;
  /** Lines in use by the car, counted from the EVSE's own L1. */
  readonly phases: 1 | 3;
  readonly state: ChargingState;
  /** Delivered power. */
  readonly powerMw: number;
  readonly registerWh: number;
  /** What this car has taken since it was plugged in. */
  readonly taken: Energy;
  /** The car has all it wanted. */
  readonly full: boolean;
  /** Depot ms in which the car, ready to charge, wanted more than was offered. */
  readonly limitedMs: number;
}

export function createEvse(physics: EvsePhysics): Evse {
  const { minMa, maxMa, voltageV } = physics;
  const register: Energy = { wh: physics.registerWh, restMwMs: 0 };
  const perMille = Math.round(physics.efficiency * 1000);
  let car: CarPlan | null = null;
  let taken: Energy = { wh: 0, restMwMs: 0 };
  let enabled = false;
  let offerMa = 0;
  let drawMa = 0;
  let rampMs = 0;
  let restMs = 0;
  let mostPhases: 1 | 3 = 3;
  let limitedMs = 0;

  const phases = () => (physics.dc ? 3 : car?.phases === 3 && mostPhases === 3 ? 3 : 1);
  const powerAt = (ma: number) => Math.floor((ma * voltageV * phases() * perMille) / 1000);
  const wantedMa = () => {
    const ma = car && enabled ? demandMa(car, taken) : 0;
    return ma === 0 ? 0 : Math.max(minMa, Math.min(maxMa, ma));
  };

  /** What it draws at this instant if the ramp allows: zero or at least the minimum. */
  const target = () => {
    const ma = restMs > 0 ? 0 : Math.min(wantedMa(), offerMa);
    return ma < minMa ? 0 : ma;
  };

  /** Cuts the current at once where it must fall, and starts it at the minimum where it may. */
  const settle = () => {
    const ma = target();
    if (ma < drawMa || (drawMa === 0 && ma > 0)) {
      drawMa = Math.min(ma, drawMa === 0 ? minMa : drawMa);
      rampMs = 0;
    }
  };

  const ramp = (ms: number) => {
    rampMs += ms;
    if (rampMs < RAMP_STEP_MS) return;
    const steps = Math.floor(rampMs / RAMP_STEP_MS);
    rampMs -= steps * RAMP_STEP_MS;
    drawMa = Math.min(target(), drawMa + steps * RAMP_STEP_MA);
  };

  /** Time of constant current; shorter than `ms` when the car is full or the next ramp step is due before. */
  const slice = (ms: number): number => {
    if (restMs > 0) return Math.min(ms, restMs);
    if (!car || drawMa === 0) return ms;
    const untilFull = Math.ceil(missingMwMs(car, taken) / powerAt(drawMa));
    const untilStep = drawMa < target() ? RAMP_STEP_MS - rampMs : ms;
    return Math.max(1, Math.min(ms, untilFull, untilStep));
  };

  const charge = (ms: number) => {
    if (!car || drawMa === 0) return;
    // The last slice is rounded up to a whole millisecond; the car takes no more than it is short of.
    const missing = missingMwMs(car, taken);
    const mwMs = Math.min(missing, powerAt(drawMa) * ms);
    addEnergy(taken, mwMs, 1);
    addEnergy(register, mwMs, 1);
  };

  return {
    plug(next) {
      car = next;
      taken = { wh: 0, restMwMs: 0 };
      limitedMs = 0;
      settle();
    },
    unplug() {
      car = null;
      enabled = false;
      settle();
    },
    enable(on) {
      enabled = on;
      settle();
    },
    offer(ma) {
      offerMa = ma;
      settle();
    },
    switchTo(next) {
      if (physics.dc || next === mostPhases) return;
      mostPhases = next;
      restMs = SWITCH_REST_MS;
      settle();
    },
    advance(ms) {
      let left = ms;
      while (left > 0) {
        settle();
        const part = slice(left);
        if (offerMa < wantedMa()) limitedMs += part;
        charge(part);
        if (drawMa > 0) ramp(part);
        restMs = Math.max(0, restMs - part);
        left -= part;
      }
      settle();
    },
    get car() {
      return car;
    },
    get drawMa() {
      return drawMa;
    },
    get phases() {
      return phases();
    },
    get state() {
      if (!car) return "idle";
      if (drawMa > 0) return "charging";
      if (!enabled) return "ev_connected";
      return missingMwMs(car, taken) === 0 ? "suspended_ev" : "suspended_evse";
    },
    get powerMw() {
      return powerAt(drawMa);
    },
    get registerWh() {
      return register.wh;
    },
    get taken() {
      return taken;
    },
    get full() {
      return car !== null && missingMwMs(car, taken) === 0;
    },
    get limitedMs() {
      return limitedMs;
    },
  };
}
