/**
 * Upstream over MQTT 3.1.1: summaries as QoS 1 messages, receipts as JSON on a topic of their own. mqtt.js is the
 * transport and nothing more: each connection is a new client with a clean session, because its own resending goes
 * one by one and its store is memory.
 */
import { Socket } from "node:net";
import { connect, type MqttClient } from "mqtt";
import { siteTopics } from "../model/topics.ts";
import { backoffMs } from "./nap.ts";
import {
  MAX_RECEIPT_BYTES,
  type TlsFiles,
  type TransportEvents,
  type UpstreamTransport,
} from "./upstream-transport.ts";

export interface MqttUpstreamOptions {
  /** `mqtt://host:1883` or `mqtts://host:8883`. */
  url: string;
  site: string;
  clientId: string;
  username?: string;
  password?: string;
  tls?: TlsFiles;
  /** Wire time between attempts to connect; default 1 s to 60 s, with jitter. */
  reconnect?: { minMs: number; maxMs: number };
}

const CONNECT_TIMEOUT_MS = 15_000;
const KEEPALIVE_S = 30;

export function mqttUpstream(options: MqttUpstreamOptions): UpstreamTransport {
  const { url, site, clientId, username, password, tls = {} } = options;
  const reconnect = options.reconnect ?? { minMs: 1000, maxMs: 60_000 };
  const topics = siteTopics(site);
  let events: TransportEvents | undefined;
  let client: MqttClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  let attempts = 0;
  let stopped = false;

  function open(): void {
    const login = {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    };
    const current = connect(url, {
      clientId,
      ...login,
      ...tls,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEPALIVE_S,
    });
    client = current;
    let failure: Error | undefined;
    let closed = false;
    const close = () => {
      if (closed) return;
      closed = true;
      current.end(true);
      if (stopped) return;
      timer = setTimeout(open, backoffMs(attempts++, reconnect));
      events?.down(failure ?? new Error(`the connection to ${target} was closed`));
    };
    current.on("error", (error) => {
      failure ??= error as Error;
      close();
    });
    current.on("close", close);
    current.on("message", (topic, payload) => {
      if (topic === topics.receipt && payload.length <= MAX_RECEIPT_BYTES) events?.receipt(parsed(payload));
    });
    current.on("connect", () => {
      // Small packets both ways in turn are what Nagle's algorithm and delayed acknowledgements stall.
      if (current.stream instanceof Socket) current.stream.setNoDelay(true);
      current.subscribe(topics.receipt, { qos: 1 }, (error, granted) => {
        const refused = granted?.some(({ qos }) => qos >= 128);
        if (error || refused) {
          failure ??= error ?? new Error(`${target} does not let ${clientId} subscribe to ${topics.receipt}`);
          close();
          return;
        }
        attempts = 0;
        events?.up();
      });
    });
  }

  const target = withoutCredentials(url);
  return {
    target,
    start(on) {
      events = on;
      open();
    },
    send({ der }) {
      const through = client;
      if (!through?.connected) return Promise.reject(new Error(`not connected to ${target}`));
      const payload = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
      return new Promise((resolve, reject) => {
        through.publish(topics.summary, payload, { qos: 1 }, (error) => (error ? reject(error) : resolve()));
      });
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await client?.endAsync(true);
    },
  };
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch {
    return undefined;
  }
}

function withoutCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}
