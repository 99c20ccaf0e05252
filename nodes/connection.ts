/**
 * One MQTT connection to the gateway, shared by all nodes that name the same config node. MQTT 3.1.1; the streams are
 * subscribed when the first node listens, so an unused one costs nothing.
 */
import { randomBytes, randomUUID } from "node:crypto";
import mqtt, { type MqttClient } from "mqtt";
import {
  type Answer,
  type DepartRequest,
  type LimitRequest,
  paletteTopics,
  readTopic,
  type Stream,
} from "./contract.ts";

export interface ConnectionOptions {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  url: string;
  site: string;
  /** Also the client name in `req/{client}` and the start of the client id. */
  username: string;
  password: string;
  tls?: object;
  /** How long to wait for the answer to a request, ms (default 10,000). */
  answerMs?: number;
}

export interface Received {
  topic: string;
  /** What follows the stream in the topic: station and EVSE, or the event's name. */
  rest: string[];
  body: Record<string, unknown>;
}

export interface Connection {
  isConnected(): boolean;
  /** Calls back now and at each change. Returns how to stop. */
  onConnected(listener: (connected: boolean) => void): () => void;
  /** State known already is replayed to the new listener. Returns how to stop. */
  listen(stream: Stream, listener: (message: Received) => void): () => void;
  /** Rejects when not connected (an intent must not wait in a queue), unanswered, or closed. */
  request(verb: "limit", data: LimitRequest["data"], validForS: number): Promise<Answer>;
  request(verb: "depart", data: DepartRequest["data"]): Promise<Answer>;
  /** `station/evse` of every state seen, sorted. Listens from the first call on, so that one may still know none. */
  evses(): string[];
  stop(): Promise<void>;
}

/** Bounds what a broker can make us keep. */
const MAX_STATES = 5_000;
const MAX_PENDING = 100;
const MAX_PAYLOAD_BYTES = 262_144;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** Connects at once and keeps reconnecting; `onProblem` hears of each problem once until it changes. */
export function openConnection(options: ConnectionOptions, onProblem: (text: string) => void): Connection {
  const { answerMs = 10_000 } = options;
  const topics = paletteTopics(options.site, options.username);
  const listeners: Record<Stream, Set<(message: Received) => void>> = {
    state: new Set(),
    session: new Set(),
    alert: new Set(),
  };
  const watchers = new Set<(connected: boolean) => void>();
  const states = new Map<string, Received>();
  const pending = new Map<string, Pending>();
  let lastProblem = "";
  let evsesWanted = false;

  const problem = (text: string) => {
    if (text === lastProblem) return;
    lastProblem = text;
    onProblem(text);
  };

  const client: MqttClient = mqtt.connect(options.url, {
    protocolVersion: 4,
    clean: true,
    clientId: `${options.username}-${randomBytes(6).toString("hex")}`,
    username: options.username,
    password: options.password,
    keepalive: 30,
    connectTimeout: 10_000,
    reconnectPeriod: 2_000,
    resubscribe: false,
    queueQoSZero: false,
    ...options.tls,
  });

  const subscribe = (filter: string) => {
    client.subscribe(filter, { qos: 1 }, (error, granted) => {
      if (error && client.connected) problem(`subscribing to ${filter}: ${error.message}`);
      else if (granted?.some((g) => g.qos >= 128)) problem(`the gateway refused the subscription ${filter}`);
    });
  };

  const isWanted = (stream: Stream) => listeners[stream].size > 0 || (stream === "state" && evsesWanted);

  client.on("connect", () => {
    lastProblem = "";
    subscribe(topics.answers);
    for (const stream of Object.keys(listeners) as Stream[])
      if (isWanted(stream)) subscribe(topics.filters[stream]);
    for (const watch of watchers) watch(true);
  });
  client.on("close", () => {
    for (const watch of watchers) watch(false);
  });
  client.on("error", (error) => problem(error.message || String(error)));

  client.on("message", (topic, payload) => {
    const body = payload.length <= MAX_PAYLOAD_BYTES ? parseObject(payload) : undefined;
    if (topic.startsWith(`${topics.root}/res/`)) {
      const id = topic.slice(topic.lastIndexOf("/") + 1);
      const waiting = pending.get(id);
      if (!waiting) return;
      settle(id, waiting);
      if (body && typeof body.status === "string") waiting.resolve(body as unknown as Answer);
      else waiting.reject(new Error(`the answer on ${topic} is not {id, status, ...}`));
      return;
    }
    const read = readTopic(topics.root, topic);
    if (!read) return;
    if (!body) {
      // An empty retained payload is how MQTT clears one (MQTT 3.1.1, section 3.3.1.3).
      if (payload.length === 0) states.delete(topic);
      else problem(`${topic} is not a JSON object`);
      return;
    }
    const message: Received = { topic, rest: read.rest, body };
    if (read.stream === "state" && (states.has(topic) || states.size < MAX_STATES))
      states.set(topic, message);
    for (const listener of listeners[read.stream]) listener(message);
  });

  function settle(id: string, waiting: Pending): void {
    clearTimeout(waiting.timer);
    pending.delete(id);
  }

  return {
    isConnected: () => client.connected,
    onConnected(listener) {
      watchers.add(listener);
      listener(client.connected);
      return () => watchers.delete(listener);
    },
    listen(stream, listener) {
      const first = !isWanted(stream);
      listeners[stream].add(listener);
      if (first && client.connected) subscribe(topics.filters[stream]);
      // Later, because a node that sends while its flow is being built reaches nobody.
      if (stream === "state")
        setImmediate(() => {
          for (const message of states.values()) if (listeners.state.has(listener)) listener(message);
        });
      return () => listeners[stream].delete(listener);
    },
    request(verb: string, data: object, validForS?: number) {
      if (!client.connected) return Promise.reject(new Error("not connected to the gateway"));
      if (pending.size >= MAX_PENDING)
        return Promise.reject(new Error(`${MAX_PENDING} requests wait for an answer already`));
      const id = randomUUID();
      const until =
        validForS === undefined ? undefined : new Date(Date.now() + validForS * 1000).toISOString();
      const body = {
        id,
        ...(until === undefined ? {} : { valid_until: until, valid_for_s: validForS }),
        data,
      };
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          pending.delete(id);
          reject(new Error(`the gateway did not answer within ${answerMs / 1000} s`));
        }, answerMs);
        const waiting: Pending = { resolve, reject, timer };
        pending.set(id, waiting);
        client.publish(topics.request(verb), JSON.stringify(body), { qos: 1 }, (error) => {
          if (!error || !pending.has(id)) return;
          settle(id, waiting);
          reject(error);
        });
      });
    },
    evses() {
      if (!isWanted("state") && client.connected) subscribe(topics.filters.state);
      evsesWanted = true;
      return [...states.values()].map((s) => s.rest.join("/")).sort();
    },
    async stop() {
      for (const [id, waiting] of pending) {
        settle(id, waiting);
        waiting.reject(new Error("the connection was closed"));
      }
      watchers.clear();
      // Forced: a hung broker must not hold up a deploy.
      await client.endAsync(true);
    },
  };
}

function parseObject(payload: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
