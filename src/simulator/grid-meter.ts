/** The meter at the grid connection: a station without an EVSE that publishes `in/{meter}/0/meter`, the true sum. */
import type { SiteTopics } from "../model/topics.ts";
import { addEnergy, type Energy } from "./car.ts";
import { type Connection, createConnection } from "./connection.ts";
import type { GridMeterPlan } from "./plan.ts";
import { createRandom } from "./random.ts";
import { createReports } from "./reports.ts";

export interface GridMeterOptions {
  plan: GridMeterPlan;
  topics: SiteTopics;
  mqttUrl: string;
  voltageV: number;
  /** Depot ms between samples. */
  sampleMs: number;
  seed: number;
}

export interface GridMeter {
  start(atMs: number): void;
  stop(): Promise<void>;
  /** The site drew `lineMa` up to `toMs`. */
  step(toMs: number, lineMa: readonly [number, number, number]): void;
  readonly link: Connection;
}

export function createGridMeter(options: GridMeterOptions): GridMeter {
  const { plan, topics, voltageV } = options;
  const imported: Energy = { wh: 0, restMwMs: 0 };
  const exported: Energy = { wh: 0, restMwMs: 0 };
  let nowMs = 0;
  let nextMs = 0;
  let announced = false;
  const link = createConnection({
    url: options.mqttUrl,
    clientId: plan.id,
    username: plan.username,
    password: plan.password,
    will: () => ({
      topic: topics.hello(plan.id),
      payload: JSON.stringify({ ts: new Date(nowMs).toISOString(), online: false }),
    }),
    subscribe: `${topics.root}/out/${plan.id}/#`,
    onOnline: () => {
      announced = false;
    },
    onMessage: () => undefined,
    // An old site current is worth nothing: after an outage only the newest few are sent.
    maxSamples: 10,
    // And none waits for the acknowledgement of the one before: a late site current is a wrong one.
    window: 200,
  });
  const reports = createReports(topics, plan.id, 0, link, createRandom(options.seed));
  return {
    start(atMs) {
      nowMs = atMs;
      nextMs = atMs;
      link.start();
    },
    stop: () => link.stop(),
    link,
    step(toMs, lineMa) {
      const powerMw = (lineMa[0] + lineMa[1] + lineMa[2]) * voltageV;
      // Two registers that only rise, by the sum of the lines, as meters of the grid have them.
      addEnergy(powerMw < 0 ? exported : imported, Math.abs(powerMw), toMs - nowMs);
      nowMs = toMs;
      if (!link.online || nowMs < nextMs) return;
      if (!announced) {
        announced = true;
        reports.hello(nowMs, { online: true, vendor: "Laddport", model: "Simulated grid meter" });
      }
      nextMs = nowMs + options.sampleMs;
      reports.send("meter", nowMs, {
        context: "sample.periodic",
        energy_import_wh: imported.wh,
        ...(exported.wh > 0 ? { energy_export_wh: exported.wh } : {}),
        power_w: Math.round(powerMw / 1000),
        current_a: lineMa.map((ma) => ma / 1000),
        voltage_v: [voltageV, voltageV, voltageV],
      });
    },
  };
}
