/** Public keys of meters, read from the log: which were accepted, and which only came with sessions that wait. */
import { createHash } from "node:crypto";
import type { LogReader } from "../log/log-store.ts";
import type { HoldBook } from "./session-standing.ts";

/** A key that was accepted, in the wire's spelling. */
export interface AcceptedKey {
  meter_serial: string;
  /** Counts the acceptances of this meter from 1. */
  number: number;
  /** SHA-256, hex, of the SubjectPublicKeyInfo. */
  fingerprint: string;
  /** SubjectPublicKeyInfo, hex. */
  public_key: string;
  /** An operator's id, or `gateway` for the first key of a meter. */
  by: string;
  reason: string;
  at: string;
  /** False when a later key took its place. */
  current: boolean;
}

/** A key that a meter signed with and that holds sessions. */
export interface WaitingKey {
  meter_serial: string;
  /** Null: the values came without a key, and none was accepted. */
  fingerprint: string | null;
  public_key: string | null;
  /** The key is accepted by now: the sessions wait only for their release. */
  accepted: boolean;
  /** Oldest first. */
  sessions: string[];
}

export interface MeterKeys {
  accepted: AcceptedKey[];
  waiting: WaitingKey[];
}

const PAGE = 1_000;

/** Reads only what is new each time. */
export class KeyBook {
  readonly #reader: Pick<LogReader, "read">;
  readonly #holds: HoldBook;
  readonly #accepted = new Map<string, AcceptedKey[]>();
  #through = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(reader: Pick<LogReader, "read">, holds: HoldBook) {
    this.#reader = reader;
    this.#holds = holds;
  }

  /** One at a time: two that read the same page would count it twice. */
  read(): Promise<MeterKeys> {
    const read = this.#last.then(() => this.#readOn());
    this.#last = read.catch(() => undefined);
    return read;
  }

  async #readOn(): Promise<MeterKeys> {
    for (;;) {
      const { events, through } = await this.#reader.read(this.#through, {
        types: ["meter_key.accepted"],
        limit: PAGE,
      });
      for (const event of events)
        if (event.type === "meter_key.accepted") this.#enter(event.body, event.atMs);
      if (through === this.#through) break;
      this.#through = through;
    }
    const accepted = [...this.#accepted.values()].flat();
    return { accepted: accepted.map((key) => ({ ...key })), waiting: await this.#waiting() };
  }

  #enter(body: Pick<AcceptedKey, "meter_serial" | "public_key" | "by" | "reason">, atMs: number): void {
    const { meter_serial, public_key, by, reason } = body;
    const before = this.#accepted.get(meter_serial) ?? [];
    for (const key of before) key.current = false;
    before.push({
      meter_serial,
      number: before.length + 1,
      fingerprint: fingerprintOf(public_key),
      public_key,
      by,
      reason,
      at: new Date(atMs).toISOString(),
      current: true,
    });
    this.#accepted.set(meter_serial, before);
  }

  async #waiting(): Promise<WaitingKey[]> {
    const found = new Map<string, WaitingKey>();
    for (const { record, held } of await this.#holds.waiting()) {
      const { signed, session_id } = record;
      if (!signed || !held.some(({ code }) => code === "SIGNATURE_KEY_UNKNOWN")) continue;
      const { meter_serial, public_key } = signed;
      const name = JSON.stringify([meter_serial, public_key]);
      const current = this.#accepted.get(meter_serial)?.at(-1);
      const key = found.get(name) ?? {
        meter_serial,
        fingerprint: public_key === null ? null : fingerprintOf(public_key),
        public_key,
        accepted: public_key !== null && current?.public_key === public_key,
        sessions: [],
      };
      key.sessions.push(session_id);
      // The newest session last, of the keys too.
      found.delete(name);
      found.set(name, key);
    }
    return [...found.values()];
  }
}

function fingerprintOf(spkiHex: string): string {
  return createHash("sha256").update(Buffer.from(spkiHex, "hex")).digest("hex");
}
