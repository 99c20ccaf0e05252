/**
 * A station's link: MQTT 3.1.1 over mqtt.js as transport only. What was not acknowledged is kept here, in order, and
 * published again on the next link as a new packet (DUP=0) with the same bytes, as stations with their own buffer do.
 * Back-off runs on wire time.
 */
import { connect, type MqttClient } from "mqtt";

export interface ConnectionOptions {
  url: string;
  clientId: string;
  username: string;
  password: string;
  /** Asked for at each connect: the Last Will as it stands then. */
  will(): { topic: string; payload: string };
  /** Topic filter subscribed to before anything is published. */
  subscribe: string;
  /** The link is up and subscribed; what is sent from here goes behind what is still waiting. */
  onOnline(): void;
  onMessage(topic: string, payload: Buffer): void;
  /** Publishes in flight at once (default 20). */
  window?: number;
  /** Samples kept while there is no link (default 5000); the oldest goes first, transactions never. */
  maxSamples?: number;
}

export interface Connection {
  start(): void;
  /** Closes the link properly; what is waiting stays unsent. */
  stop(): Promise<void>;
  send(topic: string, payload: string, kind: "fact" | "sample"): void;
  /** Cuts the socket without a DISCONNECT and stays away until `restore`. */
  cut(): void;
  restore(): void;
  readonly online: boolean;
  readonly acked: number;
  /** Not acknowledged yet, in flight or waiting. */
  readonly waiting: number;
  /** Of these, what is not a sample. */
  readonly waitingFacts: number;
  /** Samples given up while there was no link. */
  readonly droppedSamples: number;
  readonly lastError: string | null;
}

interface Entry {
  topic: string;
  payload: string;
  kind: "fact" | "sample";
  sent: boolean;
  acked: boolean;
}

const BACK_OFF_MS = [100, 250, 500, 1000, 2000, 5000];

export function createConnection(options: ConnectionOptions): Connection {
  const window = options.window ?? 20;
  const maxSamples = options.maxSamples ?? 5000;
  let queue: Entry[] = [];
  let inFlight = 0;
  let client: MqttClient | null = null;
  let up = false;
  let wanted = false;
  let failures = 0;
  let retry: NodeJS.Timeout | null = null;
  let acked = 0;
  let droppedSamples = 0;
  let lastError: string | null = null;

  const pump = (link: MqttClient) => {
    if (!up || link !== client || inFlight >= window) return;
    for (const entry of queue) {
      if (inFlight >= window) return;
      if (entry.sent) continue;
      entry.sent = true;
      inFlight++;
      link.publish(entry.topic, entry.payload, { qos: 1 }, (error) => settle(link, entry, error ?? null));
    }
  };

  const settle = (link: MqttClient, entry: Entry, error: Error | null) => {
    if (link !== client) return;
    inFlight--;
    if (error) {
      // The close of the link, which follows, offers it again.
      lastError = error.message;
      return;
    }
    entry.acked = true;
    acked++;
    let done = 0;
    while (queue[done]?.acked) done++;
    if (done > 0) queue.splice(0, done);
    pump(link);
  };

  const lost = (link: MqttClient) => {
    if (link !== client) return;
    client = null;
    up = false;
    inFlight = 0;
    queue = queue.filter((entry) => !entry.acked);
    for (const entry of queue) entry.sent = false;
    link.end(true);
    if (!wanted) return;
    const base = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length - 1)] ?? 5000;
    failures++;
    retry = setTimeout(open, base * (0.5 + Math.random() / 2));
  };

  const open = () => {
    retry = null;
    const will = options.will();
    const link = connect(options.url, {
      clientId: options.clientId,
      username: options.username,
      password: options.password,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: false },
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      keepalive: 60,
      connectTimeout: 15_000,
    });
    client = link;
    link.on("error", (error) => {
      lastError = error.message;
    });
    link.on("close", () => lost(link));
    link.on("message", (topic, payload) => options.onMessage(topic, payload));
    link.on("connect", () => {
      link.subscribe(options.subscribe, { qos: 1 }, (error) => {
        if (link !== client) return;
        if (error) {
          lastError = `subscribe ${options.subscribe}: ${error.message}`;
          link.stream.destroy();
          return;
        }
        up = true;
        failures = 0;
        options.onOnline();
        pump(link);
      });
    });
  };

  const dropOldestSample = () => {
    const oldest = queue.findIndex((entry) => entry.kind === "sample" && !entry.sent);
    if (oldest < 0) return;
    queue.splice(oldest, 1);
    droppedSamples++;
  };

  return {
    start() {
      if (wanted) return;
      wanted = true;
      open();
    },
    async stop() {
      wanted = false;
      if (retry) clearTimeout(retry);
      retry = null;
      const link = client;
      client = null;
      up = false;
      if (link) await new Promise<void>((resolve) => link.end(!link.connected, {}, () => resolve()));
    },
    send(topic, payload, kind) {
      if (kind === "sample" && queue.length >= maxSamples) dropOldestSample();
      queue.push({ topic, payload, kind, sent: false, acked: false });
      if (client) pump(client);
    },
    cut() {
      wanted = false;
      if (retry) clearTimeout(retry);
      retry = null;
      client?.stream.destroy();
    },
    restore() {
      if (wanted) return;
      wanted = true;
      failures = 0;
      if (!client) open();
    },
    get online() {
      return up;
    },
    get acked() {
      return acked;
    },
    get waiting() {
      return queue.length;
    },
    get waitingFacts() {
      return queue.reduce((n, entry) => (entry.kind === "fact" && !entry.acked ? n + 1 : n), 0);
    },
    get droppedSamples() {
      return droppedSamples;
    },
    get lastError() {
      return lastError;
    },
  };
}
