/** A plain Aedes broker that lets everyone in and keeps what stations publish, with a voice of its own. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import type { z } from "zod";
import { IN_MESSAGES, type Limit } from "../../src/model/messages.ts";
import { type InKind, parseInTopic, siteTopics } from "../../src/model/topics.ts";

export const SITE = "ringon";

export interface Received {
  station: string;
  evse: number;
  kind: InKind;
  /** Parsed with the contract of its kind. */
  body: z.infer<(typeof IN_MESSAGES)[InKind]> & Record<string, unknown>;
  raw: string;
  dup: boolean;
}

export interface OpenBroker {
  url: string;
  port: number;
  received: Received[];
  /** What did not keep to the contract. */
  faults: string[];
  /** Answers every authorisation with this; null leaves it unanswered. */
  answer: "accepted" | "denied" | null;
  limit(station: string, limit: Partial<Limit> & { rev: number; limit_a: number }): void;
  publish(topic: string, payload: string): void;
  /** Waits until a received message satisfies `wanted`. */
  until(wanted: (message: Received) => boolean): Promise<Received>;
  of(kind: InKind): Received[];
  close(): Promise<void>;
}

export async function openBroker(port = 0): Promise<OpenBroker> {
  const aedes = await Aedes.createBroker();
  const topics = siteTopics(SITE);
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const received: Received[] = [];
  const faults: string[] = [];
  const waiting = new Set<() => void>();

  const publish = (topic: string, payload: string) =>
    aedes.publish(
      { cmd: "publish", qos: 1, dup: false, retain: false, topic, payload: Buffer.from(payload) },
      () => undefined,
    );

  const broker: OpenBroker = {
    url: "",
    port: (server.address() as AddressInfo).port,
    received,
    faults,
    answer: "accepted",
    publish,
    limit(station, limit) {
      const whole = {
        ts: new Date().toISOString(),
        phases: 3,
        valid_for_s: 1e6,
        fallback_a: 6,
        reason: "fair_share",
      };
      publish(topics.limit(station, 1), JSON.stringify({ ...whole, ...limit }));
    },
    until(wanted) {
      return new Promise((resolve) => {
        const look = () => {
          const found = received.find(wanted);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    of: (kind) => received.filter((m) => m.kind === kind),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  broker.url = `mqtt://127.0.0.1:${broker.port}`;

  aedes.on("publish", (packet, client) => {
    if (!client && !packet.topic.includes("/in/")) return;
    const topic = parseInTopic(SITE, packet.topic);
    const raw = packet.payload.toString();
    if (!topic) {
      if (!packet.topic.startsWith("$SYS")) faults.push(`topic ${packet.topic}`);
      return;
    }
    const parsed = IN_MESSAGES[topic.kind].safeParse(JSON.parse(raw));
    if (!parsed.success) {
      faults.push(`${packet.topic} ${parsed.error.message}`);
      return;
    }
    if (client && packet.qos !== 1) faults.push(`${packet.topic} with QoS ${packet.qos}`);
    received.push({ ...topic, body: parsed.data, raw, dup: packet.dup ?? false });
    if (topic.kind === "authorize" && broker.answer) {
      const { ref } = JSON.parse(raw) as { ref: string };
      const payload = JSON.stringify({ ref, status: broker.answer, reason: "test" });
      publish(topics.authorization(topic.station, topic.evse), payload);
    }
    for (const look of waiting) look();
  });
  return broker;
}
