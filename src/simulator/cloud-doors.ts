/** The two ways into the simulated cloud, both on 127.0.0.1: a broker of its own, or an HTTP server. */
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Aedes } from "aedes";
import type { Receipt, SignedReceipt } from "../model/summary.ts";
import { siteTopics } from "../model/topics.ts";

/** Takes a summary; undefined when no answer is to be given. */
type Take = (der: Uint8Array) => Promise<Answered | undefined>;

interface Answered {
  status: Receipt["status"];
  /** What is sent: signed, when this cloud signs. */
  message: Receipt | SignedReceipt;
}

export interface Door {
  /** Listens on `port`, 0 for any; answers which. */
  open(port: number): Promise<number>;
  /** Closes it and cuts every connection. */
  close(): Promise<void>;
}

export interface DoorOptions {
  take: Take;
  site: string;
  tls?: { key: string; cert: string };
}

/** Far above 100 CDRs. */
const MAX_SUMMARY_BYTES = 16 * 1024 * 1024;

export function brokerDoor({ take, site, tls }: DoorOptions): Door {
  const topics = siteTopics(site);
  let broker: Aedes | undefined;
  let server: Listener | undefined;

  async function open(port: number): Promise<number> {
    const made = await Aedes.createBroker();
    broker = made;
    made.authorizePublish = (_client, { topic, payload }, done) => {
      if (topic !== topics.summary) return done(new Error(`nothing is taken on ${topic}`));
      take(Buffer.from(payload))
        .then((answered) => {
          done(null);
          if (answered) answer(made, answered);
        })
        .catch((error: Error) => done(error));
    };
    made.authorizeSubscribe = (_client, subscription, done) =>
      done(null, subscription.topic === topics.receipt ? subscription : null);
    const handle = made.handle as (socket: Socket) => void;
    server = listener(tls ? createTlsServer(tls, handle) : createTcpServer(handle));
    return await server.listen(port);
  }

  function answer(through: Aedes, { message }: Answered): void {
    const payload = Buffer.from(JSON.stringify(message));
    const packet = {
      cmd: "publish",
      topic: topics.receipt,
      payload,
      qos: 1,
      retain: false,
      dup: false,
    } as const;
    // A receipt that finds nobody is lost, as in the field: the summary comes again.
    through.publish(packet, () => undefined);
  }

  return {
    open,
    async close() {
      await server?.close();
      await new Promise<void>((resolve) => (broker ? broker.close(() => resolve()) : resolve()));
      broker = undefined;
    },
  };
}

export function httpDoor({ take, tls }: DoorOptions): Door {
  let server: Listener | undefined;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST") return void response.writeHead(405).end();
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > MAX_SUMMARY_BYTES) return void response.writeHead(413).end();
      parts.push(part);
    }
    const answered = await take(Buffer.concat(parts));
    if (!answered) return void request.socket.destroy();
    const status = answered.status === "accepted" ? 200 : 422;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answered.message));
  }

  return {
    async open(port) {
      const handle = (request: IncomingMessage, response: ServerResponse) =>
        void respond(request, response).catch(() => response.destroy());
      server = listener(tls ? createHttpsServer(tls, handle) : createHttpServer(handle));
      return await server.listen(port);
    },
    close: async () => server?.close(),
  };
}

interface Listener {
  listen(port: number): Promise<number>;
  close(): Promise<void>;
}

function listener(server: Server): Listener {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  // A client that does not trust the certificate hangs up: its affair.
  server.on("tlsClientError", () => undefined);
  return {
    async listen(port) {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
