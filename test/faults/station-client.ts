/**
 * A station that keeps its own books: what it sent, what was acknowledged. It numbers everything, keeps a window of
 * messages in flight, and after every loss of the link sends again what was not acknowledged, with DUP=0, as real
 * clients do.
 */
import { connect, type Socket } from "node:net";
import * as mqtt from "mqtt-packet";

export interface Sent {
  seq: number;
  topic: string;
  payload: string;
  /** Of the first time it was sent. */
  sentAtMs: number;
  ackedAtMs: number | null;
}

/** A limit that came, and when. */
export interface Heard {
  atMs: number;
  rev: number;
  limit_a: number;
}

export class StationClient {
  readonly id: string;
  readonly #password: string;
  readonly boot: string;
  readonly sent: Sent[] = [];
  /** Transactions whose end was acknowledged: a CDR is owed for each. */
  readonly #inFlight = new Map<number, Sent>();
  readonly #window: number;
  #socket: Socket | undefined;
  #nextId = 1;
  #resendFrom = 0;
  #ready = false;
  next: () => { topic: string; body: object } | undefined;
  acked = 0;
  paused = false;
  /** Times that an established link was lost. */
  losses = 0;
  /** Where limits come from, when the station obeys them: `laddport/v1/{site}/out/{station}`. */
  obeys: string | undefined;
  readonly limits: Heard[] = [];
  #pong: (() => void) | undefined;

  constructor(id: string, password: string, boot: string, window: number, next: StationClient["next"]) {
    this.id = id;
    this.#password = password;
    this.boot = boot;
    this.#window = window;
    this.next = next;
  }

  /** Connects now; rejects when the gateway is not there. */
  connect(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1" });
      const parser = mqtt.parser({ protocolVersion: 4 });
      this.#socket = socket;
      socket.setNoDelay(true);
      socket.on("connect", () =>
        socket.write(
          mqtt.generate({
            cmd: "connect",
            protocolId: "MQTT",
            protocolVersion: 4,
            clean: true,
            clientId: this.id,
            keepalive: 60,
            username: this.id,
            password: Buffer.from(this.#password),
          }),
        ),
      );
      socket.on("data", (data) => parser.parse(data));
      parser.on("packet", (packet) => {
        if (packet.cmd === "connack") {
          if (packet.returnCode !== 0) return reject(new Error(`CONNACK ${packet.returnCode}`));
          this.#ready = true;
          resolve();
          if (this.obeys) this.#subscribe(`${this.obeys}/+/limit`);
          this.pump();
        }
        if (packet.cmd === "puback") this.#acknowledged(packet.messageId ?? 0);
        if (packet.cmd === "publish") this.#obey(packet);
        if (packet.cmd === "pingresp") this.#pong?.();
      });
      socket.on("error", reject);
      socket.on("close", () => {
        if (this.#ready) this.losses += 1;
        this.#ready = false;
        reject(new Error("closed"));
        // Everything that was not acknowledged goes again, in its order.
        this.#inFlight.clear();
        const first = this.sent.findIndex((s) => s.ackedAtMs === null);
        this.#resendFrom = first < 0 ? this.sent.length : first;
      });
    });
  }

  #acknowledged(messageId: number): void {
    const sent = this.#inFlight.get(messageId);
    this.#inFlight.delete(messageId);
    if (sent && sent.ackedAtMs === null) {
      sent.ackedAtMs = Date.now();
      this.acked += 1;
    }
    this.pump();
  }

  pump(): void {
    while (this.#ready && this.#inFlight.size < this.#window) {
      let message = this.#nextResend();
      if (!message) {
        if (this.paused) return;
        const made = this.next();
        if (!made) return;
        message = this.#number(made);
        this.#resendFrom = this.sent.length;
      }
      this.#write(message);
    }
  }

  #number({ topic, body }: { topic: string; body: object }): Sent {
    const seq = this.sent.length;
    const payload = JSON.stringify({ ...body, boot: this.boot, seq });
    const message = { seq, topic, payload, sentAtMs: Date.now(), ackedAtMs: null };
    this.sent.push(message);
    return message;
  }

  /** Confirms a limit beside the window: a station that waits for acknowledgements still follows its limit. */
  #obey({ topic, payload, qos, messageId }: mqtt.IPublishPacket): void {
    if (qos === 1) this.#socket?.write(mqtt.generate({ cmd: "puback", messageId: messageId ?? 0 }));
    const { rev, limit_a } = JSON.parse(String(payload)) as { rev: number; limit_a: number };
    this.limits.push({ atMs: Date.now(), rev, limit_a });
    const isBehind = this.#resendFrom < this.sent.length;
    const body = { ts: new Date().toISOString(), rev, limit_a };
    const message = this.#number({ topic: topic.replace("/out/", "/in/"), body });
    if (isBehind) return;
    this.#resendFrom = this.sent.length;
    this.#write(message);
  }

  #subscribe(topic: string): void {
    const messageId = this.#takeId();
    this.#socket?.write(mqtt.generate({ cmd: "subscribe", messageId, subscriptions: [{ topic, qos: 1 }] }));
  }

  /** Resolves when the gateway answers a PINGREQ, with the ms that it took. */
  ping(): Promise<number> {
    const sentAtMs = Date.now();
    return new Promise((resolve) => {
      this.#pong = () => resolve(Date.now() - sentAtMs);
      this.#socket?.write(mqtt.generate({ cmd: "pingreq" }));
    });
  }

  #nextResend(): Sent | undefined {
    while (this.#resendFrom < this.sent.length) {
      const message = this.sent[this.#resendFrom++];
      if (message && message.ackedAtMs === null) return message;
    }
    return undefined;
  }

  #write(message: Sent): void {
    const messageId = this.#takeId();
    this.#inFlight.set(messageId, message);
    this.#socket?.write(
      mqtt.generate({
        cmd: "publish",
        topic: message.topic,
        payload: message.payload,
        qos: 1,
        messageId,
        dup: false,
        retain: false,
      }),
    );
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = (id % 65_535) + 1;
    return id;
  }

  get settled(): boolean {
    return this.#inFlight.size === 0 && this.#nextUnacked() === undefined;
  }

  #nextUnacked(): Sent | undefined {
    return this.sent.find((s) => s.ackedAtMs === null);
  }

  drop(): void {
    this.#socket?.destroy();
  }
}

/**
 * A station's life: sessions of a start, some samples and a stop, one after another, without end. Its own time begins
 * `days` ago; each session has the card that `uid` names.
 */
export function chargingLife(
  site: string,
  station: string,
  { days = 60, uid = (_session: number) => `04AA${station}` } = {},
): StationClient["next"] {
  const root = `laddport/v1/${site}/in/${station}/1`;
  let registerWh = 1_000_000;
  let step = 0;
  let session = 0;
  // Ten seconds of station time a message, 11 kW gives 31 Wh: a station that delivers what it kept for weeks.
  let tsMs = Date.now() - days * 86_400_000;
  return () => {
    tsMs += 10_000;
    const ts = new Date(tsMs).toISOString();
    const at = step++ % 12;
    const tx_ref = `t${session}`;
    if (at === 0) {
      return {
        topic: `${root}/tx`,
        body: {
          ts,
          event: "started",
          tx_ref,
          energy_import_wh: registerWh,
          token: { uid: uid(session) },
        },
      };
    }
    registerWh += 30;
    if (at === 11) {
      session += 1;
      return {
        topic: `${root}/tx`,
        body: { ts, event: "ended", tx_ref, energy_import_wh: registerWh, reason: "local" },
      };
    }
    return {
      topic: `${root}/meter`,
      body: { ts, energy_import_wh: registerWh, power_w: 10_800, current_a: [15.6, 15.7, 15.6], tx_ref },
    };
  };
}
