/**
 * What clients publish, on its way to the core. A station's message is handed over at once and its PUBACK leaves when
 * the core says that it is durable; until then Aedes takes it for a QoS 0 message. Were the PUBACK left to Aedes, a
 * message that waits would stop it from reading, PINGREQ included, and a full disk would cost every connection.
 * What waits is bounded by not reading: TCP then slows the sender down, and nobody is cut for having a backlog.
 */
import type { PublishPacket } from "aedes";
import type { Identity } from "../identity/credentials.ts";
import type { DepotClock } from "../model/clock.ts";
import type { InKind } from "../model/topics.ts";
import type { Acl } from "./acl.ts";
import type { Limits } from "./limits.ts";
import type { Link } from "./link.ts";
import { quoted, type Rejection, type Rejections } from "./rejections.ts";

export interface IncomingMessage {
  station: string;
  evse: number;
  kind: InKind;
  topic: string;
  payload: Buffer;
  /** Depot time of arrival, ms since the epoch. */
  atMs: number;
}

interface IntakeOptions {
  clock: DepotClock;
  limits: Limits;
  acl: Acl;
  rejections: Rejections;
  accept(message: IncomingMessage, done: () => void): void;
  request(identity: Identity, verb: string, payload: Buffer): void;
}

/** Packets handed to Aedes at once: enough to be cheap, few enough to stop soon. */
const SLICE = 100;
const SECOND_MS = 1_000;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #blocked = new Set<Link>();
  #keepalive: NodeJS.Timeout | undefined;
  #isSweeping = false;
  #stopped: (() => void) | undefined;
  #bytes = 0;
  inFlight = 0;
  accepted = 0;
  requests = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  start(): void {
    // A blocked client may have sent its PINGREQ: it waits unread in our socket, so its silence proves nothing.
    this.#keepalive = setInterval(() => {
      for (const link of this.#blocked) link.client._keepaliveTimer?.refresh();
    }, SECOND_MS);
  }

  /** Reads nothing more. Resolves when all that was read is durable, or after `stopTimeoutMs`. */
  async stop(): Promise<void> {
    clearInterval(this.#keepalive);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopped = resolve;
    if (this.inFlight === 0) return;
    const timer = setTimeout(resolve, this.#options.limits.stopTimeoutMs);
    await promise;
    clearTimeout(timer);
  }

  /** How many packets of `link` may be read now. */
  allowance(link: Link): number {
    if (!link.isConnected) return link.guard.handedOn === 0 ? 1 : 0;
    const { limits } = this.#options;
    const room = limits.inFlight - link.acks.size;
    const isBlocked = room <= 0 || this.#bytes >= limits.inFlightBytes || link.isThrottled;
    if (isBlocked || this.#stopped) {
      this.#blocked.add(link);
      return 0;
    }
    return Math.min(room, SLICE);
  }

  forget(link: Link): void {
    this.#blocked.delete(link);
  }

  /** Takes a PUBLISH. On an error Aedes closes the connection without an acknowledgement. */
  take(link: Link, packet: PublishPacket, done: (error?: Error | null) => void): void {
    if (link.client.closed) {
      this.#takeWill(link, packet);
      done();
      return;
    }
    const refused =
      link.identity?.role === "station"
        ? this.#takeFromStation(link, link.identity, packet)
        : this.#takeRequest(link, packet);
    if (refused === undefined) {
      link.defer(done);
      return;
    }
    this.#options.rejections.add(refused.kind, link.identity ?? null, link.address, refused.detail);
    link.reason ??= refused.detail;
    done(new Error(refused.detail));
  }

  #takeFromStation(link: Link, identity: Identity, packet: PublishPacket): Rejection | undefined {
    let place = link.places.get(packet.topic);
    if (place === undefined) {
      place = this.#options.acl.stationTopic(identity, packet.topic);
      if (place === undefined) return denied(identity, packet.topic);
      link.places.set(packet.topic, place);
    }
    // QoS 0 could be lost without anyone knowing. QoS 2 would promise exactly once on packet ids that no station and no
    // gateway keeps over a restart; what gives one effect is (boot, seq), and that works with QoS 1.
    if (packet.qos !== 1) return wrongQos(identity, packet, "use QoS 1");
    const { messageId = 0, topic } = packet;
    if (messageId === 0) return MESSAGE_ID_0;
    packet.qos = 0;
    const payload = packet.payload as Buffer;
    const pending = link.acks.expect(messageId);
    this.#hold(payload.length);
    this.#options.accept({ ...place, topic, payload, atMs: this.#options.clock.nowMs() }, () => {
      if (pending.settled) return;
      link.acks.settle(pending);
      this.#free(payload.length);
    });
    return undefined;
  }

  #takeRequest(link: Link, packet: PublishPacket): Rejection | undefined {
    const { identity } = link;
    const verb = identity && this.#options.acl.requestVerb(identity, packet.topic);
    if (identity === undefined || verb === undefined) return denied(identity, packet.topic);
    if (packet.qos === 2) return wrongQos(identity, packet, "use QoS 1 or 0");
    if (packet.qos === 1 && !packet.messageId) return MESSAGE_ID_0;
    this.#throttle(link, identity);
    this.requests += 1;
    this.#options.request(identity, verb, packet.payload as Buffer);
    return undefined;
  }

  /** Wills are checked at CONNECT. They have no PUBACK and wait for nothing. */
  #takeWill({ identity, dropsWill }: Link, { topic, payload }: PublishPacket): void {
    if (identity === undefined || dropsWill) return;
    const { acl, clock, accept, request } = this.#options;
    const place = acl.stationTopic(identity, topic);
    const verb = acl.requestVerb(identity, topic);
    if (verb !== undefined) request(identity, verb, payload as Buffer);
    if (place === undefined) return;
    let isSettled = false;
    this.#hold(payload.length);
    accept({ ...place, topic, payload: payload as Buffer, atMs: clock.nowMs() }, () => {
      if (!isSettled) this.#free(payload.length);
      isSettled = true;
    });
  }

  #throttle(link: Link, identity: Identity): void {
    const nowMs = performance.now();
    if (nowMs - link.requestsFromMs >= SECOND_MS) {
      link.requestsFromMs = nowMs;
      link.requests = 0;
    }
    link.requests += 1;
    if (link.requests <= this.#options.limits.requestsPerSecond || link.isThrottled) return;
    link.isThrottled = true;
    this.#options.rejections.add(
      "rate_limited",
      identity,
      link.address,
      `${identity.name} makes more than ${this.#options.limits.requestsPerSecond} requests a second and is slowed down`,
    );
    setTimeout(
      () => {
        link.isThrottled = false;
        this.#sweepSoon();
      },
      Math.max(1, link.requestsFromMs + SECOND_MS - nowMs),
    ).unref();
  }

  #hold(bytes: number): void {
    this.accepted += 1;
    this.inFlight += 1;
    this.#bytes += bytes;
  }

  #free(bytes: number): void {
    this.inFlight -= 1;
    this.#bytes -= bytes;
    if (this.#blocked.size > 0) this.#sweepSoon();
    if (this.inFlight === 0) this.#stopped?.();
  }

  #sweepSoon(): void {
    if (this.#isSweeping || this.#stopped) return;
    this.#isSweeping = true;
    setImmediate(() => {
      this.#isSweeping = false;
      // A copy: whoever is still blocked is added again.
      for (const link of [...this.#blocked]) {
        this.#blocked.delete(link);
        if (this.allowance(link) > 0) link.guard.resume();
      }
    });
  }
}

const MESSAGE_ID_0: Rejection = { kind: "malformed", detail: "a PUBLISH with message id 0" };

function denied(identity: Identity | undefined, topic: string): Rejection {
  return { kind: "acl_denied", detail: `${identity?.name} may not publish ${quoted(topic)}` };
}

function wrongQos({ name }: Identity, { topic, qos }: PublishPacket, fix: string): Rejection {
  return { kind: "qos_refused", detail: `${name} publishes ${quoted(topic)} with QoS ${qos}; ${fix}` };
}
