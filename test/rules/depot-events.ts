/** Writes the events of one small depot the way the ledger would log them, so that a test reads like a day. */
import type { EvseSpec } from "../../src/model/circuit.ts";
import type { Event, EventBodies, EventOf, EventType, NewEvent } from "../../src/model/event.ts";
import type { Fold } from "../../src/model/fold.ts";
import type { EvseId } from "../../src/model/ids.ts";
import type { ChargingState, ConnectorState } from "../../src/model/messages.ts";
import type { SealedRef } from "../../src/model/signed.ts";
import type { Tariff, TariffVersion } from "../../src/model/tariff.ts";
import { sessionsFold } from "../../src/rules/fold-sessions.ts";
import type { SessionsOptions } from "../../src/rules/session-step.ts";

/** 2026-03-02T18:00:00Z: the second 0 of every test. */
export const START_MS = Date.UTC(2026, 2, 2, 18);

export const TARIFF: TariffVersion = {
  hash: "a".repeat(64),
  body: { id: "depot", currency: "SEK", elements: [{ price_components: [energy("2.50", "25")] }] },
};

export function energy(
  price: string,
  vat?: string,
  step_size = 1,
): Tariff["elements"][0]["price_components"][0] {
  return { type: "ENERGY", price, step_size, ...(vat === undefined ? {} : { vat }) };
}

/** A 22 kW station. */
export function spec(station = "cp-01", evse = 1): EvseSpec {
  return {
    station,
    evse,
    circuit: "main",
    kind: "ac",
    minA: 6,
    maxA: 32,
    phases: 3,
    phaseOrder: "L1L2L3",
    fallbackA: 6,
    weight: 1,
    efficiency: 1,
  };
}

export const DEPOT: SessionsOptions = {
  evses: new Map<EvseId, EvseSpec>([
    ["cp-01/1", spec()],
    ["cp-01/2", spec("cp-01", 2)],
    ["cp-02/1", spec("cp-02")],
  ]),
  timeZone: "Europe/Stockholm",
  voltageV: 230,
};

/** Seconds since START. `ts`: the station's stamp when it differs from the arrival `at`. */
interface When {
  at: number;
  ts?: number;
  /** Set apart from the running number; null for a station that does not number. */
  seq?: number | null;
  boot?: string | null;
  evse?: number;
  signed?: SealedRef | undefined;
}
interface Tx extends When {
  ref?: string;
  wh?: number;
  state?: ChargingState;
  token?: string;
  group?: string;
  vehicle?: string;
  serial?: string;
  reason?: string;
}

export function iso(seconds: number): string {
  return new Date(START_MS + seconds * 1000).toISOString();
}

export class DepotLog {
  readonly events: Event[] = [];
  station = "cp-01";
  boot: string | null = "b1";
  #seq = 0;

  /** A gateway that has a tariff. */
  static started(tariff: TariffVersion | null = TARIFF): DepotLog {
    const log = new DepotLog();
    log.add("gateway.started", -60, { version: "0", node: "24", epoch: 3 }, null);
    if (tariff) log.add("tariff.adopted", -60, { tariff }, null);
    return log;
  }

  add<T extends EventType>(
    type: T,
    at: number,
    body: EventBodies[T],
    station: string | null = this.station,
  ): this {
    const offset = this.events.length + 1;
    this.events.push({ type, atMs: START_MS + at * 1000, station, key: null, body, offset } as Event);
    return this;
  }

  #from({ at, ts = at, seq, boot = this.boot, evse = 1 }: When) {
    const numbered = boot === null ? null : seq === undefined ? this.#seq++ : seq;
    return { evse, ts: iso(ts), boot, seq: numbered };
  }

  #tx({ ref = "t1", wh, state, token, group, vehicle, serial, signed }: Tx) {
    return {
      tx_ref: ref,
      ...(wh === undefined ? {} : { energy_import_wh: wh }),
      ...(state ? { charging_state: state } : {}),
      ...(token ? { token_ref: token } : {}),
      ...(group ? { token_group: group } : {}),
      ...(vehicle ? { vehicle } : {}),
      ...(serial ? { meter_serial: serial } : {}),
      ...(signed ? { signed } : {}),
    };
  }

  start(tx: Tx): this {
    return this.add("transaction.started", tx.at, {
      ...this.#from(tx),
      ...this.#tx({ token: "tok-a", ...tx }),
    });
  }

  update(tx: Tx): this {
    return this.add("transaction.updated", tx.at, { ...this.#from(tx), ...this.#tx(tx) });
  }

  stop(tx: Tx): this {
    const reason = tx.reason ? { reason: tx.reason } : {};
    return this.add("transaction.ended", tx.at, { ...this.#from(tx), ...this.#tx(tx), ...reason });
  }

  sample(
    when: When & { wh?: number; ref?: string; serial?: string; export_wh?: number; end?: boolean },
  ): this {
    const { wh, ref, serial, export_wh, end, signed } = when;
    return this.add("meter.sampled", when.at, {
      ...this.#from(when),
      context: end ? "transaction.end" : "sample.periodic",
      ...(wh === undefined ? {} : { energy_import_wh: wh }),
      ...(ref === undefined ? {} : { tx_ref: ref }),
      ...(serial === undefined ? {} : { meter_serial: serial }),
      ...(export_wh === undefined ? {} : { energy_export_wh: export_wh }),
      ...(signed ? { signed } : {}),
    });
  }

  /** Samples every `every` seconds, the register rising by `stepWh` each. */
  samples(run: { from: number; to: number; every: number; wh: number; stepWh: number; ref?: string }): this {
    let wh = run.wh;
    for (let at = run.from; at <= run.to; at += run.every, wh += run.stepWh) {
      this.sample({ at, wh, ...(run.ref === undefined ? {} : { ref: run.ref }) });
    }
    return this;
  }

  status(connector: ConnectorState, when: When & { state?: ChargingState; fault?: string }): this {
    return this.add("status.reported", when.at, {
      ...this.#from(when),
      connector_state: connector,
      ...(when.state ? { charging_state: when.state } : {}),
      ...(when.fault ? { fault_code: when.fault } : {}),
    });
  }

  hello(when: When & { online?: boolean; serial?: string }): this {
    const serial = when.serial ? { meter_serial: when.serial } : {};
    const body = { ...this.#from({ evse: 0, ...when }), online: when.online ?? true, ...serial };
    return this.add("station.announced", when.at, body);
  }

  /** The station restarts: a new boot id, numbers from 0. */
  reboot(boot: string, at: number): this {
    this.boot = boot;
    this.#seq = 0;
    return this.hello({ at });
  }

  tick(at: number): this {
    return this.add("clock.ticked", at, { at: iso(at) }, null);
  }

  ticks(from: number, to: number): this {
    for (let at = from; at <= to; at += 60) this.tick(at);
    return this;
  }
}

/** Runs a fold over events; with `snapshots`, its state goes through JSON after each event it names. */
export function run(
  events: readonly Event[],
  fold: Fold = sessionsFold(DEPOT),
  snapshots: (index: number) => boolean = () => false,
): NewEvent[] {
  let parts = new Map<string, unknown>();
  const emitted: NewEvent[] = [];
  const out = { emit: (event: NewEvent) => void emitted.push(structuredClone(event)), touched: () => {} };
  events.forEach((event, i) => {
    fold.apply(parts, event, out);
    if (snapshots(i)) parts = new Map(JSON.parse(JSON.stringify([...parts])));
  });
  return emitted;
}

export function of<T extends EventType>(type: T, emitted: readonly NewEvent[]): EventOf<T>["body"][] {
  return emitted.filter((event) => event.type === type).map((event) => event.body as EventOf<T>["body"]);
}

/** The one session that these events end. */
export function onlySession(log: DepotLog, options: SessionsOptions = DEPOT) {
  const ended = of("session.ended", run(log.events, sessionsFold(options)));
  if (ended.length !== 1 || !ended[0]) throw new Error(`expected one session, got ${ended.length}`);
  return ended[0];
}
