/** An MQTT client that does what a test says, right or wrong: it writes bytes and keeps the packets that come back. */
import { connect, type Socket } from "node:net";
import mqttPacket, { type Packet } from "mqtt-packet";
import { until } from "./open-broker.ts";

export class RawClient {
  readonly socket: Socket;
  readonly packets: Packet[] = [];
  isClosed = false;
  readonly #parser = mqttPacket.parser();

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.socket.on("data", (bytes) => this.#parser.parse(bytes));
    this.socket.on("error", () => {});
    this.socket.once("close", () => {
      this.isClosed = true;
    });
    this.#parser.on("packet", (packet) => this.packets.push(packet));
    this.#parser.on("error", () => {});
  }

  /** A client that has its CONNACK 0. */
  static async connected(port: number, user: string, options: Partial<mqttPacket.IConnectPacket> = {}) {
    const client = new RawClient(port);
    client.send(connectPacket(user, options));
    const [connack] = await client.received("connack", 1);
    if (connack?.returnCode !== 0) throw new Error(`CONNACK ${connack?.returnCode}`);
    return client;
  }

  send(...packets: Packet[]): void {
    this.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))));
  }

  write(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  /** The first `count` packets of one kind, as soon as they are there. */
  async received<C extends Packet["cmd"]>(cmd: C, count: number): Promise<Extract<Packet, { cmd: C }>[]> {
    const found = () => this.packets.filter((p): p is Extract<Packet, { cmd: C }> => p.cmd === cmd);
    await until(() => found().length >= count || this.isClosed);
    if (found().length < count)
      throw new Error(`closed with ${found().length} of ${count} ${cmd}: ${JSON.stringify(this.packets)}`);
    return found().slice(0, count);
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed);
  }

  end(): void {
    this.socket.destroy();
  }
}

export function connectPacket(user: string, options: Partial<mqttPacket.IConnectPacket> = {}): Packet {
  return {
    cmd: "connect",
    clientId: user,
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    username: user,
    password: Buffer.from(`${user}-secret`),
    ...options,
  };
}

export function publishPacket(topic: string, messageId: number, payload = "{}", qos: 0 | 1 | 2 = 1): Packet {
  return { cmd: "publish", topic, payload, qos, retain: false, dup: false, ...(qos > 0 && { messageId }) };
}
