/**
 * The MQTT door (MQTT 3.1.1): stations send meter values and states here, and get their limits. The broker takes a
 * station's message, hands it to the core, and acknowledges it when the core says that it is durable. It forwards
 * nothing from client to client: what goes out is what the gateway publishes.
 */
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { ConnectPacket, PublishPacket } from "aedes";
import { RateWindow } from "../identity/brake.ts";
import type { Identity } from "../identity/credentials.ts";
import type { DepotClock } from "../model/clock.ts";
import { createAcl } from "./acl.ts";
import { Admission, type Way } from "./admission.ts";
import { type Arrival, addressOf, type Protocol } from "./arrival.ts";
import { Emitter } from "./emitter.ts";
import { endingOf } from "./ending.ts";
import { type IncomingMessage, Intake } from "./intake.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { Link } from "./link.ts";
import { type Listeners, type ListenOptions, openListeners } from "./listeners.ts";
import { PacketGuard } from "./packet-guard.ts";
import { type Rejection, type RejectionKind, Rejections } from "./rejections.ts";
import { RetainedOnly } from "./retained.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { TlsFiles } from "./tls-door.ts";
import { Transport, type TransportClient } from "./transport.ts";

export type { Identity } from "../identity/credentials.ts";
export type { IncomingMessage } from "./intake.ts";
export type { Limits } from "./limits.ts";
export type { Rejection, RejectionKind } from "./rejections.ts";
export type { TlsFiles } from "./tls-door.ts";

export interface BrokerOptions {
  site: string;
  clock: DepotClock;
  listen: ListenOptions;
  authenticate(user: string, password: Buffer, address: string): Promise<Identity | undefined>;
  /** Whose certificate this is; the common name is the identity's name. */
  identityOfCertificate?(commonName: string): Identity | undefined;
  /** The only way in which this identity may prove itself; undefined when either will do. */
  wayOf?(name: string): Way | undefined;
  /** A station's message. `done` once it is durable, in any order; on a full disk it may come late, never an error. */
  accept(message: IncomingMessage, done: () => void): void;
  /** `req/{client}/{verb}` of a flow or the command line. */
  request(identity: Identity, verb: string, payload: Buffer): void;
  connected(identity: Identity, info: { address: string; protocol: Protocol }, by?: X509Certificate): void;
  disconnected(identity: Identity, reason: string): void;
  /** After the SUBACK: what was granted. */
  subscribed(identity: Identity, topics: string[]): void;
  /** Something was refused; identity null when it is not proven who it was. */
  rejected(identity: Identity | null, what: Rejection): void;
  limits?: Partial<Limits>;
}

export interface BrokerCounts {
  /** Messages handed to `accept`, requests handed on, messages of ours handed to subscribers. */
  accepted: number;
  requests: number;
  emitted: number;
  rejected: ReadonlyMap<RejectionKind, number>;
}

export interface Broker {
  /** Resolves to the ports. Rejects naming the address that could not be had. */
  start(): Promise<{ [P in Protocol]?: number }>;
  /** Reads nothing more, waits a little for what is on its way to the disk, then closes every connection. */
  stop(): Promise<void>;
  /** To whoever is subscribed now; with `retain` also to later subscribers. QoS 1 unless told. */
  publish(topic: string, payload: string | Buffer, options?: { qos?: 0 | 1; retain?: boolean }): void;
  /** While on, a CONNECT is answered with "server unavailable"; connections that are open stay. */
  hold(on: boolean): void;
  /**
   * Takes other TLS files while connections stay. Those whose certificate is revoked by them, or whose authority is no
   * longer among them, are cut. Throws, with nothing changed, when the files do not belong together.
   */
  renewTls(files: TlsFiles): void;
  isConnected(name: string): boolean;
  connectionCount(): number;
  /** Messages handed to `accept` that are not done. */
  inFlight(): number;
  counts(): BrokerCounts;
}

export function createBroker(options: BrokerOptions): Broker {
  return new MqttDoor(options);
}

const OFFENCE_WINDOW_MS = 10_000;

class MqttDoor implements Broker {
  readonly #options: BrokerOptions;
  readonly #limits: Limits;
  readonly #links = new Map<TransportClient, Link>();
  /** How many connections each identity has. */
  readonly #names = new Map<string, number>();
  readonly #emitter = new Emitter();
  readonly #rejections: Rejections;
  readonly #offences: RateWindow;
  readonly #subscriptions: Subscriptions;
  readonly #admission: Admission;
  readonly #intake: Intake;
  readonly #transport: Transport;
  #listeners: Listeners | undefined;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const rejections = new Rejections((identity, what) => options.rejected(identity, what));
    const acl = createAcl(options.site);
    this.#limits = limits;
    this.#rejections = rejections;
    this.#offences = new RateWindow({ limit: limits.offences, windowMs: OFFENCE_WINDOW_MS });
    this.#subscriptions = new Subscriptions({
      limits,
      acl,
      rejections,
      subscribed: (identity, topics) => options.subscribed(identity, topics),
    });
    this.#intake = new Intake({
      clock: options.clock,
      limits,
      acl,
      rejections,
      accept: (message, done) => options.accept(message, done),
      request: (identity, verb, payload) => options.request(identity, verb, payload),
    });
    this.#admission = new Admission({
      limits,
      acl,
      rejections,
      authenticate: (user, password, address) => options.authenticate(user, password, address),
      identityOfCertificate: (commonName) => options.identityOfCertificate?.(commonName),
      wayOf: (name) => options.wayOf?.(name),
      replace: (old, by) => this.#replace(old, by),
    });
    this.#transport = this.#wire();
  }

  #wire(): Transport {
    const { connectTimeoutMs, keepaliveMaxS, drainTimeoutMs } = this.#limits;
    const transport = new Transport(
      {
        connectTimeout: connectTimeoutMs,
        keepaliveLimit: keepaliveMaxS,
        drainTimeout: drainTimeoutMs,
        maxTopicLevels: 16,
        preConnect: (client, packet, next) => {
          const link = this.#links.get(client);
          if (link) this.#admission.preview(link, packet as ConnectPacket);
          next(null, link !== undefined);
        },
        authenticate: (client, user, password, next) => {
          const link = this.#links.get(client);
          if (link === undefined) return;
          void this.#admission.admit(link, user, password).then((refusal) => {
            if (refusal) link.reason ??= refusal.message;
            else (client as { id: string }).id = link.clientId;
            // Aedes's type lists the codes of a const enum; ours are the same numbers.
            next((refusal ?? null) as never, refusal === undefined);
          });
        },
        authorizePublish: (client, packet, next) => {
          const link = client ? this.#links.get(client) : undefined;
          if (link) this.#intake.take(link, packet as PublishPacket, next);
          // Never an acknowledgement for somebody whom we do not know.
          else next(new Error("the connection is closed"));
        },
        authorizeSubscribe: (client, subscription, next) => {
          const link = this.#links.get(client);
          next(null, link && this.#subscriptions.mayAdd(link, subscription.topic) ? subscription : null);
        },
        authorizeForward: (client, packet) => {
          const link = this.#links.get(client);
          if (link?.isFrozen) this.#cutFrozen(link);
          return link === undefined || link.conn.destroyed ? null : packet;
        },
      },
      this.#emitter,
      new RetainedOnly(),
    );
    transport.on("connackSent", ({ returnCode }, client) => {
      const link = this.#links.get(client);
      if (returnCode !== 0 || !link?.identity || link.isGone) return;
      link.isConnected = true;
      this.#names.set(link.identity.name, (this.#names.get(link.identity.name) ?? 0) + 1);
      const { address, protocol, certificate } = link;
      this.#options.connected(link.identity, { address, protocol }, certificate);
    });
    transport.on("subscribe", (subscriptions, client) => {
      const link = this.#links.get(client);
      if (link) this.#subscriptions.added(link, subscriptions);
    });
    transport.on("unsubscribe", (topics, client) => {
      for (const topic of topics) this.#links.get(client)?.subscriptions.delete(topic);
    });
    transport.on("clientError", (client, error) => this.#failed(client, error));
    transport.on("connectionError", (client, error) => this.#failed(client, error));
    transport.on("clientDisconnect", (client) => this.#ended(client));
    return transport;
  }

  async start(): Promise<{ [P in Protocol]?: number }> {
    await this.#transport.listen();
    this.#intake.start();
    try {
      this.#listeners = await openListeners(
        this.#options.listen,
        this.#limits,
        (socket) => this.#admits(socket),
        (arrival) => this.#arrived(arrival),
        (kind, address, detail) => {
          this.#offences.add(address, performance.now());
          this.#rejections.add(kind, null, address, detail);
        },
      );
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this.#listeners.ports;
  }

  async stop(): Promise<void> {
    this.#admission.holds = true;
    const closing = this.#listeners?.close();
    await this.#intake.stop();
    // One turn more for the PUBACKs of what became durable last.
    await new Promise((resolve) => setImmediate(resolve));
    for (const link of this.#links.values()) {
      link.dropsWill = true;
      link.end("the gateway stops");
    }
    await new Promise<void>((resolve) => this.#transport.close(resolve));
    this.#listeners?.drop();
    await closing;
  }

  publish(topic: string, payload: string | Buffer, options: { qos?: 0 | 1; retain?: boolean } = {}): void {
    this.#transport.send(topic, Buffer.from(payload), options.qos ?? 1, options.retain ?? false);
  }

  hold(on: boolean): void {
    this.#admission.holds = on;
  }

  renewTls(files: TlsFiles): void {
    this.#listeners?.renewTls(files);
    for (const link of this.#links.values()) {
      const why = link.certificate && this.#listeners?.refusal(link.certificate);
      if (why !== undefined) this.#cut(link, "certificate_refused", `the certificate: ${why}`);
    }
  }

  isConnected(name: string): boolean {
    return this.#names.has(name);
  }

  connectionCount(): number {
    return this.#links.size;
  }

  inFlight(): number {
    return this.#intake.inFlight;
  }

  counts(): BrokerCounts {
    const { accepted, requests } = this.#intake;
    return { accepted, requests, emitted: this.#emitter.emitted, rejected: this.#rejections.counts };
  }

  #admits(socket: Socket): boolean {
    const address = addressOf(socket);
    if (!this.#offences.isFull(address, performance.now())) return true;
    socket.on("error", () => undefined);
    socket.destroy();
    this.#rejections.add(
      "rate_limited",
      null,
      address,
      "too many connections that were no station's; turned away",
    );
    return false;
  }

  #arrived(arrival: Arrival): void {
    if (this.#links.size >= this.#limits.connections) {
      arrival.conn.destroy();
      const detail = `there are ${this.#limits.connections} connections, which is the most`;
      this.#rejections.add("connection_limit", null, arrival.address, detail);
      return;
    }
    const link = new Link(arrival, this.#limits.queuedBytes, () => this.#cutFrozen(link));
    link.guard = new PacketGuard(arrival.conn, {
      allowance: () => this.#intake.allowance(link),
      maxBytes: () => (link.isConnected ? this.#limits.packetBytes : this.#limits.connectBytes),
      fault: (fault, detail) => this.#cut(link, fault, detail),
    });
    link.client = this.#transport.handle(arrival.conn) as TransportClient;
    this.#links.set(link.client, link);
    arrival.conn.once("close", () => this.#ended(link.client));
  }

  #cut(link: Link, kind: RejectionKind, detail: string): void {
    if (!link.identity) this.#offences.add(link.address, performance.now());
    this.#rejections.add(kind, link.identity ?? null, link.address, detail);
    link.end(detail);
  }

  #cutFrozen(link: Link): void {
    const detail = `${link.identity?.name} leaves more than ${this.#limits.queuedBytes} bytes untaken`;
    this.#cut(link, "slow_subscriber", detail);
  }

  #replace(old: Link, by: Link): void {
    old.reason ??= `taken over by a new connection from ${by.address}`;
    old.dropsWill = true;
    old.client.close();
    this.#ended(old.client);
  }

  #failed(client: TransportClient, error: Error): void {
    const link = this.#links.get(client);
    const ending = endingOf(error);
    if (link === undefined || link.reason !== undefined || ending === undefined) return;
    link.reason = ending.reason;
    if (ending.kind === undefined) return;
    if (!link.identity) this.#offences.add(link.address, performance.now());
    this.#rejections.add(ending.kind, link.identity ?? null, link.address, ending.reason);
  }

  /** Once for every link, however it ended. */
  #ended(client: TransportClient): void {
    const link = this.#links.get(client);
    if (link === undefined) return;
    this.#links.delete(client);
    link.isGone = true;
    this.#intake.forget(link);
    this.#admission.release(link);
    if (!link.isConnected || !link.identity) return;
    const { name } = link.identity;
    const left = (this.#names.get(name) ?? 1) - 1;
    if (left > 0) this.#names.set(name, left);
    else this.#names.delete(name);
    const goodbye = client._disconnected ? "disconnected by the client" : "connection lost";
    this.#options.disconnected(link.identity, link.reason ?? goodbye);
  }
}
