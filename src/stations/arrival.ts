/** A connection as it reaches the broker. */
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export type Protocol = "tcp" | "tls" | "ws";

export interface Arrival {
  conn: Duplex;
  address: string;
  protocol: Protocol;
  /** Of a client certificate that `ca` vouches for. */
  commonName?: string;
  certificate?: X509Certificate;
}

/** Where it comes from, as alerts and logs show it: IPv4 without the prefix that dual-stack sockets add. */
export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
}
