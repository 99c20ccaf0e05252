/** The meter at the grid connection as a Modbus TCP device: it shows the true sum to whoever polls it. */
import { addEnergy, type Energy } from "./car.ts";
import { createModbusMeter } from "./modbus-meter.ts";
import type { MeterTruth } from "./modbus-registers.ts";
import type { PolledMeterPlan } from "./plan.ts";

export interface PolledMeter {
  start(atMs: number): void;
  stop(): Promise<void>;
  /** The site drew `lineMa` up to `toMs`. */
  step(toMs: number, lineMa: readonly [number, number, number]): void;
}

export function createPolledMeter({ port, unit, map }: PolledMeterPlan, voltageV: number): PolledMeter {
  const imported: Energy = { wh: 0, restMwMs: 0 };
  let currentA: MeterTruth["currentA"] = [0, 0, 0];
  let nowMs = 0;
  const truth = (): MeterTruth => ({
    currentA,
    voltageV: [voltageV, voltageV, voltageV],
    frequencyHz: 50,
    importWh: imported.wh,
    exportWh: 0,
  });
  const device = createModbusMeter(new Map([[unit, { map, truth }]]));
  return {
    start(atMs) {
      nowMs = atMs;
      void device.start(port);
    },
    stop: () => device.stop(),
    step(toMs, lineMa) {
      addEnergy(imported, (lineMa[0] + lineMa[1] + lineMa[2]) * voltageV, toMs - nowMs);
      nowMs = toMs;
      currentA = [lineMa[0] / 1000, lineMa[1] / 1000, lineMa[2] / 1000];
    },
  };
}
