/** `/api/v1/holds`: what waits for a person, and the person's word, which changes bills; durable when it is answered. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Caller } from "../identity/access.ts";
import { RequestError } from "./api.ts";
import type { ApiError } from "./sources.ts";

export const DECISIONS = ["release", "void", "credit"] as const;
export type Decision = (typeof DECISIONS)[number];

/** Who decides and why: they stand in the log for ever. */
export const Reasoned = z.object({
  by: z.string().regex(/^[A-Za-z0-9._@-]{1,64}$/),
  reason: z.string().trim().min(3).max(500),
});
export type Reasoned = z.infer<typeof Reasoned>;

/** Durable when it is `decided`: the fact, in the wire's spelling. */
export type Verdict = { decided: object } | { refused: 404 | 409; answer: ApiError };

export interface HoldDoor {
  /** Sessions that wait, oldest first. */
  list(): Promise<readonly object[]>;
  /** `id`: of the session, or of the CDR for `credit`. */
  decide(decision: Decision, id: string, why: Reasoned): Promise<Verdict>;
}

export function registerHolds(server: FastifyInstance, door: HoldDoor): void {
  server.get("/api/v1/holds", async () => ({ holds: await door.list() }));
  const post = (path: string, decision: Decision) =>
    server.post(path, async (request) => {
      const { id } = request.params as { id: string };
      const verdict = await door.decide(decision, id, reasoned(inOwnName(request.body, request.user)));
      if ("refused" in verdict) throw new RequestError(verdict.refused, verdict.answer);
      return verdict.decided;
    });
  post("/api/v1/holds/:id/release", "release");
  post("/api/v1/holds/:id/void", "void");
  post("/api/v1/cdrs/:id/credit", "credit");
}

/** A person decides in their own name; who holds the token of this machine says whose hand it was. */
export function inOwnName(body: unknown, { name }: Caller): unknown {
  return name === "api" || typeof body !== "object" || body === null ? body : { ...body, by: name };
}

function reasoned(body: unknown): Reasoned {
  const read = Reasoned.safeParse(body);
  if (read.success) return read.data;
  throw reasonFault(body, read.error);
}

/** What is wrong with `by` or `reason`. */
export function reasonFault(body: unknown, { issues }: z.ZodError): RequestError {
  const seen = (body ?? {}) as { by?: unknown; reason?: unknown };
  const isBy = issues.some(({ path }) => path[0] === "by" || path.length === 0);
  const shown = (value: unknown) => (value === undefined ? "missing" : `"${String(value).slice(0, 64)}"`);
  return new RequestError(400, {
    code: "BAD_BODY",
    message: isBy ? `by is ${shown(seen.by)}.` : `reason is ${shown(seen.reason)}.`,
    fix: isBy
      ? "Send JSON with by: the operator's id, 1 to 64 letters, digits or . _ @ -."
      : "Send JSON with reason: 3 to 500 characters that say why.",
  });
}
