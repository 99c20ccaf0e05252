/** One connection, from its socket's arrival to its end. */
import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Identity } from "../identity/credentials.ts";
import type { InTopic } from "../model/topics.ts";
import { AckOrder } from "./ack-order.ts";
import type { Arrival, Protocol } from "./arrival.ts";
import type { PacketGuard } from "./packet-guard.ts";
import type { TransportClient } from "./transport.ts";

export class Link {
  readonly conn: Duplex;
  readonly address: string;
  readonly protocol: Protocol;
  readonly commonName: string | undefined;
  readonly certificate: X509Certificate | undefined;
  readonly acks: AckOrder;
  /** What each topic of this station means; only its own contract topics get in, so it stays small. */
  readonly places = new Map<string, InTopic>();
  readonly subscriptions = new Set<string>();
  /** Set before anything is read. */
  client!: TransportClient;
  guard!: PacketGuard;
  /** The id asked for in CONNECT; may be empty, then the client gets one. */
  clientId = "";
  identity: Identity | undefined;
  /** CONNACK 0 was sent. */
  isConnected = false;
  isGone = false;
  /** Its messages are no longer waited for: the same client is back on another connection, or the gateway stops. */
  dropsWill = false;
  isThrottled = false;
  /** Why it ended, when we know better than "connection lost". */
  reason: string | undefined;
  requestsFromMs = 0;
  requests = 0;
  readonly #queuedBytes: number;
  #deferred: (() => void)[] = [];

  /** `frozen`: it does not even take its acknowledgements. */
  constructor(arrival: Arrival, queuedBytes: number, frozen: () => void) {
    this.conn = arrival.conn;
    this.address = arrival.address;
    this.protocol = arrival.protocol;
    this.commonName = arrival.commonName;
    this.certificate = arrival.certificate;
    this.#queuedBytes = queuedBytes;
    this.acks = new AckOrder((packets) => {
      if (this.conn.destroyed || !this.conn.writable) return;
      this.conn.write(packets);
      if (this.isFrozen) frozen();
    });
  }

  /** More waits in its socket than a working client would leave there. */
  get isFrozen(): boolean {
    return this.conn.writableLength > this.#queuedBytes;
  }

  /**
   * Calls back in the next turn, once for all messages of this one. Aedes reads on as soon as its last packet is done;
   * inside its own parser that would mix two chunks.
   */
  defer(done: () => void): void {
    if (this.#deferred.push(done) > 1) return;
    setImmediate(() => {
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const call of deferred) call();
    });
  }

  end(reason: string): void {
    this.reason ??= reason;
    this.conn.destroy();
  }
}
