/** Takes line protocol, counts lines, answers 204. Prints its port; on SIGUSR2 prints the count. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGunzip } from "node:zlib";

let lines = 0;
const server = createServer((request, response) => {
  const body = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
  body.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) lines += 1;
  });
  body.on("end", () => response.writeHead(204).end());
}).listen(0, "127.0.0.1", () => console.log(`port ${(server.address() as AddressInfo).port}`));
process.on("SIGUSR2", () => console.log(`lines ${lines}`));
