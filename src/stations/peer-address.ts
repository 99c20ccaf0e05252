/** Where a connection comes from, as alerts and logs show it: IPv4 without the prefix that dual-stack sockets add. */
import type { Socket } from "node:net";

export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
}
