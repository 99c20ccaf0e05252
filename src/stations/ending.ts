/** Why Aedes ended a connection, in words for `station.disconnected`. */
import type { RejectionKind } from "./rejections.ts";

interface Ending {
  reason: string;
  /** Set when it is more than a connection that went away. */
  kind?: RejectionKind;
}

const ENDINGS = new Map<string, Ending>([
  [
    "keep alive timeout",
    { reason: "nothing heard for one and a half keepalive intervals", kind: "keepalive_timeout" },
  ],
  ["drain timeout", { reason: "took nothing that was sent to it for too long" }],
  ["connection closed", { reason: "connection lost" }],
  ["connect did not arrive in time", { reason: "no whole CONNECT in time", kind: "connect_timeout" }],
]);

/** Undefined for a CONNECT that was refused with a return code: that was told when it was decided. */
export function endingOf(error: Error & { code?: string; errorCode?: number }): Ending | undefined {
  if (error.errorCode !== undefined) return undefined;
  // With a code it comes from the socket, without one from the parser.
  if (error.code !== undefined) return { reason: `connection lost (${error.code})` };
  return (
    ENDINGS.get(error.message) ?? { reason: `sent something malformed: ${error.message}`, kind: "malformed" }
  );
}
