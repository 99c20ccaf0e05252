/**
 * Aedes as transport only: it frames, keeps connections and delivers what we publish. What a client publishes ends in
 * `authorizePublish`; it is neither forwarded nor retained, and neither are Aedes's own `$SYS` messages.
 */
import { Aedes, type AedesOptions, type Client } from "aedes";
import type { Emitter } from "./emitter.ts";
import type { RetainedOnly } from "./retained.ts";

/** The parts of an Aedes 1.2 client that its types leave out. */
export interface TransportClient extends Client {
  /** The will that the client left at CONNECT, while it is connected. */
  will?: object | null;
  /** The client said goodbye with a DISCONNECT packet. */
  _disconnected?: boolean;
  _keepaliveTimer?: NodeJS.Timeout | null;
}

export class Transport extends Aedes {
  readonly #emitter: Emitter;
  readonly #retained: RetainedOnly;
  #counter = 0;

  constructor(options: Omit<AedesOptions, "mq" | "persistence">, emitter: Emitter, retained: RetainedOnly) {
    super({ ...options, mq: emitter, persistence: retained });
    this.#emitter = emitter;
    this.#retained = retained;
  }

  /** Aedes calls this with what clients, wills and itself publish. */
  override publish(...args: unknown[]): void {
    const done = args.at(-1);
    if (typeof done === "function") done();
  }

  /**
   * Publishes for the gateway, in call order. Aedes's own `publish` stores retained and QoS 1 messages asynchronously,
   * and its duplicate check then drops them when a later message overtook them.
   */
  send(topic: string, payload: Buffer, qos: 0 | 1, retain: boolean): void {
    if (retain) this.#retained.keep({ cmd: "publish", topic, payload, qos, retain });
    this.#counter += 1;
    this.#emitter.emit({
      cmd: "publish",
      brokerId: this.id,
      brokerCounter: this.#counter,
      topic,
      payload,
      qos,
      retain,
      dup: false,
    });
  }
}
