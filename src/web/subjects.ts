/**
 * `/api/v1/subjects`: the rights of those who charge. A token is only ever sent in a body, never in a path that logs
 * and proxies keep; everything is audited with who asked and why.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { Token } from "../model/messages.ts";
import type { ErasureReport } from "../model/subject.ts";
import { RequestError } from "./api.ts";
import { actorOf } from "./audit.ts";
import type { ApiError } from "./sources.ts";

/** Who may do any of this. */
export const SUBJECT_PERMISSION = "privacy";

/** Durable when it is `done`. */
export type SubjectVerdict<T> = { done: T } | { refused: 404 | 409 | 503; answer: ApiError };

/** Who asks, as the trail names them, and why. */
export interface Asker {
  actor: string;
  reason?: string;
}

export interface SubjectDoor {
  find(token: Token, by: Asker): Promise<SubjectVerdict<SubjectFinding>>;
  /** A ZIP. */
  export(subject: string, by: Asker): Promise<SubjectVerdict<Uint8Array>>;
  /** `preview`: says what would go and stay, and does nothing. */
  erase(subject: string, by: Asker & { preview?: boolean }): Promise<SubjectVerdict<ErasureReport>>;
  hold(subject: string, by: Asker & { untilMs?: number | null }): Promise<SubjectVerdict<SubjectHeld>>;
  release(subject: string, by: Asker): Promise<SubjectVerdict<{ subject: string; released: boolean }>>;
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
/** A command of this machine says for which of its users it acts; it has the API token. */
const actor = z
  .string()
  .max(64)
  .regex(/^cli:[^\s:]+$/u)
  .optional();
const Find = z.strictObject({ token: Token, actor });
const Plain = z.strictObject({ reason: Reason, actor });
const Erase = z.strictObject({ reason: Reason, preview: z.boolean().default(false), actor });
const Hold = z.strictObject({ reason: Reason, until: z.iso.datetime({ offset: true }).optional(), actor });

const EXPORT_PATIENCE_MS = 600_000;

/** `mayWrite`: a token is asked for; without one there is nobody who could be named. */
export function registerSubjects(server: FastifyInstance, door: SubjectDoor, mayWrite: boolean): void {
  const route = <Body extends { actor?: string | undefined }>(
    path: string,
    schema: z.ZodType<Body>,
    work: (subject: string, body: Omit<Body, "actor"> & Asker) => Promise<SubjectVerdict<unknown>>,
  ) =>
    server.post(
      `/api/v1/subjects/${path}`,
      { config: { permission: SUBJECT_PERMISSION } },
      async (request, reply) => {
        if (!mayWrite) throw new RequestError(403, NEEDS_TOKEN);
        // A large export, or a search in a large log, takes longer than a silent socket may elsewhere.
        request.raw.socket.setTimeout(EXPORT_PATIENCE_MS);
        const { subject = "" } = request.params as { subject?: string };
        const body = parsed(schema, request);
        const verdict = await work(subject, { ...body, actor: whoAsks(request, body.actor) });
        if ("refused" in verdict) throw new RequestError(verdict.refused, verdict.answer);
        if (!(verdict.done instanceof Uint8Array)) return verdict.done;
        return reply.type("application/zip").send(Buffer.from(verdict.done));
      },
    );
  route("find", Find, (_, { token, actor: by }) => door.find(token, { actor: by }));
  route(":subject/export", Plain, (subject, by) => door.export(subject, by));
  route(":subject/erase", Erase, (subject, by) => door.erase(subject, by));
  route(":subject/hold", Hold, (subject, { until, ...by }) =>
    door.hold(subject, { ...by, untilMs: until === undefined ? null : Date.parse(until) }),
  );
  route(":subject/release", Plain, (subject, by) => door.release(subject, by));
}

/** The API token has no name of its own: whoever holds it says who they are. Users are who they signed in as. */
function whoAsks(request: FastifyRequest, said: string | undefined): string {
  const known = actorOf(request);
  return known === "api" ? (said ?? known) : known;
}

const NEEDS_TOKEN: ApiError = {
  code: "TOKEN_REQUIRED",
  message: "Personal data is only found, given out and erased with an API token.",
  fix: "Set api.token_file and send Authorization: Bearer.",
};

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
