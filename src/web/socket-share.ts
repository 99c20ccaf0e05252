/** No address takes more than half of the sockets: whoever is flooded from elsewhere still reaches the gateway. */
import type { Server, Socket } from "node:net";

/** `most`: sockets in all. Those of an address beyond its half are closed unread. */
export function shareSockets(server: Server, most: number): void {
  const share = Math.max(1, Math.floor(most / 2));
  const open = new Map<string, number>();
  server.maxConnections = most;
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once("close", () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
    if (count > share) socket.destroy();
  });
}
