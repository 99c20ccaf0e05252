/** The sockets of the door: MQTT over TCP, over TLS and over WebSocket, each bounded before it reaches the broker. */
import type { X509Certificate } from "node:crypto";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createWebSocketStream, WebSocketServer } from "ws";
import { type Arrival, addressOf, type Protocol } from "./arrival.ts";
import type { Limits } from "./limits.ts";
import type { RejectionKind } from "./rejections.ts";
import { TlsDoor, type TlsFiles } from "./tls-door.ts";

interface Endpoint {
  host: string;
  /** 0 takes a free one. */
  port: number;
}

type TlsEndpoint = Endpoint &
  TlsFiles & {
    /** Whoever shows no certificate is refused in the handshake. */
    requireClientCert?: boolean;
  };

export interface ListenOptions {
  tcp?: Endpoint;
  tls?: TlsEndpoint;
  ws?: Endpoint;
}

export interface Listeners {
  ports: { [P in Protocol]?: number };
  /** Takes no more connections. Resolves when the last one is gone. */
  close(): Promise<void>;
  /** Ends what is left, handshakes included. */
  drop(): void;
  /** Handshakes from here on use these files; connections stay. Throws, with nothing changed, when they are no good. */
  renewTls(files: TlsFiles): void;
  /** Why the certificate of an open connection would be refused by now, or undefined. */
  refusal(certificate: X509Certificate): string | undefined;
}

/** A depot that comes back at once must not wait for its SYN to be sent again; the system may allow less. */
const BACKLOG = 4096;

/**
 * Rejects, with all listeners closed again, naming the address that could not be had and why. `admits` is asked before
 * anything is read from a socket, and ends the ones that it turns away.
 */
export async function openListeners(
  listen: ListenOptions,
  limits: Limits,
  admits: (socket: Socket) => boolean,
  arrived: (arrival: Arrival) => void,
  refused: (kind: RejectionKind, address: string, detail: string) => void,
): Promise<Listeners> {
  const open: { protocol: Protocol; server: Server | HttpServer; endpoint: Endpoint }[] = [];
  if (listen.tcp) open.push({ protocol: "tcp", server: tcpServer(admits, arrived), endpoint: listen.tcp });
  const secure = listen.tls && new TlsDoor(listen.tls, limits.connectTimeoutMs, admits, arrived, refused);
  if (listen.tls && secure) open.push({ protocol: "tls", server: secure.server, endpoint: listen.tls });
  if (listen.ws)
    open.push({ protocol: "ws", server: wsServer(limits, admits, arrived), endpoint: listen.ws });
  const sockets = new Set<Socket>();
  for (const { server } of open)
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
  const close = async () => {
    await Promise.all(open.map(({ server }) => closed(server)));
  };
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  const ports: Listeners["ports"] = {};
  try {
    for (const { protocol, server, endpoint } of open) {
      server.maxConnections = limits.connections;
      ports[protocol] = await bound(server, endpoint, protocol);
    }
  } catch (error) {
    drop();
    await close();
    throw error;
  }
  return {
    ports,
    close,
    drop,
    renewTls: (files) => secure?.renew(files),
    refusal: (certificate) => secure?.refusal(certificate),
  };
}

function tcpServer(admits: (socket: Socket) => boolean, arrived: (arrival: Arrival) => void): Server {
  return createServer({ noDelay: true }, (conn) => {
    if (admits(conn)) arrived({ conn, address: addressOf(conn), protocol: "tcp" });
  });
}

function wsServer(
  limits: Limits,
  admits: (socket: Socket) => boolean,
  arrived: (arrival: Arrival) => void,
): HttpServer {
  const server = createHttpServer(
    { headersTimeout: limits.connectTimeoutMs, requestTimeout: limits.connectTimeoutMs, noDelay: true },
    (_request, response) => {
      response.writeHead(426, { connection: "close", upgrade: "websocket" });
      response.end("MQTT over WebSocket only: connect with the subprotocol mqtt.\n");
    },
  );
  const upgrader = new WebSocketServer({
    noServer: true,
    maxPayload: 2 * limits.packetBytes,
    perMessageDeflate: false,
    handleProtocols: () => "mqtt",
  });
  server.on("upgrade", (request, socket, head) => {
    if (!admits(socket as Socket)) return;
    const address = addressOf(socket as Socket);
    const offered = String(request.headers["sec-websocket-protocol"] ?? "").split(",");
    // MQTT-6.0.0-3: the client must offer "mqtt".
    if (!offered.some((name) => name.trim() === "mqtt")) {
      socket.end(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nOffer the WebSocket subprotocol mqtt.\n",
      );
      return;
    }
    socket.on("error", () => socket.destroy());
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      arrived({ conn: createWebSocketStream(ws), address, protocol: "ws" });
    });
  });
  return server;
}

function bound(server: Server | HttpServer, { host, port }: Endpoint, protocol: Protocol): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const fix =
        cause.code === "EADDRINUSE"
          ? "another program has it; stop that or choose another port"
          : "choose an address of this machine and a port it may use";
      reject(
        new Error(`MQTT over ${protocol} cannot listen on ${host}:${port} (${cause.code}): ${fix}`, {
          cause,
        }),
      );
    });
    server.listen({ port, host, backlog: BACKLOG }, () => resolve((server.address() as AddressInfo).port));
  });
}

function closed(server: Server | HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
