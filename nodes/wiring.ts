/** What every node does first and last: find its gateway, show whether it is connected, let go when closed. */
import type { Connection, Received } from "./connection.ts";
import type { Config, GatewayNode, Message, Node, Red } from "./red.ts";

/**
 * Runs `attach` with the connection and, on close, everything it handed to `release`. While there is no connection the
 * node shows so; when it is back, `connected` may show the node's own status again.
 */
export function withGateway(
  RED: Red,
  node: Node,
  config: Config,
  attach: (connection: Connection, release: (stop: () => void) => void) => { connected(): void },
): void {
  const name = config.type.replace("laddport-", "");
  const connection = (RED.nodes.getNode(config.gateway) as GatewayNode | null)?.connection;
  if (!connection) {
    node.status({ fill: "red", shape: "ring", text: RED._(`${name}.status.no-gateway`) });
    return;
  }
  const stops: (() => void)[] = [];
  const { connected } = attach(connection, (stop) => stops.push(stop));
  stops.push(
    connection.onConnected((up) => {
      if (up) connected();
      else node.status({ fill: "red", shape: "ring", text: RED._(`${name}.status.offline`) });
    }),
  );
  node.on("close", (_removed, done) => {
    for (const stop of stops) stop();
    done();
  });
}

/** `msg.payload` the body, `msg.topic` as received, `msg.laddport` where and when. */
export function toMessage(received: Received, event?: string): Message {
  // State says when it was true (`ts`), an event when the gateway learnt of it (`at`).
  const { log_offset: offset, at, ts = at } = received.body;
  return {
    topic: received.topic,
    payload: received.body,
    laddport: {
      offset: typeof offset === "number" ? offset : null,
      ts: typeof ts === "string" ? ts : null,
      ...(event && { event }),
    },
  };
}

/**
 * Says whether an event is new: the gateway sends at least once, and topic and log offset name it (one fact may be told
 * on two topics: a session that is held has ended too). Remembers 1,000.
 */
export function newEvents(): (received: Received) => boolean {
  const seen = new Set<string>();
  return ({ topic, body }) => {
    const offset = body.log_offset;
    if (typeof offset !== "number") return true;
    const name = `${topic} ${offset}`;
    if (seen.has(name)) return false;
    seen.add(name);
    if (seen.size > 1_000) for (const oldest of seen) return seen.delete(oldest);
    return true;
  };
}

/** `43`, `7.4`: kilowatts for a status text, short. */
export function kilowatts(powerW: number): string {
  const kw = powerW / 1000;
  return Math.abs(kw) < 10 ? kw.toFixed(1) : kw.toFixed(0);
}
