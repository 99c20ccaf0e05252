/** Takes line protocol, counts lines, answers 204. Prints its port; `GET /lines` answers the count. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGunzip } from "node:zlib";

const NEWLINE = 10;
let lines = 0;
const server = createServer((request, response) => {
  if (request.method === "GET" && request.url === "/lines") {
    response.end(String(lines));
    return;
  }
  const body = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
  let last = NEWLINE;
  body.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === NEWLINE) lines += 1;
    last = chunk.at(-1) ?? last;
  });
  body.on("end", () => {
    // The last line may do without its end.
    if (last !== NEWLINE) lines += 1;
    response.writeHead(204).end();
  });
}).listen(0, "127.0.0.1", () => console.log(`port ${(server.address() as AddressInfo).port}`));
