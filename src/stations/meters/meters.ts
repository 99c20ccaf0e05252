/** All Modbus meters and inputs of a depot: whoever is behind the same host and port shares one connection. */
import type { DepotClock } from "../../model/clock.ts";
import type { RegisterMap } from "../../model/register-map.ts";
import type { MeterWiring } from "../../rules/meter-reading.ts";
import { DigitalInput } from "./input.ts";
import { ModbusLine } from "./line.ts";
import { MeterReader } from "./meter-reader.ts";
import { MeterPoller, type PolledMessage, type Trouble } from "./poller.ts";

export interface ModbusPlace {
  host: string;
  port: number;
  unit: number;
  timeoutMs: number;
}

export interface MeterSpec extends ModbusPlace {
  id: string;
  map: RegisterMap;
  /** Which of several SunSpec meters behind one address, from 1. */
  instance: number;
  wiring: MeterWiring;
  periodMs: number;
  logMs: number;
}

export interface InputSpec extends ModbusPlace {
  id: string;
  table: "coil" | "discrete";
  address: number;
  invert: boolean;
  periodMs: number;
}

export interface ModbusMetersOptions {
  meters: readonly MeterSpec[];
  inputs: readonly InputSpec[];
  clock: DepotClock;
  boot: string;
  note(message: PolledMessage): void;
  accept(message: PolledMessage, done: () => void): void;
  /** How an input stands, with every poll; null while nobody knows. */
  heard(id: string, closed: boolean | null): void;
  /** About a meter or an input. */
  trouble(id: string, what: Trouble | null): void;
  /** For tests: shorter waits. Wire time. */
  waits?: { backoffMs?: readonly [number, number]; connectTimeoutMs?: number; troubleAfterMs?: number };
}

export interface ModbusMeters {
  start(): void;
  stop(): Promise<void>;
  /** How an input stands; null while nobody knows. */
  input(id: string): boolean | null;
}

export function createModbusMeters(options: ModbusMetersOptions): ModbusMeters {
  const { clock, boot, note, accept, waits = {} } = options;
  const lines = linesOf([...options.meters, ...options.inputs], waits);
  const lineOf = (place: ModbusPlace) => lines.get(placeOf(place)) as ModbusLine;
  const pollers = options.meters.map(
    (meter) =>
      new MeterPoller({
        id: meter.id,
        reader: new MeterReader(lineOf(meter), meter.unit, meter.map, meter.instance),
        wiring: meter.wiring,
        mapName: meter.map.name,
        clock,
        boot,
        periodMs: meter.periodMs,
        logMs: meter.logMs,
        ...(waits.troubleAfterMs === undefined ? {} : { troubleAfterMs: waits.troubleAfterMs }),
        note,
        accept,
        trouble: (what) => options.trouble(meter.id, what),
      }),
  );
  const contacts = new Map(
    options.inputs.map((input) => [
      input.id,
      new DigitalInput({
        ...input,
        line: lineOf(input),
        ...(waits.troubleAfterMs === undefined ? {} : { staleAfterMs: waits.troubleAfterMs }),
        heard: (closed) => options.heard(input.id, closed),
        trouble: (what) => options.trouble(input.id, what),
      }),
    ]),
  );
  return {
    input: (id) => contacts.get(id)?.closed ?? null,
    start() {
      for (const part of [...pollers, ...contacts.values()]) part.start();
    },
    async stop() {
      const ended = [...pollers, ...contacts.values()].map((part) => part.stop());
      for (const line of lines.values()) line.close();
      await Promise.all(ended);
    },
  };
}

const placeOf = ({ host, port }: ModbusPlace) => `${host.toLowerCase()} ${port}`;

function linesOf(places: readonly ModbusPlace[], waits: NonNullable<ModbusMetersOptions["waits"]>) {
  const units = new Map<string, Map<number, number>>();
  for (const place of places) {
    const known = units.get(placeOf(place)) ?? new Map<number, number>();
    // Two that ask the same unit: the more patient one decides.
    known.set(place.unit, Math.max(known.get(place.unit) ?? 0, place.timeoutMs));
    units.set(placeOf(place), known);
  }
  return new Map(
    [...units].map(([key, known]) => {
      const { host, port } = places.find((place) => placeOf(place) === key) as ModbusPlace;
      const { troubleAfterMs: _, ...rest } = waits;
      return [key, new ModbusLine({ host, port, units: known, ...rest })];
    }),
  );
}
