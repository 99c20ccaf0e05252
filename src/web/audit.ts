/** `/api/v1/audit`: the audit trail, and the entries that commands on this machine bring while the gateway runs. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Actor } from "../identity/access.ts";
import type { Audit } from "../model/audit.ts";
import type { AuditLine } from "../rules/audit-line.ts";
import { RequestError } from "./api.ts";

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

export function registerAudit(server: FastifyInstance, door: AuditDoor): void {
  server.get("/api/v1/audit", async (request) => {
    const { from, to, ...rest } = parsed(Query, request, "query");
    const query = {
      ...(from === undefined ? {} : { fromMs: from }),
      ...(to === undefined ? {} : { toMs: to }),
    };
    const page = await door.list({ ...query, ...defined(rest) } as AuditQuery & { limit: number });
    await door.record({
      action: "audit.read",
      ...actedBy(request.user, { lines: page.entries.length }),
    });
    return page;
  });
  server.post("/api/v1/audit", async (request, reply) => {
    await door.record(parsed(Entry, request, "body"));
    return reply.code(201).send({ recorded: true });
  });
}

/** Who calls, as the audit trail names them: the user of the API, and whose hand it was where that is known. */
export function actedBy({ name, osUser }: Actor, detail: Record<string, string | number> = {}) {
  return { actor: name, detail: osUser === undefined ? detail : { ...detail, os_user: osUser } };
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
