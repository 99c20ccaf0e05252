/** The meter of the building as a Modbus TCP device: it shows what truly flows to whoever polls it. */
import { addEnergy, type Energy } from "./car.ts";
import { createModbusMeter } from "./modbus-meter.ts";
import type { MeterTruth } from "./modbus-registers.ts";
import type { PolledMeterPlan } from "./plan.ts";

export interface PolledMeter {
  start(atMs: number): void;
  stop(): Promise<void>;
  /** The building drew `ma` on each line up to `toMs`. */
  step(toMs: number, ma: number): void;
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
    step(toMs, ma) {
      addEnergy(imported, 3 * ma * voltageV, toMs - nowMs);
      nowMs = toMs;
      currentA = [ma / 1000, ma / 1000, ma / 1000];
    },
  };
}
