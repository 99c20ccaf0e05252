/**
 * What vehicles themselves say through their stations: when they leave and how much they still want (OCPP 2.0.1
 * NotifyEVChargingNeeds: departureTime, energyAmount; ISO 15118). It plans the stay and goes no further: a departure
 * that a driver chose tells habits, so the log never has it.
 */
import { type EvseId, evseId } from "../model/ids.ts";
import { Status, Tx } from "../model/messages.ts";
import type { InKind } from "../model/topics.ts";
import type { Wish } from "../rules/departures/stay.ts";

interface Message {
  station: string;
  evse: number;
  kind: InKind;
  payload: Uint8Array;
}

const SCHEMAS: Readonly<Partial<Record<InKind, typeof Status | typeof Tx>>> = { status: Status, tx: Tx };
/** Further ahead than this a clock is wrong. */
const AHEAD_MS = 60 * 86_400_000;

export class StationWishes {
  readonly #of = new Map<EvseId, Wish>();
  #count = 0;

  /** On the path of every message: what speaks of no wish is not parsed. `nowMs`: depot time. */
  note({ station, evse, kind, payload }: Message, nowMs: number): void {
    const schema = SCHEMAS[kind];
    if (schema === undefined || !speaks(payload)) return;
    const said = read(payload, schema);
    if (said?.departure === undefined && said?.energy_request_wh === undefined) return;
    const departMs = said.departure === undefined ? null : Date.parse(said.departure);
    if (departMs !== null && !(departMs > nowMs && departMs < nowMs + AHEAD_MS)) return;
    this.#count += 1;
    this.#of.set(evseId(station, evse), {
      number: this.#count,
      departMs,
      requestWh: said.energy_request_wh ?? null,
    });
  }

  of(evse: EvseId): Wish | null {
    return this.#of.get(evse) ?? null;
  }

  /** Unplugged: whoever comes next wishes anew. */
  forget(evse: EvseId): void {
    this.#of.delete(evse);
  }
}

function speaks(payload: Uint8Array): boolean {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return bytes.includes('"departure"') || bytes.includes('"energy_request_wh"');
}

function read(payload: Uint8Array, schema: typeof Status | typeof Tx) {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(payload).toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
