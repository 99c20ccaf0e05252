/** Who gets in: the steps between a CONNECT packet and its CONNACK. */
import { randomBytes } from "node:crypto";
import type { ConnectPacket } from "aedes";
import { RateWindow } from "../identity/brake.ts";
import type { Identity } from "../identity/credentials.ts";
import type { Acl } from "./acl.ts";
import type { Limits } from "./limits.ts";
import type { Link } from "./link.ts";
import { quoted, type RejectionKind, type Rejections } from "./rejections.ts";

/** CONNACK return codes (MQTT 3.1.1, table 3.1). */
const IDENTIFIER_REJECTED = 2;
const UNAVAILABLE = 3;
const BAD_PASSWORD = 4;
const NOT_AUTHORIZED = 5;

const CLIENT_ID = /^[A-Za-z0-9_.:@-]{1,64}$/;

export type Way = "certificate" | "password";

interface AdmissionOptions {
  limits: Limits;
  acl: Acl;
  rejections: Rejections;
  authenticate(user: string, password: Buffer, address: string): Promise<Identity | undefined>;
  identityOfCertificate?(commonName: string): Identity | undefined;
  /** The only way in which this identity may prove itself; undefined when either will do. */
  wayOf?(name: string): Way | undefined;
  /** Ends a link, now, without its will, because `by` continues its session. */
  replace(old: Link, by: Link): void;
}

/** Why a CONNECT is refused. Aedes answers with `returnCode`. */
class Refusal extends Error {
  readonly returnCode: number;
  readonly kind: RejectionKind | undefined;

  constructor(returnCode: number, kind: RejectionKind | undefined, detail: string) {
    super(detail);
    this.returnCode = returnCode;
    this.kind = kind;
  }
}

export class Admission {
  /** The link that owns each client id. */
  readonly owners = new Map<string, Link>();
  /** Refuses every CONNECT with "server unavailable": the log takes nothing, or the gateway stops. */
  holds = false;
  readonly #options: AdmissionOptions;
  readonly #takeovers: RateWindow;
  readonly #connects: RateWindow;
  readonly #wills = new WeakMap<Link, ConnectPacket["will"]>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    const { takeoversPerMinute, connectsPerMinute } = options.limits;
    this.#takeovers = new RateWindow({ limit: takeoversPerMinute, windowMs: 60_000 });
    this.#connects = new RateWindow({ limit: connectsPerMinute, windowMs: 60_000 });
  }

  /** Looks at the packet before Aedes does. What it tells of here, Aedes refuses with CONNACK 1 and 6. */
  preview(link: Link, packet: ConnectPacket): void {
    const { rejections, limits } = this.#options;
    const { protocolVersion, keepalive = 0, clientId } = packet;
    if (protocolVersion === 5)
      rejections.add(
        "mqtt5_refused",
        null,
        link.address,
        `client ${quoted(clientId)} speaks MQTT 5; set it to MQTT 3.1.1 (version 4)`,
      );
    else if (keepalive === 0 || keepalive > limits.keepaliveMaxS)
      rejections.add(
        "keepalive_refused",
        null,
        link.address,
        `client ${quoted(clientId)} asks for keepalive ${keepalive} s; set 1 to ${limits.keepaliveMaxS}`,
      );
    link.clientId = clientId;
    if (packet.will) this.#wills.set(link, packet.will);
    // Sessions end with their connection, whatever was asked for: the client is told so by session present = 0.
    packet.clean = true;
  }

  /** Resolves to undefined when `link` may go on, with its identity and client id set. */
  async admit(
    link: Link,
    user: string | undefined,
    password: Buffer | undefined,
  ): Promise<Refusal | undefined> {
    try {
      if (this.holds) throw new Refusal(UNAVAILABLE, undefined, "the gateway takes no new connections now");
      const identity = await this.#identify(link, user, password);
      if (link.isGone) throw new Refusal(UNAVAILABLE, undefined, "the client left");
      const clientId = this.#clientId(identity, link.clientId);
      this.#checkWill(identity, this.#wills.get(link));
      this.#brake(identity);
      this.#takeOver(identity, clientId, link);
      if (identity.role === "station") this.#connects.add(identity.name, performance.now());
      link.identity = identity;
      link.clientId = clientId;
      this.owners.set(clientId, link);
      return undefined;
    } catch (error) {
      const refusal = error instanceof Refusal ? error : failed(error);
      if (refusal.kind) this.#options.rejections.add(refusal.kind, null, link.address, refusal.message);
      return refusal;
    }
  }

  /** The link is gone: its client id is free. */
  release(link: Link): void {
    if (this.owners.get(link.clientId) === link) this.owners.delete(link.clientId);
  }

  async #identify(link: Link, user: string | undefined, password: Buffer | undefined): Promise<Identity> {
    if (link.commonName !== undefined) {
      const identity = this.#options.identityOfCertificate?.(link.commonName);
      if (identity === undefined || (user !== undefined && user !== identity.name))
        throw new Refusal(
          NOT_AUTHORIZED,
          "certificate_refused",
          `a certificate for ${quoted(link.commonName)} used by ${quoted(user ?? "")}`,
        );
      this.#checkWay(identity.name, "certificate");
      return identity;
    }
    if (user === undefined || password === undefined)
      throw new Refusal(NOT_AUTHORIZED, "authentication_failed", "no user name and password");
    // Before the password is looked at: a hash costs time, and could not let it in.
    this.#checkWay(user, "password");
    const identity = await this.#inTime(this.#options.authenticate(user, password, link.address));
    if (identity === undefined)
      throw new Refusal(BAD_PASSWORD, "authentication_failed", `user ${quoted(user)} with a wrong password`);
    return identity;
  }

  #checkWay(name: string, came: Way): void {
    const way = this.#options.wayOf?.(name);
    if (way !== undefined && way !== came)
      throw new Refusal(
        NOT_AUTHORIZED,
        "other_auth_configured",
        `${name} came with a ${came}; its auth is ${way}`,
      );
  }

  #inTime(answer: Promise<Identity | undefined>): Promise<Identity | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Identity | undefined>();
    const timer = setTimeout(
      () => reject(new Refusal(UNAVAILABLE, "authentication_timeout", "the password check took too long")),
      this.#options.limits.authenticateTimeoutMs,
    );
    answer.then(resolve, reject);
    return promise.finally(() => clearTimeout(timer));
  }

  /** A station's client id is its name; others start with theirs. An empty one is made (MQTT-3.1.3-6). */
  #clientId({ name, role }: Identity, asked: string): string {
    if (role === "station") {
      if (asked === "" || asked === name) return name;
      throw new Refusal(
        IDENTIFIER_REJECTED,
        "client_id_refused",
        `station ${name} uses client id ${quoted(asked)}; it must be ${quoted(name)} or empty`,
      );
    }
    if (asked === "") return `${name}-${randomBytes(6).toString("hex")}`;
    if (asked.startsWith(name) && CLIENT_ID.test(asked)) return asked;
    throw new Refusal(
      IDENTIFIER_REJECTED,
      "client_id_refused",
      `user ${name} uses client id ${quoted(asked)}; it must start with ${quoted(name)}, then letters, digits or _.:@-`,
    );
  }

  #checkWill(identity: Identity, will: ConnectPacket["will"]): void {
    const { acl } = this.#options;
    if (will === undefined || acl.stationTopic(identity, will.topic) || acl.requestVerb(identity, will.topic))
      return;
    throw new Refusal(
      NOT_AUTHORIZED,
      "acl_denied",
      `${identity.name} leaves a will on ${quoted(will.topic)}`,
    );
  }

  /** Whoever is refused here is not counted, so that a minute of silence is not asked for. */
  #brake({ name, role }: Identity): void {
    if (role === "station" && this.#connects.isFull(name, performance.now()))
      throw new Refusal(
        UNAVAILABLE,
        "rate_limited",
        `${name} connected ${this.#options.limits.connectsPerMinute} times within a minute; it may again when that is over`,
      );
  }

  #takeOver(identity: Identity, clientId: string, link: Link): void {
    const old = this.owners.get(clientId);
    if (old === undefined) return;
    const owner = old.identity?.name;
    if (owner !== identity.name && clientId !== identity.name)
      throw new Refusal(
        IDENTIFIER_REJECTED,
        "client_id_refused",
        `client id ${quoted(clientId)} is another user's`,
      );
    if (this.#takeovers.add(clientId, performance.now()) > this.#options.limits.takeoversPerMinute)
      throw new Refusal(
        UNAVAILABLE,
        "identity_takeover",
        `${clientId} changes connections too often: two devices with one identity? The one from ${old.address} stays`,
      );
    this.#options.rejections.add(
      "identity_takeover",
      identity,
      link.address,
      `${clientId} connected again while its connection from ${old.address} was open, which was closed`,
    );
    this.#options.replace(old, link);
  }
}

/** The check itself failed: "unavailable", so that the client tries again. */
function failed(cause: unknown): Refusal {
  return new Refusal(UNAVAILABLE, "authentication_failed", `the check of a client failed: ${String(cause)}`);
}
