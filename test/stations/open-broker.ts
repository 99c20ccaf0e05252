/** A real broker on free ports of 127.0.0.1 that writes down what it tells the core. */
import { depotClock, REAL_TIME } from "../../src/model/clock.ts";
import {
  type Broker,
  type BrokerOptions,
  createBroker,
  type Identity,
  type IncomingMessage,
  type Rejection,
} from "../../src/stations/broker.ts";

export const SITE = "ringon";
export const ROOT = `laddport/v1/${SITE}`;

export const USERS: Record<string, Identity> = {
  "cp-01": { name: "cp-01", role: "station" },
  "cp-02": { name: "cp-02", role: "station" },
  flows: { name: "flows", role: "flows" },
  wall: { name: "wall", role: "wall" },
  bridge: { name: "bridge", role: "bridge" },
  cli: { name: "cli", role: "cli" },
};

export interface Opened {
  broker: Broker;
  tcp: number;
  tls: number;
  ws: number;
  /** In order: what the core was told. */
  told: string[];
  accepted: IncomingMessage[];
  rejections: (Rejection & { who: string | null })[];
}

const opened: Broker[] = [];

/** Every user's password is its name with "-secret". Closed by `closeAll`. */
export async function openBroker(options: Partial<BrokerOptions> = {}): Promise<Opened> {
  const told: string[] = [];
  const accepted: IncomingMessage[] = [];
  const rejections: Opened["rejections"] = [];
  const broker = createBroker({
    site: SITE,
    clock: depotClock(REAL_TIME),
    listen: { tcp: { host: "127.0.0.1", port: 0 } },
    authenticate: async (user, password) =>
      Object.hasOwn(USERS, user) && password.toString() === `${user}-secret` ? USERS[user] : undefined,
    request: (identity, verb, payload) => told.push(`request ${identity.name} ${verb} ${payload}`),
    connected: (identity, { protocol }) => told.push(`connected ${identity.name} ${protocol}`),
    disconnected: (identity, reason) => told.push(`disconnected ${identity.name}: ${reason}`),
    subscribed: (identity, topics) => told.push(`subscribed ${identity.name} ${topics.join(" ")}`),
    ...options,
    accept: (message, done) => {
      accepted.push(message);
      if (options.accept) options.accept(message, done);
      else done();
    },
    rejected: (identity, what) => rejections.push({ ...what, who: identity?.name ?? null }),
  });
  opened.push(broker);
  const ports = await broker.start();
  return {
    broker,
    tcp: ports.tcp ?? 0,
    tls: ports.tls ?? 0,
    ws: ports.ws ?? 0,
    told,
    accepted,
    rejections,
  };
}

/** Resolves when `condition` holds; looks again every few milliseconds. Fails by the test's own time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 3));
}

export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((broker) => broker.stop()));
}
