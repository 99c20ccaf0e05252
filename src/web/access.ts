/** Who may read the API: a bearer token (RFC 6750), or, without one, only this machine itself. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { ApiError } from "./sources.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]", "::1"]);

export function isLoopback(host: string): boolean {
  return LOOPBACK_NAMES.has(host);
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Answers why a request is refused; undefined lets it in. */
export function accessCheck(
  apiToken: string | undefined,
): (headers: { authorization?: string | undefined; host?: string | undefined }) => ApiError | undefined {
  if (apiToken === undefined) {
    // A page in a browser on this machine can reach loopback under a name of its own (DNS rebinding).
    return ({ host }) =>
      isLoopback((host ?? "").replace(/:\d+$/, ""))
        ? undefined
        : {
            code: "HOST_REFUSED",
            message: "Without an API token only requests to 127.0.0.1 or localhost are answered.",
            fix: "Use http://127.0.0.1, or set api.token_file and send Authorization: Bearer.",
          };
  }
  const expected = digest(apiToken);
  return ({ authorization }) => {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return undefined;
    return {
      code: "UNAUTHORIZED",
      message: given === undefined ? "No API token was sent." : "The API token is not the right one.",
      fix: "Send the header Authorization: Bearer <token from api.token_file>.",
    };
  };
}
