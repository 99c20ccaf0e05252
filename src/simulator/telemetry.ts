/** What a station tells of its EVSE: states when they change, registers and currents at their interval. */
import type { ChargingState, ConnectorState, Meter } from "../model/messages.ts";
import { stateOfCharge } from "./car.ts";
import type { Evse } from "./evse.ts";
import type { Reports } from "./reports.ts";

export interface TelemetryOptions {
  evse: Evse;
  reports: Reports;
  dc: boolean;
  voltageV: number;
  meterSerial: string;
  /** Depot ms between samples in a transaction, and without one. */
  sampleMs: number;
  idleSampleMs: number;
}

export interface Telemetry {
  registers(): { energy_import_wh: number; meter_serial: string };
  sample(atMs: number, context: Meter["context"], txRef: string | null): void;
  sampleIfDue(atMs: number, txRef: string | null): void;
  /** Reports the state if it is another than the last one reported. */
  state(atMs: number, txRef: string | null, faulted: boolean): void;
  /** The next `state` is reported even when nothing changed. */
  forget(): void;
  /** When the next periodic sample is due, depot ms. */
  nextSampleMs: number;
}

/** A current that moved by this much is worth a sample before the next one is due. */
const MOVED_MA = 1000;

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { evse, reports, voltageV } = options;
  let reported: string | null = null;
  let sampledMa = 0;
  let sampledMs = 0;

  const registers = () => ({ energy_import_wh: evse.registerWh, meter_serial: options.meterSerial });

  const currents = () => [0, 1, 2].map((line) => (line < evse.phases ? evse.drawMa / 1000 : 0));

  const soc = () => (options.dc && evse.car !== null ? { soc_pct: stateOfCharge(evse.car, evse.taken) } : {});

  const telemetry: Telemetry = {
    nextSampleMs: 0,
    registers,
    sample(atMs, context, txRef) {
      reports.send("meter", atMs, {
        context,
        ...registers(),
        power_w: Math.round(evse.powerMw / 1000),
        current_a: currents(),
        voltage_v: [voltageV, voltageV, voltageV],
        ...soc(),
        ...(txRef ? { tx_ref: txRef } : {}),
      });
      sampledMa = evse.drawMa;
      sampledMs = atMs;
      // What is sent on a change leaves the rhythm alone: a receiver learns from it what silence means.
      if (context !== "trigger")
        telemetry.nextSampleMs = atMs + (txRef ? options.sampleMs : options.idleSampleMs);
    },
    sampleIfDue(atMs, txRef) {
      const moved = Math.abs(evse.drawMa - sampledMa) >= MOVED_MA && atMs - sampledMs >= options.sampleMs / 4;
      if (atMs >= telemetry.nextSampleMs) {
        telemetry.sample(atMs, txRef ? "sample.periodic" : "sample.clock", txRef);
      } else if (moved) telemetry.sample(atMs, "trigger", txRef);
    },
    state(atMs, txRef, faulted) {
      const connector: ConnectorState = faulted ? "faulted" : evse.car ? "occupied" : "available";
      // Inside a transaction an open contactor is the station's doing, whatever the cause.
      const charging: ChargingState = txRef && evse.state === "ev_connected" ? "suspended_evse" : evse.state;
      const now = `${connector} ${charging}`;
      if (now === reported) return;
      reported = now;
      reports.send("status", atMs, {
        connector_state: connector,
        charging_state: charging,
        ...(faulted ? { fault_code: "ground_failure" } : {}),
      });
      if (!txRef) return;
      reports.send("tx", atMs, {
        event: "updated",
        tx_ref: txRef,
        charging_state: charging,
        ...registers(),
      });
      telemetry.sample(atMs, "trigger", txRef);
    },
    forget() {
      reported = null;
    },
  };
  return telemetry;
}
