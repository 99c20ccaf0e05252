/**
 * Which fields lead to a person, and who is shown them. Nobody, unless they ask with `?personal=true`, have the
 * permission for it, say why, and the audit trail has taken that they did.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { may } from "../identity/access.ts";
import type { Audit } from "../model/audit.ts";
import { DEPARTURE_FIELDS } from "../model/departure.ts";
import { RequestError } from "./api.ts";
import { actedBy } from "./audit.ts";

/** Pseudonyms of people: who reads stations and sessions does not need them. */
const PERSONAL: ReadonlySet<string> = new Set(["token_ref", "cdr_token"]);

/** What everybody in the yard need not read off a display: whose session, what it costs, whose login failed from where. */
const NOT_ON_A_WALL: ReadonlySet<string> = new Set([
  ...PERSONAL,
  "session_id",
  "running",
  "token_group",
  "vehicle",
  ...DEPARTURE_FIELDS,
  "alerts",
]);

/** Where a `personal=true` is understood, and what reading it is called in the audit trail. */
const READINGS: Readonly<Record<string, string>> = {
  "/api/v1/sessions": "session.read",
  "/api/v1/sessions/:id": "session.read",
  "/api/v1/holds": "hold.read",
};

const MIN_REASON = 3;
const MAX_REASON = 500;

export function shieldPersonal(server: FastifyInstance, audit: Audit): void {
  const shown = new WeakSet<FastifyRequest>();

  server.addHook("preHandler", async (request) => {
    const { personal, reason } = request.query as { personal?: unknown; reason?: unknown };
    const action = READINGS[request.routeOptions.url ?? ""];
    if (personal !== "true" || action === undefined) return;
    if (!may(request.user.role, "read-personal"))
      throw new RequestError(403, {
        code: "FORBIDDEN",
        message: `${request.user.name} has the role ${request.user.role}, which may not read personal fields.`,
        fix: "Leave personal=true out, or sign in with a role that may.",
      });
    const why = typeof reason === "string" ? reason.trim().slice(0, MAX_REASON) : "";
    if (why.length < MIN_REASON)
      throw new RequestError(400, {
        code: "REASON_REQUIRED",
        message: "Personal fields are read for a reason, and none is given.",
        fix: "Say why, in 3 to 500 characters: reason=a%20complaint. It stays in the audit trail.",
      });
    const { id = null } = request.params as { id?: string };
    await audit({
      action,
      object: id,
      reason: why,
      ...actedBy(request.user),
    });
    shown.add(request);
  });

  server.addHook("preSerialization", async (request, _reply, payload) => {
    if (shown.has(request)) return payload;
    return without(request.user.role === "kiosk" ? NOT_ON_A_WALL : PERSONAL, payload);
  });
}

function without(hidden: ReadonlySet<string>, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => without(hidden, item));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !hidden.has(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, without(hidden, inner)]));
}
