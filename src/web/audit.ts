/** `/api/v1/audit`: the audit trail, and the entries that commands on this machine bring while the gateway runs. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Audit } from "../model/audit.ts";
import type { AuditLine } from "../rules/audit-line.ts";
import { RequestError } from "./api.ts";

/** Who may read the trail. */
export const AUDIT_PERMISSION = "privacy";
/** Who may say what was done by another door: the command line of this machine, with the API token. */
export const AUDIT_WRITE_PERMISSION = "admin";

export interface AuditQuery {
  /** ms since the epoch: at or after, and before. */
  fromMs?: number;
  toMs?: number;
  actor?: string;
  /** Whole, or its first word: `session` finds `session.read`. */
  action?: string;
  /** Only facts after this offset. */
  after?: number;
}

export interface AuditDoor {
  record: Audit;
  /** Oldest first. */
  list(query: AuditQuery & { limit: number }): Promise<{ entries: AuditLine[]; more: boolean }>;
}

const DOTTED = /^[a-z0-9_]+(\.[a-z0-9_]+)+$/;

const Entry = z.strictObject({
  actor: z
    .string()
    .max(64)
    .regex(/^cli:[^\s:]+$/u),
  action: z.string().max(64).regex(DOTTED),
  object: z.string().max(128).nullish(),
  reason: z.string().max(500).nullish(),
  detail: z.record(z.string().max(64), z.union([z.string().max(500), z.number()])).nullish(),
});

const Text = z.string().min(1).max(64);
const Instant = z.iso
  .datetime({ offset: true })
  .or(z.iso.date())
  .transform((text) => Date.parse(text));
const Query = z.strictObject({
  from: Instant.optional(),
  to: Instant.optional(),
  actor: Text.optional(),
  action: Text.optional(),
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});

/** `mayWrite`: a token is asked for; without one there is nobody who could be named. */
export function registerAudit(server: FastifyInstance, door: AuditDoor, mayWrite: boolean): void {
  const config = (permission: string) => ({ config: { permission } });
  server.get("/api/v1/audit", config(AUDIT_PERMISSION), async (request) => {
    if (!mayWrite) throw new RequestError(403, NEEDS_TOKEN);
    const { from, to, ...rest } = parsed(Query, request, "query");
    const query = {
      ...(from === undefined ? {} : { fromMs: from }),
      ...(to === undefined ? {} : { toMs: to }),
    };
    const page = await door.list({ ...query, ...defined(rest) } as AuditQuery & { limit: number });
    await door.record({
      actor: actorOf(request),
      action: "audit.read",
      detail: { lines: page.entries.length },
    });
    return page;
  });
  server.post("/api/v1/audit", config(AUDIT_WRITE_PERMISSION), async (request, reply) => {
    if (!mayWrite) throw new RequestError(403, NEEDS_TOKEN);
    await door.record(parsed(Entry, request, "body"));
    return reply.code(201).send({ recorded: true });
  });
}

const NEEDS_TOKEN = {
  code: "TOKEN_REQUIRED",
  message: "The audit trail is only shown and written with an API token.",
  fix: "Set api.token_file and send Authorization: Bearer.",
};

/** The user of a request as the audit trail names them. */
export function actorOf(request: FastifyRequest): string {
  return (request as { user?: { name?: string } }).user?.name ?? "api";
}

function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function parsed<T>(schema: z.ZodType<T>, request: FastifyRequest, part: "query" | "body"): T {
  const read = schema.safeParse(request[part] ?? {});
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  throw new RequestError(400, {
    code: part === "query" ? "BAD_QUERY" : "BAD_BODY",
    message: `${path === "" ? `The ${part}` : path} is not right: ${issue?.message}.`,
    fix: "See the audit part of docs/privacy.md.",
  });
}
