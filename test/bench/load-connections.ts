/**
 * Many MQTT connections at the least cost a generator can have: packets are built once and patched, PUBACKs are
 * counted by their four bytes. Latency is from the write of a PUBLISH to its PUBACK.
 */
import { connect, type Socket } from "node:net";
import * as mqtt from "mqtt-packet";

export interface Login {
  id: string;
  password: string;
}

/** Bytes of payload, as a station's meter value commonly has. */
const PAYLOAD_BYTES = 300;
/** Numbers keep their ten digits, so that a packet can be patched in place. */
const FIRST = 1_000_000_000;

interface Connection {
  socket: Socket;
  packet: Buffer;
  seqAt: number;
  energyAt: number;
  idAt: number;
  seq: number;
  messageId: number;
  sentAt: number[];
}

export class LoadConnections {
  readonly #connections: Connection[] = [];
  readonly latencies: number[] = [];
  acked = 0;
  #closedLoop = false;
  #next = 0;

  get size(): number {
    return this.#connections.length;
  }

  async open(port: number, site: string, logins: readonly Login[]): Promise<void> {
    const atOnce = 50;
    for (let i = 0; i < logins.length; i += atOnce) {
      await Promise.all(logins.slice(i, i + atOnce).map((login) => this.#open(port, site, login)));
    }
  }

  #open(port: number, site: string, { id, password }: Login): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.setNoDelay(true);
      const hello = mqtt.generate({
        cmd: "connect",
        protocolId: "MQTT",
        protocolVersion: 4,
        clean: true,
        clientId: id,
        keepalive: 300,
        username: id,
        password: Buffer.from(password),
      });
      socket.once("connect", () => socket.write(hello));
      socket.once("error", reject);
      socket.once("close", () => reject(new Error(`${id}: closed`)));
      socket.once("data", (connack: Buffer) => {
        if (connack[3] !== 0) return reject(new Error(`${id}: CONNACK ${connack[3]}`));
        const connection = { socket, ...template(site, id), seq: 0, messageId: 1, sentAt: [] as number[] };
        this.#connections.push(connection);
        socket.on("data", (data: Buffer) => this.#acks(connection, data.length / 4));
        resolve();
      });
    });
  }

  #acks(connection: Connection, n: number): void {
    const now = performance.now();
    for (let i = 0; i < n; i += 1) {
      this.acked += 1;
      this.latencies.push(now - (connection.sentAt.shift() ?? now));
      if (this.#closedLoop) this.#send(connection);
    }
  }

  #send(c: Connection): void {
    c.seq += 1;
    c.messageId = (c.messageId % 65_535) + 1;
    // A write may still hold the buffer when more than one is on its way.
    const packet = c.sentAt.length > 0 ? Buffer.from(c.packet) : c.packet;
    packet.write(String(FIRST + c.seq), c.seqAt, "latin1");
    packet.write(String(FIRST + c.seq * 3), c.energyAt, "latin1");
    packet.writeUInt16BE(c.messageId, c.idAt);
    c.sentAt.push(performance.now());
    c.socket.write(packet);
  }

  /** One message in flight a connection, for `ms`. Resolves with the messages acknowledged and the ms taken. */
  async closedLoop(ms: number): Promise<{ acked: number; ms: number }> {
    this.acked = 0;
    this.latencies.length = 0;
    this.#closedLoop = true;
    const from = performance.now();
    for (const c of this.#connections) if (c.sentAt.length === 0) this.#send(c);
    await pause(ms);
    const result = { acked: this.acked, ms: performance.now() - from };
    this.#closedLoop = false;
    await this.#drained();
    return result;
  }

  /** `rate` messages a second over all connections in turn, whatever comes back. */
  async openLoop(rate: number, ms: number): Promise<void> {
    this.acked = 0;
    this.latencies.length = 0;
    const from = performance.now();
    let sent = 0;
    while (performance.now() - from < ms) {
      const due = Math.floor(((performance.now() - from) * rate) / 1000);
      for (; sent < due; sent += 1) {
        this.#send(this.#connections[this.#next++ % this.#connections.length] as Connection);
      }
      await pause(1);
    }
    await this.#drained();
  }

  async #drained(): Promise<void> {
    const until = performance.now() + 10_000;
    while (this.#connections.some((c) => c.sentAt.length > 0)) {
      if (performance.now() > until) throw new Error("messages were not acknowledged within 10 s");
      await pause(2);
    }
  }

  percentiles(): { p50: number; p99: number } {
    const sorted = Float64Array.from(this.latencies).sort();
    const at = (q: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }

  close(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function template(site: string, id: string) {
  const seq = String(FIRST);
  const body = {
    ts: new Date().toISOString(),
    boot: "bench",
    seq: `#${seq}#`,
    context: "sample.periodic",
    energy_import_wh: `@${seq}@`,
    power_w: 43_120,
    current_a: [62.4, 62.1, 62.9],
    voltage_v: [229.8, 230.4, 230.0],
    soc_pct: 41,
    pad: "",
  };
  const bare = JSON.stringify(body).replace(/"[#@](\d+)[#@]"/g, "$1").length;
  body.pad = "x".repeat(Math.max(0, PAYLOAD_BYTES - bare));
  const text = JSON.stringify(body);
  const payload = text.replace(/"[#@](\d+)[#@]"/g, "$1");
  const topic = `laddport/v1/${site}/in/${id}/1/meter`;
  const packet = Buffer.from(
    mqtt.generate({ cmd: "publish", topic, payload, qos: 1, messageId: 1, dup: false, retain: false }),
  );
  const payloadAt = packet.length - payload.length;
  return {
    packet,
    seqAt: payloadAt + payload.indexOf(seq),
    energyAt: payloadAt + payload.lastIndexOf(seq),
    idAt: payloadAt - 2,
  };
}
