/**
 * `/api/v1/subjects`: the rights of those who charge. A token is only ever sent in a body, never in a path that logs
 * and proxies keep; everything is audited with who asked and why.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Actor } from "../identity/access.ts";
import { Token } from "../model/messages.ts";
import type { ErasureReport } from "../model/subject.ts";
import { RequestError } from "./api.ts";
import type { ApiError } from "./sources.ts";

/** Durable when it is `done`. */
export type SubjectVerdict<T> = { done: T } | { refused: 404 | 409 | 503; answer: ApiError };

/** Who asks, and why. A command on the files of a stopped gateway is `cli:{user of the operating system}`. */
export interface Asker {
  by: Actor;
  reason?: string;
}

export interface SubjectDoor {
  find(token: Token, asked: Asker): Promise<SubjectVerdict<SubjectFinding>>;
  /** A ZIP. */
  export(subject: string, asked: Asker): Promise<SubjectVerdict<Uint8Array>>;
  /** `preview`: says what would go and stay, and does nothing. */
  erase(subject: string, asked: Asker & { preview?: boolean }): Promise<SubjectVerdict<ErasureReport>>;
  hold(subject: string, asked: Asker & { untilMs?: number | null }): Promise<SubjectVerdict<SubjectHeld>>;
  release(subject: string, asked: Asker): Promise<SubjectVerdict<{ subject: string; released: boolean }>>;
}

export interface SubjectFinding {
  /** Null when the token is not known. */
  subject: string | null;
  /** Ids, oldest first. */
  sessions: string[];
  cdrs: string[];
}

export interface SubjectHeld {
  subject: string;
  /** RFC 3339; null: until it is released. */
  until: string | null;
}

const Reason = z.string().trim().min(3).max(500);
const Find = z.strictObject({ token: Token });
const Plain = z.strictObject({ reason: Reason });
const Erase = z.strictObject({ reason: Reason, preview: z.boolean().default(false) });
const Hold = z.strictObject({ reason: Reason, until: z.iso.datetime({ offset: true }).optional() });

const EXPORT_PATIENCE_MS = 600_000;

export function registerSubjects(server: FastifyInstance, door: SubjectDoor): void {
  const route = <Body extends object>(
    path: string,
    schema: z.ZodType<Body>,
    work: (subject: string, asked: Body & Asker) => Promise<SubjectVerdict<unknown>>,
  ) =>
    server.post(`/api/v1/subjects/${path}`, async (request, reply) => {
      // A large export, or a search in a large log, takes longer than a silent socket may elsewhere.
      request.raw.socket.setTimeout(EXPORT_PATIENCE_MS);
      const { subject = "" } = request.params as { subject?: string };
      const verdict = await work(subject, { ...parsed(schema, request), by: request.user });
      if ("refused" in verdict) throw new RequestError(verdict.refused, verdict.answer);
      if (!(verdict.done instanceof Uint8Array)) return verdict.done;
      return reply.type("application/zip").send(Buffer.from(verdict.done));
    });
  route("find", Find, (_, { token, by }) => door.find(token, { by }));
  route(":subject/export", Plain, (subject, asked) => door.export(subject, asked));
  route(":subject/erase", Erase, (subject, asked) => door.erase(subject, asked));
  route(":subject/hold", Hold, (subject, { until, ...asked }) =>
    door.hold(subject, { ...asked, untilMs: until === undefined ? null : Date.parse(until) }),
  );
  route(":subject/release", Plain, (subject, asked) => door.release(subject, asked));
}

/** What is wrong is named without the value: it may be a token. */
function parsed<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const read = schema.safeParse(request.body ?? {});
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  throw new RequestError(400, {
    code: "BAD_BODY",
    message: `${path === "" ? "The body" : path} is not right: ${issue?.message}.`,
    fix: "Send JSON as docs/privacy.md says: token {uid, type}, or reason of 3 to 500 characters.",
  });
}
