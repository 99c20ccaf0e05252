/**
 * Stands between a socket and Aedes's parser, which has no limits of its own: sees the fixed header of every packet
 * (MQTT 3.1.1, section 2.2), refuses what is too large or malformed before its body is kept, and hands on only as many
 * whole packets as the broker can take. What it puts back stays in the socket, so TCP slows the sender down.
 */
import type { Duplex } from "node:stream";

type GuardFault = "oversize" | "malformed";

interface GuardOptions {
  /** Whole packets that may be handed on now; 0 leaves everything in the socket until `resume`. */
  allowance(): number;
  /** Largest remaining length now. */
  maxBytes(): number;
  fault(fault: GuardFault, detail: string): void;
}

const CONNECT = 0x10;
/** SUBSCRIBE and UNSUBSCRIBE: Aedes accepts message id 0 there, against MQTT-2.3.1-1. */
const NEEDS_ID = [0x82, 0xa2];

type Expecting = "header" | "length" | "body";

export class PacketGuard {
  readonly #conn: Duplex;
  readonly #options: GuardOptions;
  readonly #source: (size?: number) => Buffer | null;
  #starved = false;
  #first = true;
  #expecting: Expecting = "header";
  #header = 0;
  #length = 0;
  #shift = 0;
  #left = 0;
  #id = 0;
  #packets = 0;
  /** Whole packets handed on since the connection began. */
  handedOn = 0;

  /** Takes over `conn.read`, which is all that Aedes reads with. */
  constructor(conn: Duplex, options: GuardOptions) {
    this.#conn = conn;
    this.#options = options;
    this.#source = conn.read.bind(conn);
    // Node's streams poke themselves with read(0), which takes nothing.
    conn.read = (size) => (size === 0 ? this.#source(0) : this.#read());
  }

  /** Lets Aedes read on when it was told that there is nothing. */
  resume(): void {
    if (!this.#starved || this.#conn.destroyed) return;
    this.#starved = false;
    this.#conn.emit("readable");
  }

  #read(): Buffer | null {
    if (this.#conn.destroyed) return null;
    const allowance = this.#options.allowance();
    if (allowance <= 0) {
      this.#starved = true;
      return null;
    }
    const chunk = this.#take();
    if (chunk === null) return null;
    this.#packets = 0;
    const end = this.#scan(chunk, allowance);
    if (end < 0) return null;
    if (end < chunk.length) this.#conn.unshift(chunk.subarray(end));
    else if (this.#packets === 0) this.#goOn();
    return chunk.subarray(0, end);
  }

  /**
   * What is there, and never more: reading past it could end the stream before what is put back was seen, and reading
   * more than the high-water mark would raise that for good.
   */
  #take(): Buffer | null {
    const { readableLength, readableHighWaterMark } = this.#conn;
    return readableLength > 0
      ? this.#source(Math.min(readableLength, readableHighWaterMark))
      : this.#source();
  }

  /** Aedes reads again when a packet is done. Without a whole one only we can go on: to more data, or to the end. */
  #goOn(): void {
    if (this.#conn.readableLength > 0) setImmediate(() => this.#conn.emit("readable"));
    else this.#source(0);
  }

  /** Where to cut `chunk`: after `allowance` whole packets, or at its end. Negative on a fault. */
  #scan(chunk: Buffer, allowance: number): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#expecting === "header") {
        this.#header = chunk[at++] as number;
        this.#length = 0;
        this.#shift = 0;
        this.#id = 0;
        if (this.#first && this.#header !== CONNECT)
          return this.#fault("malformed", `first byte 0x${this.#header.toString(16)} instead of a CONNECT`);
        this.#first = false;
        this.#expecting = "length";
      } else if (this.#expecting === "length") {
        const byte = chunk[at++] as number;
        this.#length += (byte & 0x7f) << this.#shift;
        this.#shift += 7;
        if (byte > 0x7f && this.#shift > 21)
          return this.#fault("malformed", "a remaining length of more than four bytes");
        if (byte > 0x7f) continue;
        const max = this.#options.maxBytes();
        if (this.#length > max)
          return this.#fault("oversize", `a packet of ${this.#length} bytes, ${max} is the most`);
        this.#left = this.#length;
        this.#expecting = "body";
      }
      if (this.#expecting !== "body") continue;
      const next = Math.min(at + this.#left, chunk.length);
      if (NEEDS_ID.includes(this.#header)) {
        for (let i = at; i < next && this.#length - this.#left + (i - at) < 2; i++)
          this.#id = this.#id * 256 + (chunk[i] as number);
      }
      this.#left -= next - at;
      at = next;
      if (this.#left > 0) break;
      if (NEEDS_ID.includes(this.#header) && this.#id === 0)
        return this.#fault("malformed", "a SUBSCRIBE or UNSUBSCRIBE with message id 0");
      this.#expecting = "header";
      this.#packets += 1;
      this.handedOn += 1;
      if (this.#packets >= allowance) break;
    }
    return at;
  }

  #fault(fault: GuardFault, detail: string): number {
    this.#options.fault(fault, detail);
    return -1;
  }
}
