/** The sockets of the door: MQTT over TCP, over TLS and over WebSocket, each bounded before it reaches the broker. */
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { Limits } from "./limits.ts";
import type { RejectionKind } from "./rejections.ts";

export type Protocol = "tcp" | "tls" | "ws";

interface Endpoint {
  host: string;
  /** 0 takes a free one. */
  port: number;
}

interface TlsEndpoint extends Endpoint {
  /** PEM. */
  cert: string | Buffer;
  key: string | Buffer;
  /** PEM of who signs client certificates. With it a certificate may replace the password. */
  ca?: string | Buffer;
}

export interface ListenOptions {
  tcp?: Endpoint;
  tls?: TlsEndpoint;
  ws?: Endpoint;
}

export interface Arrival {
  conn: Duplex;
  address: string;
  protocol: Protocol;
  /** Of a client certificate that `ca` vouches for. */
  commonName?: string;
}

export interface Listeners {
  ports: { [P in Protocol]?: number };
  /** Takes no more connections. Resolves when the last one is gone. */
  close(): Promise<void>;
  /** Ends what is left, handshakes included. */
  drop(): void;
}

/** TLS 1.3 suites and the forward-secret AEAD suites of TLS 1.2 (RFC 9325, section 4.2). */
const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");

/** Rejects, with all listeners closed again, naming the address that could not be had and why. */
export async function openListeners(
  listen: ListenOptions,
  limits: Limits,
  arrived: (arrival: Arrival) => void,
  refused: (kind: RejectionKind, address: string, detail: string) => void,
): Promise<Listeners> {
  const open: { protocol: Protocol; server: Server | HttpServer; endpoint: Endpoint }[] = [];
  if (listen.tcp) open.push({ protocol: "tcp", server: tcpServer(arrived), endpoint: listen.tcp });
  if (listen.tls)
    open.push({
      protocol: "tls",
      server: tlsServer(listen.tls, limits, arrived, refused),
      endpoint: listen.tls,
    });
  if (listen.ws) open.push({ protocol: "ws", server: wsServer(limits, arrived), endpoint: listen.ws });
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
  return { ports, close, drop };
}

function tcpServer(arrived: (arrival: Arrival) => void): Server {
  return createServer({ noDelay: true }, (conn) =>
    arrived({ conn, address: addressOf(conn), protocol: "tcp" }),
  );
}

function tlsServer(
  { cert, key, ca }: TlsEndpoint,
  limits: Limits,
  arrived: (arrival: Arrival) => void,
  refused: (kind: RejectionKind, address: string, detail: string) => void,
): Server {
  const server = createTlsServer({
    cert,
    key,
    ...(ca !== undefined && { ca, requestCert: true }),
    // Without a certificate the password decides; a certificate that nobody vouches for is refused below.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    noDelay: true,
    handshakeTimeout: limits.connectTimeoutMs,
  });
  server.on("secureConnection", (conn) => {
    const address = addressOf(conn);
    const commonName = conn.getPeerCertificate().subject?.CN;
    if (commonName === undefined) return arrived({ conn, address, protocol: "tls" });
    if (conn.authorized) return arrived({ conn, address, protocol: "tls", commonName: String(commonName) });
    conn.destroy();
    refused("certificate_refused", address, `a client certificate: ${String(conn.authorizationError)}`);
  });
  server.on("tlsClientError", (error, conn: TLSSocket) => {
    conn.destroy();
    refused("tls_failed", addressOf(conn), (error as NodeJS.ErrnoException).code ?? error.message);
  });
  return server;
}

function wsServer(limits: Limits, arrived: (arrival: Arrival) => void): HttpServer {
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

function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
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
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function closed(server: Server | HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
