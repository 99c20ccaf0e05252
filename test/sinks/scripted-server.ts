/** An HTTP server that answers writes as told: the part of an InfluxDB 2.x that a test needs to misbehave on cue. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";

export interface Written {
  url: string;
  headers: IncomingMessage["headers"];
  lines: string[];
}

/** Answers a write: a status and body, "lost" (stored, reply cut off), "silent" (never answered). */
export type Answer = { status: number; body?: string; headers?: Record<string, string> } | "lost" | "silent";

export interface ScriptedServer {
  url: string;
  requests: Written[];
  /** Sockets open right now. */
  openSockets(): number;
  /** How the next requests are answered; 204 to everything at first. */
  answer: (written: Written) => Answer;
  stop(): Promise<void>;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => void handle(request, response));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const scripted: ScriptedServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    openSockets: () => sockets.size,
    answer: () => ({ status: 204 }),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
    const written = { url: request.url ?? "", headers: request.headers, lines: body.toString().split("\n") };
    scripted.requests.push(written);
    const answer = scripted.answer(written);
    if (answer === "silent") return;
    if (answer === "lost") return void request.socket.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }
  return scripted;
}
